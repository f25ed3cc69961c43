"""Procedural textures: how each `Texture` paints a point of a surface.

A pattern sees a point in metres, `u` and `v` across the face that it lies on, with 0 in the
middle of the face, and the size of a pixel there, so that what is too fine for the pixel is
averaged rather than sampled. Most patterns give two numbers: how much of the material's second
colour there is, and a factor of brightness.
"""

from __future__ import annotations

from math import atan2, cos, floor, pi, sin, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.noise import cell_value, certainty, pulse, ripple
from vlm3r_ros.worlds.primitives import Texture

PLAIN, WOOD, PLANKS = int(Texture.PLAIN), int(Texture.WOOD), int(Texture.PLANKS)
TILES, BRICKS, FABRIC = int(Texture.TILES), int(Texture.BRICKS), int(Texture.FABRIC)
STRIPES, CHECKS, BOOKS = int(Texture.STRIPES), int(Texture.CHECKS), int(Texture.BOOKS)
PICTURE, DAYLIGHT, SCREEN = int(Texture.PICTURE), int(Texture.DAYLIGHT), int(Texture.SCREEN)
LEAVES, METAL, CLOCK_FACE = int(Texture.LEAVES), int(Texture.METAL), int(Texture.CLOCK_FACE)
GRID, MIRROR, PLASTER = int(Texture.GRID), int(Texture.MIRROR), int(Texture.PLASTER)

Pattern = tuple[float, float]
Rgb = tuple[float, float, float]


@njit(cache=True, nogil=True, error_model="numpy")
def paint(
    texture: int,
    u: float,
    v: float,
    du: float,
    dv: float,
    half_u: float,
    half_v: float,
    front: bool,
    seed: np.uint32,
    color: Rgb,
    second: Rgb,
    tiles: NDArray[np.float32],
) -> Rgb:
    """Linear colour of a point of a surface.

    Args:
        texture: a `Texture`.
        u, v: the point on its face; lengths are in units of the material's `scale` metres.
        du, dv: size of a pixel there.
        half_u, half_v: half extents of the face.
        front: whether the face is one that clocks, pictures and displays show.
        seed: of the pattern.
        color, second: the material's colours.
        tiles: `noise_tiles()`.
    """
    share, tone = 0.0, 1.0
    if texture == PLAIN:
        tone = _plain(u, v, du, dv, seed, tiles)
    elif texture == PLASTER:
        tone = _plaster(u, v, du, dv, seed, tiles)
    elif texture == WOOD:
        share, tone = _wood(u, v, du, dv, half_u < half_v, seed, tiles)
    elif texture == PLANKS:
        share, tone = _planks(u, v, du, dv, seed, tiles)
    elif texture == TILES:
        share, tone = _tiles(u, v, du, dv, seed, tiles)
    elif texture == BRICKS:
        share, tone = _bricks(u, v, du, dv, seed, tiles)
    elif texture == FABRIC:
        share, tone = _fabric(u, v, du, dv, seed, tiles)
    elif texture == STRIPES:
        share, tone = _stripes(u, v, du, dv, seed, tiles)
    elif texture == CHECKS:
        share, tone = _checks(u, v, du, dv, seed, tiles)
    elif texture == DAYLIGHT:
        share, tone = _daylight(u, v, du, dv, half_u, half_v, seed, tiles)
    elif texture == LEAVES:
        share, tone = _leaves(u, v, du, dv, seed, tiles)
    elif texture == METAL:
        share, tone = _metal(u, v, du, dv, half_u < half_v, seed, tiles)
    elif texture == GRID:
        share, tone = _grid(u, v, du, dv, half_u, half_v)
    elif texture == MIRROR:
        share, tone = _mirror(u, v, du, dv, seed, tiles)
    elif texture == SCREEN:
        share, tone = _screen(u, v, du, dv, half_u, half_v, front, seed)
    elif texture == CLOCK_FACE:
        share = _clock_face(u, v, du, dv, min(half_u, half_v), front, seed)
    elif texture == BOOKS:
        return _books(u, v, du, dv, half_v, seed, color, second)
    elif texture == PICTURE:
        return _picture(u, v, du, dv, half_u, half_v, seed, color, second, tiles)
    return (
        (color[0] + (second[0] - color[0]) * share) * tone,
        (color[1] + (second[1] - color[1]) * share) * tone,
        (color[2] + (second[2] - color[2]) * share) * tone,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _plain(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> float:
    return 1 + 0.14 * ripple(tiles, seed, 5 * u, 5 * v, 5 * max(du, dv))


@njit(cache=True, nogil=True, error_model="numpy")
def _plaster(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> float:
    size = max(du, dv)
    broad = ripple(tiles, seed, 1.1 * u, 1.1 * v, 1.1 * size)
    fine = ripple(tiles, seed ^ np.uint32(0x5A5A), 12 * u, 12 * v, 12 * size)
    return 1 + 0.2 * broad + 0.22 * fine


@njit(cache=True, nogil=True, error_model="numpy")
def _wood(
    u: float,
    v: float,
    du: float,
    dv: float,
    upright: bool,
    seed: np.uint32,
    tiles: NDArray[np.float32],
) -> Pattern:
    if upright:
        u, v, du, dv = v, u, dv, du
    grain = ripple(tiles, seed, 2.5 * u, 28 * v, max(2.5 * du, 28 * dv))
    broad = ripple(tiles, seed ^ np.uint32(0x3C3C), 0.9 * u, 5 * v, max(0.9 * du, 5 * dv))
    return min(1.0, max(0.0, 0.22 + 0.9 * grain + 0.5 * broad)), 1.05 + 0.25 * broad


@njit(cache=True, nogil=True, error_model="numpy")
def _planks(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    row = floor(v / 0.14)
    along = u / 0.95 + 7.3 * cell_value(row, 0.0, seed)
    board = cell_value(row, floor(along) + 1.0, seed) - 0.5
    board *= certainty(max(dv / 0.14, du / 0.95))
    grain = ripple(tiles, seed, 2.5 * u + 5 * board, 26 * v, max(2.5 * du, 26 * dv))
    seam = max(pulse(v / 0.14, 0.045, dv / 0.14), pulse(along, 0.008, du / 0.95))
    return min(1.0, max(0.0, 0.25 + 0.6 * grain + 0.4 * board)), (1 + 0.3 * board) * (
        1 - 0.5 * seam
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _tiles(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    u, v, du, dv = u / 0.3, v / 0.3, du / 0.3, dv / 0.3
    size = max(du, dv)
    tone = (cell_value(floor(u), floor(v), seed) - 0.5) * certainty(size)
    across, along = pulse(u, 0.035, du), pulse(v, 0.035, dv)
    cloud = ripple(tiles, seed, 2 * u + 9 * tone, 2 * v, 2 * size)
    return across + along - across * along, 1 + 0.16 * tone + 0.18 * cloud


@njit(cache=True, nogil=True, error_model="numpy")
def _bricks(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    row = floor(v / 0.1)
    along = u / 0.26 + 0.5 * (row - 2 * floor(row / 2))
    sure = certainty(max(du / 0.26, dv / 0.1))
    tone = (cell_value(floor(along), row, seed) - 0.5) * sure
    flat, upright = pulse(v / 0.1, 0.12, dv / 0.1), pulse(along, 0.05, du / 0.26)
    joint = flat + upright - flat * upright
    rough = ripple(tiles, seed, 14 * u, 14 * v, 14 * max(du, dv))
    return joint, 1 + 0.45 * tone + 0.35 * rough


@njit(cache=True, nogil=True, error_model="numpy")
def _fabric(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    size = max(du, dv)
    weave = ripple(tiles, seed, 70 * u, 70 * v, 70 * size)
    cloud = ripple(tiles, seed ^ np.uint32(0x7777), 7 * u, 7 * v, 7 * size)
    return min(1.0, max(0.0, 0.2 + 0.7 * weave)), 1.05 + 0.4 * cloud


@njit(cache=True, nogil=True, error_model="numpy")
def _stripes(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    period = 0.13
    broad = pulse(u / period, 0.42, du / period)
    narrow = pulse(u / period + 0.28, 0.1, du / period)
    weave = ripple(tiles, seed, 30 * u, 30 * v, 30 * max(du, dv))
    return broad + narrow, 1 + 0.2 * weave


@njit(cache=True, nogil=True, error_model="numpy")
def _checks(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    across, along = pulse(u / 0.2, 0.5, du / 0.2), pulse(v / 0.2, 0.5, dv / 0.2)
    weave = ripple(tiles, seed, 30 * u, 30 * v, 30 * max(du, dv))
    return across + along - 2 * across * along, 1 + 0.2 * weave


@njit(cache=True, nogil=True, error_model="numpy")
def _daylight(
    u: float,
    v: float,
    du: float,
    dv: float,
    half_u: float,
    half_v: float,
    seed: np.uint32,
    tiles: NDArray[np.float32],
) -> Pattern:
    """Sky above, something blurred and darker below, a thin bar across and one down."""
    height = v / half_v
    bars = max(
        pulse(u + 0.012, 0.024, du) if abs(u) < 0.3 else 0.0,
        pulse(v + 0.012, 0.024, dv) if abs(v) < 0.3 else 0.0,
    )
    clouds = ripple(tiles, seed, 1.4 * u, 2.2 * v, 2.2 * max(du, dv))
    trees = ripple(tiles, seed ^ np.uint32(0x1234), 5 * u, 5 * v, 5 * max(du, dv))
    ground = min(1.0, max(0.0, 4 * (-0.35 - height + 0.8 * trees)))
    return bars, (1.05 + 0.15 * height + 0.35 * clouds) * (1 - ground * (0.45 - 0.5 * trees))


@njit(cache=True, nogil=True, error_model="numpy")
def _leaves(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    size = max(du, dv)
    leaf = ripple(tiles, seed, 14 * u + 4 * v, 22 * v, 22 * size)
    deep = ripple(tiles, seed ^ np.uint32(0x99), 9 * u, 9 * v, 9 * size)
    return min(1.0, max(0.0, 0.5 + 2.2 * leaf)), max(0.25, 1 + 1.3 * deep)


@njit(cache=True, nogil=True, error_model="numpy")
def _metal(
    u: float,
    v: float,
    du: float,
    dv: float,
    upright: bool,
    seed: np.uint32,
    tiles: NDArray[np.float32],
) -> Pattern:
    if upright:
        u, v, du, dv = v, u, dv, du
    brushed = ripple(tiles, seed, 2 * u, 60 * v, max(2 * du, 60 * dv))
    sheen = ripple(tiles, seed ^ np.uint32(0x55), 1.2 * u + 0.8 * v, 3 * v, 3 * max(du, dv))
    return min(1.0, max(0.0, 0.3 + 0.9 * sheen)), 1.05 + 0.15 * brushed + 0.3 * sheen


@njit(cache=True, nogil=True, error_model="numpy")
def _grid(u: float, v: float, du: float, dv: float, half_u: float, half_v: float) -> Pattern:
    period = 0.032
    across = pulse(u / period, 0.28, du / period)
    along = pulse(v / period, 0.28, dv / period)
    if half_v > 3 * half_u:
        return along, 1.0
    if half_u > 3 * half_v:
        return across, 1.0
    return across + along - across * along, 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def _mirror(
    u: float, v: float, du: float, dv: float, seed: np.uint32, tiles: NDArray[np.float32]
) -> Pattern:
    slant = u + 0.6 * v + 0.05 * (seed & np.uint32(15))
    streak = pulse(slant / 0.55, 0.16, (du + dv) / 0.55) + pulse(
        slant / 0.55 + 0.7, 0.06, (du + dv) / 0.55
    )
    haze = ripple(tiles, seed, 1.5 * u, 1.5 * v, 1.5 * max(du, dv))
    return min(1.0, streak), 1 + 0.25 * v + 0.15 * haze + 0.12 * streak


@njit(cache=True, nogil=True, error_model="numpy")
def _screen(
    u: float,
    v: float,
    du: float,
    dv: float,
    half_u: float,
    half_v: float,
    front: bool,
    seed: np.uint32,
) -> Pattern:
    """A bar along the top and two windows with rows of something like text."""
    if not front:
        return 0.0, 0.1
    x, y = 0.5 + 0.5 * u / half_u, 0.5 - 0.5 * v / half_v
    if y < 0.07:
        return 0.7, 0.7
    shift = 0.1 * cell_value(1.0, 2.0, seed)
    for window in range(2):
        left, top = 0.06 + 0.45 * window + shift, 0.14 + 0.14 * window + shift
        width, height = 0.4 - 0.05 * window, 0.55 - 0.1 * window
        across, down = (x - left) / width, (y - top) / height
        if 0 <= across < 1 and 0 <= down < 1:
            if down < 0.12:
                return 1.0, 0.55
            line = floor(down * 9)
            length = 0.25 + 0.65 * cell_value(line, float(window), seed)
            row = 1 - pulse(down * 9, 0.55, 4.5 * dv / half_v / height)
            ink = row if 0.06 < across < length else 0.0
            return 0.85 - 0.7 * ink, 1.0
    return 0.0, 0.8 + 0.35 * (1 - y)


@njit(cache=True, nogil=True, error_model="numpy")
def _clock_face(
    u: float, v: float, du: float, dv: float, radius: float, front: bool, seed: np.uint32
) -> float:
    if not front:
        return 0.0
    x, y, pixel = u / radius, v / radius, max(du, dv) / radius
    away = sqrt(x * x + y * y)
    ink = 0.0
    if 0.76 < away < 0.94:
        twelfth = atan2(x, y) * 6 / pi
        ink = _line(abs(twelfth - floor(twelfth + 0.5)) * away * pi / 6, 0.045, pixel)
    for hand in range(2):
        turn = 2 * pi * cell_value(float(hand), 5.0, seed)
        along = x * sin(turn) + y * cos(turn)
        aside = abs(x * cos(turn) - y * sin(turn))
        if -0.1 < along < 0.5 + 0.22 * hand:
            ink = max(ink, _line(aside, 0.055 - 0.015 * hand, pixel))
    return ink


@njit(cache=True, nogil=True, error_model="numpy")
def _line(distance: float, half_width: float, pixel: float) -> float:
    """How much of a pixel a line covers whose middle is `distance` away."""
    low, high = max(distance - pixel / 2, -half_width), min(distance + pixel / 2, half_width)
    return max(0.0, high - low) / max(pixel, 1e-9)


@njit(cache=True, nogil=True, error_model="numpy")
def _books(
    u: float,
    v: float,
    du: float,
    dv: float,
    half_v: float,
    seed: np.uint32,
    color: Rgb,
    second: Rgb,
) -> Rgb:
    """Backs of books in a row: hues around the two colours, titles, gaps above the lower ones."""
    width = 0.036
    place = u / width
    book = floor(place)
    sure = certainty(du / width)
    mix, hue = cell_value(book, 1.0, seed), cell_value(book, 2.0, seed)
    tall = 0.72 + 0.28 * cell_value(book, 3.0, seed)
    height = 0.5 + 0.5 * v / half_v
    tone = 1 - 0.75 * pulse(place, 0.09, du / width)
    if height > tall:
        tone *= 1 - 0.85 * sure
    title = 0.12 + 0.5 * cell_value(book, 4.0, seed)
    if title < height < title + 0.13:
        tone *= 1 + 0.8 * sure * (mix - 0.3)
    swing = 2.2 * sure
    return (
        max(0.02, (color[0] + (second[0] - color[0]) * mix) * (1 + swing * (hue - 0.5))) * tone,
        max(0.02, (color[1] + (second[1] - color[1]) * mix) * (1 + swing * (mix - 0.5))) * tone,
        max(0.02, (color[2] + (second[2] - color[2]) * mix) * (1 + swing * (0.5 - hue))) * tone,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _picture(
    u: float,
    v: float,
    du: float,
    dv: float,
    half_u: float,
    half_v: float,
    seed: np.uint32,
    color: Rgb,
    second: Rgb,
    tiles: NDArray[np.float32],
) -> Rgb:
    """A landscape of two colours under a light sky, or shapes of them, by the seed."""
    size = max(du, dv)
    first = ripple(tiles, seed, 4 * u, 4 * v, 4 * size)
    other = ripple(tiles, seed ^ np.uint32(0xABCD), 7 * u, 7 * v, 7 * size)
    height = v / half_v
    if seed & np.uint32(1):
        near = min(1.0, max(0.0, 8 * (-0.25 + 1.1 * first - height) + 0.5))
        far = min(1.0, max(0.0, 8 * (0.2 + 0.9 * other - height) + 0.5)) * (1 - near)
        sky = 1 - near - far
        tone = 0.9 + 0.9 * other
        return (
            near * second[0] * tone + far * color[0] * tone + sky * (0.5 + 0.35 * color[0]),
            near * second[1] * tone + far * color[1] * tone + sky * (0.55 + 0.3 * color[1]),
            near * second[2] * tone + far * color[2] * tone + sky * (0.65 + 0.3 * color[2]),
        )
    mix = min(1.0, max(0.0, 0.5 + 6 * first))
    light = min(1.0, max(0.0, 5 * other - 0.5))
    return (
        color[0] + (second[0] - color[0]) * mix + light * (0.8 - color[0]),
        color[1] + (second[1] - color[1]) * mix + light * (0.75 - color[1]),
        color[2] + (second[2] - color[2]) * mix + light * (0.6 - color[2]),
    )
