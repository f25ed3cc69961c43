"""Waiters are served in the order they came."""

import threading
import time

from vlm3r_ros.assistant.fair_lock import FairLock


def wait_for_waiters(lock: FairLock, count: int) -> None:
    deadline = time.monotonic() + 5
    while len(lock._turns) < count and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(lock._turns) == count


def test_waiters_are_served_in_order():
    lock, order = FairLock(), []
    lock.acquire()

    def work(number: int) -> None:
        with lock.hold():
            order.append(number)

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        wait_for_waiters(lock, number + 1)
    lock.release()
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))


def test_waiter_that_gives_up_does_not_hold_up_the_next():
    lock = FairLock()
    lock.acquire()
    assert not lock.acquire(timeout=0.01)
    lock.release()
    assert lock.acquire(timeout=1.0)
    lock.release()


def test_lock_taken_again_and_again_lets_a_waiter_in():
    lock, served, stop = FairLock(), threading.Event(), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            with lock.hold():
                time.sleep(0.001)

    worker = threading.Thread(target=busy)
    worker.start()
    time.sleep(0.01)
    if lock.acquire(timeout=2.0):
        served.set()
        lock.release()
    stop.set()
    worker.join(5)
    assert served.is_set()


def test_lock_excludes():
    lock, inside, most = FairLock(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with lock.hold():
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == 1
