"""Points on primitives, dense enough to find extremes without the formulas under test."""

import numpy as np

from vlm3r_ros.worlds.primitives import Shape

_TURN = np.linspace(0, 2 * np.pi, 121)
_RIM = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)
_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_CYLINDER = np.concatenate([np.insert(_RIM, 2, z, axis=1) for z in (-1.0, 1.0)])
_LATITUDES = np.linspace(-np.pi / 2, np.pi / 2, 61)
_SPHERE = np.concatenate(
    [np.insert(_RIM * np.cos(lat), 2, np.sin(lat), axis=1) for lat in _LATITUDES]
)
UNIT_POINTS = {Shape.BOX: _CORNERS, Shape.CYLINDER: _CYLINDER, Shape.ELLIPSOID: _SPHERE}


def surface_points(shape, center, half, rotation):
    """`[N, 3]` in the frame of `center` and `rotation`."""
    return UNIT_POINTS[Shape(shape)] * half @ np.asarray(rotation).T + center


def table_points(table, instance):
    """`[N, 3]` of all primitives of an object, world frame."""
    return np.concatenate(
        [
            surface_points(table.shape[p], table.center[p], table.half[p], table.rotation[p])
            for p in np.flatnonzero(table.instance == instance)
        ]
    )
