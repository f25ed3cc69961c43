"""Things to sit on."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import (
    RUBBER,
    STEEL,
    leather,
    metal,
    plastic,
    upholstery,
    wood,
)
from vlm3r_ros.worlds.furniture.shapes import blob, block, legs, star, tube
from vlm3r_ros.worlds.primitives import Material, Primitive


def chair(random: Random) -> Furniture:
    """A kitchen chair, an office chair, a shell on legs or a cantilever chair."""
    design = random.choice((_kitchen_chair, _kitchen_chair, _shell_chair, _cantilever_chair))
    return design(random)


def office_chair(random: Random) -> Furniture:
    """A chair on five castors."""
    cover, frame = upholstery(random), metal(random)
    width, seat = random.uniform(0.46, 0.54), random.uniform(0.44, 0.52)
    parts = star(frame, 5, 0.3, 0.05, 0.06)
    for k in range(5):
        turn = pi / 2 + 2 * pi * k / 5
        parts.append(blob(RUBBER, (0.06, 0.06, 0.06), (0.28 * cos(turn), 0.28 * sin(turn), 0.03)))
    parts += [
        tube(STEEL, 0.03, seat - 0.16, (0, 0, 0.08)),
        block(cover, (width, width * 0.95, 0.08), (0, 0, seat - 0.08)),
    ]
    back = random.uniform(0.45, 0.65)
    parts.append(
        block(cover, (width * 0.9, 0.06, back), (0, width / 2 + 0.02, seat + 0.06), pitch=-0.12)
    )
    parts.append(block(frame, (0.06, 0.03, 0.25), (0, width / 2 + 0.03, seat - 0.1)))
    if random.random() < 0.75:
        for side in (-1, 1):
            x = side * (width / 2 + 0.02)
            parts.append(block(frame, (0.04, 0.05, 0.2), (x, 0.05, seat - 0.02)))
            parts.append(block(RUBBER, (0.06, 0.26, 0.03), (x, 0.0, seat + 0.18)))
    return Furniture.of("chair", parts)


def _kitchen_chair(random: Random) -> Furniture:
    frame = wood(random)
    width, depth = random.uniform(0.4, 0.48), random.uniform(0.4, 0.48)
    seat, back = random.uniform(0.43, 0.48), random.uniform(0.38, 0.55)
    thick = random.uniform(0.03, 0.045)
    cushion = upholstery(random) if random.random() < 0.4 else frame
    parts = legs(frame, width, depth, seat - 0.04, thick)
    parts.append(block(cushion, (width, depth, 0.04), (0, 0, seat - 0.04)))
    x, y = (width - thick) / 2, (depth - thick) / 2
    parts += [block(frame, (thick, thick, back), (side * x, y, seat)) for side in (-1, 1)]
    inner = width - 2 * thick
    style = random.randrange(3)
    if style == 0:  # rails
        parts += [
            block(frame, (inner, 0.018, 0.06), (0, y, seat + back * share))
            for share in (0.3, 0.57, 0.84)
        ]
    elif style == 1:  # bars
        parts.append(block(frame, (inner, 0.022, 0.07), (0, y, seat + back - 0.07)))
        parts += [
            block(frame, (0.022, 0.018, back - 0.07), (inner * share, y, seat))
            for share in (-0.3, -0.1, 0.1, 0.3)
        ]
    else:
        parts.append(block(cushion, (inner, 0.03, back * 0.6), (0, y, seat + back * 0.35)))
    return Furniture.of("chair", parts)


def _shell_chair(random: Random) -> Furniture:
    shell, frame = plastic(random), wood(random) if random.random() < 0.6 else metal(random)
    width, seat = random.uniform(0.44, 0.5), random.uniform(0.44, 0.48)
    lean = random.uniform(0.1, 0.2)
    parts = legs(frame, width * 0.9, width * 0.85, seat - 0.03, 0.035, round_=True)
    parts += [
        block(shell, (width, width * 0.9, 0.03), (0, 0, seat - 0.03)),
        block(shell, (width * 0.92, 0.03, 0.4), (0, width * 0.45 + 0.02, seat - 0.01), pitch=-lean),
    ]
    for side in (-1, 1):
        parts.append(block(shell, (0.025, width * 0.6, 0.12), (side * width * 0.49, 0.08, seat)))
    return Furniture.of("chair", parts)


def _cantilever_chair(random: Random) -> Furniture:
    cover, frame = upholstery(random), metal(random)
    width, depth, seat = random.uniform(0.44, 0.5), random.uniform(0.44, 0.5), 0.45
    parts: list[Primitive] = []
    for side in (-1, 1):
        x = side * (width / 2 - 0.015)
        parts += [
            block(frame, (0.025, depth, 0.025), (x, 0, 0)),
            block(frame, (0.025, 0.025, seat), (x, -depth / 2 + 0.012, 0)),
            block(frame, (0.025, depth, 0.025), (x, 0, seat - 0.045)),
            block(frame, (0.025, 0.025, 0.42), (x, depth / 2 - 0.012, seat - 0.04)),
        ]
    parts += [
        block(frame, (width - 0.05, 0.025, 0.025), (0, depth / 2 - 0.012, 0)),
        block(cover, (width - 0.05, depth, 0.05), (0, 0, seat - 0.04)),
        block(cover, (width - 0.05, 0.04, 0.28), (0, depth / 2 - 0.02, seat + 0.12)),
    ]
    return Furniture.of("chair", parts)


def stool(random: Random) -> Furniture:
    """A seat without a back, from footstool to bar stool."""
    frame = wood(random) if random.random() < 0.6 else metal(random)
    cover = upholstery(random) if random.random() < 0.5 else frame
    height = random.choice((random.uniform(0.4, 0.5), random.uniform(0.6, 0.75)))
    radius = random.uniform(0.16, 0.2)
    style = random.randrange(3)
    if style == 0:  # pedestal
        parts = [
            tube(frame, radius, 0.02, (0, 0, 0)),
            tube(frame, 0.03, height - 0.08, (0, 0, 0.02)),
            tube(cover, radius, 0.06, (0, 0, height - 0.06)),
        ]
    elif style == 1:  # round seat on four legs with a ring of rungs
        parts = legs(frame, 1.5 * radius, 1.5 * radius, height - 0.04, 0.035, round_=True)
        parts.append(tube(cover, radius, 0.04, (0, 0, height - 0.04)))
        parts += _rungs(frame, 1.5 * radius, height * 0.35)
    else:
        parts = legs(frame, 1.9 * radius, 1.7 * radius, height - 0.05, 0.04)
        parts.append(block(cover, (2 * radius, 1.8 * radius, 0.05), (0, 0, height - 0.05)))
        parts += _rungs(frame, 1.7 * radius, height * 0.3)
    return Furniture.of("stool", parts)


def _rungs(frame: Material, span: float, z: float) -> list[Primitive]:
    y = span / 2 - 0.02
    return [
        block(frame, (span, 0.02, 0.02), (0, -y, z)),
        block(frame, (span, 0.02, 0.02), (0, y, z)),
        block(frame, (0.02, span, 0.02), (-y, 0, z + 0.05)),
        block(frame, (0.02, span, 0.02), (y, 0, z + 0.05)),
    ]


def piano_bench(random: Random) -> Furniture:
    """A padded stool for a player."""
    frame, cover = wood(random), leather(random)
    width, height = random.uniform(0.55, 0.7), random.uniform(0.46, 0.52)
    parts = legs(frame, width - 0.04, 0.32, height - 0.07, 0.045)
    parts.append(block(cover, (width, 0.35, 0.07), (0, 0, height - 0.07)))
    return Furniture.of("stool", parts)


def sofa(random: Random) -> Furniture:
    """A couch with two to four seats, arms low or high, sometimes with a chaise."""
    cover, feet = upholstery(random), wood(random)
    seats = random.choice((2, 2, 3, 3, 4))
    arm = random.uniform(0.12, 0.24)
    seat_width = random.uniform(0.55, 0.66)
    width = seats * seat_width + 2 * arm
    depth, seat = random.uniform(0.82, 0.98), random.uniform(0.4, 0.46)
    back_height, back = random.uniform(0.74, 0.92), random.uniform(0.18, 0.25)
    arm_height = random.uniform(0.54, 0.66)
    base = 0.08
    parts = legs(feet, width - 0.1, depth - 0.1, base, 0.06)
    parts += [
        block(cover, (width - 2 * arm, depth - back, seat - 0.14 - base), (0, -back / 2, base)),
        block(cover, (width, back, back_height - base), (0, (depth - back) / 2, base)),
    ]
    rolled = random.random() < 0.4
    for side in (-1, 1):
        x = side * (width - arm) / 2
        parts.append(block(cover, (arm, depth - back, arm_height - base), (x, -back / 2, base)))
        if rolled:
            parts.append(
                blob(cover, (arm * 1.25, depth - back, arm * 0.9), (x, -back / 2, arm_height))
            )
    cushion_depth = depth - back
    for k in range(seats):
        x = (k - (seats - 1) / 2) * seat_width
        parts.append(
            block(
                cover, (seat_width - 0.015, cushion_depth - 0.01, 0.14), (x, -back / 2, seat - 0.14)
            )
        )
        parts.append(
            block(
                cover,
                (seat_width - 0.03, 0.14, back_height - seat - 0.04),
                (x, depth / 2 - back - 0.06, seat + 0.01),
                pitch=-0.12,
            )
        )
    room = Surface(
        (-width / 2 + arm + 0.04, -depth / 2 + 0.05),
        (width / 2 - arm - 0.04, depth / 2 - back - 0.17),
        seat,
    )
    if random.random() < 0.2:
        side = random.choice((-1, 1))
        long = random.uniform(0.5, 0.7)
        parts.append(
            block(
                cover,
                (seat_width + arm, long, seat - base),
                (side * (width - seat_width - arm) / 2, -depth / 2 - long / 2, base),
            )
        )
    return Furniture.of("sofa", parts, surfaces=(room,), front=0.4)
