import itertools
import os
import signal

import numpy as np
import pytest

from vlm3r_ros.training.background import OrderedWorkers
from vlm3r_ros.training.errors import TrainingError


def double(task: int) -> int:
    return 2 * task


def die(task: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return task


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_order_of_endless_tasks(workers):
    pool = OrderedWorkers(double, workers, ahead=3)
    results = pool.map(itertools.count())
    assert [next(results) for _ in range(10)] == list(range(0, 20, 2))
    pool.close()


def some_arrays(task: int) -> dict[str, np.ndarray]:
    large = np.arange(60_000, dtype=np.float64).reshape(200, 300)[:, ::-1]
    return {"large": large + task, "small": np.full(3, task, np.uint8), "none": np.zeros((0, 4))}


def test_arrays_of_workers_come_back_as_they_were():
    pool = OrderedWorkers(some_arrays, 2, ahead=4)
    for task, arrays in zip(range(6), pool.map(itertools.count()), strict=False):
        for name, expected in some_arrays(task).items():
            assert np.array_equal(arrays[name], expected)
            assert arrays[name].dtype == expected.dtype
            arrays[name][...] = 0  # and may be written to
    pool.close()


def test_tasks_that_end_are_all_done():
    pool = OrderedWorkers(double, 0, ahead=3)
    assert list(pool.map(range(5))) == [0, 2, 4, 6, 8]


def test_a_killed_worker_is_said():
    pool = OrderedWorkers(die, 1, ahead=1)
    with pytest.raises(TrainingError, match="was killed"):
        next(pool.map([1]))
    pool.close()
