"""Colours a drawing: textures where rays end, lamps, and the camera's response to light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.compiled import inlined, kernel
from vlm3r_ros.worlds.drawing import Drawing
from vlm3r_ros.worlds.surfaces import BLOCK, COLOR, LANES, NORMAL, PLACE, find_ray_ends
from vlm3r_ros.worlds.textures import paint
from vlm3r_ros.worlds.world import World

LAMP_REACH = 3.0  # m: where a lamp's light has fallen to half
OUTSIDE = np.array([0.45, 0.55, 0.68], np.float32)  # linear colour where a ray meets nothing
_KNEE = 0.6  # linear light above which highlights are compressed
_RAYS_AT_ONCE = 1 << 15  # as many as stay in a processor's cache
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
        strip = color[top:bottom]
        count, store = ends.first[-1], ends.light
        if samples == 1:
            _expose(ends.blocks, ends.ray, count, OUTSIDE, store.view(np.int32), strip)
        else:
            _expose_many(ends.blocks, ends.ray, count, samples, OUTSIDE, store, strip)
    return color


@kernel
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
    # Read before anything is written: the compiler cannot tell that it does not change.
    ambient_red, ambient_green, ambient_blue = ambient[0], ambient[1], ambient[2]
    light = np.empty(3 * LANES, np.float32)
    for p in range(len(emission)):
        shining = emission[p]
        for number in range(first[p], first[p + 1]):
            block = blocks[number * BLOCK : (number + 1) * BLOCK]
            for i in range(LANES):
                # From everywhere, a little more from above: faces that differ in direction differ.
                around = f32(0.85) + f32(0.15) * block[(NORMAL + 2) * LANES + i]
                around += f32(0.06) * block[NORMAL * LANES + i]
                light[i] = ambient_red * around
                light[LANES + i] = ambient_green * around
                light[2 * LANES + i] = ambient_blue * around
            for lamp in range(len(lamps)):
                lx, ly, lz = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2]
                red, green = lamp_colors[lamp, 0], lamp_colors[lamp, 1]
                blue = lamp_colors[lamp, 2]
                for i in range(LANES):
                    x = lx - block[PLACE * LANES + i]
                    y = ly - block[(PLACE + 1) * LANES + i]
                    z = lz - block[(PLACE + 2) * LANES + i]
                    square = x * x + y * y + z * z + f32(1e-4)
                    facing = x * block[NORMAL * LANES + i]
                    facing += y * block[(NORMAL + 1) * LANES + i]
                    facing += z * block[(NORMAL + 2) * LANES + i]
                    strength = max(facing, zero) / (np.sqrt(square) * (one + square * fading))
                    light[i] += red * strength
                    light[LANES + i] += green * strength
                    light[2 * LANES + i] += blue * strength
            for i in range(3 * LANES):
                lit = light[i] * (one - shining) + shining
                block[COLOR * LANES + i] = max(zero, block[COLOR * LANES + i] * lit)


@kernel
def _expose(
    blocks: NDArray[np.float32],
    ray: NDArray[np.int32],
    count: int,
    outside: NDArray[np.float32],
    packed: NDArray[np.int32],
    color: NDArray[np.uint8],
) -> None:
    """Encode the light of the one ray that each pixel has as sRGB."""
    out = color.reshape(-1)
    nothing = _encode(outside[0]) | _encode(outside[1]) << 8 | _encode(outside[2]) << 16
    pixels = packed[: len(out) // 3]
    for at in range(len(pixels)):
        pixels[at] = nothing
    values = np.empty(LANES, np.int32)
    for number in range(count):
        light = blocks[number * BLOCK + COLOR * LANES : (number + 1) * BLOCK]
        rays = ray[number * LANES : (number + 1) * LANES]
        for i in range(LANES):
            red, green = _encode(light[i]), _encode(light[LANES + i])
            values[i] = red | green << 8 | _encode(light[2 * LANES + i]) << 16
        for i in range(LANES):
            if rays[i] >= 0:
                pixels[rays[i]] = values[i]
    for at in range(len(pixels)):
        value = pixels[at]
        out[np.uint64(3 * at)] = value & 255
        out[np.uint64(3 * at + 1)] = (value >> 8) & 255
        out[np.uint64(3 * at + 2)] = value >> 16


@kernel
def _expose_many(
    blocks: NDArray[np.float32],
    ray: NDArray[np.int32],
    count: int,
    samples: int,
    outside: NDArray[np.float32],
    total: NDArray[np.float32],
    color: NDArray[np.uint8],
) -> None:
    """Average the light of the rays of each pixel and encode it."""
    width = color.shape[1]
    out = color.reshape(-1)
    # Every ray meets nothing at first; those that meet something change that.
    rays = samples * samples
    for at in range(len(out) // 3):
        for k in range(3):
            total[3 * at + k] = rays * outside[k]
    for number in range(count):
        for i in range(LANES):
            at = ray[number * LANES + i]
            if at >= 0:
                row, column = at // (width * samples), at % (width * samples)
                pixel = 3 * (row // samples * width + column // samples)
                for k in range(3):
                    light = blocks[number * BLOCK + (COLOR + k) * LANES + i]
                    total[pixel + k] += light - outside[k]
    for i in range(len(out)):
        out[i] = _encode(total[i] * f32(1 / rays))


@inlined
def _encode(light: np.float32) -> np.int32:
    """The sRGB byte of linear light, highlights compressed; exact to a fifth of a step."""
    zero, knee, room = f32(0), f32(_KNEE), f32(1 - _KNEE)
    over = max(light - knee, zero)
    light = max(min(light, knee), zero) + room * over / (over + room)
    root = np.sqrt(light)
    curve = f32(214.29037) - f32(78.657658) * root
    curve = f32(369.11476) + root * (f32(-240.51009) + root * curve)
    curve = f32(-9.4308592) + root * curve
    curve = f32(255 * 12.92) * light if light < f32(0.0031308) else curve
    return np.int32(min(curve, f32(255)) + f32(0.5))
