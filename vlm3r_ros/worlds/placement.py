"""Putting furniture into a room so that nothing meets and everything can be used.

A thing placed becomes a solid; the floor before a door, a window or a cupboard becomes a zone that
solids on the floor may not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from math import atan2, cos, pi, sin
from random import Random

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.floor_plans import Opening, Room, Wall
from vlm3r_ros.worlds.footprints import Footprint
from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface

WALL_GAP = 0.02  # m left behind a thing that stands against a wall: room for the skirting
SIDE_GAP = 0.03  # m between things side by side
_TALLEST = 10.0  # m: above every ceiling
_BODY = 1.2  # m: solids that begin above this are out of the way of who stands in a zone
_OUTSIDE = 5.0  # m: how far the solid outside of a room reaches
_ASIDE = 0.8  # m: how far what stands opposite a thing may be off its middle
_SAME_WAY = 0.99  # cosine of an angle between things that face the same way
_TRIES = 12


class Prefer(Enum):
    """Where along the free part of a wall."""

    ANYWHERE = auto()
    CORNER = auto()
    MIDDLE = auto()


@dataclass(frozen=True, eq=False)
class Item:
    """A thing in its place.

    Attributes:
        furniture: the thing.
        x, y, z: where its origin is, world frame, metres.
        yaw: its x axis from the world's, rad.
        base: what it stands on; None on the floor, on a wall or under the ceiling.
        solid: what it takes up.
    """

    furniture: Furniture
    x: float
    y: float
    z: float
    yaw: float
    base: Item | None = None
    solid: Footprint = field(init=False, repr=False)

    def __post_init__(self) -> None:
        half_x, half_y, height = self.furniture.high
        solid = Footprint.of(self.x, self.y, half_x, half_y, self.yaw, self.z, self.z + height)
        object.__setattr__(self, "solid", solid)

    @property
    def category(self) -> str:
        """What it is called."""
        return self.furniture.category

    def box(self) -> OrientedBox:
        """Its tight box."""
        size = self.furniture.size
        return OrientedBox.upright((self.x, self.y, self.z + size[2] / 2), size, self.yaw)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The world's x and y of a place in its own frame."""
        c, s = cos(self.yaw), sin(self.yaw)
        return self.x + c * x - s * y, self.y + s * x + c * y


@dataclass
class Site:
    """A room while it is being furnished.

    Attributes:
        room: its walls.
        height: of the ceiling, metres.
        random: draws places.
        items: what is in it, in the order of placement.
        openings: holes for windows, by wall, as `room.walls` counts them.
        rugs: what lies under the furniture.
    """

    room: Room
    height: float
    random: Random
    items: list[Item] = field(default_factory=list)
    openings: dict[int, list[Opening]] = field(default_factory=dict)
    rugs: list[Item] = field(default_factory=list)
    _outside: int = 0
    _solids: list[Footprint] = field(default_factory=list)
    _zones: list[tuple[Footprint, Item | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.room.bounds
        far = _OUTSIDE
        outside = [
            (x0 - far, y0 - far, x0, y1 + far),
            (x1, y0 - far, x1 + far, y1 + far),
            (x0, y0 - far, x1, y0),
            (x0, y1, x1, y1 + far),
        ]
        if self.room.notch:
            outside.append(self.room.notch)
        self._outside = len(outside)
        self._solids = [Footprint.upright(bounds, -_TALLEST, _TALLEST) for bounds in outside]
        for wall in self.room.walls:
            for hole in wall.passages:
                middle = (hole.start + hole.end) / 2
                self._keep_free(wall, middle, hole.end - hole.start, 0.9, 0.0, hole.top)

    @property
    def area(self) -> float:
        """Of the floor, square metres."""
        x0, y0, x1, y1 = self.room.bounds
        area = (x1 - x0) * (y1 - y0)
        if self.room.notch:
            x0, y0, x1, y1 = self.room.notch
            area -= (x1 - x0) * (y1 - y0)
        return area

    def of(self, *categories: str) -> list[Item]:
        """What is there of some categories."""
        return [item for item in self.items if item.category in categories]

    def fits(self, footprint: Footprint, *, within: Item | None = None) -> bool:
        """Whether a box meets no solid and no zone, apart from the zone of `within`."""
        return not any(footprint.meets(solid) for solid in self._solids) and not any(
            footprint.meets(zone) for zone, owner in self._zones if owner is None or owner != within
        )

    def add(self, item: Item, *, front: float = 0.0) -> Item:
        """Put a thing where it is known to fit; `front` metres before it stay free."""
        self.items.append(item)
        self._solids.append(item.solid)
        if front:
            half_x, half_y, _ = item.furniture.high
            x, y = item.place(0.0, -half_y - front / 2)
            zone = Footprint.of(x, y, half_x, front / 2, item.yaw, 0.0, _BODY)
            self._zones.append((zone, item))
        return item

    def against_wall(
        self,
        furniture: Furniture,
        *,
        prefer: Prefer = Prefer.ANYWHERE,
        side_gap: float = SIDE_GAP,
        back_gap: float = WALL_GAP,
        opposite: Item | None = None,
    ) -> Item | None:
        """Stand a thing with its back to a wall; None where there is no room for it.

        Args:
            furniture: the thing.
            prefer: where along the wall.
            side_gap, back_gap: between it and its neighbours, and the wall, metres.
            opposite: what it has to face.
        """
        width, depth, height = furniture.size
        spans = self._spans(depth + back_gap, furniture.front, 0.0, height, on_floor=True)
        if opposite is not None:
            spans = self._level_with(spans, opposite, width / 2 + _ASIDE, opposite.yaw + pi)
        return self._at_wall(furniture, spans, (width, back_gap + depth / 2, 0.0), prefer, side_gap)

    def row(self, pieces: Sequence[Furniture], gap: float) -> list[Item]:
        """Stand things side by side with their backs to one wall, the first at its start; none
        where there is no room for all."""
        width = sum(piece.size[0] for piece in pieces) + gap * (len(pieces) - 1)
        depth = max(piece.size[1] for piece in pieces) + WALL_GAP
        height = max(piece.size[2] for piece in pieces)
        front = max(piece.front for piece in pieces)
        spans = self._spans(depth, front, 0.0, height, on_floor=True)
        chosen = self._choose(spans, width + 2 * SIDE_GAP, Prefer.CORNER)
        if chosen is None:
            return []
        number, middle = chosen
        wall = self.room.walls[number]
        along = middle - width / 2
        items = []
        for piece in pieces:
            x, y = wall.at(along + piece.high[0], WALL_GAP + piece.high[1])
            items.append(self.add(Item(piece, x, y, 0.0, _facing(wall)), front=piece.front))
            along += piece.size[0] + gap
        return items

    def hang(
        self,
        furniture: Furniture,
        bottom: float,
        *,
        over: Item | None = None,
        opposite: Item | None = None,
        prefer: Prefer = Prefer.ANYWHERE,
    ) -> Item | None:
        """Hang a thing on a wall; None where there is no room for it.

        Args:
            furniture: the thing.
            bottom: height of its lowest point, metres.
            over: a thing at a wall, above or below which it has to hang.
            opposite: what it has to face.
            prefer: where along the wall.
        """
        width, depth, height = furniture.size
        if bottom + height > self.height - 0.05:
            return None
        spans = self._spans(depth, 0.0, bottom, bottom + height, on_floor=bottom < _BODY)
        if over is not None:
            spans = [
                span
                for span in self._level_with(spans, over, over.furniture.high[0], over.yaw)
                if _on_wall(self.room.walls[span[0]], over.x, over.y)[1]
                < over.furniture.high[1] + 0.1
            ]
            prefer = Prefer.MIDDLE
        elif opposite is not None:
            spans = self._level_with(spans, opposite, width / 2 + _ASIDE, opposite.yaw + pi)
        return self._at_wall(furniture, spans, (width, depth / 2, bottom), prefer, 0.02)

    def set_into_wall(
        self, furniture: Furniture, opening_size: tuple[float, float], bottom: float
    ) -> Item | None:
        """Cut a hole for a window into an outer wall and set the window into it.

        The floor before it stays free of things taller than its lower edge.
        """
        wide, tall = opening_size
        width, depth, height = furniture.size
        spans = [
            span
            for span in self._spans(0.3, 0.0, bottom - 0.1, bottom + tall + 0.05, on_floor=True)
            if not self.room.walls[span[0]].passages and span[0] not in self.openings
        ]
        chosen = self._choose(spans, width + 0.3, Prefer.MIDDLE)
        if chosen is None:
            return None
        number, along = chosen
        wall = self.room.walls[number]
        self.openings.setdefault(number, []).append(
            Opening(along - wide / 2, along + wide / 2, bottom, bottom + tall)
        )
        back = min(0.12, wall.thickness * 0.6)
        x, y = wall.at(along, depth / 2 - back)
        item = Item(furniture, x, y, bottom - (height - tall), _facing(wall))
        self._keep_free(wall, along, wide, 0.5, bottom, bottom + tall)
        return self.add(item)

    def beside(
        self, furniture: Furniture, other: Item, side: int, *, gap: float = SIDE_GAP
    ) -> Item | None:
        """Stand a thing next to another, backs in line; `side` +1 is along the other's x axis."""
        half_x, half_y, _ = other.furniture.high
        x, y = other.place(side * (half_x + gap + furniture.high[0]), half_y - furniture.high[1])
        return self._try(Item(furniture, x, y, 0.0, other.yaw), other, furniture.front)

    def flank(self, furniture: Furniture, window: Item, side: int, bottom: float) -> Item | None:
        """Hang a thing on the wall beside a window; `side` +1 is along the window's x axis."""
        gap = 0.01
        along = side * (window.furniture.high[0] + gap + furniture.high[0])
        for wall in self.room.walls:
            place, inward = _on_wall(wall, window.x, window.y)
            if abs(inward) < 0.3 and 0 < place < wall.length and _facing(wall) == window.yaw:
                # The wall's direction is against the x axis of what stands with its back to it.
                x, y = wall.at(place - along, furniture.high[1])
                return self._try(Item(furniture, x, y, bottom, window.yaw), None)
        return None

    def before(
        self,
        furniture: Furniture,
        other: Item,
        distance: float,
        *,
        along: float = 0.0,
        turn: float = pi,
    ) -> Item | None:
        """Stand a thing before another, which it faces; `turn` pi is face to face.

        Args:
            furniture: the thing.
            other: what it stands before.
            distance: between the two, metres.
            along: shift along the other's x axis, metres.
            turn: of its yaw from the other's, rad.
        """
        half = abs(cos(turn)) * furniture.high[1] + abs(sin(turn)) * furniture.high[0]
        x, y = other.place(along, -other.furniture.high[1] - distance - half)
        return self._try(Item(furniture, x, y, 0.0, other.yaw + turn), other)

    def around(
        self, furniture: Furniture, table: Item, edge: int, along: float, gap: float
    ) -> Item | None:
        """Stand a chair at an edge of a table, facing it.

        Args:
            furniture: the chair.
            table: what it stands at.
            edge: 0 before the table, then counter-clockwise as seen from above.
            along: shift along that edge from its middle, metres.
            gap: between the two, metres.
        """
        half_x, half_y, _ = table.furniture.high
        far = (half_y if edge % 2 == 0 else half_x) + gap + furniture.high[1]
        turn = edge * pi / 2
        dx, dy = sin(turn) * far, -cos(turn) * far
        x, y = table.place(dx + cos(turn) * along, dy + sin(turn) * along)
        return self._try(Item(furniture, x, y, 0.0, table.yaw + turn + pi), table)

    def loose(
        self, furniture: Furniture, *, square: bool = True, clearance: float = 0.0
    ) -> Item | None:
        """Stand a thing anywhere on the floor.

        Args:
            furniture: the thing.
            square: keep its sides along the walls.
            clearance: free floor around it, metres.
        """
        x0, y0, x1, y1 = self.room.bounds
        half_x, half_y, _ = furniture.high
        for _ in range(_TRIES):
            yaw = self.random.choice((0.0, pi / 2)) if square else self.random.uniform(-pi, pi)
            wide = Footprint.of(
                0.0, 0.0, half_x + clearance, half_y + clearance, yaw, 0.0, furniture.size[2]
            )
            if x1 - x0 < 2 * wide.reach_x or y1 - y0 < 2 * wide.reach_y:
                continue
            x = self.random.uniform(x0 + wide.reach_x, x1 - wide.reach_x)
            y = self.random.uniform(y0 + wide.reach_y, y1 - wide.reach_y)
            wide = replace(wide, x=x, y=y)
            if self.fits(wide):
                return self.add(Item(furniture, x, y, 0.0, yaw))
        return None

    def on(
        self,
        furniture: Furniture,
        base: Item,
        *,
        spot: tuple[float, float] | None = None,
        turn: float = 0.0,
        jitter: float = 0.0,
    ) -> Item | None:
        """Stand a thing on another.

        Args:
            furniture: the thing.
            base: what it stands on.
            spot: where, in [-1, 1] from left to right and from front to back of the free part of
                the surface; drawn where None.
            turn: of its yaw from the base's, rad.
            jitter: largest random turn added, rad.
        """
        surfaces = [s for s in base.furniture.surfaces if furniture.size[2] < s.headroom]
        if not surfaces:
            return None
        for _ in range(1 if spot is not None and not jitter else _TRIES):
            surface = self.random.choice(surfaces)
            yaw = turn + self.random.uniform(-jitter, jitter)
            item = self._on_surface(furniture, base, surface, spot, yaw)
            if item and self._free_above(item, base):
                return self.add(item)
        return None

    def lay(self, furniture: Furniture, x: float, y: float, yaw: float) -> None:
        """Lay a rug under whatever stands there, where the floor and other rugs leave room."""
        rug = Item(furniture, x, y, 0.0, yaw)
        if not any(rug.solid.meets(other) for other in self._solids[: self._outside]) and not any(
            rug.solid.meets(other.solid) for other in self.rugs
        ):
            self.rugs.append(rug)

    def under_ceiling(self, furniture: Furniture, x: float, y: float, yaw: float) -> Item | None:
        """Hang a thing from the ceiling."""
        return self._try(Item(furniture, x, y, self.height - furniture.size[2], yaw), None)

    def _on_surface(
        self,
        furniture: Furniture,
        base: Item,
        surface: Surface,
        spot: tuple[float, float] | None,
        yaw: float,
    ) -> Item | None:
        half_x, half_y, _ = furniture.high
        reach_x = abs(cos(yaw)) * half_x + abs(sin(yaw)) * half_y
        reach_y = abs(sin(yaw)) * half_x + abs(cos(yaw)) * half_y
        slack_x = (surface.high[0] - surface.low[0]) / 2 - reach_x
        slack_y = (surface.high[1] - surface.low[1]) / 2 - reach_y
        if slack_x < 0 or slack_y < 0:
            return None
        u, v = spot or (self.random.uniform(-1, 1), self.random.uniform(-1, 1))
        x, y = base.place(
            (surface.low[0] + surface.high[0]) / 2 + u * slack_x,
            (surface.low[1] + surface.high[1]) / 2 + v * slack_y,
        )
        return Item(furniture, x, y, base.z + surface.height, base.yaw + yaw, base)

    def _free_above(self, item: Item, base: Item) -> bool:
        """Whether it meets nothing but what it stands on."""
        return not any(item.solid.meets(solid) for solid in self._solids if solid is not base.solid)

    def _try(self, item: Item, within: Item | None, front: float = 0.0) -> Item | None:
        return self.add(item, front=front) if self.fits(item.solid, within=within) else None

    def _at_wall(
        self,
        furniture: Furniture,
        spans: Sequence[tuple[int, float, float]],
        size: tuple[float, float, float],
        prefer: Prefer,
        side_gap: float,
    ) -> Item | None:
        width, inward, z = size
        chosen = self._choose(spans, width + 2 * side_gap, prefer)
        if chosen is None:
            return None
        number, along = chosen
        wall = self.room.walls[number]
        x, y = wall.at(along, inward)
        return self.add(Item(furniture, x, y, z, _facing(wall)), front=furniture.front)

    def _choose(
        self, spans: Sequence[tuple[int, float, float]], width: float, prefer: Prefer
    ) -> tuple[int, float] | None:
        """A wall and the middle of a place of some width on it."""
        wide = [span for span in spans if span[2] - span[1] >= width]
        if not wide:
            return None
        if prefer is Prefer.CORNER:
            cornered = [
                (number, place)
                for number, start, end in wide
                for place, is_corner in (
                    (start + width / 2, start == 0),
                    (end - width / 2, end == self.room.walls[number].length),
                )
                if is_corner
            ]
            if cornered:
                return self.random.choice(cornered)
        slack = [end - start - width + 0.2 for _, start, end in wide]
        number, start, end = self.random.choices(wide, slack)[0]
        if prefer is Prefer.MIDDLE:
            shift = self.random.uniform(-0.3, 0.3) * (end - start - width) / 2
            return number, (start + end) / 2 + shift
        return number, self.random.uniform(start + width / 2, end - width / 2)

    def _spans(
        self, depth: float, front: float, bottom: float, top: float, *, on_floor: bool
    ) -> list[tuple[int, float, float]]:
        """Free parts of all walls: number, start and end along the wall, metres."""
        blockers = [
            (solid, depth + front if solid.bottom < _BODY else depth)
            for solid in self._solids
            if solid.bottom < top and solid.top > bottom
        ]
        if front:
            blockers += [
                (solid, depth + front)
                for solid in self._solids
                if solid.bottom < _BODY and not (solid.bottom < top and solid.top > bottom)
            ]
        if on_floor:
            blockers += [
                (zone, depth) for zone, _ in self._zones if zone.bottom < top and zone.top > bottom
            ]
        spans = []
        for number, wall in enumerate(self.room.walls):
            taken = [(hole.start - 0.05, hole.end + 0.05) for hole in wall.passages]
            (nx, ny), (x, y) = wall.normal, wall.start
            lengthwise = nx == 0
            for solid, deep in blockers:
                inward = (solid.x - x) * nx + (solid.y - y) * ny
                reach = solid.reach_y if lengthwise else solid.reach_x
                if inward + reach > 1e-6 and inward - reach < deep:
                    along = (solid.x - x) * ny - (solid.y - y) * nx
                    wide = solid.reach_x if lengthwise else solid.reach_y
                    taken.append((along - wide, along + wide))
            spans += [(number, *span) for span in _gaps(taken, wall.length)]
        return spans

    def _level_with(
        self, spans: Sequence[tuple[int, float, float]], item: Item, half: float, yaw: float
    ) -> list[tuple[int, float, float]]:
        """Parts of spans within `half` metres to either side of a thing, on walls from which
        things face as `yaw` says."""
        level = []
        for number, start, end in spans:
            wall = self.room.walls[number]
            if cos(_facing(wall) - yaw) > _SAME_WAY:
                along, _ = _on_wall(wall, item.x, item.y)
                low, high = max(start, along - half), min(end, along + half)
                if high > low:
                    level.append((number, low, high))
        return level

    def _keep_free(
        self, wall: Wall, along: float, width: float, depth: float, bottom: float, top: float
    ) -> None:
        x, y = wall.at(along, depth / 2)
        self._zones.append(
            (Footprint.of(x, y, width / 2, depth / 2, _facing(wall), bottom, top), None)
        )


def _facing(wall: Wall) -> float:
    """Yaw of a thing whose back is to the wall: its local -y points into the room."""
    nx, ny = wall.normal
    return atan2(nx, -ny)


def _on_wall(wall: Wall, x: float, y: float) -> tuple[float, float]:
    """How far along the wall and how far from it a place is."""
    (dx, dy), (nx, ny) = wall.direction, wall.normal
    x, y = x - wall.start[0], y - wall.start[1]
    return x * dx + y * dy, x * nx + y * ny


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
