"""Finds the two messages, of two topics, that carry the same stamp."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class StampMatcher(Generic[A, B]):
    """Pairs messages of two streams by exact stamp, in bounded memory. Not thread safe.

    Some messages of the first stream never get a partner (frames that were skipped): what came
    before a pair is dropped with it, in the order of arrival, so that time may jump back.

    Args:
        max_first: messages of the first stream that may wait.
        max_second: messages of the second stream that may wait.

    Attributes:
        unmatched: messages of the second stream that left without a partner.
    """

    def __init__(self, max_first: int, max_second: int) -> None:
        self._first: OrderedDict[int, A] = OrderedDict()
        self._second: OrderedDict[int, B] = OrderedDict()
        self._max_first = max_first
        self._max_second = max_second
        self.unmatched = 0

    def put_first(self, stamp: int, message: A) -> tuple[A, B] | None:
        """A message of the first stream; the pair, if its partner is here already."""
        partner = self._second.pop(stamp, None)
        if partner is not None:
            return message, partner
        # A repeated stamp goes to the end: it is the newest by arrival.
        self._first.pop(stamp, None)
        self._first[stamp] = message
        if len(self._first) > self._max_first:
            self._first.popitem(last=False)
        return None

    def put_second(self, stamp: int, message: B) -> tuple[A, B] | None:
        """A message of the second stream; the pair, if its partner is here already."""
        if stamp not in self._first:
            self._second[stamp] = message
            if len(self._second) > self._max_second:
                self._second.popitem(last=False)
                self.unmatched += 1
            return None
        while True:
            older_stamp, older = self._first.popitem(last=False)
            if older_stamp == stamp:
                return older, message
