"""Which primitive each pixel shows, and how far it is: compiled scan conversion of exact shapes.

Every primitive is drawn into the screen rectangle of its box. Along a ray `origin + t * direction`
with `t` the depth, surfaces are met where a polynomial of `t` vanishes. Written for the inverse
depth `w = 1 / t`, planes and all coefficients of curved surfaces are affine in the pixel's column
and row, up to one square root. Loops along a row thus need no division and no branch, and the
compiler turns them into vector instructions.

A solid is met between a ray's last entry and its first exit. One that holds the camera has no
entry: it is seen from inside.
"""

from __future__ import annotations

from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.compiled import inner, kernel
from vlm3r_ros.worlds.primitives import Shape

NO_PRIMITIVE = -1
NOTHING = np.float32(0)  # inverse depth where no surface was met

_BOX, _ELLIPSOID = int(Shape.BOX), int(Shape.ELLIPSOID)
_NEAR = 1e-3  # m: where boxes that reach behind the camera are cut to find their rectangle
_ALWAYS = np.float32(1e30)  # inverse depth of an entry behind the camera
_SMALL = 1e-9  # keeps a camera that lies exactly in a surface from dividing by zero
# Surfaces nearer by less than this factor coincide but for rounding (12 micrometres at 3 m).
_CLEARLY = np.float32(1 + 4e-6)
f32 = np.float32


@kernel
def find_visible(
    chosen: NDArray[np.int32],
    center: NDArray[np.float32],
    half: NDArray[np.float32],
    rotation: NDArray[np.float32],
    lens: NDArray[np.float64],
    pose: NDArray[np.float64],
    width: int,
    height: int,
    rectangle: NDArray[np.int64],
    local_rays: NDArray[np.float64],
) -> None:
    """Where primitives lie on the screen, and the rays in their frames.

    Args:
        chosen: numbers of the primitives to look at, `[N]`.
        center: `[P, 3]`, of `PrimitiveTable`.
        half: `[P, 3]`, likewise.
        rotation: `[P, 3, 3]`, likewise.
        lens: `(fx, fy, cx, cy)` in pixels.
        pose: `T_world_camera` `[4, 4]`.
        width: of the screen, in pixels.
        height: likewise.
        rectangle: `[P, 4]`, written: first column, column after the last, and the same of rows;
            empty for what is not seen.
        local_rays: `[P, 4, 3]`, written for what is seen: a pixel's ray in the primitive's frame.
            Direction (1 along the optical axis) a column, a row, and at pixel (0, 0); then the
            camera's centre.
    """
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    to_right, to_bottom = width - 1 - cx, height - 1 - cy
    left_norm, right_norm = sqrt(fx * fx + cx * cx), sqrt(fx * fx + to_right * to_right)
    top_norm, bottom_norm = sqrt(fy * fy + cy * cy), sqrt(fy * fy + to_bottom * to_bottom)
    middle, axes, view = np.empty(3), np.empty((3, 3)), np.empty(4)
    for p in chosen:
        for i in range(3):
            middle[i] = 0.0
            for k in range(3):
                middle[i] += pose[k, i] * (center[p, k] - pose[k, 3])
        x, y, z = middle[0], middle[1], middle[2]
        radius = sqrt(float(half[p, 0]) ** 2 + float(half[p, 1]) ** 2 + float(half[p, 2]) ** 2)
        rectangle[p, 0], rectangle[p, 1], rectangle[p, 2], rectangle[p, 3] = 0, 0, 0, 0
        if (
            z + radius < _NEAR
            or fx * x + cx * z < -radius * left_norm
            or to_right * z - fx * x < -radius * right_norm
            or fy * y + cy * z < -radius * top_norm
            or to_bottom * z - fy * y < -radius * bottom_norm
        ):
            continue
        for j in range(3):
            for i in range(3):
                axes[j, i] = 0.0
                for k in range(3):
                    axes[j, i] += rotation[p, k, j] * pose[k, i]
        _angular_bounds(middle, axes, half, p, view)
        rectangle[p, 0] = ceil(min(max(view[0] * fx + cx - 1e-6, 0.0), width))
        rectangle[p, 1] = floor(min(max(view[1] * fx + cx + 1e-6, -1.0), width - 1.0)) + 1
        rectangle[p, 2] = ceil(min(max(view[2] * fy + cy - 1e-6, 0.0), height))
        rectangle[p, 3] = floor(min(max(view[3] * fy + cy + 1e-6, -1.0), height - 1.0)) + 1
        for j in range(3):
            local_rays[p, 0, j] = axes[j, 0] / fx
            local_rays[p, 1, j] = axes[j, 1] / fy
            local_rays[p, 2, j] = axes[j, 2] - axes[j, 0] * (cx / fx) - axes[j, 1] * (cy / fy)
            local_rays[p, 3, j] = -(axes[j, 0] * x + axes[j, 1] * y + axes[j, 2] * z)


@inner
def _angular_bounds(
    middle: NDArray[np.float64],
    axes: NDArray[np.float64],
    half: NDArray[np.float32],
    p: int,
    view: NDArray[np.float64],
) -> None:
    """Least and greatest x/z, least and greatest y/z of what of a box lies before the camera."""
    view[0], view[1], view[2], view[3] = _ALWAYS, -_ALWAYS, _ALWAYS, -_ALWAYS
    reach = 0.0
    for j in range(3):
        reach += half[p, j] * abs(axes[j, 2])
    cut = middle[2] - reach < _NEAR
    for corner in range(8):
        a = half[p, 0] if corner & 1 else -half[p, 0]
        b = half[p, 1] if corner & 2 else -half[p, 1]
        c = half[p, 2] if corner & 4 else -half[p, 2]
        x = middle[0] + a * axes[0, 0] + b * axes[1, 0] + c * axes[2, 0]
        y = middle[1] + a * axes[0, 1] + b * axes[1, 1] + c * axes[2, 1]
        z = middle[2] + a * axes[0, 2] + b * axes[1, 2] + c * axes[2, 2]
        if z >= _NEAR:
            _extend(view, x / z, y / z)
        if not cut:
            continue
        for j in range(3):  # where edges that leave this corner upwards pass the near plane
            side = 2 * half[p, j]
            rise = side * axes[j, 2]
            if not corner & (1 << j) and (z < _NEAR) != (z + rise < _NEAR):
                part = side * (_NEAR - z) / rise
                _extend(view, (x + part * axes[j, 0]) / _NEAR, (y + part * axes[j, 1]) / _NEAR)


@inner
def _extend(view: NDArray[np.float64], u: float, v: float) -> None:
    view[0], view[1] = min(view[0], u), max(view[1], u)
    view[2], view[3] = min(view[2], v), max(view[3], v)


@inner
def _set_slab(
    ray: NDArray[np.float64], j: int, half: float, affine: NDArray[np.float64], first: int
) -> bool:
    """Where the slab `[-half, half]` of axis `j` is met, as rows of `affine`.

    Row `first` is where it is entered, `first + 1` and `first + 2` where it may be left. A camera
    within the slab enters none of the two planes and may leave by both.

    Returns:
        Whether it is entered.
    """
    origin = ray[3, j]
    enters = abs(origin) >= half
    entry, leave, other = 0.0, 0.0, 0.0
    if enters:
        sign = -1.0 if origin > 0 else 1.0
        entry, leave = sign / max(abs(origin) - half, _SMALL), sign / (abs(origin) + half)
    else:
        leave, other = 1.0 / (half - origin), -1.0 / (half + origin)
    for k in range(3):
        affine[first, k] = entry * ray[k, j]
        affine[first + 1, k] = leave * ray[k, j]
        affine[first + 2, k] = other * ray[k, j]
    if enters:
        affine[first + 2, 2] = -_ALWAYS
    else:
        affine[first, 2] = _ALWAYS
    return enters


@kernel
def draw_boxes(
    chosen: NDArray[np.int32],
    shape: NDArray[np.int32],
    half: NDArray[np.float32],
    rectangle: NDArray[np.int64],
    local_rays: NDArray[np.float64],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    """Draw the boxes among the chosen primitives; where surfaces coincide, the first one stays.

    Args:
        chosen: `[N]`, as for `find_visible`, which must have been called.
        shape: `[P]`, of `PrimitiveTable`.
        half: likewise.
        rectangle: of `find_visible`.
        local_rays: of `find_visible`.
        inverse_depth: `[H, W]`, 1/m along the optical axis, `NOTHING` where nothing was drawn so
            far; changed in place.
        primitive: `[H, W]`, number of the primitive that a pixel shows; changed in place.
    """
    columns = np.arange(inverse_depth.shape[1]).astype(f32)
    affine, line = np.empty((9, 3)), np.empty(9, f32)
    for p in chosen:
        x0, x1 = rectangle[p, 0], rectangle[p, 1]
        if shape[p] != _BOX or x0 >= x1:
            continue
        # Three slabs: nine planes, of which three are entered at most.
        inside = True
        for j in range(3):
            if _set_slab(local_rays[p], j, float(half[p, j]), affine, 3 * j):
                inside = False
        a0, a1, a2 = f32(affine[0, 0]), f32(affine[1, 0]), f32(affine[2, 0])
        a3, a4, a5 = f32(affine[3, 0]), f32(affine[4, 0]), f32(affine[5, 0])
        a6, a7, a8 = f32(affine[6, 0]), f32(affine[7, 0]), f32(affine[8, 0])
        for y in range(rectangle[p, 2], rectangle[p, 3]):
            for k in range(9):
                line[k] = affine[k, 2] + x0 * affine[k, 0] + y * affine[k, 1]
            b0, b1, b2, b3, b4 = line[0], line[1], line[2], line[3], line[4]
            b5, b6, b7, b8 = line[5], line[6], line[7], line[8]
            depth_row = inverse_depth[y, x0:x1]
            primitive_row = primitive[y, x0:x1]
            for i in range(len(depth_row)):
                x = columns[i]
                enters = min(min(b0 + x * a0, b3 + x * a3), b6 + x * a6)
                leaves = max(max(b1 + x * a1, b4 + x * a4), b7 + x * a7)
                leaves = max(leaves, max(max(b2 + x * a2, b5 + x * a5), b8 + x * a8))
                w = leaves if inside else enters
                w = w if enters > leaves else NOTHING
                nearest = depth_row[i]
                nearer = w > nearest * _CLEARLY
                primitive_row[i] = p if nearer else primitive_row[i]
                depth_row[i] = w if nearer else nearest


@kernel
def draw_rounds(
    chosen: NDArray[np.int32],
    shape: NDArray[np.int32],
    half: NDArray[np.float32],
    rectangle: NDArray[np.int64],
    local_rays: NDArray[np.float64],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    """Draw the cylinders and ellipsoids among the chosen primitives; see `draw_boxes`.

    In units of the half axes, along the axes in which it is round, a solid is a disc or ball of
    radius 1. A ray with origin `o` and direction `d` meets it where `C w^2 + 2 B w + A = 0` with
    `A = |d|^2`, `B = o . d` and `C = |o|^2 - 1`. A cylinder is also cut by a slab along its axis.
    """
    columns = np.arange(inverse_depth.shape[1]).astype(f32)
    affine, line = np.empty((10, 3)), np.empty(10, f32)
    for p in chosen:
        x0, x1 = rectangle[p, 0], rectangle[p, 1]
        if shape[p] == _BOX or x0 >= x1:
            continue
        ray = local_rays[p]
        s0, s1 = 1.0 / half[p, 0], 1.0 / half[p, 1]
        s2 = 1.0 / half[p, 2] if shape[p] == _ELLIPSOID else 0.0
        o0, o1, o2 = ray[3, 0] * s0, ray[3, 1] * s1, ray[3, 2] * s2
        outside = o0 * o0 + o1 * o1 + o2 * o2 - 1.0
        if abs(outside) < _SMALL:
            outside = _SMALL
        for k in range(3):
            d0, d1, d2 = ray[k, 0] * s0, ray[k, 1] * s1, ray[k, 2] * s2
            affine[0, k], affine[1, k], affine[2, k] = d0, d1, d2
            # The cross product of origin and direction, and -B / C.
            affine[3, k] = o1 * d2 - o2 * d1
            affine[4, k] = o2 * d0 - o0 * d2
            affine[5, k] = o0 * d1 - o1 * d0
            affine[6, k] = -(o0 * d0 + o1 * d1 + o2 * d2) / outside
            affine[7, k], affine[8, k], affine[9, k] = 0.0, 0.0, 0.0
        within = outside < 0
        inside = within
        if shape[p] == _ELLIPSOID:
            affine[7, 2], affine[8, 2], affine[9, 2] = _ALWAYS, -_ALWAYS, -_ALWAYS
        elif _set_slab(ray, 2, float(half[p, 2]), affine, 7):
            inside = False
        spread = f32(1.0 / abs(outside))
        leave_spread = spread if within else -spread
        least = -_ALWAYS if within else NOTHING
        a0, a1, a2 = f32(affine[0, 0]), f32(affine[1, 0]), f32(affine[2, 0])
        a3, a4, a5, a6 = f32(affine[3, 0]), f32(affine[4, 0]), f32(affine[5, 0]), f32(affine[6, 0])
        a7, a8, a9 = f32(affine[7, 0]), f32(affine[8, 0]), f32(affine[9, 0])
        for y in range(rectangle[p, 2], rectangle[p, 3]):
            for k in range(10):
                line[k] = affine[k, 2] + x0 * affine[k, 0] + y * affine[k, 1]
            b0, b1, b2, b3, b4 = line[0], line[1], line[2], line[3], line[4]
            b5, b6, b7, b8, b9 = line[5], line[6], line[7], line[8], line[9]
            depth_row = inverse_depth[y, x0:x1]
            primitive_row = primitive[y, x0:x1]
            for i in range(len(depth_row)):
                x = columns[i]
                d0, d1, d2 = b0 + x * a0, b1 + x * a1, b2 + x * a2
                n0, n1, n2 = b3 + x * a3, b4 + x * a4, b5 + x * a5
                # B^2 - A C by Lagrange's identity, which does not cancel for small, far things.
                under_root = (d0 * d0 + d1 * d1 + d2 * d2) - (n0 * n0 + n1 * n1 + n2 * n2)
                root = np.sqrt(max(under_root, NOTHING))
                along = b6 + x * a6
                mantle = _ALWAYS if within else along + root * spread
                enters = min(mantle, b7 + x * a7)
                leaves = max(along + root * leave_spread, max(b8 + x * a8, b9 + x * a9))
                w = leaves if inside else enters
                w = w if (under_root > least) & (enters > leaves) else NOTHING
                nearest = depth_row[i]
                nearer = w > nearest * _CLEARLY
                primitive_row[i] = p if nearer else primitive_row[i]
                depth_row[i] = w if nearer else nearest


@kernel
def count_silhouettes(
    chosen: NDArray[np.int32],
    first: NDArray[np.int64],
    shape: NDArray[np.int32],
    half: NDArray[np.float32],
    rectangle: NDArray[np.int64],
    local_rays: NDArray[np.float64],
    most: int,
) -> NDArray[np.int64]:
    """Pixels that each of several things covers if it is drawn alone, `[K]`.

    Args:
        chosen: numbers of the primitives of all things, thing by thing.
        first: `[K + 1]`, where each thing begins in `chosen`, and the end.
        shape: `[P]`, of `PrimitiveTable`.
        half: likewise.
        rectangle: of `find_visible`; changed.
        local_rays: of `find_visible`; changed.
        most: pixels of the rectangle around a thing up to which all of them are looked at; in a
            larger one, one in `n * n` is.
    """
    counts = np.zeros(len(first) - 1, np.int64)
    depth, number = np.empty(4 * most, f32), np.empty(4 * most, np.int32)
    for k in range(len(counts)):
        parts = chosen[first[k] : first[k + 1]]
        left, right, top, bottom = 1 << 30, 0, 1 << 30, 0
        for p in parts:
            if rectangle[p, 0] < rectangle[p, 1] and rectangle[p, 2] < rectangle[p, 3]:
                left, right = min(left, rectangle[p, 0]), max(right, rectangle[p, 1])
                top, bottom = min(top, rectangle[p, 2]), max(bottom, rectangle[p, 3])
        if left >= right:
            continue
        step = ceil(sqrt(max(1.0, (right - left) * (bottom - top) / most)))
        width, height = (right - left) // step + 1, (bottom - top) // step + 1
        for p in parts:
            for j in range(3):
                ray = local_rays[p]
                ray[2, j] += left * ray[0, j] + top * ray[1, j]
                ray[0, j] *= step
                ray[1, j] *= step
            rectangle[p, 0] = max(0, rectangle[p, 0] - left) // step
            rectangle[p, 1] = min(width, (rectangle[p, 1] - left) // step + 1)
            rectangle[p, 2] = max(0, rectangle[p, 2] - top) // step
            rectangle[p, 3] = min(height, (rectangle[p, 3] - top) // step + 1)
        size = width * height
        depth[:size] = NOTHING
        canvas = depth[:size].reshape(height, width)
        drawn = number[:size].reshape(height, width)
        draw_boxes(parts, shape, half, rectangle, local_rays, canvas, drawn)
        draw_rounds(parts, shape, half, rectangle, local_rays, canvas, drawn)
        covered = 0
        for i in range(size):
            covered += 1 if depth[i] > NOTHING else 0
        counts[k] = covered * step * step
    return counts
