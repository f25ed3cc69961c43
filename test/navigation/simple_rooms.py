"""Points of plain rooms, as a camera that sees everything would see them."""

from itertools import pairwise

import numpy as np

CAMERA_HEIGHT = 1.4


def camera_pose(x=0.0, y=0.0, yaw=0.0, height=CAMERA_HEIGHT):
    """A level camera's optical frame in the map."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    pose = np.eye(4)
    pose[:3, :3] = np.array([[sin, 0, cos], [-cos, 0, sin], [0, -1, 0]])
    pose[:3, 3] = x, y, height
    return pose


def floor_points(low, high, z=0.0, step=0.02):
    x, y = np.mgrid[low[0] : high[0] : step, low[1] : high[1] : step].reshape(2, -1)
    return np.stack([x, y, np.full_like(x, z)], -1)


def wall_points(start, end, top=2.4, bottom=0.0, z=0.0, step=0.02):
    start, end = np.asarray(start, float), np.asarray(end, float)
    count = int(np.linalg.norm(end - start) / step) + 2
    along = start + np.linspace(0, 1, count)[:, None] * (end - start)
    heights = np.arange(bottom, top, step)
    points = np.empty((len(heights), count, 3))
    points[..., :2] = along
    points[..., 2] = heights[:, None] + z
    return points.reshape(-1, 3)


def box_points(low, high, top, z=0.0):
    """Sides and top of a box that stands on the floor."""
    (x0, y0), (x1, y1) = low, high
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    sides = [wall_points(*ends, top=top, z=z) for ends in pairwise(corners)]
    return np.concatenate([*sides, floor_points(low, high, z + top)])


def room_points(low=(-1, -2), high=(5, 2), boxes=(), z=0.0):
    """A walled room with boxes `(low, high, top)`; no floor is seen beneath them."""
    (x0, y0), (x1, y1) = low, high
    floor = floor_points(low, high, z)
    for (bx0, by0), (bx1, by1), _ in boxes:
        beneath = (floor[:, 0] > bx0) & (floor[:, 0] < bx1)
        floor = floor[~(beneath & (floor[:, 1] > by0) & (floor[:, 1] < by1))]
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    walls = [wall_points(*ends, z=z) for ends in pairwise(corners)]
    return np.concatenate([floor, *walls, *(box_points(*box, z=z) for box in boxes)])
