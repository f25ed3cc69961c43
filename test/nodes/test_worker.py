import threading
import time

import pytest

from vlm3r_ros.nodes.worker import NewestSlot, Worker


def wait_until(condition, timeout=2.0):
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_the_newest_item_wins_and_the_others_are_counted():
    slot = NewestSlot[int]()
    assert slot.take() is None
    for item in (1, 2, 3):
        slot.put(item)
    assert (slot.take(), slot.take(), slot.dropped) == (3, None, 2)


@pytest.fixture
def errors() -> list[Exception]:
    return []


def test_work_is_done_off_the_callers_thread_and_survives_errors(errors):
    jobs, done, threads = [1, 0, 2], [], set()

    def step() -> bool:
        if not jobs:
            return False
        threads.add(threading.current_thread())
        done.append(10 // jobs.pop(0))
        return True

    worker = Worker("test", step, errors.append)
    worker.start()
    assert wait_until(lambda: done == [10, 5])
    assert [type(each) for each in errors] == [ZeroDivisionError]
    assert threading.current_thread() not in threads
    assert worker.stop()
    assert not worker.running


def test_an_idle_worker_sleeps_until_it_is_woken(errors):
    steps = []
    worker = Worker("test", lambda: steps.append(time.monotonic()) is not None, errors.append)
    worker.start()
    assert wait_until(lambda: len(steps) == 1)
    time.sleep(0.1)
    assert len(steps) == 1
    worker.wake()
    assert wait_until(lambda: len(steps) == 2, timeout=0.2)
    worker.stop()


def test_a_stopped_worker_can_be_started_again(errors):
    steps = []
    worker = Worker("test", lambda: steps.append(1) is not None, errors.append)
    for _ in range(3):
        before = len(steps)
        worker.start()
        assert wait_until(lambda before=before: len(steps) > before)
        assert worker.stop()
        count = len(steps)
        worker.wake()
        time.sleep(0.02)
        assert len(steps) == count
    assert not errors
