"""Where on which surface each ray ends: what textures and lamps need to know.

Rays are sorted by the primitive that they meet and stored in blocks of `LANES` rays, a block
holding `FIELDS` rows of `LANES` numbers. A block belongs to one primitive, so that loops over its
lanes do the same for all of them and become vector instructions.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.drawing import Drawing
from vlm3r_ros.worlds.primitives import PrimitiveTable, Shape

LANES = 16
# Rows of a block.
COLUMN, ROW, DEPTH = 0, 1, 2
"""The ray's pixel, and inverse depth that becomes depth."""
U, V, DU, DV = 3, 4, 5, 6
"""Place on the face in metres from its middle, and the size of a pixel there."""
HALF_U, HALF_V, FRONT = 7, 8, 9
"""Half extents of the face; 1 on faces that show what is meant to be looked at, else 0."""
PLACE, NORMAL = 10, 13
"""In the world frame; the normal is turned towards the camera."""
COLOR = 16
"""Linear, three rows: of the surface, then of the light that leaves it."""
FIELDS = 19
BLOCK = FIELDS * LANES

_BOX, _CYLINDER = int(Shape.BOX), int(Shape.CYLINDER)
_FAST = {"contract", "nsz", "nnan", "ninf"}
f32 = np.float32
_LANES, _BLOCK = np.uint64(LANES), np.uint64(BLOCK)
_COLUMN, _ROW, _DEPTH = np.uint64(0), np.uint64(ROW * LANES), np.uint64(DEPTH * LANES)


@dataclass(frozen=True, eq=False)
class RayEnds:
    """Ends of the rays of some rows of a drawing.

    Attributes:
        blocks: float32 `[B * BLOCK]`, see the names of the rows.
        pixel: int32 `[B * LANES]`, index of each lane in the rows' pixels, -1 for unused lanes.
        first: int32 `[P + 1]`, first block of each primitive; the last is the number of blocks.
    """

    blocks: NDArray[np.float32]
    pixel: NDArray[np.int32]
    first: NDArray[np.int32]


def find_ray_ends(drawing: Drawing, table: PrimitiveTable, rows: slice) -> RayEnds:
    """Surface points of the rays of some rows; rays that meet nothing are left out."""
    primitive = drawing.primitive[rows]
    room = primitive.size + len(table) * LANES
    ends = RayEnds(
        np.empty(room // LANES * BLOCK, np.float32),
        np.empty(room // LANES * LANES, np.int32),
        np.empty(len(table) + 1, np.int32),
    )
    _sort(drawing.inverse_depth[rows], primitive, rows.start, ends.blocks, ends.pixel, ends.first)
    _locate(
        ends.blocks,
        ends.first,
        drawing.local_rays,
        drawing.pose,
        drawing.lens,
        table.shape,
        table.half,
        table.rotation,
    )
    return ends


@njit(cache=True, nogil=True, error_model="numpy")
def _sort(
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
    top: int,
    blocks: NDArray[np.float32],
    pixel: NDArray[np.int32],
    first: NDArray[np.int32],
) -> None:
    height, width = primitive.shape
    count = len(first) - 1
    following = np.zeros(count, np.int64)
    # Runs of one primitive along a row: their first pixel and the primitive.
    runs = np.empty((height * width + 1, 2), np.int64)
    number = 0
    for y in range(height):
        line = primitive[y]
        last = np.int32(-2)
        for x in range(width):
            p = line[x]
            if p != last:
                runs[number, 0], runs[number, 1] = y * width + x, p
                number += 1
                last = p
    runs[number, 0] = height * width
    for k in range(number):
        if runs[k, 1] >= 0:
            following[runs[k, 1]] += runs[k + 1, 0] - runs[k, 0]
    block = 0
    for p in range(count):
        first[p] = block
        slots = following[p]
        following[p] = block * LANES
        block += (slots + LANES - 1) // LANES
        for slot in range(following[p] + slots, block * LANES):
            at = (slot // LANES) * BLOCK + slot % LANES
            blocks[at + COLUMN * LANES] = 0
            blocks[at + ROW * LANES] = 0
            blocks[at + DEPTH * LANES] = 1
            pixel[slot] = -1
    first[count] = block
    flat = inverse_depth.reshape(-1)
    for k in range(number):
        start, end, p = runs[k, 0], runs[k + 1, 0], runs[k, 1]
        if p < 0:
            continue
        ahead = following[p] - start
        x, y = start % width - start, start // width + top
        following[p] += end - start
        for source in range(start, end):
            slot = np.uint64(source + ahead)  # unsigned: spares a look for negative indices
            at = slot // _LANES * _BLOCK + slot % _LANES
            blocks[at + _COLUMN] = x + source
            blocks[at + _ROW] = y
            blocks[at + _DEPTH] = flat[np.uint64(source)]
            pixel[slot] = source


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _locate(
    blocks: NDArray[np.float32],
    first: NDArray[np.int32],
    local_rays: NDArray[np.float64],
    pose: NDArray[np.float64],
    lens: NDArray[np.float64],
    shape: NDArray[np.int32],
    half: NDArray[np.float32],
    rotation: NDArray[np.float32],
) -> None:
    one, zero = f32(1), f32(0)
    fx, fy, cx, cy = f32(lens[0]), f32(lens[1]), f32(lens[2]), f32(lens[3])
    for p in range(len(first) - 1):
        if first[p] == first[p + 1]:
            continue
        hx, hy, hz = half[p, 0], half[p, 1], half[p, 2]
        ax, ay, az = f32(local_rays[p, 0, 0]), f32(local_rays[p, 0, 1]), f32(local_rays[p, 0, 2])
        bx, by, bz = f32(local_rays[p, 1, 0]), f32(local_rays[p, 1, 1]), f32(local_rays[p, 1, 2])
        rx, ry, rz = f32(local_rays[p, 2, 0]), f32(local_rays[p, 2, 1]), f32(local_rays[p, 2, 2])
        ox, oy, oz = f32(local_rays[p, 3, 0]), f32(local_rays[p, 3, 1]), f32(local_rays[p, 3, 2])
        is_box, is_cylinder = shape[p] == _BOX, shape[p] == _CYLINDER
        radius = f32(0.5) * (hx + hy)
        per_x, per_y = one / hx, one / hy
        per_z = zero if is_cylinder else one / hz
        y_front, z_front = one if hy <= hz else zero, one if hz < hy else zero
        for number in range(first[p], first[p + 1]):
            block = blocks[number * BLOCK : (number + 1) * BLOCK]
            for i in range(LANES):
                x, y = block[COLUMN * LANES + i], block[ROW * LANES + i]
                t = one / block[DEPTH * LANES + i]
                block[DEPTH * LANES + i] = t
                dx, dy, dz = rx + x * ax + y * bx, ry + x * ay + y * by, rz + x * az + y * bz
                qx, qy, qz = ox + t * dx, oy + t * dy, oz + t * dz
                if is_box:
                    to_x, to_y, to_z = abs(hx - abs(qx)), abs(hy - abs(qy)), abs(hz - abs(qz))
                    on_z = (to_z <= to_x) & (to_z <= to_y)
                    on_x = (to_x < to_y) & (not on_z)
                    # Across the face: along its normal (n) and its two axes (u, v).
                    d_n = dz if on_z else dx if on_x else dy
                    a_n = az if on_z else ax if on_x else ay
                    b_n = bz if on_z else bx if on_x else by
                    q_n = qz if on_z else qx if on_x else qy
                    d_u, a_u, b_u = dy if on_x else dx, ay if on_x else ax, by if on_x else bx
                    d_v, a_v, b_v = dy if on_z else dz, ay if on_z else az, by if on_z else bz
                    column, row = a_n / d_n, b_n / d_n
                    u, v = qy if on_x else qx, qy if on_z else qz
                    du = t * (abs(a_u - d_u * column) + abs(b_u - d_u * row))
                    dv = t * (abs(a_v - d_v * column) + abs(b_v - d_v * row))
                    half_u, half_v = hy if on_x else hx, hy if on_z else hz
                    front = z_front if on_z else zero if on_x else y_front
                    sign = one if q_n > zero else -one
                    nx, nz = sign if on_x else zero, sign if on_z else zero
                    ny = sign - nx - nz
                else:
                    px, py = qx * per_x, qy * per_y
                    around = np.sqrt(px * px + py * py)
                    rim = abs(one - around) * min(hx, hy)
                    on_end = is_cylinder & (abs(hz - abs(qz)) < rim)
                    nx, ny, nz = px * per_x, py * per_y, qz * per_z * per_z
                    long = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, f32(1e-12)))
                    nx, ny = zero if on_end else nx * long, zero if on_end else ny * long
                    sign = one if qz > zero else -one
                    nz = sign if on_end else nz * long
                    u = qx if on_end else _angle(px, py) * radius
                    v = qy if on_end else qz
                    half_u, half_v = hx if on_end else f32(np.pi) * radius, hy if on_end else hz
                    front = one if on_end else zero
                    towards = abs(nx * dx + ny * dy + nz * dz)
                    towards /= np.sqrt(dx * dx + dy * dy + dz * dz)
                    du = t / (fx * np.sqrt(max(towards, f32(0.05))))
                    dv = du
                block[U * LANES + i], block[V * LANES + i] = u, v
                block[DU * LANES + i], block[DV * LANES + i] = du, dv
                block[HALF_U * LANES + i], block[HALF_V * LANES + i] = half_u, half_v
                block[FRONT * LANES + i] = front
                flip = -one if nx * dx + ny * dy + nz * dz > zero else one
                nx, ny, nz = nx * flip, ny * flip, nz * flip
                x, y = (x - cx) / fx, (y - cy) / fy
                for k in range(3):
                    block[(NORMAL + k) * LANES + i] = (
                        rotation[p, k, 0] * nx + rotation[p, k, 1] * ny + rotation[p, k, 2] * nz
                    )
                    block[(PLACE + k) * LANES + i] = f32(pose[k, 3]) + t * (
                        f32(pose[k, 0]) * x + f32(pose[k, 1]) * y + f32(pose[k, 2])
                    )


@njit(nogil=True, error_model="numpy", fastmath=_FAST, forceinline=True)
def _angle(x: np.float32, y: np.float32) -> np.float32:
    """`atan2(y, x)` to 2e-4 rad without branches."""
    small, large = min(abs(x), abs(y)), max(abs(x), abs(y))
    a = small / max(large, f32(1e-12))
    s = a * a
    r = a * (f32(0.99997726) + s * (f32(-0.33262347) + s * (f32(0.19354346) + s * (
        f32(-0.11643287) + s * (f32(0.05265332) - s * f32(0.01172120))))))  # fmt: skip
    r = f32(np.pi / 2) - r if abs(y) > abs(x) else r
    r = f32(np.pi) - r if x < f32(0) else r
    return -r if y < f32(0) else r
