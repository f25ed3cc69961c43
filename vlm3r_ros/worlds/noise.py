"""Seeded noise for textures: the same numbers on every machine."""

from __future__ import annotations

from functools import cache
from math import floor

import numpy as np
from numba import njit
from numpy.typing import NDArray

_SIDE = 128  # texels of a tile
_TEXELS = 8  # a feature of size 1: tiles repeat every 16
_OCTAVES = 3


@cache
def noise_tiles() -> NDArray[np.float32]:
    """Smooth noise in [0, 1], `[3, 128, 128]`: of 3, 2 and 1 octaves; wraps around.

    The coarser tiles are for surfaces so far away that the fine octaves would flicker.
    """
    random = np.random.default_rng(20_25)
    octaves = []
    for octave in range(_OCTAVES):
        cells = (_SIDE // _TEXELS) << octave
        grid = random.random((cells, cells))
        place = np.arange(_SIDE) * cells / _SIDE
        low = place.astype(int)
        share = place - low
        share = share * share * (3 - 2 * share)
        high = (low + 1) % cells
        rows = grid[low] + (grid[high] - grid[low]) * share[:, None]
        octaves.append((rows[:, low] + (rows[:, high] - rows[:, low]) * share) * 0.5**octave)
    tiles = [
        sum(octaves[:count]) / sum(0.5**octave for octave in range(count))
        for count in range(_OCTAVES, 0, -1)
    ]
    return np.ascontiguousarray(tiles, np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def ripple(
    tiles: NDArray[np.float32], seed: np.uint32, u: float, v: float, footprint: float
) -> float:
    """Noise in [-0.5, 0.5] with features of size 1, fading out as a pixel covers more of it."""
    if footprint >= 1.25:
        return 0.0
    level = 0 if footprint < 0.2 else 1 if footprint < 0.4 else 2
    x, y = u * _TEXELS, v * _TEXELS
    column, row = floor(x), floor(y)
    x, y = x - column, y - row
    mask = _SIDE - 1
    left = (int(column) + int(seed & np.uint32(0xFFFF))) & mask
    top = (int(row) + int(seed >> np.uint32(16))) & mask
    right, bottom = (left + 1) & mask, (top + 1) & mask
    above = tiles[level, top, left] + x * (tiles[level, top, right] - tiles[level, top, left])
    below = tiles[level, bottom, left] + x * (
        tiles[level, bottom, right] - tiles[level, bottom, left]
    )
    return (above + y * (below - above) - 0.5) * min(1.0, 1.25 - footprint)


@njit(cache=True, nogil=True, error_model="numpy")
def cell_value(column: float, row: float, seed: np.uint32) -> float:
    """A random-looking number in [0, 1) for each pair of whole numbers."""
    mixed = (int(column) * 0x9E3779B1) ^ (int(row) * 0x85EBCA77) ^ (int(seed) * 0xC2B2AE3D)
    mixed &= 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 12)) * 0x297A2D39) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 15)) * (1.0 / 2**32)


@njit(cache=True, nogil=True, error_model="numpy")
def pulse(x: float, width: float, footprint: float) -> float:
    """How much of a pixel lies on bars `[n, n + width]` of period 1: exact, so it cannot flicker.

    Args:
        x: middle of the pixel.
        width: of the bars, in (0, 1).
        footprint: width of the pixel.
    """
    low, high = x - footprint / 2, x + footprint / 2
    low_bar, high_bar = floor(low), floor(high)
    if footprint < 1e-6:
        return 1.0 if x - floor(x) < width else 0.0
    return (
        (high_bar - low_bar) * width + min(high - high_bar, width) - min(low - low_bar, width)
    ) / footprint


@njit(cache=True, nogil=True, error_model="numpy")
def certainty(footprint: float) -> float:
    """1 where cells of size 1 are told apart, 0 where a pixel covers several."""
    return min(1.0, max(0.0, 1.5 - footprint))
