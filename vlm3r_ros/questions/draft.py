"""A question before it has its words and letters: those are chosen over the whole set."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.worlds.scene import FrameId

# Ratio between numbers that count as different answers when answers are balanced.
_NUMBER_STEP = 1.25


@dataclass(frozen=True)
class Draft:
    """What is asked and what is true.

    Attributes:
        task: its task.
        truth: the true number, or the true choice in words.
        answer: which answers are to be equally frequent: this one counts as one of these.
        distractors: the other options, without letters.
        fields: what the placeholders of a wording stand for; those of the options come later.
        frames: frame ids of the frames that it speaks of.
        categories: the further fields of a task's record.
        variant: of the wording, where a task has several.
        subject: what it is about; questions of a scene are spread over subjects.
    """

    task: QuestionType
    truth: str | int | float
    answer: str
    distractors: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    frames: tuple[FrameId, ...] = ()
    categories: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    subject: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a chunk file holds it."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Draft:
        """The draft of what `to_json` gave, read back."""
        return cls(
            **{
                **record,
                "task": QuestionType(record["task"]),
                "distractors": tuple(record["distractors"]),
                "frames": tuple(record["frames"]),
            }
        )


def number_classes(values: ArrayLike) -> NDArray[np.int64]:
    """Classes of positive numbers `[...]`: numbers of a class differ by less than a quarter."""
    return np.rint(np.log(values) / math.log(_NUMBER_STEP)).astype(np.int64)
