"""Sessions that have been asked about, in tokens: all that worker processes can do ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.benchmarks.tasks import is_choice
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.training.instruct.curriculum import training_tasks
from vlm3r_ros.training.instruct.grounding import Grounding, ShownThings
from vlm3r_ros.training.instruct.interview import Inquiry, Interviewer, turn
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.sessions import SessionTask, film_session
from vlm3r_ros.training.instruct.settings import DataSettings, InstructConfig

_TOGETHER = 8
"""Sessions over which one interviewer balances its answers."""

FORMS = ("choice", "number", "words")
"""Kinds of answers; losses of these are summed over an answer's tokens for the curves."""


@dataclass(frozen=True, eq=False)
class AskedSession:
    """Frames with the questions about them.

    Attributes:
        color: uint8 `[T, S, S, 3]`, RGB; all that the geometry encoder sees.
        stride: every so many of them is a keyframe, from the first to the last.
        turns: the questions; at least one.
        forms: what kind of answer each wants, a number of `FORMS`.
        grounding: what the questions' words speak of; None where it was not asked for.
        poses: float32 `[F, 4, 4]`, of the keyframes, see `ShownThings`; likewise.
        odometry: see `Session`.
    """

    color: NDArray[np.uint8]
    stride: int
    turns: tuple[Turn, ...]
    forms: tuple[int, ...]
    grounding: Grounding | None = None
    poses: NDArray[np.float32] | None = None
    odometry: NDArray[np.float32] | None = None

    @property
    def keyframes(self) -> NDArray[np.uint8]:
        """uint8 `[F, S, S, 3]`."""
        return self.color[:: self.stride]


def lesson_tasks(
    config: InstructConfig, image_size: int, step: int, cells: int = 0
) -> Iterator[tuple[SessionTask, ...]]:
    """What the workers make for a step and those after it, `lesson_count` tasks a step."""
    tasks = training_tasks(config, image_size, step, cells=cells)
    while True:
        videos = config.phase(step).videos
        for start in range(0, videos, _TOGETHER):
            yield tuple(next(tasks) for _ in range(min(_TOGETHER, videos - start)))
        step += 1


def lesson_count(videos: int) -> int:
    """Tasks that make the sessions of a step."""
    return -(-videos // _TOGETHER)


@dataclass(frozen=True, eq=False)
class LessonMaker:
    """Films sessions and asks about them; what it makes depends on the tasks alone.

    Args:
        processor: of the model.
        data: shares of the kinds of questions.
        ground: tells what the words of a session's questions speak of; None where that is not
            asked for.
    """

    processor: Vlm3rProcessor
    data: DataSettings
    ground: Callable[[Sequence[Turn], ShownThings], Grounding] | None = None

    def __call__(self, tasks: tuple[SessionTask, ...]) -> list[AskedSession]:
        """The sessions of some tasks; those about which nothing can be asked are left out.

        Raises:
            TrainingError: neither a task's room nor several others can be walked through.
        """
        interviewer = Interviewer.for_training(self.data)
        asked = []
        for task in tasks:
            session = film_session(task)
            inquiries = interviewer.ask(session)
            if inquiries:
                turns = tuple(turn(inquiry, self.processor) for inquiry in inquiries)
                grounding, poses = None, None
                if self.ground is not None and session.shown is not None:
                    grounding, poses = self.ground(turns, session.shown), session.shown.poses
                asked.append(
                    AskedSession(
                        session.color,
                        session.stride,
                        turns,
                        tuple(FORMS.index(_form(inquiry)) for inquiry in inquiries),
                        grounding,
                        poses,
                        session.odometry,
                    )
                )
        return asked


def _form(inquiry: Inquiry) -> str:
    if inquiry.asked is None:
        return "words"
    task = inquiry.asked.question.question_type
    if is_choice(task):
        return "choice"
    return "number" if task.is_numeric else "words"
