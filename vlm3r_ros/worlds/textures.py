"""Procedural textures: the colour of surface points before light falls on them.

Most are weaves of the same threads: two layers of noise and a lattice of cells with joints
between them, blended into the material's two colours (`Pattern`). Some show something and are
functions of their own: books, pictures, displays, clocks, the view from a window.

Whatever is finer than a pixel is averaged rather than sampled, so that a video does not flicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from math import atan2, cos, floor, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.compiled import inlined, inner, kernel
from vlm3r_ros.worlds.primitives import PrimitiveTable, Texture
from vlm3r_ros.worlds.surfaces import (
    BLOCK,
    COLOR,
    DU,
    DV,
    FRONT,
    HALF_U,
    HALF_V,
    LANES,
    RayEnds,
    U,
    V,
)

f32, u32, i32 = np.float32, np.uint32, np.int32


@dataclass(frozen=True)
class Pattern:
    """A texture made of noise and a lattice. Lengths are metres on a surface, u across, v up.

    Attributes:
        coarse, fine: noise features a metre, along u and along v.
        cell: sides of the lattice's cells; 0: no lattice.
        joint: share of a cell, along u and along v, that belongs to the joints.
        row_shift: cells by which every other row is moved, and up to which each is at random.
        crossing: 1 joints cross, 2 they cancel each other where they cross.
        slant: how far the pattern leans, u per v.
        lengthwise: turned so that u runs along the longer side of a face.
        share: of the second colour: constant, and for a full coarse, fine, cell's tone and joint.
        tone: brightness, 1 and the same four.
    """

    coarse: tuple[float, float] = (5.0, 5.0)
    fine: tuple[float, float] = (30.0, 30.0)
    cell: tuple[float, float] = (0.0, 0.0)
    joint: tuple[float, float] = (0.0, 0.0)
    row_shift: tuple[float, float] = (0.0, 0.0)
    crossing: float = 1.0
    slant: float = 0.0
    lengthwise: bool = False
    share: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    tone: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    def row(self) -> list[float]:
        """The numbers in a row, as the kernel reads them."""
        return [float(x) for item in astuple(self) for x in np.atleast_1d(item)]


PATTERNS: Mapping[Texture, Pattern] = {
    Texture.PLAIN: Pattern(tone=(0.14, 0.0, 0.0, 0.0)),
    Texture.PLASTER: Pattern((1.1, 1.1), (16.0, 16.0), tone=(0.14, 0.22, 0.0, 0.0)),
    Texture.WOOD: Pattern(
        (0.9, 5.0),
        (2.5, 30.0),
        lengthwise=True,
        share=(0.22, 0.5, 0.9, 0.0, 0.0),
        tone=(0.3, 0.0, 0.0, 0.0),
    ),
    Texture.PLANKS: Pattern(
        (1.5, 7.0),
        (2.5, 26.0),
        cell=(0.95, 0.14),
        joint=(0.008, 0.045),
        row_shift=(0.0, 1.0),
        share=(0.25, 0.2, 0.6, 0.4, 0.0),
        tone=(0.15, 0.0, 0.3, -0.5),
    ),
    Texture.TILES: Pattern(
        (6.0, 6.0),
        (30.0, 30.0),
        cell=(0.3, 0.3),
        joint=(0.035, 0.035),
        share=(0.0, 0.0, 0.0, 0.0, 1.0),
        tone=(0.2, 0.06, 0.16, 0.0),
    ),
    Texture.BRICKS: Pattern(
        (3.0, 3.0),
        (16.0, 16.0),
        cell=(0.26, 0.1),
        joint=(0.05, 0.12),
        row_shift=(0.5, 0.0),
        share=(0.0, 0.0, 0.0, 0.0, 1.0),
        tone=(0.1, 0.35, 0.45, 0.0),
    ),
    Texture.FABRIC: Pattern(
        (11.0, 11.0), (75.0, 75.0), share=(0.2, 0.0, 0.9, 0.0, 0.0), tone=(0.25, 0.0, 0.0, 0.0)
    ),
    Texture.STRIPES: Pattern(
        cell=(0.13, 0.13),
        joint=(0.42, 0.0),
        share=(0.0, 0.0, 0.0, 0.0, 1.0),
        tone=(0.1, 0.25, 0.0, 0.0),
    ),
    Texture.CHECKS: Pattern(
        cell=(0.2, 0.2),
        joint=(0.5, 0.5),
        crossing=2.0,
        share=(0.0, 0.0, 0.0, 0.0, 1.0),
        tone=(0.1, 0.25, 0.0, 0.0),
    ),
    Texture.LEAVES: Pattern(
        (9.0, 9.0), (16.0, 24.0), share=(0.45, 0.0, 2.2, 0.0, 0.0), tone=(1.3, 0.0, 0.0, 0.0)
    ),
    Texture.METAL: Pattern(
        (1.5, 3.0),
        (2.0, 60.0),
        slant=0.4,
        lengthwise=True,
        share=(0.3, 0.9, 0.0, 0.0, 0.0),
        tone=(0.3, 0.2, 0.0, 0.0),
    ),
    Texture.GRID: Pattern(cell=(0.032, 0.032), joint=(0.28, 0.28), share=(0.0, 0.0, 0.0, 0.0, 1.0)),
    Texture.MIRROR: Pattern(
        (1.5, 1.5),
        cell=(0.55, 0.55),
        joint=(0.16, 0.0),
        slant=0.6,
        share=(0.0, 0.0, 0.0, 0.0, 1.0),
        tone=(0.25, 0.0, 0.0, 0.12),
    ),
    Texture.DAYLIGHT: Pattern((1.4, 2.2), (5.0, 5.0)),
    Texture.PICTURE: Pattern((4.0, 4.0), (7.0, 7.0)),
    Texture.BOOKS: Pattern(),
    Texture.SCREEN: Pattern(),
    Texture.CLOCK_FACE: Pattern(),
}
_TABLE = np.array([PATTERNS[texture].row() for texture in Texture], np.float32)
_BOOKS, _PICTURE, _DAYLIGHT = int(Texture.BOOKS), int(Texture.PICTURE), int(Texture.DAYLIGHT)
_SCREEN, _CLOCK_FACE = int(Texture.SCREEN), int(Texture.CLOCK_FACE)
_SHOWS = _BOOKS, _PICTURE, _DAYLIGHT, _SCREEN, _CLOCK_FACE
# Rows of what is woven: place and pixel size in the pattern, two layers of noise, the cell's tone
# (these three in [-0.5, 0.5]) and the share of joint.
_S, _T, _DS, _DT, _COARSE, _FINE, _CELL, _JOINT = (row * LANES for row in range(8))
Rgb = tuple[float, float, float]


def paint(ends: RayEnds, table: PrimitiveTable) -> None:
    """Fill in the colour of all surface points."""
    _paint(
        ends.blocks,
        ends.first,
        table.texture,
        table.color,
        table.second,
        table.scale,
        table.seed,
        _TABLE,
    )


@kernel
def _paint(
    blocks: NDArray[np.float32],
    first: NDArray[np.int32],
    texture: NDArray[np.int32],
    color: NDArray[np.float32],
    second: NDArray[np.float32],
    scale: NDArray[np.float32],
    seed: NDArray[np.uint32],
    patterns: NDArray[np.float32],
) -> None:
    threads = np.empty(8 * LANES, np.float32)
    for p in range(len(texture)):
        kind = texture[p]
        if first[p] == first[p + 1]:
            continue
        pattern, paint, other = patterns[kind], color[p], second[p]
        for number in range(first[p], first[p + 1]):
            block = blocks[number * BLOCK : (number + 1) * BLOCK]
            _weave(block, pattern, scale[p], seed[p], threads)
            if kind in _SHOWS:
                _show(block, kind, paint, other, scale[p], seed[p], threads)
            else:
                _blend(block, pattern, paint, other, threads)


@inlined
def _weave(
    block: NDArray[np.float32],
    pattern: NDArray[np.float32],
    scale: np.float32,
    seed: np.uint32,
    threads: NDArray[np.float32],
) -> None:
    zero, half, one, two = f32(0), f32(0.5), f32(1), f32(2)
    per = one / scale
    slant, lengthwise = pattern[11], pattern[12] > zero
    for i in range(LANES):
        u, v = block[U * LANES + i] * per, block[V * LANES + i] * per
        du, dv = block[DU * LANES + i] * per, block[DV * LANES + i] * per
        turn = lengthwise & (block[HALF_U * LANES + i] < block[HALF_V * LANES + i])
        s, t = v if turn else u, u if turn else v
        ds, dt = dv if turn else du, du if turn else dv
        threads[_S + i], threads[_T + i] = s + slant * t, t
        threads[_DS + i], threads[_DT + i] = ds + slant * dt, dt
        threads[_CELL + i], threads[_JOINT + i] = zero, zero
    if pattern[4] > zero:
        per_s, per_t = one / pattern[4], one / pattern[5]
        wide, tall = pattern[6], pattern[7]
        every_other, random, crossing = pattern[8], pattern[9], pattern[10]
        for i in range(LANES):
            s, t = threads[_S + i] * per_s, threads[_T + i] * per_t
            ds, dt = threads[_DS + i] * per_s, threads[_DT + i] * per_t
            row = np.floor(t)
            s += every_other * (row - two * np.floor(half * row))
            s += random * _value(i32(0), i32(row), seed)
            sure = min(one, max(zero, f32(1.5) - max(ds, dt)))
            tone = _value(i32(np.floor(s)) + i32(1), i32(row), seed) - half
            threads[_CELL + i] = tone * sure
            upright, flat = _bars(s, wide, ds), _bars(t, tall, dt)
            threads[_JOINT + i] = upright + flat - crossing * upright * flat
    widest = threads[_DS]
    for i in range(LANES):
        threads[_COARSE + i], threads[_FINE + i] = zero, zero
        widest = min(widest, min(threads[_DS + i], threads[_DT + i]))
    for octave in range(3):
        # The coarse layer has two octaves, the fine one has one.
        layer, times = octave // 2, f32(1 + octave % 2)
        per_s, per_t = times * pattern[2 * layer], times * pattern[2 * layer + 1]
        if widest * min(per_s, per_t) >= one:
            continue
        row, own = _FINE if layer else _COARSE, u32(seed + u32(octave * 0x68E31DA4))
        for i in range(LANES):
            # Cells are cut from different places.
            s = per_s * (threads[_S + i] + f32(7) * threads[_CELL + i])
            t = per_t * threads[_T + i]
            size = max(per_s * threads[_DS + i], per_t * threads[_DT + i])
            noise = _noise(s, t, own) * min(one, max(zero, f32(1.6) - f32(1.6) * size))
            threads[row + i] = half * threads[row + i] + noise if octave == 1 else noise


@inlined
def _blend(
    block: NDArray[np.float32],
    pattern: NDArray[np.float32],
    color: NDArray[np.float32],
    second: NDArray[np.float32],
    threads: NDArray[np.float32],
) -> None:
    """Colour of a pattern: a blend of the two colours and a brightness."""
    zero, one = f32(0), f32(1)
    s0, s1, s2, s3, s4 = pattern[13], pattern[14], pattern[15], pattern[16], pattern[17]
    red, green, blue = color[0], color[1], color[2]
    second_red, second_green, second_blue = second[0], second[1], second[2]
    t1, t2, t3, t4 = pattern[18], pattern[19], pattern[20], pattern[21]
    for i in range(LANES):
        coarse, fine = threads[_COARSE + i], threads[_FINE + i]
        cell, joint = threads[_CELL + i], threads[_JOINT + i]
        share = min(one, max(zero, s0 + s1 * coarse + s2 * fine + s3 * cell + s4 * joint))
        tone = max(f32(0.2), one + t1 * coarse + t2 * fine + t3 * cell + t4 * joint)
        block[COLOR * LANES + i] = tone * (red + share * (second_red - red))
        block[(COLOR + 1) * LANES + i] = tone * (green + share * (second_green - green))
        block[(COLOR + 2) * LANES + i] = tone * (blue + share * (second_blue - blue))


@inlined
def _scramble(bits: np.uint32) -> np.float32:
    """A random-looking number in [0, 1) for 32 bits."""
    bits = u32(u32(bits ^ (bits >> u32(15))) * u32(0x2C1B3C6D))
    bits = u32(u32(bits ^ (bits >> u32(12))) * u32(0x297A2D39))
    return f32(i32((bits ^ (bits >> u32(15))) >> u32(8))) * f32(2.0**-24)


@inlined
def _value(column: np.int32, row: np.int32, seed: np.uint32) -> np.float32:
    """A random-looking number in [0, 1) for each cell of a grid."""
    across = u32(u32(column) * u32(0x9E3779B1))
    return _scramble(u32(across ^ u32(u32(u32(row) * u32(0x85EBCA77)) ^ seed)))


@inlined
def _noise(s: np.float32, t: np.float32, seed: np.uint32) -> np.float32:
    """Smooth noise in [-0.5, 0.5] with features of size 1."""
    left, top = np.floor(s), np.floor(t)
    x, y = s - left, t - top
    x, y = x * x * (f32(3) - f32(2) * x), y * y * (f32(3) - f32(2) * y)
    west, north = u32(u32(i32(left)) * u32(0x9E3779B1)), u32(u32(i32(top)) * u32(0x85EBCA77))
    east, south = u32(west + u32(0x9E3779B1)), u32(u32(north + u32(0x85EBCA77)) ^ seed)
    north = u32(north ^ seed)
    above, below = _scramble(u32(west ^ north)), _scramble(u32(west ^ south))
    above += x * (_scramble(u32(east ^ north)) - above)
    below += x * (_scramble(u32(east ^ south)) - below)
    return above + y * (below - above) - f32(0.5)


@inlined
def _bars(x: np.float32, width: np.float32, pixel: np.float32) -> np.float32:
    """How much of a pixel around `x` lies on bars `[n, n + width]` of period 1, exactly."""
    pixel = max(pixel, f32(1e-3))
    low, high = x - f32(0.5) * pixel, x + f32(0.5) * pixel
    low_bar, high_bar = np.floor(low), np.floor(high)
    covered = (high_bar - low_bar) * width + min(high - high_bar, width) - min(low - low_bar, width)
    return covered / pixel


@inner
def _show(
    block: NDArray[np.float32],
    kind: int,
    color: NDArray[np.float32],
    second: NDArray[np.float32],
    scale: float,
    seed: np.uint32,
    threads: NDArray[np.float32],
) -> None:
    """Colour of textures that show something, lane by lane."""
    a = (float(color[0]), float(color[1]), float(color[2]))
    b = (float(second[0]), float(second[1]), float(second[2]))
    for i in range(LANES):
        half_u, half_v = block[HALF_U * LANES + i] / scale, block[HALF_V * LANES + i] / scale
        # From -1 to 1 across the face.
        x, y = threads[_S + i] / half_u, threads[_T + i] / half_v
        dx, dy = threads[_DS + i] / half_u, threads[_DT + i] / half_v
        coarse, fine = float(threads[_COARSE + i]), float(threads[_FINE + i])
        front = block[FRONT * LANES + i] > 0
        share, tone = 0.0, 1.0
        if kind == _BOOKS:
            rgb = _books(threads[_S + i], threads[_DS + i], 0.5 + 0.5 * y, seed, a, b)
        elif kind == _PICTURE:
            rgb = _picture(y, coarse, fine, seed, a, b)
        else:
            if kind == _DAYLIGHT:
                tone = _daylight(y, coarse, fine)
            elif not front:
                tone = 0.3
            elif kind == _SCREEN:
                share, tone = _screen(0.5 + 0.5 * x, 0.5 - 0.5 * y, 0.5 * dy, seed)
            else:
                share = _clock_face(x, y, max(dx, dy), seed)
            rgb = (
                tone * (a[0] + share * (b[0] - a[0])),
                tone * (a[1] + share * (b[1] - a[1])),
                tone * (a[2] + share * (b[2] - a[2])),
            )
        for k in range(3):
            block[(COLOR + k) * LANES + i] = rgb[k]


@inner
def _random(number: int, seed: np.uint32) -> float:
    return float(_value(i32(number), i32(77), seed))


@inner
def _clamp(x: float) -> float:
    return min(1.0, max(0.0, x))


@inner
def _books(u: float, du: float, height: float, seed: np.uint32, a: Rgb, b: Rgb) -> Rgb:
    """Backs of books: colours around the two, titles, gaps above the lower ones."""
    width = 0.036
    place = u / width
    book = floor(place)
    sure = _clamp(1.5 - du / width)
    mix, hue = _random(4 * book, seed), _random(4 * book + 1, seed)
    tone = 1 - 0.75 * float(_bars(f32(place), f32(0.09), f32(du / width)))
    if height > 0.72 + 0.28 * _random(4 * book + 2, seed):
        tone *= 1 - 0.85 * sure
    title = 0.12 + 0.5 * _random(4 * book + 3, seed)
    if title < height < title + 0.13:
        tone *= 1 + 0.8 * sure * (mix - 0.3)
    swing = 2.2 * sure
    return (
        max(0.02, (a[0] + mix * (b[0] - a[0])) * (1 + swing * (hue - 0.5))) * tone,
        max(0.02, (a[1] + mix * (b[1] - a[1])) * (1 + swing * (mix - 0.5))) * tone,
        max(0.02, (a[2] + mix * (b[2] - a[2])) * (1 + swing * (0.5 - hue))) * tone,
    )


@inner
def _picture(y: float, coarse: float, fine: float, seed: np.uint32, a: Rgb, b: Rgb) -> Rgb:
    """Hills under a light sky, or blots, as the seed will have it."""
    if seed & u32(1):
        near = _clamp(8 * (-0.25 + 1.1 * coarse - y) + 0.5)
        far = _clamp(8 * (0.2 + 0.9 * fine - y) + 0.5) * (1 - near)
        sky, tone = 1 - near - far, 0.9 + 0.9 * fine
        return (
            near * b[0] * tone + far * a[0] * tone + sky * (0.50 + 0.35 * a[0]),
            near * b[1] * tone + far * a[1] * tone + sky * (0.55 + 0.30 * a[1]),
            near * b[2] * tone + far * a[2] * tone + sky * (0.65 + 0.30 * a[2]),
        )
    mix, light = _clamp(0.5 + 6 * coarse), _clamp(5 * fine - 0.5)
    return (
        a[0] + mix * (b[0] - a[0]) + light * (0.80 - a[0]),
        a[1] + mix * (b[1] - a[1]) + light * (0.75 - a[1]),
        a[2] + mix * (b[2] - a[2]) + light * (0.60 - a[2]),
    )


@inner
def _daylight(y: float, coarse: float, fine: float) -> float:
    """Sky with clouds above, something darker and blurred below."""
    ground = _clamp(4 * (-0.35 - y + 0.8 * fine))
    return (1.05 + 0.15 * y + 0.35 * coarse) * (1 - ground * (0.5 - 0.6 * fine))


@inner
def _screen(x: float, y: float, dy: float, seed: np.uint32) -> tuple[float, float]:
    """A bar along the top and two windows with rows of something like text; y from the top."""
    if y < 0.07:
        return 0.7, 0.7
    shift = 0.1 * _random(1, seed)
    for window in range(2):
        left, top = 0.06 + 0.45 * window + shift, 0.14 + 0.14 * window + shift
        width, height = 0.4 - 0.05 * window, 0.55 - 0.1 * window
        across, down = (x - left) / width, (y - top) / height
        if 0 <= across < 1 and 0 <= down < 1:
            if down < 0.12:
                return 1.0, 0.55
            length = 0.25 + 0.65 * _random(2 + window + 2 * floor(9 * down), seed)
            if not 0.06 < across < length:
                return 0.85, 1.0
            gap = float(_bars(f32(9 * down), f32(0.55), f32(9 * dy / height)))
            return 0.15 + 0.7 * gap, 1.0
    return 0.0, 0.8 + 0.35 * (1 - y)


@inner
def _clock_face(x: float, y: float, pixel: float, seed: np.uint32) -> float:
    """Twelve marks and two hands."""
    away = sqrt(x * x + y * y)
    ink = 0.0
    if 0.76 < away < 0.94:
        hour = atan2(x, y) * 6 / pi
        ink = _line(abs(hour - floor(hour + 0.5)) * away * pi / 6, 0.045, pixel)
    for hand in range(2):
        turn = 2 * pi * _random(hand, seed)
        along = x * sin(turn) + y * cos(turn)
        aside = abs(x * cos(turn) - y * sin(turn))
        if -0.1 < along < 0.5 + 0.22 * hand:
            ink = max(ink, _line(aside, 0.055 - 0.015 * hand, pixel))
    return ink


@inner
def _line(distance: float, half_width: float, pixel: float) -> float:
    """How much of a pixel a line covers whose middle is `distance` away."""
    low, high = max(distance - pixel / 2, -half_width), min(distance + pixel / 2, half_width)
    return max(0.0, high - low) / max(pixel, 1e-9)
