"""What makes a room lived in, but is no object that questions ask about."""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture
from vlm3r_ros.worlds.furniture.materials import (
    cloth,
    color,
    darker,
    metal,
    plain,
    plastic,
    seen,
)
from vlm3r_ros.worlds.furniture.shapes import blob, block, pole, tube
from vlm3r_ros.worlds.primitives import Material, Primitive, Texture

RUG_THICKNESS = 0.008  # m


def rug(random: Random, width: float, depth: float) -> Furniture:
    """A carpet of `width` x `depth` metres: rectangular with a border, or an ellipse."""
    middle = Material(
        random.choice((Texture.FABRIC, Texture.CHECKS, Texture.STRIPES, Texture.FABRIC)),
        color(random, muted=True),
        color(random, muted=True),
        random.uniform(0.8, 2.0),
    )
    if random.random() < 0.25:
        oval = tube(middle, width / 2, RUG_THICKNESS, (0, 0, 0), depth=depth / 2)
        return Furniture.of("rug", [oval])
    edge = color(random, muted=True)
    border = Material(Texture.FABRIC, edge, darker(edge, 0.6))
    return Furniture.of(
        "rug",
        [
            block(border, (width, depth, RUG_THICKNESS * 0.7), (0, 0, 0)),
            block(middle, (width - 0.24, depth - 0.24, RUG_THICKNESS), (0, 0, 0)),
        ],
    )


def curtain(random: Random, width: float, height: float) -> Furniture:
    """Folds of cloth, `width` x `height` metres."""
    fabric = cloth(random, patterned=0.3)
    folds = max(3, round(width / 0.06))
    step = width / folds
    parts = [
        tube(fabric, step * 0.62, height, ((k - (folds - 1) / 2) * step, 0.01 * (k % 2), 0))
        for k in range(folds)
    ]
    return Furniture.of("curtain", parts)


def books(random: Random) -> Furniture:
    """A small pile of books."""
    parts: list[Primitive] = []
    z = 0.0
    for _ in range(random.randint(2, 5)):
        thick = random.uniform(0.015, 0.035)
        size = (random.uniform(0.18, 0.24), random.uniform(0.13, 0.17), thick)
        parts.append(block(plain(color(random)), size, (0, 0, z), yaw=random.uniform(-0.2, 0.2)))
        z += thick
    return Furniture.of("books", parts)


def vase(random: Random) -> Furniture:
    """A bellied vase, some with flowers."""
    clay = plastic(random)
    wide, tall = random.uniform(0.09, 0.14), random.uniform(0.14, 0.22)
    parts = [
        blob(clay, (wide, wide, tall), (0, 0, tall / 2)),
        tube(clay, wide * 0.28, tall * 0.4, (0, 0, tall * 0.75)),
    ]
    if random.random() < 0.5:
        stem, bloom = plain(seen(0.3, 0.6, 0.4)), plain(color(random))
        for x, y, up in ((-0.06, 0.02, 0.2), (0.05, 0.04, 0.24), (0.01, -0.05, 0.17)):
            top = (x, y, tall * 1.1 + up)
            parts += [
                pole(stem, 0.004, (0, 0, tall), top),
                blob(bloom, (0.055, 0.055, 0.04), top),
            ]
    return Furniture.of("vase", parts)


def bowl(random: Random) -> Furniture:
    """A bowl of fruit."""
    dish = plastic(random) if random.random() < 0.6 else metal(random)
    radius = random.uniform(0.1, 0.14)
    parts = [
        tube(dish, radius * 0.5, 0.02, (0, 0, 0)),
        tube(dish, radius * 0.8, 0.03, (0, 0, 0.02)),
        tube(dish, radius, 0.03, (0, 0, 0.045)),
    ]
    for x, y in ((-0.45, 0.1), (0.4, 0.25), (0.05, -0.4), (0.0, 0.1)):
        fruit = plain(seen(random.choice((0.0, 0.08, 0.14, 0.28)), 0.8, 0.8))
        parts.append(blob(fruit, (0.075, 0.075, 0.07), (x * radius, y * radius, 0.1)))
    return Furniture.of("bowl", parts)


def cups(random: Random) -> Furniture:
    """Two or three cups."""
    parts: list[Primitive] = []
    for k in range(random.randint(2, 3)):
        china = plastic(random)
        at = (k * 0.11, random.uniform(-0.04, 0.04), 0.0)
        parts.append(tube(china, 0.038, 0.09, at))
        parts.append(block(china, (0.03, 0.01, 0.05), (at[0] + 0.045, at[1], 0.02)))
    return Furniture.of("cups", parts)


def bottles(random: Random) -> Furniture:
    """A few bottles."""
    parts: list[Primitive] = []
    for k in range(random.randint(1, 3)):
        glass = Material(Texture.MIRROR, color(random), seen(0, 0, 0.8))
        tall, radius = random.uniform(0.16, 0.22), random.uniform(0.028, 0.04)
        at = (k * 0.1, random.uniform(-0.03, 0.03))
        parts += [
            tube(glass, radius, tall * 0.7, (*at, 0)),
            tube(glass, radius * 0.4, tall * 0.35, (*at, tall * 0.7)),
        ]
    return Furniture.of("bottles", parts)


CLUTTER = (books, vase, bowl, cups, bottles)
"""Small things for tables."""
