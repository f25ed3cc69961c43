"""Where the object is that a request names."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class TargetStatus(StrEnum):
    """What is known of a target's place."""

    FOUND = "found"
    NEAREST_OF_SEVERAL = "nearest of several"
    """There are several; the place is that of the nearest."""
    NOT_NAMED = "not named"
    """The request names no object."""
    NOT_SEEN = "not seen"
    """Nothing of the kind was seen."""
    UNSURE = "unsure"
    """What points to a place does not agree with itself."""
    NO_FRAMES = "no frames"
    """Nothing was seen at all yet."""


def _nowhere() -> NDArray[np.float64]:
    return np.full(3, np.nan)


@dataclass(frozen=True, eq=False)
class Target:
    """An object to go to.

    Attributes:
        name: what it is, in the words that questions use.
        status: whether there is a place.
        position: in the map frame `[3]`, metres; all NaN without a place, z alone is NaN where
            only the direction on the floor is known.
        radius: how far it extends from there on the floor, or how uncertain the place is, metres.
        confidence: 0 (a guess) to 1.
        count: how many such objects are known; 0 without a place.
    """

    name: str
    status: TargetStatus
    position: NDArray[np.float64] = field(default_factory=_nowhere)
    radius: float = 0.0
    confidence: float = 0.0
    count: int = 0

    @property
    def has_place(self) -> bool:
        """Whether there is somewhere to go."""
        return self.status in (TargetStatus.FOUND, TargetStatus.NEAREST_OF_SEVERAL)


class TargetLocator(Protocol):
    """Finds objects in what was seen so far."""

    def locate(self, name: str, T_map_camera: ArrayLike) -> Target:
        """The nearest object of a name.

        Args:
            name: as `target_name` gives it.
            T_map_camera: where the camera is now `[4, 4]`, optical frame.
        """
        ...


def nearest_of(
    name: str,
    positions: NDArray[np.float64],
    radii: NDArray[np.float64],
    confidences: NDArray[np.float64],
    T_map_camera: ArrayLike,
) -> Target:
    """The nearest of several places on the floor.

    Args:
        name: of the objects.
        positions: in the map frame `[N, 3]`.
        radii: metres `[N]`.
        confidences: in [0, 1] `[N]`.
        T_map_camera: where the camera is `[4, 4]`.
    """
    if not len(positions):
        return Target(name, TargetStatus.NOT_SEEN)
    camera = np.asarray(T_map_camera, float)[:2, 3]
    away = np.maximum(np.linalg.norm(positions[:, :2] - camera, axis=1) - radii, 0.0)
    best = int(np.argmin(away))
    several = len(positions) > 1
    return Target(
        name,
        TargetStatus.NEAREST_OF_SEVERAL if several else TargetStatus.FOUND,
        positions[best],
        float(radii[best]),
        float(confidences[best]),
        len(positions),
    )


def heading(T_map_camera: ArrayLike) -> float:
    """Where a camera looks on the floor: radians from map x, counter-clockwise.

    For a camera that looks straight down or up, where the upper (lower) edge of its picture is.
    """
    rotation = np.asarray(T_map_camera, float)[:3, :3]
    forward = rotation[:, 2]
    if math.hypot(forward[0], forward[1]) < 0.05:
        forward = rotation[:, 1] * math.copysign(1.0, forward[2])
    return math.atan2(forward[1], forward[0])
