"""Things that shine."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture
from vlm3r_ros.worlds.furniture.materials import metal, plain, plastic, seen, wood
from vlm3r_ros.worlds.furniture.shapes import bar, blob, block, pole, star, tube
from vlm3r_ros.worlds.primitives import Material, Primitive


def _shade(random: Random) -> Material:
    hue, saturation = random.choice(
        ((0.12, 0.25), (0.1, 0.1), (0.05, 0.5), (0.55, 0.2), (0.3, 0.2))
    )
    return plain(seen(hue, saturation, 0.95), emission=random.uniform(0.5, 0.9))


def _stepped_shade(shade: Material, radius: float, height: float, z: float) -> list[Primitive]:
    """A cone in steps, narrow above."""
    step = height / 5
    return [
        tube(shade, radius * share, step, (0, 0, z + k * step))
        for k, share in enumerate((1.0, 0.92, 0.84, 0.76, 0.68))
    ]


def table_lamp(random: Random) -> Furniture:
    """A foot, a stem or a round body, and a shade; or a desk lamp with a bent arm."""
    shade = _shade(random)
    body = random.choice((metal, wood, plastic))(random)
    style = random.randrange(3)
    if style == 2:
        elbow = (0.0, 0.12, random.uniform(0.24, 0.32))
        head = (0.0, -random.uniform(0.12, 0.2), elbow[2] + random.uniform(0.0, 0.1))
        parts = [
            tube(body, 0.085, 0.025, (0, 0, 0)),
            pole(body, 0.01, (0, 0, 0.02), elbow),
            blob(body, (0.035, 0.035, 0.035), elbow),
            pole(body, 0.01, elbow, head),
            tube(body, 0.04, 0.06, (0, head[1], head[2] - 0.03)),
            tube(body, 0.075, 0.04, (0, head[1], head[2] - 0.065)),
            tube(shade, 0.065, 0.02, (0, head[1], head[2] - 0.075)),
        ]
        return Furniture.of("lamp", parts)
    foot, stem = random.uniform(0.06, 0.09), random.uniform(0.16, 0.26)
    radius, tall = random.uniform(0.11, 0.16), random.uniform(0.14, 0.2)
    parts = [tube(body, foot, 0.02, (0, 0, 0))]
    if style == 0:
        parts.append(tube(body, 0.012, stem, (0, 0, 0.02)))
    else:
        parts.append(blob(body, (foot * 2, foot * 2, stem), (0, 0, 0.01 + stem / 2)))
    parts += _stepped_shade(shade, radius, tall, stem)
    return Furniture.of("lamp", parts)


def floor_lamp(random: Random) -> Furniture:
    """A tall lamp: shade on a pole or a tripod, a bowl on a pole, or an arc."""
    shade, frame = _shade(random), metal(random) if random.random() < 0.7 else wood(random)
    height = random.uniform(1.4, 1.75)
    radius = random.uniform(0.17, 0.24)
    style = random.randrange(3)
    if style == 0:
        parts = [
            tube(frame, 0.14, 0.025, (0, 0, 0)),
            tube(frame, 0.014, height - 0.3, (0, 0, 0.02)),
        ]
        parts += _stepped_shade(shade, radius, 0.3, height - 0.3)
    elif style == 1:  # tripod
        tall = height - 0.32
        parts = []
        for k in range(3):
            turn = pi / 2 + 2 * pi * k / 3
            foot = (0.26 * cos(turn), 0.26 * sin(turn), 0.012)
            parts.append(bar(frame, 0.025, foot, (0.03 * cos(turn), 0.03 * sin(turn), tall)))
        parts += _stepped_shade(shade, radius, 0.3, tall)
    else:
        parts = star(frame, 4, 0.16, 0.025, 0.0)
        parts += [
            tube(frame, 0.015, height - 0.12, (0, 0, 0)),
            blob(shade, (radius * 1.6, radius * 1.6, 0.2), (0, 0, height - 0.08)),
            tube(frame, radius * 0.82, 0.02, (0, 0, height - 0.1)),
        ]
    return Furniture.of("lamp", parts)


def ceiling_light(random: Random) -> Furniture:
    """A flat round or square panel, or a globe that hangs from a rod."""
    shade = _shade(random)
    style = random.randrange(3)
    if style == 0:
        radius = random.uniform(0.18, 0.28)
        parts = [
            tube(metal(random), radius, 0.02, (0, 0, 0.08)),
            blob(shade, (2 * radius * 0.95, 2 * radius * 0.95, 0.16), (0, 0, 0.08)),
        ]
    elif style == 1:
        width = random.uniform(0.3, 0.6)
        parts = [
            block(metal(random), (width, width * 0.6, 0.06), (0, 0, 0.015)),
            block(shade, (width - 0.04, width * 0.6 - 0.04, 0.02), (0, 0, 0)),
        ]
    else:
        ball, drop = random.uniform(0.25, 0.36), random.uniform(0.12, 0.3)
        frame = metal(random)
        parts = [
            blob(shade, (ball, ball, ball * 0.9), (0, 0, ball * 0.45)),
            tube(frame, 0.01, drop, (0, 0, ball * 0.88)),
            tube(frame, 0.05, 0.025, (0, 0, ball * 0.88 + drop - 0.025)),
        ]
    return Furniture.of("ceiling light", parts)
