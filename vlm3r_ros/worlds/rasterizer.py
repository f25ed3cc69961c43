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
from numba import njit
from numpy.typing import NDArray

from vlm3r_ros.worlds.primitives import Shape

NO_PRIMITIVE = -1
NOTHING = np.float32(0)  # inverse depth where no surface was met

_BOX, _CYLINDER = int(Shape.BOX), int(Shape.CYLINDER)
_NEAR = 1e-3  # m: where boxes that reach behind the camera are cut to find their rectangle
_ALWAYS = np.float32(1e30)  # inverse depth of an entry behind the camera
_SMALL = 1e-9  # keeps a camera that lies exactly in a surface from dividing by zero
# Numbers are finite by construction: sums may be fused, and minima need no look at NaN.
_FINITE = {"contract", "nsz", "nnan", "ninf"}


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def rasterize(
    chosen: NDArray[np.int32],
    shape: NDArray[np.int32],
    center: NDArray[np.float32],
    half: NDArray[np.float32],
    rotation: NDArray[np.float32],
    lens: NDArray[np.float64],
    T_world_camera: NDArray[np.float64],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
    local_rays: NDArray[np.float64],
) -> None:
    """Draw primitives into a frame; the earlier one stays where two surfaces coincide.

    Args:
        chosen: numbers of the primitives to draw, `[N]`.
        shape: `[P]`, of `PrimitiveTable`, as are `center`, `half` `[P, 3]`, `rotation` `[P, 3, 3]`.
        lens: `(fx, fy, cx, cy)` in pixels.
        T_world_camera: `[4, 4]`.
        inverse_depth: `[H, W]` 1/m along the optical axis, `NOTHING` where nothing was drawn so
            far; changed in place.
        primitive: `[H, W]` number of the primitive that a pixel shows; changed in place.
        local_rays: `[P, 4, 3]`, changed in place: a pixel's ray in the frame of each primitive
            that may be seen. Direction (1 along the optical axis) a column, a row, and at pixel
            (0, 0); then the camera's centre.
    """
    height, width = inverse_depth.shape
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    to_right, to_bottom = width - 1 - cx, height - 1 - cy
    left_norm, right_norm = sqrt(fx * fx + cx * cx), sqrt(fx * fx + to_right * to_right)
    top_norm, bottom_norm = sqrt(fy * fy + cy * cy), sqrt(fy * fy + to_bottom * to_bottom)
    pose = T_world_camera
    columns = np.arange(width).astype(np.float32)
    middle, axes, view = np.empty(3), np.empty((3, 3)), np.empty(4)
    affine, line = np.empty((9, 3)), np.empty(9, np.float32)
    for p in chosen:
        for i in range(3):
            middle[i] = (
                pose[0, i] * (center[p, 0] - pose[0, 3])
                + pose[1, i] * (center[p, 1] - pose[1, 3])
                + pose[2, i] * (center[p, 2] - pose[2, 3])
            )
        x, y, z = middle[0], middle[1], middle[2]
        radius = sqrt(float(half[p, 0]) ** 2 + float(half[p, 1]) ** 2 + float(half[p, 2]) ** 2)
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
                axes[j, i] = (
                    rotation[p, 0, j] * pose[0, i]
                    + rotation[p, 1, j] * pose[1, i]
                    + rotation[p, 2, j] * pose[2, i]
                )
        _angular_bounds(middle, axes, half, p, view)
        x0 = int(ceil(max(view[0] * fx + cx - 1e-6, 0.0)))
        x1 = int(floor(min(view[1] * fx + cx + 1e-6, width - 1.0))) + 1
        y0 = int(ceil(max(view[2] * fy + cy - 1e-6, 0.0)))
        y1 = int(floor(min(view[3] * fy + cy + 1e-6, height - 1.0))) + 1
        if x0 >= x1 or y0 >= y1:
            continue
        for j in range(3):
            local_rays[p, 0, j] = axes[j, 0] / fx
            local_rays[p, 1, j] = axes[j, 1] / fy
            local_rays[p, 2, j] = axes[j, 2] - axes[j, 0] * (cx / fx) - axes[j, 1] * (cy / fy)
            local_rays[p, 3, j] = -(axes[j, 0] * x + axes[j, 1] * y + axes[j, 2] * z)
        ray = local_rays[p]
        if shape[p] == _BOX:
            _draw_box(
                p, ray, half, x0, x1, y0, y1, columns, affine, line, inverse_depth, primitive
            )
        elif shape[p] == _CYLINDER:
            _draw_cylinder(
                p, ray, half, x0, x1, y0, y1, columns, affine, line, inverse_depth, primitive
            )
        else:
            _draw_ellipsoid(
                p, ray, half, x0, x1, y0, y1, columns, affine, line, inverse_depth, primitive
            )


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
def _angular_bounds(
    middle: NDArray[np.float64],
    axes: NDArray[np.float64],
    half: NDArray[np.float32],
    p: int,
    view: NDArray[np.float64],
) -> None:
    """Least and greatest x/z and y/z of the part of a box that lies before the camera."""
    view[0] = view[2] = _ALWAYS
    view[1] = view[3] = -_ALWAYS
    reach = (
        half[p, 0] * abs(axes[0, 2]) + half[p, 1] * abs(axes[1, 2]) + half[p, 2] * abs(axes[2, 2])
    )
    cut = middle[2] - reach < _NEAR
    for c in range(8):
        a = half[p, 0] if c & 1 else -half[p, 0]
        b = half[p, 1] if c & 2 else -half[p, 1]
        d = half[p, 2] if c & 4 else -half[p, 2]
        x = middle[0] + a * axes[0, 0] + b * axes[1, 0] + d * axes[2, 0]
        y = middle[1] + a * axes[0, 1] + b * axes[1, 1] + d * axes[2, 1]
        z = middle[2] + a * axes[0, 2] + b * axes[1, 2] + d * axes[2, 2]
        if z >= _NEAR:
            _extend(view, x / z, y / z)
        if not cut:
            continue
        for j in range(3):  # the edges that go up from this corner
            if c & (1 << j):
                continue
            rise = 2 * half[p, j] * axes[j, 2]
            if (z < _NEAR) != (z + rise < _NEAR):
                part = 2 * half[p, j] * (_NEAR - z) / rise
                _extend(view, (x + part * axes[j, 0]) / _NEAR, (y + part * axes[j, 1]) / _NEAR)


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
def _extend(view: NDArray[np.float64], u: float, v: float) -> None:
    view[0], view[1] = min(view[0], u), max(view[1], u)
    view[2], view[3] = min(view[2], v), max(view[3], v)


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
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
    if enters:
        sign = -1.0 if origin > 0 else 1.0
        entry, leave, other = sign / max(abs(origin) - half, _SMALL), sign / (abs(origin) + half), 0.0
    else:
        entry, leave, other = 0.0, 1.0 / (half - origin), -1.0 / (half + origin)
    for k in range(3):
        affine[first, k] = entry * ray[k, j]
        affine[first + 1, k] = leave * ray[k, j]
        affine[first + 2, k] = other * ray[k, j]
    if enters:
        affine[first + 2, 2] = -_ALWAYS
    else:
        affine[first, 2] = _ALWAYS
    return enters


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
def _start_line(
    affine: NDArray[np.float64], x: int, y: int, line: NDArray[np.float32]
) -> None:
    """Values of all forms at a pixel."""
    for k in range(9):
        line[k] = affine[k, 2] + x * affine[k, 0] + y * affine[k, 1]


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
def _draw_box(
    p: int,
    ray: NDArray[np.float64],
    half: NDArray[np.float32],
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    columns: NDArray[np.float32],
    affine: NDArray[np.float64],
    line: NDArray[np.float32],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    """Three slabs: nine planes, of which three are entered at most."""
    inside = True
    for j in range(3):
        if _set_slab(ray, j, float(half[p, j]), affine, 3 * j):
            inside = False
    a0, a1, a2 = np.float32(affine[0, 0]), np.float32(affine[1, 0]), np.float32(affine[2, 0])
    a3, a4, a5 = np.float32(affine[3, 0]), np.float32(affine[4, 0]), np.float32(affine[5, 0])
    a6, a7, a8 = np.float32(affine[6, 0]), np.float32(affine[7, 0]), np.float32(affine[8, 0])
    for y in range(y0, y1):
        _start_line(affine, x0, y, line)
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
            primitive_row[i] = p if w > nearest else primitive_row[i]
            depth_row[i] = max(w, nearest)


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
def _draw_ellipsoid(
    p: int,
    ray: NDArray[np.float64],
    half: NDArray[np.float32],
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    columns: NDArray[np.float32],
    affine: NDArray[np.float64],
    line: NDArray[np.float32],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    """In units of its half axes a sphere: `C w^2 + 2 B w + A = 0`.

    With the ray's origin `o` and direction `d`: `A = |d|^2`, `B = o . d`, `C = |o|^2 - 1`.
    """
    h0, h1, h2 = float(half[p, 0]), float(half[p, 1]), float(half[p, 2])
    o0, o1, o2 = ray[3, 0] / h0, ray[3, 1] / h1, ray[3, 2] / h2
    outside = o0 * o0 + o1 * o1 + o2 * o2 - 1.0
    if abs(outside) < _SMALL:
        outside = _SMALL
    for k in range(3):
        d0, d1, d2 = ray[k, 0] / h0, ray[k, 1] / h1, ray[k, 2] / h2
        affine[0, k], affine[1, k], affine[2, k] = d0, d1, d2
        affine[3, k] = o1 * d2 - o2 * d1
        affine[4, k] = o2 * d0 - o0 * d2
        affine[5, k] = o0 * d1 - o1 * d0
        affine[6, k] = -(o0 * d0 + o1 * d1 + o2 * d2) / outside
    # From outside the nearer root is met, from inside the only one before the camera.
    spread = np.float32(1.0 / abs(outside))
    least = NOTHING if outside > 0 else -_ALWAYS
    a0, a1, a2 = np.float32(affine[0, 0]), np.float32(affine[1, 0]), np.float32(affine[2, 0])
    a3, a4, a5 = np.float32(affine[3, 0]), np.float32(affine[4, 0]), np.float32(affine[5, 0])
    a6 = np.float32(affine[6, 0])
    for y in range(y0, y1):
        _start_line(affine, x0, y, line)
        b0, b1, b2, b3 = line[0], line[1], line[2], line[3]
        b4, b5, b6 = line[4], line[5], line[6]
        depth_row = inverse_depth[y, x0:x1]
        primitive_row = primitive[y, x0:x1]
        for i in range(len(depth_row)):
            x = columns[i]
            d0, d1, d2 = b0 + x * a0, b1 + x * a1, b2 + x * a2
            n0, n1, n2 = b3 + x * a3, b4 + x * a4, b5 + x * a5
            # B^2 - A C by Lagrange's identity, which does not cancel for small things far off.
            under_root = (d0 * d0 + d1 * d1 + d2 * d2) - (n0 * n0 + n1 * n1 + n2 * n2)
            w = b6 + x * a6 + np.sqrt(max(under_root, NOTHING)) * spread
            w = w if under_root > least else NOTHING
            nearest = depth_row[i]
            primitive_row[i] = p if w > nearest else primitive_row[i]
            depth_row[i] = max(w, nearest)


@njit(nogil=True, error_model="numpy", fastmath=_FINITE)
def _draw_cylinder(
    p: int,
    ray: NDArray[np.float64],
    half: NDArray[np.float32],
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    columns: NDArray[np.float32],
    affine: NDArray[np.float64],
    line: NDArray[np.float32],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    """As an ellipsoid in the plane across the axis, and a slab along it."""
    h0, h1 = float(half[p, 0]), float(half[p, 1])
    o0, o1 = ray[3, 0] / h0, ray[3, 1] / h1
    outside = o0 * o0 + o1 * o1 - 1.0
    if abs(outside) < _SMALL:
        outside = _SMALL
    for k in range(3):
        d0, d1 = ray[k, 0] / h0, ray[k, 1] / h1
        affine[0, k], affine[1, k] = d0, d1
        affine[2, k] = o0 * d1 - o1 * d0
        affine[3, k] = -(o0 * d0 + o1 * d1) / outside
    within = outside < 0  # the mantle, which goes on above and below the ends
    inside = not _set_slab(ray, 2, float(half[p, 2]), affine, 4) and within
    spread = np.float32(1.0 / abs(outside))
    leave_spread = spread if within else -spread
    least = -_ALWAYS if within else NOTHING
    a0, a1, a2 = np.float32(affine[0, 0]), np.float32(affine[1, 0]), np.float32(affine[2, 0])
    a3, a4, a5 = np.float32(affine[3, 0]), np.float32(affine[4, 0]), np.float32(affine[5, 0])
    a6 = np.float32(affine[6, 0])
    for y in range(y0, y1):
        _start_line(affine, x0, y, line)
        b0, b1, b2, b3 = line[0], line[1], line[2], line[3]
        b4, b5, b6 = line[4], line[5], line[6]
        depth_row = inverse_depth[y, x0:x1]
        primitive_row = primitive[y, x0:x1]
        for i in range(len(depth_row)):
            x = columns[i]
            d0, d1, n = b0 + x * a0, b1 + x * a1, b2 + x * a2
            under_root = d0 * d0 + d1 * d1 - n * n
            root = np.sqrt(max(under_root, NOTHING))
            along = b3 + x * a3
            mantle = _ALWAYS if within else along + root * spread
            enters = min(mantle, b4 + x * a4)
            leaves = max(along + root * leave_spread, max(b5 + x * a5, b6 + x * a6))
            w = leaves if inside else enters
            w = w if (under_root > least) & (enters > leaves) else NOTHING
            nearest = depth_row[i]
            primitive_row[i] = p if w > nearest else primitive_row[i]
            depth_row[i] = max(w, nearest)
