"""Beds and what belongs to them."""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import DARK, WHITE, cloth, metal, upholstery, wood
from vlm3r_ros.worlds.furniture.shapes import blob, block, legs
from vlm3r_ros.worlds.primitives import Primitive


def bed(random: Random) -> Furniture:
    """A single or double bed with a headboard at its back, mattress and blanket."""
    frame = wood(random) if random.random() < 0.65 else upholstery(random)
    sheet = WHITE if random.random() < 0.6 else cloth(random)
    blanket = cloth(random, patterned=0.4)
    width = random.choice((random.uniform(0.9, 1.05), random.uniform(1.4, 1.85)))
    length = random.uniform(1.95, 2.1)
    board, top = random.uniform(0.04, 0.1), random.uniform(0.85, 1.15)
    rail, mattress = random.uniform(0.28, 0.36), random.uniform(0.16, 0.24)
    height = rail + mattress
    parts: list[Primitive] = [
        block(frame, (width + 0.06, board, top), (0, length / 2 + board / 2, 0)),
        block(frame, (width + 0.06, length, 0.2), (0, 0, rail - 0.2)),
        block(sheet, (width, length - 0.04, mattress), (0, 0, rail)),
    ]
    parts += legs(frame, width, length, rail - 0.2, 0.07)
    if random.random() < 0.35:
        parts.append(block(frame, (width + 0.06, 0.04, height + 0.12), (0, -length / 2 - 0.02, 0)))
    cover = length * random.uniform(0.6, 0.75)
    parts.append(
        block(
            blanket,
            (width + 0.05, cover, mattress * 0.75 + 0.03),
            (0, -length / 2 + cover / 2 + 0.01, height - mattress * 0.75),
        )
    )
    parts.append(
        block(sheet, (width + 0.055, 0.22, 0.035), (0, -length / 2 + cover - 0.09, height))
    )
    room = Surface(
        (-width / 2 + 0.02, -length / 2 + cover + 0.04),
        (width / 2 - 0.02, length / 2 - 0.02),
        height,
    )
    return Furniture.of("bed", parts, surfaces=(room,))


def pillow(random: Random) -> Furniture:
    """A soft rectangle, thick in its middle, that leans or lies."""
    cover = WHITE if random.random() < 0.35 else cloth(random, patterned=0.4)
    width = random.choice((random.uniform(0.4, 0.5), random.uniform(0.55, 0.7)))
    depth = random.uniform(0.32, 0.4)
    thick = random.uniform(0.1, 0.14)
    parts = [
        blob(cover, (width, depth, thick), (0, 0, thick / 2)),
        block(cover, (width * 0.93, depth * 0.93, thick * 0.28), (0, 0, thick * 0.36)),
    ]
    return Furniture.of("pillow", parts)


def cushion(random: Random) -> Furniture:
    """A square pillow that stands on its edge and leans back."""
    cover = cloth(random, patterned=0.45)
    side, thick = random.uniform(0.38, 0.5), random.uniform(0.11, 0.15)
    lean = random.uniform(1.15, 1.35)
    middle = (0.0, 0.0, side / 2)
    # Both about the same middle, so that they lean together.
    parts = [
        blob(cover, (side, side, thick), middle, pitch=lean),
        block(
            cover,
            (side * 0.93, side * 0.93, thick * 0.3),
            (0, 0, side / 2 - thick * 0.15),
            pitch=lean,
        ),
    ]
    return Furniture.of("pillow", parts)


def nightstand(random: Random) -> Furniture:
    """A small chest of one to three drawers, on legs or on the floor."""
    body = wood(random)
    front = body if random.random() < 0.6 else wood(random)
    width, depth = random.uniform(0.4, 0.52), random.uniform(0.36, 0.44)
    height = random.uniform(0.45, 0.62)
    rows = random.choice((1, 2, 2, 3))
    feet = 0.18 if rows == 1 else random.choice((0.05, 0.14))
    tall = height - feet - 0.02
    parts = legs(body, width - 0.02, depth - 0.02, feet, 0.035)
    parts.append(block(body, (width - 0.02, depth - 0.02, tall), (0, 0.01, feet)))
    parts.append(block(body, (width, depth, 0.02), (0, 0, height - 0.02)))
    y = -depth / 2 + 0.01
    knob = metal(random)
    for k in range(rows):
        drawer = tall / rows
        z = feet + k * drawer
        parts.append(block(front, (width - 0.06, 0.025, drawer - 0.02), (0, y, z + 0.01)))
        parts.append(blob(knob, (0.035, 0.035, 0.035), (0, y - 0.02, z + drawer / 2)))
    if rows > 1 and random.random() < 0.5:
        parts.append(block(DARK, (width - 0.04, depth - 0.08, 0.02), (0, 0.02, feet - 0.02)))
    surface = Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height)
    return Furniture.of("nightstand", parts, surfaces=(surface,))
