"""Where on which surface each ray ends: what textures and lamps need to know.

Rays are sorted by the primitive that they meet and stored in blocks of `LANES` rays, a block
holding `FIELDS` rows of `LANES` numbers. A block belongs to one primitive, so that loops over its
lanes do the same for all of them and become vector instructions.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.compiled import inlined, kernel
from vlm3r_ros.worlds.drawing import Drawing
from vlm3r_ros.worlds.primitives import PrimitiveTable, Shape

LANES = 16
# Rows of a block.
DEPTH = 0
"""In metres (while rays are sorted: its inverse)."""
U, V, DU, DV = 1, 2, 3, 4
"""Place on the face in metres from its middle, and the size of a pixel there."""
HALF_U, HALF_V, FRONT = 5, 6, 7
"""Half extents of the face; 1 on faces that show what is meant to be looked at, else 0."""
PLACE, NORMAL = 8, 11
"""In the world frame; the normal is turned towards the camera."""
COLOR = 14
"""Linear, three rows: of the surface, then of the light that leaves it."""
FIELDS = 17
BLOCK = FIELDS * LANES

_BOX, _CYLINDER = int(Shape.BOX), int(Shape.CYLINDER)
f32 = np.float32
_LANES, _BLOCK, _DEPTH = np.uint64(LANES), np.uint64(BLOCK), np.uint64(DEPTH * LANES)


@dataclass(frozen=True, eq=False)
class RayEnds:
    """Ends of the rays of some rows of a drawing.

    Attributes:
        blocks: float32 `[B * BLOCK]`, see the names of the rows.
        ray: int32 `[B * LANES]`, index of each lane's ray in the rows, -1 for unused lanes.
        first: int32 `[P + 1]`, first block of each primitive; the last is the number of blocks.
        runs: int32 `[R + 1, 2]`, first ray and primitive of runs along the rows, while sorting.
        light: float32 `[3 * R]`, for what becomes of the rays.
    """

    blocks: NDArray[np.float32]
    ray: NDArray[np.int32]
    first: NDArray[np.int32]
    runs: NDArray[np.int32]
    light: NDArray[np.float32]


def find_ray_ends(drawing: Drawing, table: PrimitiveTable, rows: slice) -> RayEnds:
    """Surface points of the rays of some rows; rays that meet nothing are left out.

    What is returned is overwritten by the thread's next call.
    """
    primitive = drawing.primitive[rows]
    ends = _workspace.get(primitive.size, len(table))
    _sort(drawing.inverse_depth[rows], primitive, ends.blocks, ends.ray, ends.first, ends.runs)
    _locate(
        ends.blocks,
        ends.ray,
        ends.first,
        primitive.shape[1],
        rows.start,
        drawing.local_rays,
        drawing.pose,
        drawing.lens,
        table.shape,
        table.half,
        table.rotation,
    )
    return ends


class _Workspace(threading.local):
    """Memory that a thread uses again: fresh pages cost more than what is computed on them."""

    def __init__(self) -> None:
        self._blocks = self._rays = 0

    def get(self, rays: int, primitives: int) -> RayEnds:
        blocks = rays // LANES + primitives + 1
        if blocks > self._blocks:
            self._blocks = blocks
            self._block = np.empty(blocks * BLOCK, np.float32)
            self._ray = np.empty(blocks * LANES, np.int32)
        if rays > self._rays:
            self._rays = rays
            self._runs = np.empty((rays + 1, 2), np.int32)
            self._light = np.empty(3 * rays, np.float32)
        first = np.empty(primitives + 1, np.int32)
        return RayEnds(self._block, self._ray, first, self._runs, self._light)


_workspace = _Workspace()


@kernel
def _sort(
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
    blocks: NDArray[np.float32],
    ray: NDArray[np.int32],
    first: NDArray[np.int32],
    runs: NDArray[np.int32],
) -> None:
    height, width = primitive.shape
    count = len(first) - 1
    following = np.zeros(count, np.int64)
    # Runs of one primitive along a row: their first pixel and the primitive.
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
            blocks[(slot // LANES) * BLOCK + DEPTH * LANES + slot % LANES] = 1
            ray[slot] = -1
    first[count] = block
    flat = inverse_depth.reshape(-1)
    for k in range(number):
        start, end, p = runs[k, 0], runs[k + 1, 0], runs[k, 1]
        if p >= 0:
            ahead = following[p] - start
            following[p] += end - start
            for source in range(start, end):
                lane = np.uint64(source + ahead)  # unsigned: spares a look for negative indices
                blocks[lane // _LANES * _BLOCK + _DEPTH + lane % _LANES] = flat[np.uint64(source)]
                ray[lane] = source


@kernel
def _locate(
    blocks: NDArray[np.float32],
    ray: NDArray[np.int32],
    first: NDArray[np.int32],
    width: int,
    top: int,
    local_rays: NDArray[np.float64],
    pose: NDArray[np.float64],
    lens: NDArray[np.float64],
    shape: NDArray[np.int32],
    half: NDArray[np.float32],
    rotation: NDArray[np.float32],
) -> None:
    columns, per_row, first_row = f32(width), f32(1 / width), f32(top)
    focal = f32(lens[0])
    local, world, turn = np.empty((4, 3), f32), np.empty((4, 3), f32), np.empty((3, 3), f32)
    for k in range(3):
        world[0, k], world[1, k] = pose[k, 0] / lens[0], pose[k, 1] / lens[1]
        world[2, k] = pose[k, 2] - lens[2] * world[0, k] - lens[3] * world[1, k]
        world[3, k] = pose[k, 3]
    # The rows U and V hold the pixel's column and row until they are replaced.
    for p in range(len(first) - 1):
        if first[p] == first[p + 1]:
            continue
        for k in range(3):
            for j in range(4):
                local[j, k] = local_rays[p, j, k]
            for j in range(3):
                turn[j, k] = rotation[p, j, k]
        hx, hy, hz = half[p, 0], half[p, 1], half[p, 2]
        for number in range(first[p], first[p + 1]):
            block = blocks[number * BLOCK : (number + 1) * BLOCK]
            rays = ray[number * LANES : (number + 1) * LANES]
            for i in range(LANES):
                index = f32(rays[i])
                line = np.floor((index + f32(0.5)) * per_row)
                block[U * LANES + i] = index - line * columns
                block[V * LANES + i] = first_row + line
            _place(block, world)
            if shape[p] == _BOX:
                _face_of_box(block, local, hx, hy, hz)
            else:
                _side_of_round(block, local, hx, hy, hz, shape[p] == _CYLINDER, focal)
            _turn_normal(block, turn)


@inlined
def _place(block: NDArray[np.float32], world: NDArray[np.float32]) -> None:
    """Depth from its inverse, and the place in the world."""
    ax, ay, az = world[0, 0], world[0, 1], world[0, 2]
    bx, by, bz = world[1, 0], world[1, 1], world[1, 2]
    rx, ry, rz = world[2, 0], world[2, 1], world[2, 2]
    ox, oy, oz = world[3, 0], world[3, 1], world[3, 2]
    for i in range(LANES):
        x, y, t = block[U * LANES + i], block[V * LANES + i], f32(1) / block[DEPTH * LANES + i]
        block[DEPTH * LANES + i] = t
        block[PLACE * LANES + i] = ox + t * (rx + x * ax + y * bx)
        block[(PLACE + 1) * LANES + i] = oy + t * (ry + x * ay + y * by)
        block[(PLACE + 2) * LANES + i] = oz + t * (rz + x * az + y * bz)


@inlined
def _face_of_box(
    block: NDArray[np.float32],
    local: NDArray[np.float32],
    hx: np.float32,
    hy: np.float32,
    hz: np.float32,
) -> None:
    """Place on the face, the face and its normal in the box's frame, of a box's rays."""
    one, zero = f32(1), f32(0)
    ax, ay, az = local[0, 0], local[0, 1], local[0, 2]
    bx, by, bz = local[1, 0], local[1, 1], local[1, 2]
    rx, ry, rz = local[2, 0], local[2, 1], local[2, 2]
    ox, oy, oz = local[3, 0], local[3, 1], local[3, 2]
    y_front, z_front = one if hy <= hz else zero, one if hz < hy else zero
    for i in range(LANES):
        x, y, t = block[U * LANES + i], block[V * LANES + i], block[DEPTH * LANES + i]
        dx, dy, dz = rx + x * ax + y * bx, ry + x * ay + y * by, rz + x * az + y * bz
        qx, qy, qz = ox + t * dx, oy + t * dy, oz + t * dz
        to_x, to_y, to_z = abs(hx - abs(qx)), abs(hy - abs(qy)), abs(hz - abs(qz))
        on_z = to_z <= min(to_x, to_y)
        on_x = to_x < min(to_y, to_z)
        # Along the face's normal (n) and its axes (u, v): direction, and its change by a pixel.
        d_n = dz if on_z else dx if on_x else dy
        a_n = az if on_z else ax if on_x else ay
        b_n = bz if on_z else bx if on_x else by
        d_u, a_u, b_u = dy if on_x else dx, ay if on_x else ax, by if on_x else bx
        d_v, a_v, b_v = dy if on_z else dz, ay if on_z else az, by if on_z else bz
        scale = one / d_n
        column, row = a_n * scale, b_n * scale
        block[U * LANES + i] = qy if on_x else qx
        block[V * LANES + i] = qy if on_z else qz
        block[DU * LANES + i] = t * (abs(a_u - d_u * column) + abs(b_u - d_u * row))
        block[DV * LANES + i] = t * (abs(a_v - d_v * column) + abs(b_v - d_v * row))
        block[HALF_U * LANES + i] = hy if on_x else hx
        block[HALF_V * LANES + i] = hy if on_z else hz
        block[FRONT * LANES + i] = z_front if on_z else zero if on_x else y_front
        sign = -one if d_n > zero else one
        nx, nz = sign if on_x else zero, sign if on_z else zero
        block[NORMAL * LANES + i] = nx
        block[(NORMAL + 1) * LANES + i] = sign - nx - nz
        block[(NORMAL + 2) * LANES + i] = nz


@inlined
def _side_of_round(
    block: NDArray[np.float32],
    local: NDArray[np.float32],
    hx: np.float32,
    hy: np.float32,
    hz: np.float32,
    is_cylinder: bool,
    focal: np.float32,
) -> None:
    """The same of a cylinder or ellipsoid: u along the circumference, v along the axis."""
    one, zero = f32(1), f32(0)
    ax, ay, az = local[0, 0], local[0, 1], local[0, 2]
    bx, by, bz = local[1, 0], local[1, 1], local[1, 2]
    rx, ry, rz = local[2, 0], local[2, 1], local[2, 2]
    ox, oy, oz = local[3, 0], local[3, 1], local[3, 2]
    radius, least = f32(0.5) * (hx + hy), min(hx, hy)
    per_x, per_y, per_z = one / hx, one / hy, zero if is_cylinder else one / hz
    ends = one if is_cylinder else zero  # ellipsoids have none
    for i in range(LANES):
        x, y, t = block[U * LANES + i], block[V * LANES + i], block[DEPTH * LANES + i]
        dx, dy, dz = rx + x * ax + y * bx, ry + x * ay + y * by, rz + x * az + y * bz
        qx, qy, qz = ox + t * dx, oy + t * dy, oz + t * dz
        px, py = qx * per_x, qy * per_y
        rim = abs(one - np.sqrt(px * px + py * py)) * least
        on_end = abs(hz - abs(qz)) < rim * ends
        nx, ny = zero if on_end else px * per_x, zero if on_end else py * per_y
        nz = qz if on_end else qz * per_z * per_z
        long = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, f32(1e-20)))
        facing = (nx * dx + ny * dy + nz * dz) * long
        long = -long if facing > zero else long
        pixel = abs(facing) / np.sqrt(dx * dx + dy * dy + dz * dz)
        pixel = t / (focal * np.sqrt(max(pixel, f32(0.05))))
        block[NORMAL * LANES + i] = nx * long
        block[(NORMAL + 1) * LANES + i] = ny * long
        block[(NORMAL + 2) * LANES + i] = nz * long
        angle = _angle(px, py)
        block[U * LANES + i] = qx if on_end else angle * radius
        block[V * LANES + i] = qy if on_end else qz
        block[DU * LANES + i] = pixel
        block[DV * LANES + i] = pixel
        block[HALF_U * LANES + i] = hx if on_end else f32(np.pi) * radius
        block[HALF_V * LANES + i] = hy if on_end else hz
        block[FRONT * LANES + i] = one if on_end else zero


@inlined
def _turn_normal(block: NDArray[np.float32], turn: NDArray[np.float32]) -> None:
    """From the primitive's frame to the world."""
    r00, r01, r02 = turn[0, 0], turn[0, 1], turn[0, 2]
    r10, r11, r12 = turn[1, 0], turn[1, 1], turn[1, 2]
    r20, r21, r22 = turn[2, 0], turn[2, 1], turn[2, 2]
    for i in range(LANES):
        nx = block[NORMAL * LANES + i]
        ny, nz = block[(NORMAL + 1) * LANES + i], block[(NORMAL + 2) * LANES + i]
        block[NORMAL * LANES + i] = r00 * nx + r01 * ny + r02 * nz
        block[(NORMAL + 1) * LANES + i] = r10 * nx + r11 * ny + r12 * nz
        block[(NORMAL + 2) * LANES + i] = r20 * nx + r21 * ny + r22 * nz


@inlined
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
