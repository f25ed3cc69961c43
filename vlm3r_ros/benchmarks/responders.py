"""What is evaluated: anything that answers the questions about one video at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.worlds.skipping import SceneError


@dataclass(frozen=True)
class Response:
    """What was answered.

    Attributes:
        text: as it came.
        token_ids: of a model's text, without the end of the turn.
        timings: seconds by part; `video` is spent once for all questions of a video.
        confidence: that it is right, in [0, 1]; None of who gives none.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None


Responses = Iterator[tuple[BenchmarkQuestion, Response | SceneError]]


class Responder(Protocol):
    """A model or a baseline.

    Attributes:
        needs_video: whether it looks at videos; if not, it is asked without.
    """

    needs_video: bool

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Answer the questions about one video, in any order.

        Args:
            questions: all that are asked about this video.
            video: its file; None where `needs_video` is false.

        Yields:
            Each question with its response, or with what kept it from being answered.

        Raises:
            RecordingError: the video cannot be read.
        """
        ...
