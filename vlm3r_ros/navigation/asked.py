"""Places by asking: the model says in which direction and how far an object is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.target import Target, TargetStatus, heading

LOCATION_QUESTIONS = (
    "Where is the {name} now?",
    "In which direction and how far is the {name} from here?",
    "Give the bearing and distance of the {name} from the camera.",
)
"""Ways to ask for a place, all known to models that are tuned on `object_location`."""

COUNT_QUESTION = "How many {name}(s) are in this room?"


@dataclass(frozen=True)
class Reply:
    """What the model said of a place.

    Attributes:
        bearing: from where the camera of the newest frame looks: radians, positive to the left.
        distance: from that camera to the object's nearest point, metres.
        confidence: in [0, 1].
    """

    bearing: float
    distance: float
    confidence: float = 1.0


@dataclass(frozen=True)
class AskedConfig:
    """How replies are weighed.

    Attributes:
        questions: with `{name}` in them; each is asked once.
        agreement: places within so many metres of their median agree; farther away, within that
            share of the distance.
        min_agreeing: share of the questions whose replies have to agree.
        min_confidence: below it there is no place.
    """

    questions: Sequence[str] = LOCATION_QUESTIONS
    agreement: float = 0.75
    agreement_share: float = 0.3
    min_agreeing: float = 0.5
    min_confidence: float = 0.2


class AskedLocator:
    """Asks several times, and believes what most replies agree in.

    Args:
        ask: a question -> the reply's place; None where the answer is no place.
        count: a question -> how many objects there are; None where the answer is no number. Left
            out where only the places are to be asked for.
        config: how replies are weighed.
    """

    def __init__(
        self,
        ask: Callable[[str], Reply | None],
        count: Callable[[str], int | None] | None = None,
        config: AskedConfig | None = None,
    ) -> None:
        self._ask = ask
        self._count = count
        self.config = config or AskedConfig()

    def locate(self, name: str, T_map_camera: ArrayLike) -> Target:
        """The place that most replies agree in; see `TargetLocator`."""
        number = None if self._count is None else self._count(COUNT_QUESTION.format(name=name))
        if number == 0:
            return Target(name, TargetStatus.NOT_SEEN)
        questions = [question.format(name=name) for question in self.config.questions]
        replies = [
            reply
            for reply in map(self._ask, questions)
            if reply and math.isfinite(reply.bearing) and math.isfinite(reply.distance)
        ]
        if not replies:
            return Target(name, TargetStatus.UNSURE)
        places = _places(replies, np.asarray(T_map_camera, float))
        middle = np.median(places, axis=0)
        away = np.linalg.norm(places - middle, axis=1)
        distance = float(np.median([reply.distance for reply in replies]))
        agreeing = away <= max(self.config.agreement, self.config.agreement_share * distance)
        share = float(agreeing.sum()) / len(questions)
        # Questions without a reply that agrees count as replies without confidence.
        confidence = float(agreeing @ [reply.confidence for reply in replies]) / len(questions)
        if share < self.config.min_agreeing or confidence < self.config.min_confidence:
            return Target(name, TargetStatus.UNSURE, confidence=confidence)
        several = number is not None and number > 1
        return Target(
            name,
            TargetStatus.NEAREST_OF_SEVERAL if several else TargetStatus.FOUND,
            np.array([*places[agreeing].mean(0), math.nan]),
            float(np.sqrt(np.square(away[agreeing]).mean())),
            confidence,
            number or 1,
        )


def _places(replies: Sequence[Reply], pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map x and y of the replies `[N, 2]`."""
    angles = heading(pose) + np.array([reply.bearing for reply in replies])
    distances = np.array([reply.distance for reply in replies])
    return np.asarray(
        pose[:2, 3] + distances[:, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    )
