"""Ctrl-C and kill: the step under way is finished, and its result saved."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While entered, remembers that the process was asked to end; a second Ctrl-C ends it at once.

    Attributes:
        requested: whether it was asked.
    """

    def __init__(self) -> None:
        self.requested = False
        self._former: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
