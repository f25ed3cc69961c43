"""A thread of its own for the heavy work, and the slot that hands it the newest item."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

# Only a fallback: every hand-over wakes the worker at once.
_IDLE_WAIT = 0.5


class NewestSlot(Generic[T]):
    """Holds one item; a newer one replaces it. Thread safe.

    Attributes:
        dropped: how many items were replaced before anyone took them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: T | None = None
        self.dropped = 0

    def put(self, item: T) -> None:
        """Store an item, counting the one it replaces."""
        with self._lock:
            if self._item is not None:
                self.dropped += 1
            self._item = item

    def take(self) -> T | None:
        """The newest item, or None where there is none."""
        with self._lock:
            item, self._item = self._item, None
            return item


class Worker:
    """Runs `step` on its own thread, again and again, and sleeps while there is nothing to do.

    Args:
        name: thread name, for debuggers and logs.
        step: does one piece of work; returns False when there was none.
        on_error: told of every exception that leaves `step`; the thread goes on.
    """

    def __init__(
        self, name: str, step: Callable[[], bool], on_error: Callable[[Exception], None]
    ) -> None:
        self._name = name
        self._step = step
        self._on_error = on_error
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; does nothing where it runs already."""
        with self._lock:
            if self.running:
                return
            self._stop.clear()
            self._wake.set()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Tell the worker that there may be work."""
        self._wake.set()

    def stop(self, timeout: float = 30.0) -> bool:
        """Let the current step finish and end the thread; False where it did not end in time."""
        with self._lock:
            self._stop.set()
            self._wake.set()
            thread = self._thread
            if thread is None or thread is threading.current_thread():
                return True
            thread.join(timeout)
            if thread.is_alive():
                return False
            self._thread = None
            return True

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                worked = self._step()
            except Exception as error:
                self._on_error(error)
                worked = True
            if not worked:
                self._wake.wait(_IDLE_WAIT)
