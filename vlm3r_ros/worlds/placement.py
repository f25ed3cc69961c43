"""Putting furniture into a room so that nothing meets and everything can be used.

A thing placed becomes a solid; the floor before a door, a window or a cupboard becomes a zone that
solids on the floor may not enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import cos, pi, sin
from random import Random

from vlm3r_ros.worlds.floor_plans import Opening, Room, Wall
from vlm3r_ros.worlds.footprints import Footprint
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.items import Item
from vlm3r_ros.worlds.wall_spans import Prefer, Span, choose, free_spans, level_with

WALL_GAP = 0.02  # m left behind a thing that stands against a wall: room for the skirting
SIDE_GAP = 0.03  # m between things side by side
_TALLEST = 10.0  # m: above every ceiling
_BODY = 1.2  # m: solids that begin above this are out of the way of who stands in a zone
_OUTSIDE = 5.0  # m: how far the solid outside of a room reaches
_ASIDE = 0.8  # m: how far what stands opposite a thing may be off its middle
_AT_WALL = 0.1  # m: a thing no farther from a wall stands at it
_HUNG_GAP = 0.02  # m between things side by side on a wall
_PASSAGE_ZONE = 0.9  # m before a passage that stay free
_WINDOW_ZONE = 0.5  # m before a window that stay free of what is taller than its sill
_TRIES = 12


@dataclass
class Site:
    """A room while it is being furnished.

    Attributes:
        room: its walls.
        height: of the ceiling, metres.
        random: draws places.
        items: what is in it, in the order of placement.
        openings: holes for windows; no wall has more than one.
        rugs: what lies under the furniture.
    """

    room: Room
    height: float
    random: Random
    items: list[Item] = field(default_factory=list)
    openings: dict[Wall, Opening] = field(default_factory=dict)
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
                self._keep_free(wall, hole, _PASSAGE_ZONE)

    @property
    def count(self) -> int:
        """How many objects there are; curtains and the like are none."""
        return sum(item.category in CATEGORIES for item in self.items)

    def of(self, *categories: str) -> list[Item]:
        """What is there of some categories."""
        return [item for item in self.items if item.category in categories]

    def fits(self, footprint: Footprint, *, within: Item | None = None) -> bool:
        """Whether a box meets no solid and no zone, apart from the zone of `within`."""
        for solid in self._solids:
            if footprint.meets(solid):
                return False
        for zone, owner in self._zones:
            if (owner is None or owner is not within) and footprint.meets(zone):
                return False
        return True

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
            side_gap: between it and its neighbours, metres.
            back_gap: between it and the wall, metres.
            opposite: what it has to face.
        """
        width, depth, height = furniture.size
        spans = self._spans(depth + back_gap, furniture.front, 0.0, height, on_floor=True)
        if opposite is not None:
            spans = level_with(spans, opposite, width / 2 + _ASIDE, opposite.yaw + pi)
        chosen = choose(self.random, spans, width + 2 * side_gap, prefer)
        return chosen and self._at_wall(furniture, *chosen, back_gap)

    def row(self, pieces: Sequence[Furniture], gap: float) -> list[Item]:
        """Stand things side by side with their backs to one wall; none where not all find room."""
        width = sum(piece.size[0] for piece in pieces) + gap * (len(pieces) - 1)
        depth = max(piece.size[1] for piece in pieces) + WALL_GAP
        height = max(piece.size[2] for piece in pieces)
        front = max(piece.front for piece in pieces)
        spans = self._spans(depth, front, 0.0, height, on_floor=True)
        chosen = choose(self.random, spans, width + 2 * SIDE_GAP, Prefer.CORNER)
        if chosen is None:
            return []
        wall, middle = chosen
        along = middle - width / 2
        items = []
        for piece in pieces:
            items.append(self._at_wall(piece, wall, along + piece.high[0], WALL_GAP))
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
            half_x, half_y, _ = over.furniture.high
            spans = [
                span
                for span in level_with(spans, over, half_x, over.yaw)
                if span.wall.locate(over.x, over.y)[1] < half_y + _AT_WALL
            ]
            prefer = Prefer.MIDDLE
        elif opposite is not None:
            spans = level_with(spans, opposite, width / 2 + _ASIDE, opposite.yaw + pi)
        chosen = choose(self.random, spans, width + 2 * _HUNG_GAP, prefer)
        return chosen and self._at_wall(furniture, *chosen, 0.0, bottom)

    def set_into_wall(
        self, furniture: Furniture, opening_size: tuple[float, float], bottom: float
    ) -> Item | None:
        """Cut a hole for a window into an outer wall and set the window into it.

        The floor before it stays free of things taller than its lower edge.
        """
        wide, tall = opening_size
        width, _, height = furniture.size
        spans = [
            span
            for span in self._spans(0.3, 0.0, bottom - 0.1, bottom + tall + 0.05, on_floor=True)
            if not span.wall.passages and span.wall not in self.openings
        ]
        chosen = choose(self.random, spans, width + 0.3, Prefer.MIDDLE)
        if chosen is None:
            return None
        wall, along = chosen
        hole = Opening(along - wide / 2, along + wide / 2, bottom, bottom + tall)
        self.openings[wall] = hole
        self._keep_free(wall, hole, _WINDOW_ZONE)
        back = min(0.12, wall.thickness * 0.6)
        return self._at_wall(furniture, wall, along, -back, bottom - (height - tall))

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
            place, inward = wall.locate(window.x, window.y)
            if abs(inward) < 0.3 and 0 < place < wall.length and wall.facing == window.yaw:
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
        for _ in range(1 if spot is not None and not jitter else _TRIES):
            surface = self.random.choice(base.furniture.surfaces)
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

    def under_ceiling(self, furniture: Furniture, x: float, y: float) -> Item | None:
        """Hang a thing from the ceiling."""
        return self._try(Item(furniture, x, y, self.height - furniture.size[2], 0.0), None)

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
        solid = item.solid
        for other in self._solids:
            if other.top > solid.bottom and other is not base.solid and solid.meets(other):
                return False
        return True

    def _try(self, item: Item, within: Item | None, front: float = 0.0) -> Item | None:
        return self.add(item, front=front) if self.fits(item.solid, within=within) else None

    def _at_wall(
        self, furniture: Furniture, wall: Wall, along: float, back_gap: float, bottom: float = 0.0
    ) -> Item:
        x, y = wall.at(along, back_gap + furniture.high[1])
        return self.add(Item(furniture, x, y, bottom, wall.facing), front=furniture.front)

    def _spans(
        self, depth: float, front: float, bottom: float, top: float, *, on_floor: bool
    ) -> list[Span]:
        """Free parts of all walls, for things between two heights.

        Args:
            depth: how far such a thing reaches into the room, metres.
            front: how much floor before it has to be free, metres.
            bottom: its lowest point, metres.
            top: its highest point, metres.
            on_floor: whether zones are closed to it.
        """
        blockers = []
        for solid in self._solids:
            if solid.bottom < _BODY and front:
                blockers.append((solid, depth + front))
            elif solid.bottom < top and solid.top > bottom:
                blockers.append((solid, depth))
        if on_floor:
            blockers += [
                (zone, depth) for zone, _ in self._zones if zone.bottom < top and zone.top > bottom
            ]
        return free_spans(self.room.walls, blockers)

    def _keep_free(self, wall: Wall, hole: Opening, depth: float) -> None:
        """Close the floor before a hole to things as tall as it."""
        x, y = wall.at((hole.start + hole.end) / 2, depth / 2)
        half = (hole.end - hole.start) / 2
        zone = Footprint.of(x, y, half, depth / 2, wall.facing, hole.bottom, hole.top)
        self._zones.append((zone, None))
