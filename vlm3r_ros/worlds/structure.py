"""Walls, floors, ceilings and skirting as solids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2
from random import Random

from vlm3r_ros.worlds.floor_plans import Bounds, HousePlan, Opening, Wall
from vlm3r_ros.worlds.furniture.materials import color, darker, seen, wood
from vlm3r_ros.worlds.items import Item
from vlm3r_ros.worlds.placement import Site
from vlm3r_ros.worlds.primitives import Material, Placed, Primitive, Shape, Texture

_SLAB = 0.1  # m: thickness of floor and ceiling
_SKIRTING = (0.012, 0.07)  # m: thickness and height
_PLAIN_WALLS = (Texture.PLAIN, Texture.PLASTER, Texture.PLASTER)
_PATTERNED_WALLS = (Texture.BRICKS, Texture.STRIPES, Texture.TILES, Texture.PLANKS)


@dataclass(frozen=True)
class Finish:
    """How a room is finished.

    Attributes:
        floor, ceiling, skirting: their materials.
        walls: one a wall.
    """

    floor: Material
    ceiling: Material
    skirting: Material
    walls: tuple[Material, ...]


def draw_finish(random: Random, site: Site, *, tiled: bool) -> Finish:
    """Materials of a room; `tiled` ones have tiles on floor and walls, as bathrooms have.

    Walls with a hole are of one colour: a pattern would not go on from one side of it to the other.
    """
    base = seen(random.random(), random.uniform(0.0, 0.3), random.uniform(0.7, 0.95))
    texture = random.choice(_PLAIN_WALLS)
    walls = []
    accent = random.random() < 0.5
    for wall in site.room.walls:
        whole = not wall.passages and wall not in site.openings
        if tiled and whole:
            walls.append(Material(Texture.TILES, base, darker(base, 0.6), random.uniform(0.6, 1.0)))
        elif accent and random.random() < 0.4:
            other = color(random, muted=True)
            pattern = random.choice(_PATTERNED_WALLS) if whole else texture
            second = color(random, muted=True) if random.random() < 0.3 else darker(other, 0.7)
            walls.append(Material(pattern, other, second, random.uniform(0.8, 1.6)))
        else:
            walls.append(Material(texture, base, darker(base, 0.85)))
    white = seen(0.1, 0.03, random.uniform(0.85, 0.98))
    ceiling = Material(Texture.PLASTER, white, darker(white, 0.9))
    skirting = wood(random) if random.random() < 0.5 else Material(Texture.PLAIN, white)
    return Finish(_floor(random, tiled=tiled), ceiling, skirting, tuple(walls))


def _floor(random: Random, *, tiled: bool) -> Material:
    draw = random.random()
    if tiled or draw < 0.2:
        hue, saturation = random.choice(
            ((0.08, 0.25), (0.6, 0.1), (0.1, 0.08), (random.random(), 0.2))
        )
        base = seen(hue, saturation, random.uniform(0.3, 0.9))
        return Material(Texture.TILES, base, darker(base, 0.5), random.uniform(0.8, 2.0))
    if draw < 0.75:
        board = wood(random)
        return Material(Texture.PLANKS, board.color, board.second, random.uniform(0.8, 1.4))
    base = seen(random.random(), random.uniform(0.0, 0.35), random.uniform(0.3, 0.75))
    return Material(Texture.FABRIC, base, darker(base, 0.7), random.uniform(0.8, 1.5))


def build_structure(
    plan: HousePlan, sites: Sequence[Site], finishes: Sequence[Finish], seed: int
) -> list[Placed]:
    """All that belongs to the building.

    Args:
        plan: the floor plan.
        sites: furnished rooms, in its order.
        finishes: theirs, in its order.
        seed: of patterns.
    """
    placed: list[Placed] = []
    for number, (site, finish) in enumerate(zip(sites, finishes, strict=True)):
        own = seed + 1000 * number
        bounds = site.room.bounds
        placed.append(Placed([_slab(bounds, -_SLAB, 0.0, finish.floor)], seed=own))
        placed.append(
            Placed([_slab(bounds, plan.height, plan.height + _SLAB, finish.ceiling)], seed=own + 1)
        )
        for k, (wall, material) in enumerate(zip(site.room.walls, finish.walls, strict=True)):
            window = site.openings.get(wall)
            holes = [*wall.passages, window] if window else wall.passages
            # Pieces of one wall share a seed, so that its unevenness looks the same all over.
            placed += [
                Placed([piece], seed=own + 2 + k)
                for piece in _pieces(wall, holes, plan.height, material)
            ]
            placed.append(Placed(_skirting(wall, site.of("door"), finish.skirting), seed=own))
    for bounds in plan.passages:
        placed.append(Placed([_slab(bounds, -_SLAB, 0.0, finishes[0].floor)], seed=seed))
    return placed


def _slab(bounds: Bounds, bottom: float, top: float, material: Material) -> Primitive:
    x0, y0, x1, y1 = bounds
    return Primitive(
        Shape.BOX,
        ((x0 + x1) / 2, (y0 + y1) / 2, (bottom + top) / 2),
        ((x1 - x0) / 2, (y1 - y0) / 2, (top - bottom) / 2),
        material,
    )


def _pieces(
    wall: Wall, holes: Sequence[Opening], height: float, material: Material
) -> list[Primitive]:
    """A wall without its holes, which do not lie above each other."""
    start, end = -wall.extends[0], wall.length + wall.extends[1]
    spans: list[tuple[float, float, float, float]] = []
    at = start
    for hole in sorted(holes, key=lambda hole: hole.start):
        spans.append((at, hole.start, 0.0, height))
        spans.append((hole.start, hole.end, 0.0, hole.bottom))
        spans.append((hole.start, hole.end, hole.top, height))
        at = hole.end
    spans.append((at, end, 0.0, height))
    return [
        _along(wall, low, high, -wall.thickness, 0.0, bottom, top, material)
        for low, high, bottom, top in spans
        if high - low > 1e-6 and top - bottom > 1e-6
    ]


def _skirting(wall: Wall, doors: Sequence[Item], material: Material) -> list[Primitive]:
    """A board along the foot of a wall, left out at doors and passages."""
    taken = [(hole.start, hole.end) for hole in wall.passages]
    for door in doors:
        along, inward = wall.locate(door.x, door.y)
        if abs(inward) < 0.2:
            half = door.furniture.high[0]
            taken.append((along - half, along + half))
    thick, tall = _SKIRTING
    boards, at = [], 0.0
    for low, high in [*sorted(taken), (wall.length, wall.length)]:
        if low - at > 0.02:
            boards.append(_along(wall, at, low, 0.0, thick, 0.0, tall, material))
        at = max(at, high)
    return boards


def _along(
    wall: Wall,
    low: float,
    high: float,
    back: float,
    front: float,
    bottom: float,
    top: float,
    material: Material,
) -> Primitive:
    """A box in a wall's own coordinates: along it, into the room, upwards."""
    x, y = wall.at((low + high) / 2, (back + front) / 2)
    dx, dy = wall.direction
    return Primitive(
        Shape.BOX,
        (x, y, (bottom + top) / 2),
        ((high - low) / 2, (front - back) / 2, (top - bottom) / 2),
        material,
        atan2(dy, dx),
    )
