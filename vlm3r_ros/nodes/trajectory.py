"""What follows from a sequence of camera poses: velocity, and the path to show."""

from __future__ import annotations

import threading

import numpy as np
from geometry_msgs.msg import PoseStamped, Twist
from nav_msgs.msg import Path

from vlm3r_ros.nodes.message_conversion import FloatArray


def camera_twist(T_map_before: FloatArray, T_map_now: FloatArray, seconds: float) -> Twist:
    """Velocity of the camera in its own optical frame: m/s and rad/s; zero where no time passed.

    Args:
        T_map_before: `[4, 4]`, the pose at the earlier time.
        T_map_now: `[4, 4]`, the pose now.
        seconds: the time between.
    """
    twist = Twist()
    if seconds <= 0.0:
        return twist
    rotation = T_map_now[:3, :3]
    linear = rotation.T @ (T_map_now[:3, 3] - T_map_before[:3, 3]) / seconds
    angular = rotation_vector(T_map_before[:3, :3].T @ rotation) / seconds
    twist.linear.x, twist.linear.y, twist.linear.z = (float(each) for each in linear)
    twist.angular.x, twist.angular.y, twist.angular.z = (float(each) for each in angular)
    return twist


def rotation_vector(rotation: FloatArray) -> FloatArray:
    """Axis times angle (rad) of a `[3, 3]` rotation matrix, angle in [0, pi]."""
    skew = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    sine, cosine = np.linalg.norm(skew) / 2, (np.trace(rotation) - 1) / 2
    angle = float(np.arctan2(sine, cosine))
    if sine > 1e-6:
        return np.asarray(skew / (2 * sine) * angle)
    if cosine > 0:
        return np.asarray(skew / 2)
    # Half a turn: the axis is the column of (R + 1) that is longest.
    columns = rotation + np.eye(3)
    axis = columns[:, int(np.argmax(np.diag(columns)))]
    return np.asarray(axis / np.linalg.norm(axis) * angle)


class BoundedPath:
    """The way of the camera as a message that does not grow for ever. Thread safe.

    A pose is added when the camera has moved by `spacing`. When there are too many, every second
    one goes and the spacing doubles, so the whole way stays visible.
    """

    def __init__(self, max_poses: int, spacing: float) -> None:
        self._max_poses = max_poses
        self._first_spacing = spacing
        self._lock = threading.Lock()
        self._poses: list[PoseStamped] = []
        self._spacing = spacing
        self._changed = False

    def clear(self) -> None:
        """Start anew; the empty path counts as a change."""
        with self._lock:
            self._poses = []
            self._spacing = self._first_spacing
            self._changed = True

    def add(self, pose: PoseStamped) -> None:
        """Add a pose if it is far enough from the last."""
        with self._lock:
            if self._poses and _distance(self._poses[-1], pose) < self._spacing:
                return
            self._poses.append(pose)
            self._changed = True
            if len(self._poses) > self._max_poses:
                self._poses = self._poses[::2]
                self._spacing *= 2

    def take_changed(self) -> Path | None:
        """The path, if it changed since the last call."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            path = Path(poses=list(self._poses))
            if self._poses:
                path.header = self._poses[-1].header
            return path


def _distance(a: PoseStamped, b: PoseStamped) -> float:
    p, q = a.pose.position, b.pose.position
    return float(np.linalg.norm([p.x - q.x, p.y - q.y, p.z - q.z]))
