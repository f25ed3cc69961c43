"""Camera walks through a room."""

from __future__ import annotations

import numpy as np

EYE_HEIGHT = 1.3  # m
_STEP_LENGTH = 0.65  # m between footfalls
_BOB = 0.012  # m a camera carried by a walking person rises and falls


def look_at(position: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Pose `T_world_camera` `[4, 4]` of a level optical frame at `position` that faces `target`."""
    forward = np.asarray(target, float) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    T_world_camera = np.eye(4)
    T_world_camera[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    T_world_camera[:3, 3] = position
    return T_world_camera


def walk(frames: int) -> np.ndarray:
    """A stroll along one side of the living room and across, looking around: `[frames, 4, 4]`.

    Starts and ends at rest; poses are `T_world_camera`, optical frame.
    """
    places = np.array([[0.5, -0.9], [1.1, -1.1], [1.9, -1.25], [2.7, -1.3], [3.3, -1.1]])
    targets = np.array(
        [[4.8, -1.2, 0.9], [4.6, 1.2, 0.9], [2.9, 1.8, 0.6], [2.2, 1.6, 0.6], [4.9, 1.3, 1.0]]
    )
    time = np.linspace(0, 1, frames)
    eased = time * time * (3 - 2 * time) * (len(places) - 1)
    position = _spline(places, eased)
    travelled = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(position, axis=0), axis=1))]
    )
    height = EYE_HEIGHT + _BOB * np.sin(2 * np.pi * travelled / _STEP_LENGTH)
    eye = np.concatenate([position, height[:, None]], 1)
    return np.stack([look_at(p, t) for p, t in zip(eye, _spline(targets, eased), strict=True)])


def _spline(knots: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Catmull-Rom curve through `knots` `[K, D]` at parameters in `[0, K - 1]`."""
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    segment = np.minimum(at.astype(int), len(knots) - 2)
    t = (at - segment)[:, None]
    before, start, end, after = (padded[segment + k] for k in range(4))
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
