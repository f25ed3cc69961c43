"""Work done ahead by processes of their own, handed over in order."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

import numpy as np
import torch
import torch.multiprocessing
from numpy.typing import NDArray

from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.worlds.worker_process import start_worker

Task = TypeVar("Task")
Result = TypeVar("Result")


class OrderedWorkers(Generic[Task, Result]):
    """Maps tasks to results on worker processes; the results come in the order of the tasks.

    Args:
        work: what it does must depend on its task alone; each worker gets it once, pickled.
        workers: processes; 0 works in this one when a result is asked for.
        ahead: tasks that may be under way or waiting to be fetched; more where the workers would
            have nothing to do.
    """

    def __init__(self, work: Callable[[Task], Result], workers: int, ahead: int) -> None:
        self._work = work
        self._ahead = max(1, ahead, _PER_WORKER * workers)
        self._pool: ProcessPoolExecutor | None = None
        if workers:
            # A process of its own has no threads or locks of ours, which a forked one might wait
            # for.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(work,))

    def map(self, tasks: Iterable[Task]) -> Iterator[Result]:
        """Results of the tasks, which may be without end.

        Raises:
            TrainingError: a worker was killed.
        """
        if self._pool is None:
            yield from map(self._work, tasks)
            return
        pending: deque[Future[Result]] = deque()
        source = iter(tasks)
        try:
            while True:
                while len(pending) < self._ahead:
                    task = next(source, _END)
                    if task is _END:
                        break
                    pending.append(self._pool.submit(_work, task))
                if not pending:
                    return
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise TrainingError(
                "a process that makes data was killed, for want of memory perhaps; run the same "
                "command again to go on from the last checkpoint, with fewer run.workers"
            ) from error

    def close(self) -> None:
        """End the workers; what they have not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


_given: Callable[[Any], Any] | None = None
"""What this process does if it is a worker: told once, not with each task."""


def _start(work: Callable[[Any], Any]) -> None:
    """Begin as a worker whose large arrays go through shared memory, not through a pipe."""
    global _given
    _given = work
    start_worker()
    ForkingPickler.register(np.ndarray, _reduce_array)


def _work(task: Any) -> Any:
    assert _given is not None
    return _given(task)


def _reduce_array(array: NDArray[Any]) -> tuple[Any, ...]:
    if array.nbytes < _LARGE or array.dtype.hasobject:
        return array.__reduce__()  # type: ignore[return-value]
    return _rebuild_array, (torch.from_numpy(np.ascontiguousarray(array)),)


def _rebuild_array(shared: torch.Tensor) -> NDArray[Any]:
    return shared.numpy()


_LARGE = 1 << 16  # bytes
_PER_WORKER = 2  # tasks: one that it works on, one to go on with
_END = object()
