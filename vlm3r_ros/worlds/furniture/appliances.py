"""Kitchen and household machines."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import (
    BLACK,
    DARK,
    DARK_GLASS,
    STEEL,
    WHITE,
    device,
    gray,
    metal,
    plastic,
    white_goods,
)
from vlm3r_ros.worlds.furniture.shapes import bar, blob, block, disc, ring, rod, tube
from vlm3r_ros.worlds.primitives import Material, Primitive, Texture


def refrigerator(random: Random) -> Furniture:
    """A fridge with the freezer above or below, or with two tall doors side by side."""
    case = white_goods(random)
    handle = STEEL if random.random() < 0.6 else DARK
    depth, height = random.uniform(0.6, 0.72), random.uniform(1.5, 1.9)
    sides = random.random() < 0.25
    width = random.uniform(0.85, 0.95) if sides else random.uniform(0.55, 0.72)
    foot, gap = 0.05, 0.012
    parts = [
        block(BLACK, (width - 0.04, depth - 0.1, foot), (0, 0.03, 0)),
        block(case, (width, depth - 0.06, height - foot), (0, 0.03, foot)),
    ]
    y = -depth / 2 + 0.025
    if sides:
        for side in (-1, 1):
            door = (width / 2 - gap / 2, 0.05, height - foot - 0.01)
            parts.append(block(case, door, (side * (width / 4 + gap / 4), y, foot)))
            at = (side * 0.05, y - 0.045, height * 0.4)
            parts.append(block(handle, (0.022, 0.03, height * 0.35), at))
        if random.random() < 0.5:
            parts.append(block(DARK, (0.16, 0.012, 0.26), (-width / 4, y - 0.028, height * 0.55)))
    else:
        split = height * random.choice((0.33, 0.68))
        hinge_far = random.choice((-1, 1)) * (width / 2 - 0.05)
        for low, high in ((foot, split - gap), (split, height)):
            parts.append(block(case, (width, 0.05, high - low), (0, y, low)))
            long = min(0.45, (high - low) * 0.6)
            near = high - long - 0.05 if high < height else low + 0.05
            parts.append(block(handle, (0.022, 0.035, long), (hinge_far, y - 0.04, near)))
    return Furniture.of("refrigerator", parts, front=0.6)


def _hob(size: float, z: float, depth: float) -> list[Primitive]:
    """A dark plate with four rings."""
    parts = [block(DARK_GLASS, (size * 0.95, depth * 0.85, 0.012), (0, 0, z))]
    for x in (-0.22, 0.22):
        for y, radius in ((-0.2, 0.085), (0.2, 0.07)):
            at = (x * size, y * depth, z + 0.006)
            parts.append(tube(gray(0.45), radius, 0.016, at))
            parts.append(tube(gray(0.2), radius * 0.7, 0.02, at))
            parts.append(tube(gray(0.4), radius * 0.4, 0.022, at))
    return parts


def _knobs(material: Material, count: int, width: float, y: float, z: float) -> list[Primitive]:
    step = width * 0.8 / max(count - 1, 1)
    return [
        disc(material, 0.022, 0.03, ((k - (count - 1) / 2) * step, y - 0.012, z))
        for k in range(count)
    ]


def oven(random: Random) -> Furniture:
    """A range: oven door with a window and a bar, knobs above, burner rings on top."""
    case = white_goods(random)
    width, depth = random.uniform(0.5, 0.75), random.uniform(0.58, 0.65)
    height = random.uniform(0.85, 0.92)
    y = -depth / 2 + 0.02
    panel = 0.11
    parts = [
        block(BLACK, (width - 0.04, depth - 0.1, 0.05), (0, 0.03, 0)),
        block(case, (width, depth - 0.04, height - 0.05), (0, 0.02, 0.05)),
        block(case, (width - 0.01, 0.04, height - panel - 0.24), (0, y, 0.21)),
        block(DARK_GLASS, (width * 0.7, 0.012, 0.3), (0, y - 0.022, 0.27)),
        rod(STEEL, 0.013, width * 0.8, (0, y - 0.055, height - panel - 0.09)),
        block(case, (width - 0.01, 0.03, 0.13), (0, y + 0.005, 0.065)),
        block(DARK, (width * 0.5, 0.015, 0.015), (0, y - 0.016, 0.14)),
        block(gray(0.3), (width - 0.01, 0.03, panel - 0.01), (0, y, height - panel)),
    ]
    for side in (-1, 1):
        at = (side * width * 0.36, y - 0.035, height - panel - 0.1)
        parts.append(block(STEEL, (0.02, 0.04, 0.02), at))
    knob = BLACK if case.color[0] > 0.4 else WHITE
    parts += _knobs(knob, random.choice((4, 5, 6)), width, y - 0.015, height - panel / 2)
    parts += _hob(width, height, depth)
    if random.random() < 0.4:
        parts.append(block(case, (width, 0.04, 0.14), (0, depth / 2 - 0.02, height)))
    return Furniture.of("oven", parts, front=0.6)


def microwave(random: Random) -> Furniture:
    """A box with a dark window, a bar to open it and a panel of keys beside."""
    case = gray(random.choice((0.9, 0.15))) if random.random() < 0.6 else STEEL
    width, depth = random.uniform(0.44, 0.54), random.uniform(0.32, 0.4)
    height = random.uniform(0.26, 0.31)
    front = -depth / 2
    keys = Material(Texture.GRID, gray(0.8).color, BLACK.color, 1.0)
    parts = [
        block(case, (width, depth, height - 0.015), (0, 0, 0.015)),
        block(
            DARK_GLASS, (width * 0.6, 0.012, height * 0.68), (-width * 0.15, front, height * 0.17)
        ),
        block(DARK, (width * 0.2, 0.012, height * 0.85), (width * 0.37, front, height * 0.09)),
        block(
            keys, (width * 0.15, 0.012, height * 0.4), (width * 0.37, front - 0.006, height * 0.15)
        ),
        block(
            Material(Texture.SCREEN, (0.02, 0.3, 0.2), (0.3, 0.9, 0.6), emission=0.8),
            (width * 0.15, 0.012, height * 0.12),
            (width * 0.37, front - 0.006, height * 0.72),
        ),
        block(STEEL, (0.018, 0.03, height * 0.7), (width * 0.23, front - 0.02, height * 0.17)),
    ]
    parts += [
        tube(BLACK, 0.015, 0.016, (x * width * 0.42, y * depth * 0.4, 0))
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return Furniture.of("microwave", parts)


def washing_machine(random: Random) -> Furniture:
    """A front loader: round window in a ring, soap drawer, dial and display."""
    case = gray(random.uniform(0.88, 0.96)) if random.random() < 0.75 else gray(0.35)
    ring = STEEL if random.random() < 0.5 else gray(0.3)
    width, depth = random.uniform(0.58, 0.62), random.uniform(0.52, 0.62)
    height = random.uniform(0.83, 0.88)
    front, middle = -depth / 2, height * 0.46
    radius = random.uniform(0.18, 0.21)
    parts = [
        block(case, (width, depth, height - 0.06), (0, 0, 0.02)),
        block(case, (width, depth + 0.01, 0.035), (0, 0, height - 0.035)),
        disc(ring, radius, 0.05, (0, front - 0.02, middle)),
        disc(DARK_GLASS, radius * 0.74, 0.03, (0, front - 0.035, middle)),
        blob(DARK_GLASS, (radius * 1.3, 0.09, radius * 1.3), (0, front - 0.03, middle)),
        block(ring, (0.03, 0.03, 0.1), (radius * 0.88, front - 0.05, middle - 0.05)),
        block(gray(0.8), (width * 0.32, 0.012, 0.085), (-width * 0.3, front, height - 0.14)),
        disc(ring, 0.032, 0.04, (width * 0.02, front - 0.015, height - 0.1)),
        block(DARK, (width * 0.26, 0.012, 0.06), (width * 0.3, front, height - 0.125)),
        block(gray(0.7), (width * 0.24, 0.012, 0.09), (width * 0.3, front, 0.05)),
        block(BLACK, (width - 0.06, depth - 0.08, 0.02), (0, 0, 0)),
    ]
    return Furniture.of(
        "washing machine",
        parts,
        surfaces=(Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height),),
        front=0.6,
    )


def dishwasher(random: Random) -> Furniture:
    """A machine with one flat door, a bar along its upper edge and a row of keys."""
    case = white_goods(random)
    width, depth, height = random.uniform(0.58, 0.61), random.uniform(0.56, 0.62), 0.86
    y = -depth / 2 + 0.02
    parts = [
        block(BLACK, (width - 0.02, depth - 0.12, 0.09), (0, 0.04, 0)),
        block(case, (width, depth - 0.04, height - 0.09), (0, 0.02, 0.09)),
        block(case, (width - 0.01, 0.035, height - 0.24), (0, y, 0.11)),
        block(gray(0.25), (width - 0.01, 0.035, 0.1), (0, y, height - 0.115)),
        rod(STEEL, 0.012, width * 0.75, (0, y - 0.05, height - 0.17)),
        block(
            Material(Texture.SCREEN, (0.02, 0.1, 0.3), (0.5, 0.7, 1.0), emission=0.8),
            (0.1, 0.012, 0.03),
            (width * 0.28, y - 0.017, height - 0.08),
        ),
    ]
    parts += [
        block(STEEL, (0.02, 0.04, 0.02), (side * width * 0.34, y - 0.03, height - 0.18))
        for side in (-1, 1)
    ]
    parts += [
        disc(STEEL, 0.01, 0.014, (-width * 0.36 + 0.05 * k, y - 0.02, height - 0.065))
        for k in range(4)
    ]
    return Furniture.of(
        "dishwasher",
        parts,
        surfaces=(Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height),),
        front=0.6,
    )


def fan(random: Random) -> Furniture:
    """A fan on a stand: blades before a motor, in a cage of a rim and spokes."""
    frame = device(random)
    blades = plastic(random)
    radius = random.uniform(0.19, 0.24)
    z = random.uniform(0.95, 1.15)
    parts = [
        tube(frame, 0.19, 0.03, (0, 0, 0)),
        tube(frame, 0.018, z - 0.03, (0, 0, 0.03)),
        disc(frame, 0.07, 0.16, (0, 0.03, z)),
        disc(frame, radius * 0.25, 0.012, (0, -0.11, z)),
    ]
    for k in range(4):
        turn = pi / 4 + k * pi / 2
        middle = (radius * 0.5 * cos(turn), -0.07, z + radius * 0.5 * sin(turn))
        parts.append(blob(blades, (0.03, radius * 0.95, radius * 0.6), middle, pi / 2, pi - turn))
    spokes = 10
    parts += ring(frame, radius, 0.014, (0, -0.07, z), spokes)
    for k in range(spokes):
        turn = 2 * pi * k / spokes
        x, up = radius * cos(turn), radius * sin(turn)
        parts.append(bar(frame, 0.006, (0.2 * x, -0.11, z + 0.2 * up), (x, -0.075, z + up)))
    return Furniture.of("fan", parts)


def radiator(random: Random) -> Furniture:
    """A panel with upright ribs, valve and pipe; hung just above the floor."""
    case = WHITE if random.random() < 0.75 else metal(random)
    width = random.uniform(0.6, 1.4)
    height, depth = random.uniform(0.45, 0.6), random.uniform(0.08, 0.12)
    low = 0.1
    count = max(5, round(width / 0.085))
    step = width / count
    parts = [
        block(case, (step * 0.6, depth, height), ((k - (count - 1) / 2) * step, 0, low))
        for k in range(count)
    ]
    parts += [rod(case, 0.02, width - step, (0, 0, z)) for z in (low + 0.05, low + height - 0.08)]
    side = random.choice((-1, 1))
    x = side * (width / 2 + 0.02)
    parts.append(rod(WHITE, 0.022, 0.07, (x + side * 0.02, 0, low + height - 0.08)))
    parts += [
        tube(STEEL, 0.012, low + 0.04, (place * (width / 2 - 0.03), 0, 0)) for place in (-1, 1)
    ]
    return Furniture.of("radiator", parts)
