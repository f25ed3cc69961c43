"""Changes to filmed sequences that leave their truth true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from vlm3r_ros.worlds.compiled import kernel

_GAIN, _GAMMA, _BALANCE, _FLICKER = 0.30, 0.25, 0.12, 0.05
_NORMAL = ndtri((np.arange(256) + 0.5) / 256).astype(np.float32)
"""Normal noise in 256 equally likely steps: far faster drawn than exact noise, and as good."""


def change_colors(
    color: NDArray[np.uint8], generator: np.random.Generator, strength: float, noise: float
) -> NDArray[np.uint8]:
    """Another exposure, contrast and colour balance for the whole sequence, and a sensor's noise.

    Args:
        color: `[T, H, W, 3]`
        generator: of the changes.
        strength: 1 is that of ordinary cameras and lamps; 0 leaves colours alone.
        noise: standard deviation at most, grey levels.
    """
    frames = len(color)
    gain = np.exp(strength * _GAIN * generator.uniform(-1, 1))
    gamma = np.exp(strength * _GAMMA * generator.uniform(-1, 1))
    balance = np.exp(strength * _BALANCE * generator.uniform(-1, 1, 3))
    flicker = np.exp(strength * _FLICKER * generator.uniform(-1, 1, frames))
    levels = np.linspace(0, 1, 256)[None, :, None] ** gamma
    table = (255 * gain * flicker[:, None, None] * balance * levels).astype(np.float32)
    spread = np.float32(noise * generator.random())
    tones = (table + np.float32(0.5)).astype(np.float32)
    # Eight dice at a time: twenty times as fast as bytes().
    most = np.iinfo(np.uint64).max
    dice = generator.integers(most, size=-(-color.size // 8), dtype=np.uint64, endpoint=True)
    return _develop(color, tones, spread * _NORMAL, dice.view(np.uint8))


@kernel
def _develop(
    color: NDArray[np.uint8],
    tones: NDArray[np.float32],
    grain: NDArray[np.float32],
    dice: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Look up tones `[T, 256, 3]`, add the grain `[256]` that the dice say, and clip.

    Clipping comes last, so that noise does not lift what is over-exposed.
    """
    frames, height, width, channels = color.shape
    changed = np.empty_like(color)
    at = 0
    for t in range(frames):
        for y in range(height):
            for x in range(width):
                for c in range(channels):
                    value = tones[t, color[t, y, x, c], c] + grain[dice[at]]
                    at += 1
                    changed[t, y, x, c] = np.uint8(min(max(value, 0.0), 255.0))
    return changed


def mirror(
    color: NDArray[np.uint8],
    depth: NDArray[np.float32],
    T_world_camera: NDArray[np.float64],
    lens: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64], NDArray[np.float32]]:
    """Sequences as seen in a mirror: left and right change places, in the images and in the world.

    Args:
        color: `[B, T, H, W, 3]`
        depth: `[B, T, H, W]`
        T_world_camera: `[B, T, 4, 4]`
        lens: `[B, 4]`
    """
    across = np.diag([-1.0, 1, 1, 1])
    swapped = lens.copy()
    swapped[:, 2] = depth.shape[-1] - 1 - lens[:, 2]
    return (
        np.ascontiguousarray(color[..., ::-1, :]),
        np.ascontiguousarray(depth[..., ::-1]),
        across @ T_world_camera @ across,
        swapped,
    )
