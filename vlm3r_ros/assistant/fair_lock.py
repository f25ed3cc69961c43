"""A lock that serves its waiters in the order in which they came."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairLock:
    """Mutual exclusion, first come first served.

    `threading.Lock` gives no order: a worker that takes it again and again could keep a question
    waiting for ever. Not reentrant.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._turns: deque[threading.Event] = deque()
        self._held = False

    def acquire(self, timeout: float | None = None) -> bool:
        """Waits for this caller's turn; False if it did not come within `timeout` seconds."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Event()
            self._turns.append(turn)
        if turn.wait(timeout):
            return True
        with self._mutex:
            # The turn may have come between the end of the wait and here; then it is ours.
            if turn.is_set():
                return True
            self._turns.remove(turn)
            return False

    def release(self) -> None:
        """Hands the lock to whoever waits longest."""
        with self._mutex:
            if self._turns:
                self._turns.popleft().set()
            else:
                self._held = False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Holds the lock for the length of a `with` block."""
        self.acquire()
        try:
            yield
        finally:
            self.release()
