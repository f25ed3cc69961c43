"""What stands in a bathroom."""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture
from vlm3r_ros.worlds.furniture.materials import (
    BLACK,
    CERAMIC,
    DARK,
    STEEL,
    cloth,
    color,
    gray,
    metal,
    plain,
    wood,
)
from vlm3r_ros.worlds.furniture.shapes import blob, block, pole, rod, tub, tube
from vlm3r_ros.worlds.primitives import Primitive


def _tap(x: float, y: float, z: float, reach: float) -> list[Primitive]:
    """A mixer tap whose spout points to the front."""
    return [
        tube(STEEL, 0.022, 0.05, (x, y, z)),
        pole(STEEL, 0.013, (x, y, z + 0.04), (x, y, z + 0.2)),
        pole(STEEL, 0.012, (x, y + 0.01, z + 0.2), (x, y - reach, z + 0.17)),
        pole(STEEL, 0.011, (x, y - reach + 0.01, z + 0.175), (x, y - reach + 0.01, z + 0.13)),
        block(STEEL, (0.06, 0.015, 0.012), (x + 0.04, y, z + 0.045)),
    ]


def washbasin(random: Random) -> Furniture:
    """A bathroom sink: a basin with a tap on a column or on a cupboard."""
    width, depth = random.uniform(0.5, 0.75), random.uniform(0.42, 0.5)
    height = random.uniform(0.8, 0.88)
    deep = 0.15
    parts: list[Primitive] = []
    if random.random() < 0.5:
        parts.append(tube(CERAMIC, 0.1, height - deep, (0, 0.08, 0), depth=0.09))
        parts.append(tube(CERAMIC, 0.13, 0.03, (0, 0.08, 0), depth=0.12))
    else:
        body = wood(random) if random.random() < 0.6 else plain(color(random, muted=True))
        low = random.choice((0.1, 0.25))
        tall = height - deep - low
        parts.append(block(body, (width - 0.04, depth - 0.06, tall), (0, 0.03, low)))
        for side in (-1, 1):
            x = side * (width - 0.04) / 4
            door = (width / 2 - 0.03, 0.02, tall - 0.02)
            parts.append(block(body, door, (x, -depth / 2 + 0.05, low + 0.01)))
            at = (x - side * 0.08, -depth / 2 + 0.035, low + tall * 0.6)
            parts.append(block(STEEL, (0.012, 0.02, 0.12), at))
        parts += [
            block(DARK, (0.03, 0.03, low), (side * (width / 2 - 0.06), y, 0))
            for side in (-1, 1)
            for y in (-0.12, 0.15)
        ]
    z = height - deep
    parts += tub(CERAMIC, (width, depth, deep), (0, 0, z), 0.035, gray(0.82))
    parts.append(block(CERAMIC, (width - 0.07, 0.08, deep), (0, depth / 2 - 0.075, z)))
    parts.append(tube(STEEL, 0.025, 0.04, (0, 0, z)))
    parts += _tap(0, depth / 2 - 0.08, height, 0.13)
    return Furniture.of("sink", parts, front=0.5)


def kitchen_sink(random: Random) -> Furniture:
    """A steel or stone sink to be set on a worktop: a low rim, one or two bowls and a tall tap."""
    steel = STEEL if random.random() < 0.7 else gray(random.choice((0.25, 0.9)))
    inside = gray(0.4) if steel is STEEL else gray(0.5)
    width, depth = random.uniform(0.5, 0.8), random.uniform(0.42, 0.5)
    rim = 0.05
    parts = tub(steel, (width, depth, rim), (0, 0, 0), 0.025, inside)
    parts.append(block(steel, (width - 0.05, 0.07, rim), (0, depth / 2 - 0.06, 0)))
    if width > 0.62:
        parts.append(block(steel, (0.04, depth - 0.1, rim), (0, -0.02, 0)))
        for side in (-1, 1):
            parts.append(tube(BLACK, 0.03, 0.028, (side * width / 4, -0.03, 0)))
    else:
        parts.append(tube(BLACK, 0.03, 0.028, (0, -0.03, 0)))
    parts += _tap(0, depth / 2 - 0.06, rim, 0.18)
    return Furniture.of("sink", parts)


def toilet(random: Random) -> Furniture:
    """A bowl with a seat and lid before a cistern with a push plate."""
    seat = CERAMIC if random.random() < 0.7 else gray(random.choice((0.2, 0.85)))
    width = random.uniform(0.35, 0.4)
    depth, height = random.uniform(0.64, 0.72), random.uniform(0.74, 0.84)
    rim = random.uniform(0.39, 0.43)
    tank = 0.18
    bowl = depth - tank
    middle = -depth / 2 + bowl / 2 + 0.03
    parts: list[Primitive] = [
        tube(CERAMIC, width * 0.3, rim - 0.1, (0, middle + 0.06, 0), depth=bowl * 0.42),
        blob(CERAMIC, (width * 0.96, bowl * 1.08, 0.36), (0, middle - 0.01, rim - 0.16)),
        tube(CERAMIC, width * 0.49, 0.07, (0, middle, rim - 0.09), depth=bowl * 0.56),
        tube(seat, width * 0.5, 0.025, (0, middle, rim - 0.015), depth=bowl * 0.57),
        block(
            CERAMIC, (width * 1.02, tank, height - rim + 0.06), (0, (depth - tank) / 2, rim - 0.06)
        ),
        block(CERAMIC, (width * 1.06, tank + 0.02, 0.03), (0, (depth - tank) / 2, height)),
        tube(STEEL, 0.03, 0.012, (0, (depth - tank) / 2, height + 0.03)),
        block(CERAMIC, (width * 0.55, tank, rim - 0.06), (0, (depth - tank) / 2, 0)),
    ]
    if random.random() < 0.35:  # lid up
        parts.append(
            tube(
                seat,
                width * 0.5,
                0.02,
                (0, depth / 2 - tank - 0.035, rim + 0.19),
                depth=0.2,
                pitch=1.45,
            )
        )
        parts.append(
            tube(gray(0.55), width * 0.34, 0.012, (0, middle - 0.02, rim), depth=bowl * 0.38)
        )
    else:
        parts.append(tube(seat, width * 0.48, 0.02, (0, middle, rim + 0.01), depth=bowl * 0.54))
    return Furniture.of("toilet", parts, front=0.5)


def bathtub(random: Random) -> Furniture:
    """An open tub with a thick rim, a tap at one end and sometimes water in it."""
    width, depth = random.uniform(1.5, 1.75), random.uniform(0.68, 0.8)
    height = random.uniform(0.52, 0.6)
    wall = random.uniform(0.06, 0.09)
    inside = plain((0.35, 0.6, 0.65)) if random.random() < 0.3 else gray(0.85)
    parts = tub(CERAMIC, (width, depth, height), (0, 0, 0), wall)
    fill = random.uniform(0.1, 0.35)
    parts.append(block(inside, (width - 2 * wall, depth - 2 * wall, fill), (0, 0, wall)))
    rim = tub(CERAMIC, (width + 0.04, depth + 0.04, 0.04), (0, 0, height), wall + 0.03)
    parts += rim[:4]
    side = random.choice((-1, 1))
    x = side * (width / 2 - wall - 0.02)
    parts += [
        pole(STEEL, 0.02, (x, 0.1, height + 0.03), (x, 0.1, height + 0.1)),
        pole(STEEL, 0.02, (x, -0.1, height + 0.03), (x, -0.1, height + 0.1)),
        pole(STEEL, 0.025, (x, -0.14, height + 0.1), (x, 0.14, height + 0.1)),
        pole(STEEL, 0.016, (x, 0, height + 0.1), (x - side * 0.15, 0, height + 0.08)),
    ]
    return Furniture.of("bathtub", parts, front=0.5)


def hanging_towel(random: Random) -> Furniture:
    """A towel over a rail."""
    terry = cloth(random, patterned=0.4)
    width, drop = random.uniform(0.35, 0.55), random.uniform(0.4, 0.65)
    parts = [
        rod(STEEL, 0.01, width + 0.15, (0, -0.05, drop)),
        block(terry, (width, 0.018, drop), (0, -0.068, 0)),
        block(terry, (width, 0.018, drop * 0.8), (0, -0.032, drop * 0.2)),
        rod(terry, 0.027, width, (0, -0.05, drop)),
    ]
    for side in (-1, 1):
        x = side * (width / 2 + 0.06)
        parts.append(block(STEEL, (0.02, 0.06, 0.02), (x, -0.03, drop - 0.01)))
    return Furniture.of("towel", parts)


def folded_towels(random: Random) -> Furniture:
    """Two to four towels in a pile, or one rolled up."""
    width, depth = random.uniform(0.26, 0.34), random.uniform(0.2, 0.26)
    if random.random() < 0.3:
        terry = cloth(random, patterned=0.3)
        parts = [
            rod(terry, 0.065, width, (0, 0, 0.065)),
            rod(metal(random), 0.067, 0.02, (0, 0, 0.065)),
        ]
        return Furniture.of("towel", parts)
    parts = []
    z = 0.0
    for _ in range(random.choice((2, 3, 4))):
        terry = cloth(random, patterned=0.3)
        thick = random.uniform(0.045, 0.06)
        shrink = random.uniform(0.92, 1.0)
        parts.append(block(terry, (width * shrink, depth * shrink - 0.03, thick), (0, 0.015, z)))
        parts.append(rod(terry, thick / 2, width * shrink, (0, -depth / 2 + 0.03, z + thick / 2)))
        z += thick
    return Furniture.of("towel", parts)
