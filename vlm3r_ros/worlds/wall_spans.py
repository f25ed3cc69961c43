"""Which parts of a room's walls are free, and choosing a place among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto
from math import cos
from random import Random
from typing import NamedTuple

from vlm3r_ros.worlds.floor_plans import Wall
from vlm3r_ros.worlds.footprints import Footprint
from vlm3r_ros.worlds.items import Item

_PASSAGE_TRIM = 0.05  # m beside a passage that stay free
_SAME_WAY = 0.99  # cosine of an angle between things that face the same way
_EVEN = 0.2  # m added to the slack of spans, so that tight ones are chosen too
_OFF_MIDDLE = 0.15  # share of the slack by which a place in the middle may be off it


class Span(NamedTuple):
    """A part of a wall.

    Attributes:
        wall: the wall.
        start, end: along it, metres.
    """

    wall: Wall
    start: float
    end: float


class Prefer(Enum):
    """Where along the free part of a wall."""

    ANYWHERE = auto()
    CORNER = auto()
    MIDDLE = auto()


def free_spans(walls: Sequence[Wall], blockers: Sequence[tuple[Footprint, float]]) -> list[Span]:
    """Free parts of walls.

    Args:
        walls: of a room.
        blockers: what is in the way, and how near to the wall it has to come for that, metres.
    """
    spans = []
    for wall in walls:
        taken = [(hole.start - _PASSAGE_TRIM, hole.end + _PASSAGE_TRIM) for hole in wall.passages]
        (nx, ny), (x, y) = wall.normal, wall.start
        lengthwise = nx == 0
        for solid, deep in blockers:
            inward = (solid.x - x) * nx + (solid.y - y) * ny
            reach = solid.reach_y if lengthwise else solid.reach_x
            if inward + reach > 1e-6 and inward - reach < deep:
                along = (solid.x - x) * ny - (solid.y - y) * nx
                wide = solid.reach_x if lengthwise else solid.reach_y
                taken.append((along - wide, along + wide))
        spans += [Span(wall, *gap) for gap in _gaps(taken, wall.length)]
    return spans


def level_with(spans: Iterable[Span], item: Item, half: float, yaw: float) -> list[Span]:
    """Parts within `half` metres to either side of a thing, on walls whose things face `yaw`."""
    level = []
    for wall, start, end in spans:
        if cos(wall.facing - yaw) > _SAME_WAY:
            along, _ = wall.locate(item.x, item.y)
            low, high = max(start, along - half), min(end, along + half)
            if high > low:
                level.append(Span(wall, low, high))
    return level


def choose(
    random: Random, spans: Sequence[Span], width: float, prefer: Prefer
) -> tuple[Wall, float] | None:
    """A wall and the middle of a free place of some width on it; None where there is none."""
    wide = [span for span in spans if span.end - span.start >= width]
    if not wide:
        return None
    if prefer is Prefer.CORNER:
        cornered = [(wall, start + width / 2) for wall, start, _ in wide if start == 0]
        cornered += [(wall, end - width / 2) for wall, _, end in wide if end == wall.length]
        if cornered:
            return random.choice(cornered)
    slack = [end - start - width for _, start, end in wide]
    (wall, start, end), free = random.choices(
        list(zip(wide, slack, strict=True)), [free + _EVEN for free in slack]
    )[0]
    if prefer is Prefer.MIDDLE:
        return wall, (start + end) / 2 + random.uniform(-_OFF_MIDDLE, _OFF_MIDDLE) * free
    return wall, random.uniform(start + width / 2, end - width / 2)


def _gaps(taken: list[tuple[float, float]], length: float) -> list[tuple[float, float]]:
    """What a set of intervals leaves of `[0, length]`."""
    gaps, at = [], 0.0
    for start, end in sorted(taken):
        if start > at:
            gaps.append((at, min(start, length)))
        at = max(at, end)
        if at >= length:
            break
    if at < length:
        gaps.append((at, length))
    return gaps
