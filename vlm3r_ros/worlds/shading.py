"""Colours a drawing: textures where rays end, lamps, and the camera's response to light."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.drawing import Drawing
from vlm3r_ros.worlds.surfaces import BLOCK, COLOR, LANES, NORMAL, PLACE, find_ray_ends
from vlm3r_ros.worlds.textures import paint
from vlm3r_ros.worlds.world import World

LAMP_REACH = 3.0  # m: where a lamp's light has fallen to half
OUTSIDE = np.array([0.45, 0.55, 0.68], np.float32)  # linear colour where a ray meets nothing
_KNEE = 0.6  # linear light above which highlights are compressed
_RAYS_AT_ONCE = 1 << 15  # as many as stay in a processor's cache
_FAST = {"contract", "nsz", "nnan", "ninf"}
f32 = np.float32


def shade(world: World, drawing: Drawing, samples: int = 1) -> NDArray[np.uint8]:
    """Colour of every pixel, sRGB `[H, W, 3]`.

    Args:
        world: what was drawn.
        drawing: with `samples` rays per pixel along each axis, `[H * samples, W * samples]`.
        samples: how many of them make a pixel.
    """
    rays_high, rays_wide = drawing.primitive.shape
    height, width = rays_high // samples, rays_wide // samples
    table, lighting = world.primitives, world.lighting
    color = np.empty((height, width, 3), np.uint8)
    rows = max(1, _RAYS_AT_ONCE // (rays_wide * samples))
    light = np.empty((min(rows, height) * samples * rays_wide, 3), np.float32)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        ends = find_ray_ends(drawing, table, slice(top * samples, bottom * samples))
        paint(ends, table)
        _light(
            ends.blocks,
            ends.first,
            table.emission,
            lighting.positions,
            lighting.colors,
            lighting.ambient,
        )
        light[:] = OUTSIDE
        _expose(ends.blocks, ends.pixel, ends.first[-1], samples, light, color[top:bottom])
    return color


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _light(
    blocks: NDArray[np.float32],
    first: NDArray[np.int32],
    emission: NDArray[np.float32],
    lamps: NDArray[np.float32],
    lamp_colors: NDArray[np.float32],
    ambient: NDArray[np.float32],
) -> None:
    """Turn the colour of surface points into the light that leaves them."""
    zero, one, fading = f32(0), f32(1), f32(1 / LAMP_REACH**2)
    light = np.empty(3 * LANES, np.float32)
    for p in range(len(emission)):
        shining = emission[p]
        for number in range(first[p], first[p + 1]):
            block = blocks[number * BLOCK : (number + 1) * BLOCK]
            for i in range(LANES):
                # From everywhere, a little more from above: faces that differ in direction differ.
                around = f32(0.85) + f32(0.15) * block[(NORMAL + 2) * LANES + i]
                around += f32(0.06) * block[NORMAL * LANES + i]
                for k in range(3):
                    light[k * LANES + i] = ambient[k] * around
            for lamp in range(len(lamps)):
                lx, ly, lz = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2]
                red, green, blue = (
                    lamp_colors[lamp, 0],
                    lamp_colors[lamp, 1],
                    lamp_colors[lamp, 2],
                )
                for i in range(LANES):
                    x = lx - block[PLACE * LANES + i]
                    y = ly - block[(PLACE + 1) * LANES + i]
                    z = lz - block[(PLACE + 2) * LANES + i]
                    square = x * x + y * y + z * z + f32(1e-4)
                    facing = (
                        x * block[NORMAL * LANES + i]
                        + y * block[(NORMAL + 1) * LANES + i]
                        + z * block[(NORMAL + 2) * LANES + i]
                    ) / np.sqrt(square)
                    strength = max(facing, zero) / (one + square * fading)
                    light[i] += red * strength
                    light[LANES + i] += green * strength
                    light[2 * LANES + i] += blue * strength
            for i in range(LANES):
                for k in range(3):
                    lit = light[k * LANES + i] * (one - shining) + shining
                    at = (COLOR + k) * LANES + i
                    block[at] = max(zero, block[at] * lit)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _expose(
    blocks: NDArray[np.float32],
    pixel: NDArray[np.int32],
    count: int,
    samples: int,
    light: NDArray[np.float32],
    color: NDArray[np.uint8],
) -> None:
    """Put the light of all rays in its place, average it and encode it as sRGB."""
    for number in range(count):
        for i in range(LANES):
            at = pixel[number * LANES + i]
            if at >= 0:
                for k in range(3):
                    light[at, k] = blocks[number * BLOCK + (COLOR + k) * LANES + i]
    height, width = color.shape[:2]
    out = color.reshape(-1)
    mean = np.empty(3 * width, np.float32)
    weight, one, knee, room = f32(1 / samples**2), f32(1), f32(_KNEE), f32(1 - _KNEE)
    for row in range(height):
        for x in range(width):
            for k in range(3):
                total = f32(0)
                for y in range(row * samples, (row + 1) * samples):
                    for ray in range(samples):
                        total += light[(y * width + x) * samples + ray, k]
                mean[3 * x + k] = total
        line = out[3 * width * row : 3 * width * (row + 1)]
        for i in range(len(line)):
            value = mean[i] * weight
            over = max(value - knee, f32(0))
            value = min(value, knee) + room * over / (over + room)
            # The sRGB curve from its roots, to half a step of 255.
            root = np.sqrt(value)
            fourth = np.sqrt(root)
            curve = (
                f32(0.662002687) * root
                + f32(0.684122060) * fourth
                - f32(0.323583601) * np.sqrt(fourth)
                - f32(0.0225411470) * value
            )
            curve = f32(12.92) * value if value < f32(0.0031308) else curve
            line[i] = np.uint8(f32(255) * min(curve, one) + f32(0.5))
