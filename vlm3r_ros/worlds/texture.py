"""Seeded value noise: the same numbers on every machine."""

from __future__ import annotations

import numpy as np


def hash_grid(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """A random-looking number in `[0, 1)` for each pair of whole numbers."""
    with np.errstate(over="ignore"):
        mixed = np.floor(x).astype(np.int64).astype(np.uint32) * np.uint32(0x9E3779B1)
        mixed ^= np.floor(y).astype(np.int64).astype(np.uint32) * np.uint32(0x85EBCA77)
        mixed ^= np.uint32(seed * 2654435761 % 2**32)
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
        mixed = (mixed ^ (mixed >> np.uint32(12))) * np.uint32(0x297A2D39)
        mixed ^= mixed >> np.uint32(15)
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**24)


def fractal_noise(u: np.ndarray, v: np.ndarray, seed: int, octaves: int = 3) -> np.ndarray:
    """Smooth noise in `[0, 1]` with features of size 1, 1/2, 1/4 ... of falling strength."""
    total = np.zeros(u.shape, np.float32)
    weight = 0.0
    for octave in range(octaves):
        scale, strength = 2.0**octave, 0.5**octave
        total += strength * _value_noise(u * scale, v * scale, seed + 31 * octave)
        weight += strength
    return total / np.float32(weight)


def _value_noise(u: np.ndarray, v: np.ndarray, seed: int) -> np.ndarray:
    column, row = np.floor(u), np.floor(v)
    across, down = _smooth(u - column), _smooth(v - row)
    top = _mix(hash_grid(column, row, seed), hash_grid(column + 1, row, seed), across)
    bottom = _mix(hash_grid(column, row + 1, seed), hash_grid(column + 1, row + 1, seed), across)
    return _mix(top, bottom, down)


def _smooth(t: np.ndarray) -> np.ndarray:
    return t * t * (3 - 2 * t)


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first + (second - first) * share
