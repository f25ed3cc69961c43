"""Instruments, plants, bicycles and the hearth."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import (
    BLACK,
    DARK,
    RUBBER,
    STEEL,
    WHITE,
    color,
    gray,
    leather,
    metal,
    plain,
    plastic,
    seen,
    wood,
)
from vlm3r_ros.worlds.furniture.shapes import bar, blob, block, disc, pole, ring, scaled, tube
from vlm3r_ros.worlds.primitives import Material, Primitive, Shape, Texture


def piano(random: Random) -> Furniture:
    """An upright piano: tall case, a ledge of white and black keys, a music stand and pedals."""
    draw = random.random()
    case = plain(seen(0, 0, 0.1)) if draw < 0.4 else wood(random)
    width, height = random.uniform(1.4, 1.55), random.uniform(1.08, 1.3)
    depth, body = random.uniform(0.58, 0.66), 0.32
    ledge = 0.66
    back = depth / 2 - body / 2
    parts = [
        block(case, (width, body, height - 0.04), (0, back, 0)),
        block(case, (width + 0.03, body + 0.03, 0.04), (0, back, height - 0.04)),
        block(case, (width, depth - body, 0.05), (0, -body / 2, ledge - 0.05)),
    ]
    keys = width - 0.16
    front = -depth / 2 + 0.09
    parts.append(block(WHITE, (keys, 0.15, 0.022), (0, front, ledge)))
    count = 25
    step = keys / count
    for k in range(count):
        if k % 7 not in (2, 6):
            x = (k - (count - 1) / 2 + 0.5) * step
            if abs(x) < keys / 2 - 0.01:
                parts.append(
                    block(BLACK, (step * 0.5, 0.09, 0.012), (x, front + 0.03, ledge + 0.022))
                )
    for side in (-1, 1):
        x = side * (width / 2 - 0.04)
        parts.append(block(case, (0.08, depth - body, 0.1), (x, -body / 2, ledge)))
        parts.append(block(case, (0.07, 0.07, ledge - 0.05), (x, -depth / 2 + 0.06, 0)))
    rest = back - body / 2 - 0.02
    parts.append(block(case, (width * 0.5, 0.02, 0.2), (0, rest, ledge + 0.12), pitch=-0.2))
    if random.random() < 0.6:
        parts.append(block(WHITE, (0.34, 0.015, 0.24), (0, rest - 0.025, ledge + 0.13), pitch=-0.2))
    parts += [
        block(metal(random), (0.03, 0.1, 0.015), (x, back - body / 2 - 0.05, 0.05))
        for x in (-0.08, 0.0, 0.08)
    ]
    surface = Surface((-width / 2, back - body / 2), (width / 2, back + body / 2), height)
    return Furniture.of("piano", parts, surfaces=(surface,), front=0.6)


def guitar(random: Random) -> Furniture:
    """A guitar on a stand, leaning back: waisted body with a sound hole, neck, head and pegs."""
    body = wood(random) if random.random() < 0.7 else plain(color(random))
    neck = Material(Texture.WOOD, seen(0.06, 0.6, 0.3), seen(0.06, 0.6, 0.18))
    lean = 0.2  # rad
    thick = 0.1
    parts: list[Primitive] = []

    def up(along: float, out: float = 0.0) -> tuple[float, float, float]:
        """A place on the instrument's axis, `out` metres before its middle plane."""
        return (
            0.0,
            along * sin(lean) - out * cos(lean),
            0.14 + along * cos(lean) + out * sin(lean),
        )

    def plate(material: Material, wide: float, tall: float, along: float, out: float) -> Primitive:
        deep = thick if out == 0 else 0.01
        half = (wide / 2, tall / 2, deep / 2)
        return Primitive(Shape.CYLINDER, up(along, out), half, material, 0.0, pi / 2 - lean)

    parts += [
        plate(body, 0.38, 0.36, 0.17, 0),
        plate(body, 0.25, 0.2, 0.32, 0),
        plate(body, 0.29, 0.26, 0.4, 0),
        plate(DARK, 0.1, 0.1, 0.34, thick / 2),
    ]
    parts.append(
        bar(DARK, 0.03, _shift(up(0.12, thick / 2), -0.07), _shift(up(0.12, thick / 2), 0.07))
    )
    parts.append(bar(neck, 0.052, up(0.36, thick / 2 - 0.01), up(0.86, thick / 2 - 0.01)))
    parts.append(bar(neck, 0.075, up(0.84, thick / 2 - 0.015), up(0.98, thick / 2 - 0.02)))
    for k in range(3):
        for side in (-1, 1):
            at = up(0.87 + 0.04 * k, thick / 2 - 0.015)
            parts.append(blob(STEEL, (0.03, 0.02, 0.02), (side * 0.045, at[1], at[2])))
    for side in (-1, 1):
        parts.append(bar(BLACK, 0.02, (side * 0.16, -0.14, 0.01), (side * 0.05, 0.16, 0.36)))
        parts.append(bar(BLACK, 0.02, (side * 0.16, -0.14, 0.1), (side * 0.1, 0.06, 0.14)))
        parts.append(bar(BLACK, 0.02, (side * 0.16, 0.26, 0.01), (side * 0.05, 0.16, 0.36)))
    return Furniture.of("guitar", scaled(parts, random.uniform(0.85, 1.0)))


def _shift(at: tuple[float, float, float], x: float) -> tuple[float, float, float]:
    return (at[0] + x, at[1], at[2])


def bicycle(random: Random) -> Furniture:
    """Two spoked wheels, a frame of tubes, saddle, bars, cranks; along x, on its stand."""
    paint = plain(color(random))
    radius = random.uniform(0.3, 0.34)
    base = random.uniform(0.98, 1.06)
    rear, front = (-base / 2, 0.0, radius), (base / 2, 0.0, radius)
    crank = (-base / 2 + 0.42, 0.0, radius - 0.05)
    saddle = (-base / 2 + 0.28, 0.0, random.uniform(0.88, 1.0))
    seat = (-base / 2 + 0.33, 0.0, 0.72)
    head = (base / 2 - 0.14, 0.0, 0.8)
    low_head = (base / 2 - 0.1, 0.0, 0.66)
    parts: list[Primitive] = []
    for hub in (rear, front):
        parts += ring(RUBBER, radius - 0.02, 0.04, hub, 12)
        parts.append(disc(STEEL, 0.035, 0.06, hub))
        for k in range(4):
            turn = pi * k / 4 + 0.2
            dx, dz = (radius - 0.02) * cos(turn), (radius - 0.02) * sin(turn)
            parts.append(
                bar(STEEL, 0.006, (hub[0] - dx, 0, hub[2] - dz), (hub[0] + dx, 0, hub[2] + dz))
            )
    tubes = [(rear, crank), (rear, seat), (crank, saddle), (crank, low_head), (seat, head)]
    parts += [pole(paint, 0.017, start, end) for start, end in (*tubes, (front, head))]
    bars = (head[0] + 0.02, 0.0, head[2] + random.uniform(0.12, 0.2))
    parts += [
        pole(STEEL, 0.014, head, bars),
        pole(BLACK, 0.014, (bars[0], -0.28, bars[2]), (bars[0], 0.28, bars[2])),
        blob(BLACK, (0.26, 0.16, 0.08), (saddle[0], 0, saddle[2] + 0.02)),
        disc(STEEL, 0.09, 0.015, (crank[0], -0.05, crank[2])),
        pole(BLACK, 0.01, crank, (crank[0] + 0.1, -0.08, crank[2] - 0.12)),
        pole(BLACK, 0.01, crank, (crank[0] - 0.1, 0.08, crank[2] + 0.12)),
        block(BLACK, (0.09, 0.06, 0.02), (crank[0] + 0.1, -0.11, crank[2] - 0.13)),
        block(BLACK, (0.09, 0.06, 0.02), (crank[0] - 0.1, 0.11, crank[2] + 0.11)),
        bar(BLACK, 0.015, (rear[0] + 0.12, 0.02, radius - 0.02), (rear[0] + 0.05, 0.2, 0.01)),
    ]
    for side in (-1, 1):
        parts.append(
            pole(
                leather(random),
                0.018,
                (bars[0], side * 0.2, bars[2]),
                (bars[0] - 0.02, side * 0.3, bars[2]),
            )
        )
    return Furniture.of("bicycle", parts)


def _leaf(random: Random) -> Material:
    hue = random.uniform(0.24, 0.38)
    base = seen(hue, random.uniform(0.5, 0.8), random.uniform(0.35, 0.6))
    return Material(Texture.LEAVES, base, seen(hue + 0.03, 0.6, 0.75), random.uniform(0.6, 1.4))


def _pot(random: Random, radius: float, height: float) -> list[Primitive]:
    pot = (
        plastic(random)
        if random.random() < 0.5
        else plain(seen(0.04, 0.6, random.uniform(0.5, 0.75)))
    )
    return [
        tube(pot, radius * 0.82, height - 0.03, (0, 0, 0)),
        tube(pot, radius, 0.04 + height * 0.1, (0, 0, height * 0.9 - 0.04)),
        tube(plain(seen(0.07, 0.6, 0.22)), radius * 0.86, 0.012, (0, 0, height - 0.003)),
    ]


def floor_plant(random: Random) -> Furniture:
    """A tall pot plant: a bush of long leaves, a tree with a crown, or an upright cactus."""
    radius, pot = random.uniform(0.14, 0.2), random.uniform(0.22, 0.34)
    leaf = _leaf(random)
    parts = _pot(random, radius, pot)
    style = random.randrange(3)
    if style == 0:  # long leaves from one point
        count = random.randint(9, 14)
        reach = random.uniform(0.45, 0.75)
        for k in range(count):
            turn, steep = 2 * pi * k / count + random.uniform(-0.2, 0.2), random.uniform(0.6, 1.4)
            parts.append(_blade(leaf, turn, steep, reach * random.uniform(0.8, 1.1), pot, 0.09))
    elif style == 1:  # trunk and crown
        tall = random.uniform(0.8, 1.3)
        parts.append(tube(wood(random), 0.022, tall - pot, (0, 0, pot)))
        size = random.uniform(0.3, 0.42)
        for k in range(5):
            turn = 2 * pi * k / 5
            at = (0.13 * cos(turn), 0.13 * sin(turn), tall + random.uniform(-0.08, 0.12))
            parts.append(blob(leaf, (size, size, size * 0.8), at))
        parts.append(blob(leaf, (size, size, size), (0, 0, tall + 0.2)))
    else:
        tall = random.uniform(0.5, 0.9)
        ribs = Material(Texture.GRID, leaf.color, leaf.second, 2.5)
        parts.append(tube(ribs, 0.075, tall, (0, 0, pot)))
        parts.append(blob(ribs, (0.15, 0.15, 0.16), (0, 0, pot + tall)))
        for side in (-1, 1):
            z = pot + tall * random.uniform(0.35, 0.6)
            parts.append(pole(ribs, 0.04, (0, 0, z), (side * 0.17, 0, z)))
            parts.append(tube(ribs, 0.045, tall * 0.35, (side * 0.17, 0, z)))
            parts.append(blob(ribs, (0.09, 0.09, 0.1), (side * 0.17, 0, z + tall * 0.35)))
    return Furniture.of("plant", parts)


def pot_plant(random: Random) -> Furniture:
    """A small plant for a table: leaves from a pot, some with blossoms."""
    radius, pot = random.uniform(0.055, 0.085), random.uniform(0.09, 0.14)
    leaf = _leaf(random)
    parts = _pot(random, radius, pot)
    reach = random.uniform(0.14, 0.24)
    count = random.randint(7, 11)
    for k in range(count):
        turn, steep = 2 * pi * k / count + random.uniform(-0.3, 0.3), random.uniform(0.6, 1.4)
        parts.append(_blade(leaf, turn, steep, reach * random.uniform(0.8, 1.1), pot, 0.045))
    if random.random() < 0.4:
        bloom = plain(seen(random.choice((0.0, 0.12, 0.8, 0.92)), 0.6, 0.95))
        for k in range(3):
            turn = 2 * pi * k / 3 + 0.5
            at = (0.05 * cos(turn), 0.05 * sin(turn), pot + reach + 0.03)
            parts.append(blob(bloom, (0.05, 0.05, 0.04), at))
    return Furniture.of("plant", parts)


def _blade(
    leaf: Material, turn: float, steep: float, length: float, z: float, width: float
) -> Primitive:
    """A long leaf that rises from the pot's middle at an angle."""
    half = length / 2
    at = (half * cos(steep) * cos(turn), half * cos(steep) * sin(turn), z + half * sin(steep))
    return blob(leaf, (width, length, 0.015), at, turn - pi / 2, steep)


def fireplace(random: Random) -> Furniture:
    """A stone surround with a mantel, a dark hearth and burning logs."""
    stone = Material(
        random.choice((Texture.BRICKS, Texture.PLASTER, Texture.TILES)),
        color(random, muted=True),
        gray(random.uniform(0.3, 0.8)).color,
        0.8,
    )
    shelf = wood(random)
    width, height = random.uniform(1.2, 1.6), random.uniform(1.0, 1.2)
    depth = random.uniform(0.35, 0.45)
    side = width * 0.24
    opening = height * 0.6
    flame = plain(seen(0.08, 0.8, 1.0), emission=1.0)
    parts = [
        block(stone, (side, depth, height), (-(width - side) / 2, 0, 0)),
        block(stone, (side, depth, height), ((width - side) / 2, 0, 0)),
        block(stone, (width - 2 * side, depth, height - opening), (0, 0, opening)),
        block(BLACK, (width - 2 * side, 0.05, opening), (0, depth / 2 - 0.025, 0)),
        block(DARK, (width - 2 * side, depth, 0.04), (0, 0, 0)),
        block(shelf, (width + 0.12, depth + 0.08, 0.06), (0, -0.04, height)),
    ]
    for k, y in enumerate((-0.08, 0.02, -0.03)):
        z = 0.09 + 0.07 * (k == 2)
        parts.append(pole(wood(random), 0.045, (-0.2, y, z), (0.2, y + 0.03, z)))
    for x, tall in ((-0.1, 0.22), (0.02, 0.3), (0.12, 0.2)):
        parts.append(blob(flame, (0.1, 0.08, tall), (x, 0.0, 0.15 + tall / 2)))
    surface = Surface(
        (-width / 2 - 0.06, -depth / 2 - 0.08), (width / 2 + 0.06, depth / 2), height + 0.06
    )
    return Furniture.of("fireplace", parts, surfaces=(surface,), front=0.5)
