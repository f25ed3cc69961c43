"""Which way is up: the rotation between the first camera of a session and the map.

Camera optical frame: x right, y down, z forward. Map frame: x forward, y left, z up (REP-103).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL_UP = np.array([0.0, -1.0, 0.0])  # up, in the optical frame of a camera held level

_MAX_POINTS = 4000  # points among which a floor is sought
_HYPOTHESES = 256  # planes tried
_MIN_NORM = 1e-6


class UpSource(StrEnum):
    """Where the direction of gravity of a session came from."""

    GRAVITY = "gravity"  # given: measured, or from the camera's mount
    FLOOR = "floor"  # the floor plane among the first frame's points
    LEVEL = "level"  # nothing known: the camera is taken as level


@dataclass(frozen=True)
class FloorPlane:
    """A plane below the camera.

    Attributes:
        up: Unit normal in the camera's optical frame, away from the floor.
        height: Of the camera above the plane, in metres.
        support: Share of the points that lie on the plane, in [0, 1].
    """

    up: NDArray[np.float64]
    height: float
    support: float


def up_from_mount(T_base_camera: ArrayLike) -> NDArray[np.float64]:
    """Up in the optical frame of a camera on a robot whose base has z up (REP-103).

    Args:
        T_base_camera: `[4, 4]`, pose of the camera's optical frame in the robot's base frame.

    Raises:
        ValueError: It is not a rigid transform.
    """
    T = np.asarray(T_base_camera, dtype=np.float64)
    if T.shape != (4, 4) or not np.isfinite(T).all():
        raise ValueError(
            f"T_base_camera must be 4x4 finite numbers, not shape {list(T.shape)}: {T.tolist()}"
        )
    rotation = T[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise ValueError(f"T_base_camera holds no rotation: {rotation.tolist()}")
    return unit(rotation[2])


def unit(vector: ArrayLike) -> NDArray[np.float64]:
    """The vector `[3]` at length one.

    Raises:
        ValueError: It is not three finite numbers, or has no direction.
    """
    v = np.asarray(vector, dtype=np.float64)
    if v.shape != (3,) or not np.isfinite(v).all() or np.linalg.norm(v) < _MIN_NORM:
        raise ValueError(f"a direction needs three finite numbers that are not all zero, not {v}")
    return v / np.linalg.norm(v)


def map_from_camera(up: ArrayLike) -> NDArray[np.float64]:
    """The rotation `R_map_camera` `[3, 3]` that sets a camera upright.

    Map z is up; map x is the way the camera looks, laid flat. For a camera that looks straight
    down or up it is the way a robot moves that tilts its head to do so.

    Args:
        up: Direction of up in the camera's optical frame.
    """
    z = unit(up)
    forward = np.array([0.0, 0.0, 1.0])
    x = forward - (forward @ z) * z
    if np.linalg.norm(x) < 0.05:
        # Looking down, the picture's upper edge is ahead; looking up, its lower edge.
        ahead = np.array([0.0, np.sign(forward @ z) or 1.0, 0.0])
        x = ahead - (ahead @ z) * z
    x = unit(x)
    return np.stack([x, np.cross(z, x), z])


def find_floor(
    points: NDArray[np.floating],
    confidence: NDArray[np.floating] | None = None,
    *,
    max_tilt: float = np.radians(50.0),
    min_support: float = 0.15,
    tolerance: float = 0.02,
    seed: int = 0,
) -> FloorPlane | None:
    """Finds the floor among the points that a camera sees.

    RANSAC over planes whose normal is within `max_tilt` of a level camera's up and that lie below
    the camera, then least squares on the best one's points. A floor has nothing beneath it:
    planes with more than a few points below (a table) are passed over.

    Args:
        points: `[..., 3]` in the camera's optical frame, metres.
        confidence: `[...]`; the lower half is left out.
        max_tilt: Largest angle between the floor's normal and a level camera's up, in radians.
        min_support: Share of the points that must lie on the floor.
        tolerance: Distance from the plane, as a share of the points' median distance, within
            which a point lies on it.
        seed: Of the random planes; the same points give the same floor.

    Returns:
        The floor, or None if there is none to be relied on.
    """
    cloud = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    usable = np.isfinite(cloud).all(axis=1) & (cloud[:, 2] > 0)
    if confidence is not None:
        weight = np.asarray(confidence, dtype=np.float64).reshape(-1)
        usable &= np.isfinite(weight)
        if usable.any():
            usable &= weight >= np.median(weight[usable])
    cloud = cloud[usable]
    if len(cloud) < 50:
        return None
    random = np.random.default_rng(seed)
    if len(cloud) > _MAX_POINTS:
        cloud = cloud[random.choice(len(cloud), _MAX_POINTS, replace=False)]
    margin = tolerance * float(np.median(np.linalg.norm(cloud, axis=1)))

    normals, heights = _candidate_planes(cloud, random, max_tilt)
    if not len(normals):
        return None
    above = cloud @ normals.T + heights  # height of each point over each plane, [points, planes]
    on_plane = np.abs(above) <= margin
    below = (above < -2 * margin).mean(axis=0)
    support = np.where(below <= 0.05, on_plane.mean(axis=0), 0.0)
    best = int(np.argmax(support))
    if support[best] < min_support:
        return None
    up, height = _fit_plane(cloud[on_plane[:, best]])
    if height <= 0 or up @ LEVEL_UP < np.cos(max_tilt):
        return None
    return FloorPlane(up, height, float((np.abs(cloud @ up + height) <= margin).mean()))


def _candidate_planes(
    cloud: NDArray[np.float64], random: np.random.Generator, max_tilt: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Planes that a floor could lie in, through three points each.

    Returns:
        Normals `[P, 3]` and heights of the camera above them `[P]`.
    """
    a, b, c = cloud[random.integers(0, len(cloud), (3, _HYPOTHESES))]
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1)
    proper = lengths > _MIN_NORM
    normals = normals[proper] / lengths[proper, None]
    normals *= np.where(normals @ LEVEL_UP < 0, -1.0, 1.0)[:, None]
    heights = -np.einsum("pi,pi->p", normals, a[proper])
    floor_like = (normals @ LEVEL_UP >= np.cos(max_tilt)) & (heights > 0)
    return normals[floor_like], heights[floor_like]


def _fit_plane(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Least-squares plane through points: normal `[3]`, upward, and camera height above it."""
    center = points.mean(axis=0)
    normal = np.linalg.svd(points - center, full_matrices=False)[2][2]
    if normal @ LEVEL_UP < 0:
        normal = -normal
    return normal, float(-normal @ center)
