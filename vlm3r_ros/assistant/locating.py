"""What an assistant's two ways to find a place work with: its answers, and what it looks at."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from vlm3r_ros.assistant.answering import Answer
from vlm3r_ros.assistant.errors import AnswerTimeoutError
from vlm3r_ros.assistant.scene_memory import Keyframe
from vlm3r_ros.location_answer import parse_location
from vlm3r_ros.navigation.asked import AskedLocator, Reply
from vlm3r_ros.navigation.attended import AttendedKeyframe
from vlm3r_ros.navigation.navigator import Pointmap


def asked_locator(ask: Callable[[str, float], Answer], deadline: float) -> AskedLocator:
    """A locator that puts its questions to an assistant.

    Args:
        ask: a question and the seconds left for it -> the answer.
        deadline: of all questions together, on the clock of `time.perf_counter()`.
    """

    def in_time(question: str) -> Answer:
        left = deadline - time.perf_counter()
        if left <= 0:
            raise AnswerTimeoutError(
                "the time was up before the place was asked for in every wording; allow more time"
            )
        return ask(question, left)

    def place(question: str) -> Reply | None:
        answer = in_time(question)
        location = parse_location(answer.text)
        if location is None:
            return None
        return Reply(location.bearing, location.distance, answer.confidence)

    def count(question: str) -> int | None:
        value = in_time(question).value
        return round(value) if math.isfinite(value) and value >= 0 else None

    return AskedLocator(place, count)


def attended_keyframes(
    weights: np.ndarray, keyframes: Sequence[Keyframe], pointmaps: Mapping[float, Pointmap]
) -> list[AttendedKeyframe]:
    """The keyframes whose surroundings are known, with what the model looks at in them.

    Args:
        weights: attention to each patch `[K, rows, columns]`.
        keyframes: K of them, in the same order.
        pointmaps: by the stamp of their frame.
    """
    return [
        AttendedKeyframe(each, pointmap.points, pointmap.confidence)
        for each, keyframe in zip(weights, keyframes, strict=True)
        if (pointmap := pointmaps.get(keyframe.stamp)) is not None
    ]
