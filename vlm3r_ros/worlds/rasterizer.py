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
    affine = np.empty((9, 3))
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
        if shape[p] == _BOX:
            inside = _box_planes(local_rays, half, p, affine)
            _draw_box(p, inside, affine, x0, x1, y0, y1, columns, inverse_depth, primitive)
        elif shape[p] == _CYLINDER:
            outside, enters = _cylinder_forms(local_rays, half, p, affine)
            _draw_cylinder(
                p, outside, enters, affine, x0, x1, y0, y1, columns, inverse_depth, primitive
            )
        else:
            outside = _ellipsoid_forms(local_rays, half, p, affine)
            _draw_ellipsoid(p, outside, affine, x0, x1, y0, y1, columns, inverse_depth, primitive)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _extend(view: NDArray[np.float64], u: float, v: float) -> None:
    view[0], view[1] = min(view[0], u), max(view[1], u)
    view[2], view[3] = min(view[2], v), max(view[3], v)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _slab(origin: float, half: float) -> tuple[bool, float, float]:
    """Planes of a slab `[-half, half]` as factors that take the direction to inverse depth.

    Outside the slab they are where it is entered and left; inside, it may be left by both.
    """
    if abs(origin) < half:
        return False, 1.0 / (half - origin), -1.0 / (half + origin)
    sign = -1.0 if origin > 0 else 1.0
    return True, sign / max(abs(origin) - half, _SMALL), sign / (abs(origin) + half)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _set_slab(
    rays: NDArray[np.float64],
    half: NDArray[np.float32],
    p: int,
    j: int,
    affine: NDArray[np.float64],
    entry: int,
    exit_: int,
    other: int,
) -> bool:
    """Write a slab's entry, exit and second exit, of which one is absent; tell if it is entered."""
    enters, first, second = _slab(rays[p, 3, j], half[p, j])
    for k in range(3):
        affine[entry, k] = rays[p, k, j] * first if enters else 0.0
        affine[exit_, k] = rays[p, k, j] * second
        affine[other, k] = 0.0 if enters else rays[p, k, j] * first
    if enters:
        affine[other, 2] = -_ALWAYS
    else:
        affine[entry, 2] = _ALWAYS
    return enters


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _step(affine: NDArray[np.float64], k: int) -> np.float32:
    return np.float32(affine[k, 0])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _start(affine: NDArray[np.float64], k: int, x: int, y: int) -> np.float32:
    return np.float32(affine[k, 2] + x * affine[k, 0] + y * affine[k, 1])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _box_planes(
    rays: NDArray[np.float64], half: NDArray[np.float32], p: int, affine: NDArray[np.float64]
) -> bool:
    """Planes entered (0-2) and left (3-8) in inverse depth; tell if the camera is inside."""
    inside = True
    for j in range(3):
        if _set_slab(rays, half, p, j, affine, j, 3 + j, 6 + j):
            inside = False
    return inside


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _draw_box(
    p: int,
    inside: bool,
    affine: NDArray[np.float64],
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    columns: NDArray[np.float32],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    a0, a1, a2 = _step(affine, 0), _step(affine, 1), _step(affine, 2)
    a3, a4, a5 = _step(affine, 3), _step(affine, 4), _step(affine, 5)
    a6, a7, a8 = _step(affine, 6), _step(affine, 7), _step(affine, 8)
    for y in range(y0, y1):
        b0, b1, b2 = (
            _start(affine, 0, x0, y),
            _start(affine, 1, x0, y),
            _start(affine, 2, x0, y),
        )
        b3, b4, b5 = (
            _start(affine, 3, x0, y),
            _start(affine, 4, x0, y),
            _start(affine, 5, x0, y),
        )
        b6, b7, b8 = (
            _start(affine, 6, x0, y),
            _start(affine, 7, x0, y),
            _start(affine, 8, x0, y),
        )
        depth_row = inverse_depth[y, x0:x1]
        primitive_row = primitive[y, x0:x1]
        for i in range(len(depth_row)):
            x = columns[i]
            enters = min(min(b0 + x * a0, b1 + x * a1), b2 + x * a2)
            leaves = max(max(b3 + x * a3, b4 + x * a4), b5 + x * a5)
            leaves = max(leaves, max(max(b6 + x * a6, b7 + x * a7), b8 + x * a8))
            w = leaves if inside else enters
            w = w if enters > leaves else NOTHING
            nearest = depth_row[i]
            primitive_row[i] = p if w > nearest else primitive_row[i]
            depth_row[i] = max(w, nearest)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _ellipsoid_forms(
    rays: NDArray[np.float64], half: NDArray[np.float32], p: int, affine: NDArray[np.float64]
) -> float:
    """What is affine in the pixel, in units of the half axes, where it is a sphere of radius 1.

    The ray meets it where `C w^2 + 2 B w + A = 0` with `A = |d|^2`, `B = o . d`, `C = |o|^2 - 1`.

    Returns:
        `C`. In `affine`: the direction `d` (0-2), `o x d` (3-5) and `-B / C` (6).
    """
    o0, o1, o2 = (
        rays[p, 3, 0] / half[p, 0],
        rays[p, 3, 1] / half[p, 1],
        rays[p, 3, 2] / half[p, 2],
    )
    outside = o0 * o0 + o1 * o1 + o2 * o2 - 1.0
    if abs(outside) < _SMALL:
        outside = _SMALL
    for k in range(3):
        d0, d1, d2 = (
            rays[p, k, 0] / half[p, 0],
            rays[p, k, 1] / half[p, 1],
            rays[p, k, 2] / half[p, 2],
        )
        affine[0, k], affine[1, k], affine[2, k] = d0, d1, d2
        affine[3, k] = o1 * d2 - o2 * d1
        affine[4, k] = o2 * d0 - o0 * d2
        affine[5, k] = o0 * d1 - o1 * d0
        affine[6, k] = -(o0 * d0 + o1 * d1 + o2 * d2) / outside
    return outside


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _draw_ellipsoid(
    p: int,
    outside: float,
    affine: NDArray[np.float64],
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    columns: NDArray[np.float32],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    # Outside the nearer root is asked for, inside the only one before the camera.
    spread = np.float32(1.0 / abs(outside))
    least = NOTHING if outside > 0 else -_ALWAYS
    a0, a1, a2 = _step(affine, 0), _step(affine, 1), _step(affine, 2)
    a3, a4, a5, a6 = _step(affine, 3), _step(affine, 4), _step(affine, 5), _step(affine, 6)
    for y in range(y0, y1):
        b0, b1, b2 = (
            _start(affine, 0, x0, y),
            _start(affine, 1, x0, y),
            _start(affine, 2, x0, y),
        )
        b3, b4, b5 = (
            _start(affine, 3, x0, y),
            _start(affine, 4, x0, y),
            _start(affine, 5, x0, y),
        )
        b6 = _start(affine, 6, x0, y)
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _cylinder_forms(
    rays: NDArray[np.float64], half: NDArray[np.float32], p: int, affine: NDArray[np.float64]
) -> tuple[float, bool]:
    """As of an ellipsoid, in the plane across the axis.

    Returns:
        `C` of the mantle, which goes on above and below, and whether the camera is above or below
        the ends. In `affine`: the direction (0, 1), `o x d` (2), `-B / C` (3), then the ends'
        planes: entry (4) and exits (5, 6).
    """
    o0, o1 = rays[p, 3, 0] / half[p, 0], rays[p, 3, 1] / half[p, 1]
    outside = o0 * o0 + o1 * o1 - 1.0
    if abs(outside) < _SMALL:
        outside = _SMALL
    for k in range(3):
        d0, d1 = rays[p, k, 0] / half[p, 0], rays[p, k, 1] / half[p, 1]
        affine[0, k], affine[1, k] = d0, d1
        affine[2, k] = o0 * d1 - o1 * d0
        affine[3, k] = -(o0 * d0 + o1 * d1) / outside
    return outside, _set_slab(rays, half, p, 2, affine, 4, 5, 6)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FINITE)
def _draw_cylinder(
    p: int,
    outside: float,
    beyond_ends: bool,
    affine: NDArray[np.float64],
    x0: int,
    x1: int,
    y0: int,
    y1: int,
    columns: NDArray[np.float32],
    inverse_depth: NDArray[np.float32],
    primitive: NDArray[np.int32],
) -> None:
    within = outside < 0
    inside = within and not beyond_ends
    spread = np.float32(1.0 / abs(outside))
    leave_spread = spread if within else -spread
    least = -_ALWAYS if within else NOTHING
    a0, a1, a2, a3 = _step(affine, 0), _step(affine, 1), _step(affine, 2), _step(affine, 3)
    a4, a5, a6 = _step(affine, 4), _step(affine, 5), _step(affine, 6)
    for y in range(y0, y1):
        b0, b1, b2 = (
            _start(affine, 0, x0, y),
            _start(affine, 1, x0, y),
            _start(affine, 2, x0, y),
        )
        b3, b4, b5 = (
            _start(affine, 3, x0, y),
            _start(affine, 4, x0, y),
            _start(affine, 5, x0, y),
        )
        b6 = _start(affine, 6, x0, y)
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
