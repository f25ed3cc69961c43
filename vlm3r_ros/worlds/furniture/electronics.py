"""Screens and the small machines of a desk."""

from __future__ import annotations

from random import Random

from vlm3r_ros.worlds.furniture.furniture import Furniture
from vlm3r_ros.worlds.furniture.materials import (
    BLACK,
    DARK,
    WHITE,
    color,
    device,
    gray,
    plain,
    seen,
)
from vlm3r_ros.worlds.furniture.shapes import blob, block, rod, scaled, tube
from vlm3r_ros.worlds.primitives import Material, Primitive, Texture

_BEZEL = 0.015


def _screen(random: Random) -> Material:
    """Switched off, or showing something."""
    if random.random() < 0.35:
        return Material(Texture.MIRROR, seen(0.6, 0.15, 0.08), seen(0.6, 0.1, 0.16))
    return Material(
        Texture.SCREEN,
        seen(random.uniform(0.5, 0.7), random.uniform(0.2, 0.8), random.uniform(0.3, 0.8)),
        color(random, muted=True),
        emission=random.uniform(0.6, 0.9),
    )


def _panel(random: Random, width: float, height: float, thick: float, z: float) -> list[Primitive]:
    case = gray(random.choice((0.08, 0.12, 0.2)))
    return [
        block(case, (width, thick, height), (0, 0, z)),
        block(
            _screen(random),
            (width - 2 * _BEZEL, 0.006, height - 2 * _BEZEL),
            (0, -thick / 2 - 0.002, z + _BEZEL),
        ),
    ]


def monitor(random: Random) -> Furniture:
    """A desktop display on a stem with a foot."""
    width = random.uniform(0.48, 0.62)
    height = width * random.uniform(0.56, 0.62)
    lift = random.uniform(0.1, 0.16)
    case = device(random)
    parts = _panel(random, width, height, 0.035, lift)
    parts.append(block(case, (0.05, 0.03, lift + height * 0.4), (0, 0.03, 0.01)))
    if random.random() < 0.5:
        parts.append(block(case, (width * 0.45, 0.18, 0.012), (0, 0.02, 0)))
    else:
        parts.append(tube(case, 0.12, 0.012, (0, 0.02, 0), depth=0.09))
    return Furniture.of("monitor", parts)


def _tv_size(random: Random) -> tuple[float, float]:
    width = random.uniform(0.8, 1.35)
    return width, width * random.uniform(0.55, 0.58)


def tv(random: Random) -> Furniture:
    """A television on two feet."""
    width, height = _tv_size(random)
    parts = _panel(random, width, height, 0.05, 0.06)
    for side in (-1, 1):
        x = side * width * 0.32
        parts.append(block(BLACK, (0.04, 0.03, 0.06), (x, 0, 0)))
        parts.append(block(BLACK, (0.05, 0.22, 0.015), (x, 0, 0)))
    return Furniture.of("tv", parts)


def wall_tv(random: Random) -> Furniture:
    """A television on a wall bracket."""
    width, height = _tv_size(random)
    parts = _panel(random, width, height, 0.045, 0.0)
    parts.append(block(BLACK, (width * 0.4, 0.04, height * 0.5), (0, 0.04, height * 0.25)))
    return Furniture.of("tv", parts)


def keyboard(random: Random) -> Furniture:
    """Rows of keys on a slightly slanted board."""
    case = device(random)
    width, depth = random.uniform(0.36, 0.46), random.uniform(0.13, 0.16)
    dark = case.color[0] < 0.3
    keys = Material(
        Texture.GRID,
        gray(0.3).color if dark else gray(0.9).color,
        BLACK.color if dark else gray(0.5).color,
        0.6,
    )
    slant = 0.05
    parts = [block(case, (width, depth, 0.014), (0, 0, 0.004), pitch=slant)]
    row = (depth - 0.02) / 5
    for k in range(5):
        y = (k - 2) * row
        at = (0.0, y, 0.013 + slant * y)
        parts.append(block(keys, (width - 0.02, row * 0.75, 0.012), at, pitch=slant))
    return Furniture.of("keyboard", parts)


def computer_mouse(random: Random) -> Furniture:
    """A small rounded body with a wheel between two keys, on its pad."""
    case = device(random)
    pad = plain(color(random)) if random.random() < 0.6 else DARK
    wheel = WHITE if case.color[0] < 0.3 else BLACK
    parts = [
        block(pad, (0.2, 0.17, 0.004), (0, 0, 0)),
        blob(case, (0.065, 0.11, 0.07), (0, 0, 0.012)),
        rod(wheel, 0.008, 0.008, (0, -0.03, 0.041)),
    ]
    return Furniture.of("computer mouse", scaled(parts, random.uniform(0.85, 1.15)))


def laptop(random: Random) -> Furniture:
    """An open portable computer."""
    case = device(random)
    width = random.uniform(0.31, 0.38)
    depth = width * 0.68
    lean = random.uniform(-0.35, -0.15)
    keys = Material(Texture.GRID, gray(0.25).color, BLACK.color, 0.5)
    parts = [
        block(case, (width, depth, 0.016), (0, 0, 0)),
        block(keys, (width * 0.86, depth * 0.42, 0.003), (0, depth * 0.2, 0.016)),
        block(DARK, (width * 0.28, depth * 0.24, 0.002), (0, -depth * 0.26, 0.016)),
    ]
    y = depth / 2 - depth / 2 * lean * 0.9
    parts.append(block(case, (width, 0.01, depth), (0, y, 0.012), pitch=lean))
    parts.append(
        block(
            _screen(random), (width - 0.02, 0.004, depth - 0.025), (0, y - 0.007, 0.024), pitch=lean
        )
    )
    return Furniture.of("laptop", parts)


def printer(random: Random) -> Furniture:
    """A box with a paper tray in front, a slot with a sheet in it and a row of buttons."""
    case = gray(random.choice((0.2, 0.3, 0.85, 0.93)))
    other = gray(0.15 if case.color[0] > 0.3 else 0.5)
    width, depth = random.uniform(0.4, 0.5), random.uniform(0.34, 0.42)
    height = random.uniform(0.2, 0.3)
    front = -depth / 2
    parts = [
        block(case, (width, depth, height * 0.45), (0, 0, 0)),
        block(case, (width, depth * 0.8, height * 0.4), (0, depth * 0.1, height * 0.6)),
        block(other, (width * 0.8, depth * 0.75, height * 0.15), (0, depth * 0.1, height * 0.45)),
        block(other, (width * 0.7, 0.12, 0.012), (0, front - 0.05, height * 0.2)),
        block(WHITE, (0.21, 0.16, 0.012), (0, front + 0.02, height * 0.46), pitch=0.1),
        block(WHITE, (0.21, 0.02, 0.16), (0, depth * 0.38, height * 0.9), pitch=-0.35),
        block(_screen(random), (0.1, 0.05, 0.01), (width * 0.28, -depth * 0.14, height)),
    ]
    parts += [tube(other, 0.01, 0.01, (-0.05 - 0.035 * k, -depth * 0.2, height)) for k in range(3)]
    return Furniture.of("printer", parts)


def telephone(random: Random) -> Furniture:
    """A desk telephone: slanted base with keys and a receiver across its side."""
    case = device(random) if random.random() < 0.7 else plain(color(random))
    keys = Material(Texture.GRID, gray(0.85).color, BLACK.color, 1.0)
    dark = gray(0.2) if case.color[0] > 0.2 else gray(0.6)
    parts = [
        block(case, (0.2, 0.2, 0.05), (0, 0, 0.015), pitch=0.2),
        block(case, (0.2, 0.18, 0.02), (0, 0, 0)),
        block(keys, (0.085, 0.1, 0.012), (0.04, -0.03, 0.055), pitch=0.2),
        block(_screen(random), (0.085, 0.035, 0.012), (0.04, 0.055, 0.072), pitch=0.2),
        block(dark, (0.04, 0.17, 0.025), (-0.06, 0, 0.09), pitch=0.2),
        blob(dark, (0.055, 0.06, 0.06), (-0.06, -0.075, 0.075)),
        blob(dark, (0.055, 0.06, 0.06), (-0.06, 0.075, 0.105)),
    ]
    return Furniture.of("telephone", scaled(parts, random.uniform(0.85, 1.1)))
