"""Tables, desks and worktops."""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import (
    DARK,
    GLASS,
    STEEL,
    color,
    gray,
    metal,
    plain,
    wood,
)
from vlm3r_ros.worlds.furniture.shapes import block, legs, tube
from vlm3r_ros.worlds.primitives import Material, Primitive, Texture


def dining_table(random: Random) -> Furniture:
    """A table to sit at: rectangular on four legs or on trestles, or round on a column."""
    top = wood(random)
    frame = top if random.random() < 0.6 else metal(random)
    height = random.uniform(0.72, 0.77)
    thick = random.uniform(0.025, 0.05)
    if random.random() < 0.3:
        radius = random.uniform(0.45, 0.65)
        parts = [
            tube(top, radius, thick, (0, 0, height - thick)),
            tube(frame, 0.05, height - thick - 0.03, (0, 0, 0.03)),
            tube(frame, radius * 0.5, 0.03, (0, 0, 0)),
        ]
        inner = radius * 0.68
        return _table(parts, inner, inner, height)
    width, depth = random.uniform(1.1, 2.0), random.uniform(0.75, 0.95)
    parts = [block(top, (width, depth, thick), (0, 0, height - thick))]
    if random.random() < 0.7:
        leg = random.uniform(0.05, 0.08)
        parts += legs(
            frame,
            width - 0.06,
            depth - 0.06,
            height - thick,
            leg,
            round_=random.random() < 0.3,
        )
        if random.random() < 0.6:
            for side in (-1, 1):
                parts.append(
                    block(
                        frame,
                        (width - 0.2, 0.02, 0.08),
                        (0, side * (depth / 2 - 0.06), height - thick - 0.08),
                    )
                )
    else:
        for side in (-1, 1):
            x = side * (width / 2 - 0.25)
            parts.append(block(frame, (0.06, depth * 0.7, 0.04), (x, 0, 0)))
            parts.append(block(frame, (0.08, 0.08, height - thick - 0.04), (x, 0, 0.04)))
        parts.append(block(frame, (width - 0.5, 0.04, 0.08), (0, 0, 0.25)))
    return _table(parts, width / 2, depth / 2, height)


def coffee_table(random: Random) -> Furniture:
    """A low table."""
    frame = wood(random) if random.random() < 0.6 else metal(random)
    top = GLASS if random.random() < 0.2 else (wood(random) if random.random() < 0.4 else frame)
    height = random.uniform(0.36, 0.48)
    thick = random.uniform(0.02, 0.05)
    if random.random() < 0.3:
        radius = random.uniform(0.32, 0.5)
        parts = [tube(top, radius, thick, (0, 0, height - thick))]
        parts += legs(frame, radius * 1.3, radius * 1.3, height - thick, 0.04, round_=True)
        inner = radius * 0.68
        return _table(parts, inner, inner, height)
    width, depth = random.uniform(0.8, 1.25), random.uniform(0.5, 0.7)
    parts = [block(top, (width, depth, thick), (0, 0, height - thick))]
    parts += legs(frame, width - 0.04, depth - 0.04, height - thick, 0.05)
    if random.random() < 0.5:
        parts.append(block(top, (width - 0.12, depth - 0.12, 0.02), (0, 0, 0.12)))
    return _table(parts, width / 2, depth / 2, height)


def side_table(random: Random) -> Furniture:
    """A small table for a lamp or a plant."""
    frame = wood(random) if random.random() < 0.6 else metal(random)
    height, half = random.uniform(0.48, 0.62), random.uniform(0.2, 0.27)
    if random.random() < 0.5:
        parts = [
            tube(frame, half, 0.025, (0, 0, height - 0.025)),
            tube(frame, 0.025, height - 0.045, (0, 0, 0.02)),
            tube(frame, half * 0.7, 0.02, (0, 0, 0)),
        ]
        return _table(parts, half * 0.68, half * 0.68, height)
    parts = [block(frame, (2 * half, 2 * half, 0.03), (0, 0, height - 0.03))]
    parts += legs(frame, 2 * half - 0.02, 2 * half - 0.02, height - 0.03, 0.035)
    return _table(parts, half, half, height)


def _table(parts: list[Primitive], x: float, y: float, height: float) -> Furniture:
    return Furniture.of("table", parts, surfaces=(Surface((-x, -y), (x, y), height),))


def desk(random: Random) -> Furniture:
    """A work desk: drawers on one side or both, or a plain frame; a panel behind the knees."""
    top = wood(random)
    frame = top if random.random() < 0.6 else metal(random)
    front = frame if random.random() < 0.5 else wood(random)
    width, depth = random.uniform(1.1, 1.7), random.uniform(0.6, 0.8)
    height, thick = random.uniform(0.72, 0.76), 0.03
    parts = [block(top, (width, depth, thick), (0, 0, height - thick))]
    under = height - thick
    drawers = {random.choice((-1, 1))} if random.random() < 0.7 else {-1, 1}
    if random.random() < 0.2:
        drawers = set()
    for side in (-1, 1):
        if side in drawers:
            wide = 0.38
            x = side * (width / 2 - wide / 2 - 0.02)
            parts.append(block(frame, (wide, depth - 0.06, under), (x, 0.02, 0)))
            for k in range(3):
                tall = (under - 0.05) / 3
                z = 0.05 + k * tall
                y = -depth / 2 + 0.045
                parts.append(block(front, (wide - 0.03, 0.02, tall - 0.02), (x, y, z + 0.01)))
                parts.append(block(DARK, (0.12, 0.02, 0.015), (x, y - 0.015, z + tall * 0.6)))
        else:
            x = side * (width / 2 - 0.04)
            parts += [
                block(frame, (0.05, 0.05, under), (x, y, 0))
                for y in (-depth / 2 + 0.05, depth / 2 - 0.05)
            ]
    parts.append(block(frame, (width - 0.1, 0.02, 0.35), (0, depth / 2 - 0.08, under - 0.35)))
    surface = Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height)
    return Furniture.of("desk", parts, surfaces=(surface,))


def counter(random: Random) -> Furniture:
    """A kitchen worktop on cupboards with doors and drawers."""
    body = wood(random) if random.random() < 0.5 else plain(color(random, muted=True))
    units = random.choice((2, 3, 3, 4, 5))
    unit = random.uniform(0.45, 0.6)
    return _counter(random, body, units, unit)


def _counter(random: Random, body: Material, units: int, unit: float) -> Furniture:
    width, depth, height = units * unit, random.uniform(0.58, 0.64), random.uniform(0.86, 0.93)
    stone = gray(random.choice((0.2, 0.35, 0.6, 0.9)))
    top = (
        wood(random)
        if random.random() < 0.4
        else Material(Texture.PLASTER, stone.color, stone.second, 0.3)
    )
    slab, plinth = 0.04, 0.1
    tall = height - slab - plinth
    parts = [
        block(DARK, (width, depth - 0.1, plinth), (0, 0.03, 0)),
        block(body, (width, depth - 0.04, tall), (0, 0.02, plinth)),
        block(top, (width, depth, slab), (0, 0, height - slab)),
    ]
    y = -depth / 2 + 0.035
    for k in range(units):
        x = (k - (units - 1) / 2) * unit
        if random.random() < 0.35:
            drawer = tall / 3
            for row in range(3):
                z = plinth + row * drawer
                parts.append(block(body, (unit - 0.02, 0.02, drawer - 0.015), (x, y - 0.005, z)))
                parts.append(
                    block(STEEL, (unit * 0.5, 0.015, 0.012), (x, y - 0.022, z + drawer * 0.75))
                )
        else:
            parts.append(block(body, (unit - 0.02, 0.02, tall - 0.015), (x, y - 0.005, plinth)))
            side = random.choice((-1, 1))
            parts.append(
                block(
                    STEEL,
                    (0.012, 0.015, 0.16),
                    (x + side * (unit / 2 - 0.05), y - 0.022, plinth + tall - 0.22),
                )
            )
    surface = Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height)
    return Furniture.of("counter", parts, surfaces=(surface,), front=0.6)
