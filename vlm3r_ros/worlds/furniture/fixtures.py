"""What belongs to walls: doors, windows, and what hangs on them.

Doors and windows are as wide and tall as the opening given; windows are set back into the wall.
"""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture
from vlm3r_ros.worlds.furniture.materials import (
    BLACK,
    DARK,
    GLASS,
    STEEL,
    WHITE,
    color,
    darker,
    gray,
    metal,
    plain,
    seen,
    wood,
)
from vlm3r_ros.worlds.furniture.shapes import blob, block, disc, rod
from vlm3r_ros.worlds.primitives import Material, Primitive, Texture


def door(random: Random, width: float, height: float) -> Furniture:
    """A closed door: frame, leaf with panels or a glass pane, handle and hinges.

    Args:
        random: draws the design.
        width: of the whole, frame included, metres.
        height: the same.
    """
    leaf = wood(random) if random.random() < 0.7 else plain(color(random, muted=True))
    frame = leaf if random.random() < 0.5 else WHITE
    jamb = random.uniform(0.06, 0.1)
    parts: list[Primitive] = [
        block(frame, (jamb, 0.06, height), (side * (width - jamb) / 2, 0, 0)) for side in (-1, 1)
    ]
    parts.append(block(frame, (width - 2 * jamb, 0.06, jamb), (0, 0, height - jamb)))
    inner, tall = width - 2 * jamb, height - jamb
    parts.append(block(leaf, (inner - 0.008, 0.035, tall - 0.004), (0, 0.012, 0)))
    raised = Material(leaf.texture, darker(leaf.color, 0.8), leaf.second, leaf.scale)
    style = random.randrange(4)
    front = -0.012
    if style == 0:  # two panels
        for z, share in ((0.08, 0.36), (0.5, 0.44)):
            parts.append(block(raised, (inner * 0.7, 0.02, tall * share), (0, front, tall * z)))
    elif style == 1:  # four or six panels
        rows = ((0.07, 0.3), (0.43, 0.3), (0.78, 0.16))
        parts += [
            block(raised, (inner * 0.32, 0.02, tall * share), (x * inner, front, tall * z))
            for z, share in rows
            for x in (-0.21, 0.21)
        ]
    elif style == 2:  # a pane
        glass = Material(Texture.MIRROR, seen(0.5, 0.1, 0.8), seen(0.5, 0.05, 0.9))
        parts.append(block(glass, (inner * 0.55, 0.015, tall * 0.5), (0, front, tall * 0.42)))
        parts.append(block(raised, (inner * 0.7, 0.02, tall * 0.25), (0, front, tall * 0.08)))
    side = random.choice((-1, 1))
    x = side * (inner / 2 - 0.07)
    parts.append(block(STEEL, (0.035, 0.012, 0.18), (x, -0.012, 0.95)))
    parts.append(rod(STEEL, 0.011, 0.13, (x - side * 0.045, -0.045, 1.06)))
    parts.append(block(STEEL, (0.02, 0.04, 0.02), (x, -0.03, 1.05)))
    parts += [
        block(STEEL, (0.02, 0.02, 0.1), (-side * (inner / 2 - 0.006), -0.012, z))
        for z in (0.25, tall - 0.3)
    ]
    return Furniture.of("door", parts, front=0.9)


def window(random: Random, width: float, height: float) -> Furniture:
    """Panes in a frame with bars, a handle and a sill that stands out.

    Args:
        random: draws the design.
        width: of the opening, metres.
        height: the same.
    """
    frame = WHITE if random.random() < 0.6 else wood(random)
    sky = seen(random.uniform(0.52, 0.6), random.uniform(0.05, 0.35), random.uniform(0.85, 1.0))
    daylight = Material(Texture.DAYLIGHT, sky, frame.color, emission=1.0)
    bar = random.uniform(0.045, 0.07)
    parts: list[Primitive] = [
        block(daylight, (width - bar, 0.02, height - bar), (0, 0.02, bar / 2)),
        block(frame, (width, 0.05, bar), (0, 0, 0)),
        block(frame, (width, 0.05, bar), (0, 0, height - bar)),
        block(frame, (bar, 0.05, height - 2 * bar), (-(width - bar) / 2, 0, bar)),
        block(frame, (bar, 0.05, height - 2 * bar), ((width - bar) / 2, 0, bar)),
    ]
    columns = 1 if width < 0.8 else 2 if width < 1.8 else 3
    for k in range(1, columns):
        x = width * (k / columns - 0.5)
        parts.append(block(frame, (bar * 1.2, 0.05, height - 2 * bar), (x, 0, bar)))
        parts.append(block(STEEL, (0.02, 0.04, 0.12), (x, -0.035, height * 0.4)))
    if random.random() < 0.4:
        z = height * random.uniform(0.6, 0.72)
        parts.append(block(frame, (width - 2 * bar, 0.045, bar * 0.8), (0, 0, z)))
    sill = random.uniform(0.12, 0.18)
    parts.append(block(frame, (width + 0.08, sill, 0.03), (0, 0.025 - sill / 2, -0.03)))
    return Furniture.of("window", parts)


def mirror(random: Random) -> Furniture:
    """A rectangular, round or oval glass in a frame."""
    frame = metal(random) if random.random() < 0.5 else wood(random)
    style = random.randrange(3)
    if style == 0:
        radius = random.uniform(0.25, 0.4)
        tall = radius * random.choice((1.0, 1.35))
        return Furniture.of(
            "mirror",
            [
                disc(frame, radius, 0.02, (0, 0.01, tall), tall),
                disc(GLASS, radius - 0.03, 0.012, (0, -0.004, tall), tall - 0.03),
            ],
        )
    width = random.uniform(0.4, 0.9)
    height = random.uniform(0.6, 1.0)
    return Furniture.of("mirror", _framed(frame, GLASS, width, height, random.uniform(0.02, 0.05)))


def standing_mirror(random: Random) -> Furniture:
    """A tall glass that leans back on the floor."""
    frame = metal(random) if random.random() < 0.5 else wood(random)
    width, height = random.uniform(0.4, 0.6), random.uniform(1.4, 1.75)
    lean = -0.09
    parts = [
        block(frame, (width, 0.03, height), (0, 0, 0), pitch=lean),
        block(GLASS, (width - 0.08, 0.012, height - 0.08), (0, -0.014, 0.04), pitch=lean),
    ]
    return Furniture.of("mirror", parts)


def picture(random: Random) -> Furniture:
    """A painting or photograph in a frame, some with a white border."""
    frame = random.choice((wood, metal))(random)
    canvas = Material(Texture.PICTURE, color(random), color(random), random.uniform(0.6, 1.4))
    width, height = random.uniform(0.3, 1.1), random.uniform(0.3, 0.8)
    bar = random.uniform(0.015, 0.05)
    parts = _framed(frame, canvas, width, height, bar)
    if random.random() < 0.35:
        border = min(width, height) * 0.14
        inner = block(
            canvas,
            (width - 2 * bar - 2 * border, 0.006, height - 2 * bar - 2 * border),
            (0, -0.012, bar + border),
        )
        parts = [*_framed(frame, WHITE, width, height, bar), inner]
    return Furniture.of("picture", parts)


def _framed(
    frame: Material, inside: Material, width: float, height: float, bar: float
) -> list[Primitive]:
    return [
        block(frame, (width, 0.03, bar), (0, 0, 0)),
        block(frame, (width, 0.03, bar), (0, 0, height - bar)),
        block(frame, (bar, 0.03, height - 2 * bar), (-(width - bar) / 2, 0, bar)),
        block(frame, (bar, 0.03, height - 2 * bar), ((width - bar) / 2, 0, bar)),
        block(inside, (width - 2 * bar, 0.018, height - 2 * bar), (0, 0.004, bar)),
    ]


def wall_clock(random: Random) -> Furniture:
    """A round or square face with marks and hands in a rim."""
    rim = metal(random) if random.random() < 0.6 else wood(random)
    face = Material(
        Texture.CLOCK_FACE,
        *random.choice(
            ((WHITE.color, BLACK.color), (gray(0.85).color, DARK.color), (BLACK.color, WHITE.color))
        ),
    )
    radius = random.uniform(0.13, 0.21)
    if random.random() < 0.75:
        parts = [
            disc(rim, radius, 0.04, (0, 0, radius)),
            disc(face, radius * 0.88, 0.02, (0, -0.014, radius)),
        ]
    else:
        parts = _framed(rim, face, 2 * radius, 2 * radius, 0.025)
    return Furniture.of("clock", parts)


def table_clock(random: Random) -> Furniture:
    """A small round clock on two feet, with bells."""
    rim = metal(random)
    face = Material(Texture.CLOCK_FACE, WHITE.color, BLACK.color)
    radius = random.uniform(0.05, 0.08)
    z = radius + 0.015
    parts = [
        disc(rim, radius, 0.05, (0, 0, z)),
        disc(face, radius * 0.88, 0.01, (0, -0.023, z)),
    ]
    for side in (-1, 1):
        parts.append(block(rim, (0.015, 0.02, 0.04), (side * radius * 0.6, 0, 0)))
        parts.append(blob(rim, (0.04, 0.04, 0.03), (side * radius * 0.6, 0, z + radius * 0.85)))
    return Furniture.of("clock", parts)


def whiteboard(random: Random) -> Furniture:
    """A white writing board with an aluminium frame and a tray with pens."""
    width, height = random.uniform(1.0, 1.8), random.uniform(0.8, 1.1)
    parts = _framed(STEEL, WHITE, width, height, 0.025)
    parts.append(block(STEEL, (width * 0.6, 0.08, 0.015), (0, -0.05, 0)))
    for k in range(3):
        pen = plain(color(random))
        parts.append(rod(pen, 0.009, 0.12, (-0.2 + 0.18 * k, -0.05, 0.024)))
    for _ in range(random.randrange(2, 5)):
        ink = plain(seen(random.choice((0.0, 0.6, 0.35)), 0.8, 0.5))
        x, z = random.uniform(-0.35, 0.35) * width, random.uniform(0.2, 0.8) * height
        parts.append(block(ink, (random.uniform(0.1, 0.35), 0.004, 0.012), (x, -0.006, z)))
    return Furniture.of("whiteboard", parts)
