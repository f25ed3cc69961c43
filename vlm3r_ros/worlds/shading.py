"""Colours a drawing: textures where rays end, lamps, and the camera's response to light."""

from __future__ import annotations

from functools import cache
from math import atan2, floor, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.drawing import Drawing
from vlm3r_ros.worlds.noise import noise_tiles
from vlm3r_ros.worlds.primitives import Shape
from vlm3r_ros.worlds.textures import paint
from vlm3r_ros.worlds.world import World

LAMP_REACH = 3.0  # m: where a lamp's light has fallen to half
OUTSIDE = (0.45, 0.55, 0.68)  # linear colour where a ray meets nothing
BRIGHTEST = 4.0  # linear light that is white for sure

_BOX, _CYLINDER = int(Shape.BOX), int(Shape.CYLINDER)
_RESPONSE_STEPS = 2048  # of the square root of light, a unit
_KNEE = 0.6  # linear light above which highlights are compressed
# Rows of what is known of each ray's end.
_PLACE, _NORMAL, _PAINT, _EMISSION, _FIELDS = 0, 3, 6, 9, 10


def shade(world: World, drawing: Drawing, samples: int = 1) -> NDArray[np.uint8]:
    """Colour of every pixel, sRGB `[H, W, 3]`.

    Args:
        world: what was drawn.
        drawing: with `samples` rays per pixel along each axis, `[H * samples, W * samples]`.
        samples: how many of them make a pixel.
    """
    height, width = (side // samples for side in drawing.primitive.shape)
    table, lighting = world.primitives, world.lighting
    color = np.empty((height, width, 3), np.uint8)
    _shade(
        drawing.inverse_depth,
        drawing.primitive,
        drawing.local_rays,
        drawing.pose,
        drawing.lens,
        table.shape,
        table.half,
        table.rotation,
        table.texture,
        table.color,
        table.second,
        table.scale,
        table.emission,
        table.seed,
        lighting.positions,
        lighting.colors,
        lighting.ambient,
        noise_tiles(),
        camera_response(),
        samples,
        color,
    )
    return color


@cache
def camera_response() -> NDArray[np.uint8]:
    """sRGB value by the square root of linear light, in steps of `1 / _RESPONSE_STEPS`."""
    light = (np.arange(int(_RESPONSE_STEPS * BRIGHTEST**0.5) + 1) / _RESPONSE_STEPS) ** 2
    over = np.maximum(light - _KNEE, 0)
    light = np.minimum(light, _KNEE) + (1 - _KNEE) * (1 - np.exp(-over / (1 - _KNEE)))
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * encoded + 0.5).astype(np.uint8)


@njit(cache=True, nogil=True, error_model="numpy")
def _shade(
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
    local_rays: NDArray[np.float64],
    pose: NDArray[np.float64],
    lens: NDArray[np.float64],
    shape: NDArray[np.int32],
    half: NDArray[np.float32],
    rotation: NDArray[np.float32],
    texture: NDArray[np.int32],
    color: NDArray[np.float32],
    second: NDArray[np.float32],
    scale: NDArray[np.float32],
    emission: NDArray[np.float32],
    seed: NDArray[np.uint32],
    lamps: NDArray[np.float32],
    lamp_colors: NDArray[np.float32],
    ambient: NDArray[np.float32],
    tiles: NDArray[np.float32],
    response: NDArray[np.uint8],
    samples: int,
    out: NDArray[np.uint8],
) -> None:
    rays_wide = primitive.shape[1]
    height, width = out.shape[:2]
    ends = np.empty((_FIELDS, rays_wide), np.float32)
    light = np.empty((3, rays_wide), np.float32)
    total = np.empty((3, rays_wide), np.float32)
    weight = np.float32(1.0 / (samples * samples))
    for row in range(height):
        for sub in range(samples):
            y = row * samples + sub
            for x in range(rays_wide):
                p = primitive[y, x]
                if p < 0:
                    for k in range(3):
                        ends[_PLACE + k, x] = 0.0
                        ends[_NORMAL + k, x] = 0.0
                        ends[_PAINT + k, x] = OUTSIDE[k]
                    ends[_EMISSION, x] = 1.0
                    continue
                _end_of_ray(
                    x, y, p, 1.0 / inverse_depth[y, x], local_rays, pose, lens, shape[p], half,
                    rotation, texture[p], color, second, scale[p], seed[p], tiles, ends,
                )  # fmt: skip
                ends[_EMISSION, x] = emission[p]
            _light(ends, lamps, lamp_colors, ambient, light)
            for k in range(3):
                if sub == 0:
                    total[k] = light[k]
                else:
                    total[k] += light[k]
        for x in range(width):
            for k in range(3):
                value = np.float32(0)
                for sub in range(samples):
                    value += total[k, x * samples + sub]
                step = int(sqrt(value * weight) * _RESPONSE_STEPS)
                out[row, x, k] = response[min(step, len(response) - 1)]


@njit(cache=True, nogil=True, error_model="numpy")
def _end_of_ray(
    x: int,
    y: int,
    p: int,
    depth: float,
    local_rays: NDArray[np.float64],
    pose: NDArray[np.float64],
    lens: NDArray[np.float64],
    shape: int,
    half: NDArray[np.float32],
    rotation: NDArray[np.float32],
    texture: int,
    color: NDArray[np.float32],
    second: NDArray[np.float32],
    scale: float,
    seed: np.uint32,
    tiles: NDArray[np.float32],
    ends: NDArray[np.float32],
) -> None:
    """Place, normal and paint of what a ray meets, into column `x` of `ends`."""
    ray = local_rays[p]
    dx = ray[2, 0] + x * ray[0, 0] + y * ray[1, 0]
    dy = ray[2, 1] + x * ray[0, 1] + y * ray[1, 1]
    dz = ray[2, 2] + x * ray[0, 2] + y * ray[1, 2]
    qx, qy, qz = ray[3, 0] + depth * dx, ray[3, 1] + depth * dy, ray[3, 2] + depth * dz
    hx, hy, hz = float(half[p, 0]), float(half[p, 1]), float(half[p, 2])
    nx, ny, nz = 0.0, 0.0, 0.0
    front = False
    if shape == _BOX:
        to_x, to_y, to_z = abs(hx - abs(qx)), abs(hy - abs(qy)), abs(hz - abs(qz))
        if to_z <= to_x and to_z <= to_y:
            nz = 1.0 if qz > 0 else -1.0
            axis, first, other = 2, 0, 1
            u, v, half_u, half_v = qx, qy, hx, hy
            front = hz < hy
        elif to_y <= to_x:
            ny = 1.0 if qy > 0 else -1.0
            axis, first, other = 1, 0, 2
            u, v, half_u, half_v = qx, qz, hx, hz
            front = hy <= hz
        else:
            nx = 1.0 if qx > 0 else -1.0
            axis, first, other = 0, 1, 2
            u, v, half_u, half_v = qy, qz, hy, hz
        across = dx if axis == 0 else dy if axis == 1 else dz
        column = depth * ray[0, axis] / across
        line = depth * ray[1, axis] / across
        d_first = dx if first == 0 else dy
        d_other = dy if other == 1 else dz
        du = abs(depth * ray[0, first] - d_first * column) + abs(
            depth * ray[1, first] - d_first * line
        )
        dv = abs(depth * ray[0, other] - d_other * column) + abs(
            depth * ray[1, other] - d_other * line
        )
    else:
        if shape == _CYLINDER:
            rim = 1.0 - sqrt((qx / hx) ** 2 + (qy / hy) ** 2)
            if abs(hz - abs(qz)) < abs(rim) * min(hx, hy):
                nz = 1.0 if qz > 0 else -1.0
                u, v, half_u, half_v = qx, qy, hx, hy
                front = True
            else:
                nx, ny = qx / (hx * hx), qy / (hy * hy)
                half_u, half_v = 3.14159265 * 0.5 * (hx + hy), hz
                u, v = atan2(qy / hy, qx / hx) * 0.5 * (hx + hy), qz
        else:
            nx, ny, nz = qx / (hx * hx), qy / (hy * hy), qz / (hz * hz)
            half_u, half_v = 3.14159265 * 0.5 * (hx + hy), hz
            u, v = atan2(qy / hy, qx / hx) * 0.5 * (hx + hy), qz
        norm = 1.0 / sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * norm, ny * norm, nz * norm
        facing = abs(nx * dx + ny * dy + nz * dz) / sqrt(dx * dx + dy * dy + dz * dz)
        du = depth / lens[0] / sqrt(max(facing, 0.05))
        dv = du
    per = 1.0 / scale
    r, g, b = paint(
        texture, u * per, v * per, du * per, dv * per, half_u * per, half_v * per, front, seed,
        (float(color[p, 0]), float(color[p, 1]), float(color[p, 2])),
        (float(second[p, 0]), float(second[p, 1]), float(second[p, 2])),
        tiles,
    )  # fmt: skip
    ends[_PAINT, x], ends[_PAINT + 1, x], ends[_PAINT + 2, x] = r, g, b
    # Seen from inside, a surface shows its other side.
    if nx * dx + ny * dy + nz * dz > 0:
        nx, ny, nz = -nx, -ny, -nz
    cx, cy = (x - lens[2]) / lens[0], (y - lens[3]) / lens[1]
    for k in range(3):
        ends[_PLACE + k, x] = pose[k, 3] + depth * (pose[k, 0] * cx + pose[k, 1] * cy + pose[k, 2])
        ends[_NORMAL + k, x] = (
            rotation[p, k, 0] * nx + rotation[p, k, 1] * ny + rotation[p, k, 2] * nz
        )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "nnan", "ninf"})
def _light(
    ends: NDArray[np.float32],
    lamps: NDArray[np.float32],
    lamp_colors: NDArray[np.float32],
    ambient: NDArray[np.float32],
    light: NDArray[np.float32],
) -> None:
    """Light that leaves the ends of a row of rays towards the camera, linear `[3, R]`."""
    count = ends.shape[1]
    one, reach = np.float32(1), np.float32(1 / LAMP_REACH**2)
    for k in range(3):
        for x in range(count):
            # From everywhere, a little more from above: faces that differ in direction differ.
            light[k, x] = ambient[k] * (
                np.float32(0.85)
                + np.float32(0.15) * ends[_NORMAL + 2, x]
                + np.float32(0.06) * ends[_NORMAL, x]
            )
    for lamp in range(len(lamps)):
        px, py, pz = lamps[lamp, 0], lamps[lamp, 1], lamps[lamp, 2]
        red, green, blue = lamp_colors[lamp, 0], lamp_colors[lamp, 1], lamp_colors[lamp, 2]
        for x in range(count):
            lx, ly, lz = px - ends[0, x], py - ends[1, x], pz - ends[2, x]
            square = lx * lx + ly * ly + lz * lz + np.float32(1e-4)
            facing = (lx * ends[3, x] + ly * ends[4, x] + lz * ends[5, x]) / np.sqrt(square)
            strength = max(facing, np.float32(0)) / (one + square * reach)
            light[0, x] += red * strength
            light[1, x] += green * strength
            light[2, x] += blue * strength
    for k in range(3):
        for x in range(count):
            shining = ends[_EMISSION, x]
            lit = light[k, x] * (one - shining) + shining
            light[k, x] = max(np.float32(0), ends[_PAINT + k, x] * lit)
