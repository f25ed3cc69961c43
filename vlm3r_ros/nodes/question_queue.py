"""Questions that wait for their turn, first come first served."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from vlm3r_ros.nodes.deferred_service import Reply
from vlm3r_ros.srv import SpatialQuery


@dataclass
class Question:
    """A request that waits.

    Attributes:
        reply: takes the response back to the client.
        timeout: seconds allowed, waiting included.
        arrived: `time.monotonic()` of its arrival.
    """

    reply: Reply[SpatialQuery.Request, SpatialQuery.Response]
    timeout: float
    arrived: float = field(default_factory=time.monotonic)

    @property
    def request(self) -> SpatialQuery.Request:
        """What was asked."""
        return self.reply.request

    @property
    def waited(self) -> float:
        """Seconds since its arrival."""
        return time.monotonic() - self.arrived

    @property
    def remaining(self) -> float:
        """Seconds left; negative when the time is over."""
        return self.timeout - self.waited

    def refuse(self, status: int, message: str) -> None:
        """Answer with a status other than OK, and why."""
        self.reply.response.status = status
        self.reply.response.message = message
        self.reply.send()


class QuestionQueue:
    """A bounded queue of questions. Thread safe."""

    def __init__(self, max_length: int) -> None:
        self._max_length = max_length
        self._lock = threading.Lock()
        self._questions: deque[Question] = deque()

    def __len__(self) -> int:
        return len(self._questions)

    def put(self, question: Question) -> bool:
        """Queue a question; False where the queue is full."""
        with self._lock:
            if len(self._questions) >= self._max_length:
                return False
            self._questions.append(question)
            return True

    def take(self) -> Question | None:
        """The question that waits longest, or None."""
        with self._lock:
            return self._questions.popleft() if self._questions else None

    def take_expired(self) -> list[Question]:
        """Remove and return those whose time is over."""
        with self._lock:
            expired = [each for each in self._questions if each.remaining <= 0]
            if expired:
                self._questions = deque(each for each in self._questions if each not in expired)
            return expired

    def take_all(self) -> list[Question]:
        """Remove and return all."""
        with self._lock:
            questions, self._questions = list(self._questions), deque()
            return questions


def usable_timeout(requested: float, default: float) -> float | None:
    """The seconds to allow: the default for 0, None for what is no timeout."""
    if requested == 0:
        return default
    return requested if math.isfinite(requested) and requested > 0 else None
