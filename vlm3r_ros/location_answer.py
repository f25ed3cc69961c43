"""Where a thing is, in words: `35 degrees left, 2.4 meters`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

ANGLE_STEP = 5
"""Degrees to which bearings are rounded: finer ones mean nothing to a person."""

_NUMBER = r"(\d+(?:\.\d+)?)"
_ANGLE = re.compile(rf"([-+]?){_NUMBER}\s*(?:degrees?\b|deg\b|°)", re.I)
_DISTANCE = re.compile(rf"{_NUMBER}\s*(?:met(?:er|re)s?\b|m\b)", re.I)
_SIDE = re.compile(r"\b(left|right)\b", re.I)
_BEHIND = re.compile(r"\b(?:behind|backwards?|rear)\b", re.I)
_AHEAD = re.compile(r"\b(?:ahead|(?:in )?front|forwards?)\b", re.I)


@dataclass(frozen=True)
class Location:
    """A place as seen from a camera.

    Attributes:
        bearing: angle in the horizontal plane from where the camera looks, in (-pi, pi], radians;
            positive to the left (REP-103).
        distance: metres.
    """

    bearing: float
    distance: float


def format_location(bearing_rad: float, distance_m: float) -> str:
    """The words for a place.

    Args:
        bearing_rad: angle from straight ahead, radians, positive to the left.
        distance_m: metres.

    Raises:
        ValueError: a number that is not finite, or a distance below 0.

    Example:
        >>> format_location(0.6, 2.43)
        '35 degrees left, 2.4 meters'
        >>> format_location(0.02, 2.0), format_location(-3.14, 2.0)
        ('ahead, 2.0 meters', 'behind, 2.0 meters')
    """
    if not (math.isfinite(bearing_rad) and math.isfinite(distance_m) and distance_m >= 0):
        raise ValueError(f"no place: bearing {bearing_rad} rad, distance {distance_m} m")
    angle = math.degrees(math.remainder(bearing_rad, math.tau))
    rounded = ANGLE_STEP * round(angle / ANGLE_STEP)
    if rounded == 0:
        where = "ahead"
    elif abs(rounded) == 180:
        where = "behind"
    else:
        where = f"{abs(rounded)} degrees {'left' if rounded > 0 else 'right'}"
    return f"{where}, {distance_m:.1f} meters"


def parse_location(text: str) -> Location | None:
    """The place that an answer names; None where it lacks a direction or a distance in metres.

    Reads what `format_location` writes and what else people say: `35° to the left, 2.4 m`,
    `behind you, 1.2 metres away`, `on your right, 3 m` (which is 90 degrees). An angle without a
    side counts to the left where it is positive.
    """
    distance = _DISTANCE.search(text)
    if distance is None:
        return None
    side = _SIDE.search(text)
    angle = _ANGLE.search(text)
    if angle is not None:
        degrees = float(angle[2])
    elif _BEHIND.search(text):
        degrees = 135.0 if side is not None else 180.0
    elif _AHEAD.search(text):
        degrees = 45.0 if side is not None else 0.0
    elif side is not None:
        degrees = 90.0
    else:
        return None
    to_right = side is not None and side[1].lower() == "right"
    if angle is not None and angle[1] == "-":
        to_right = not to_right
    bearing = math.remainder(math.radians(-degrees if to_right else degrees), math.tau)
    return Location(math.pi if bearing == -math.pi else bearing, float(distance[1]))
