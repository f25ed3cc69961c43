"""How the camera sits on the robot and where odometry has it, from /tf_static and /tf."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
from tf2_msgs.msg import TFMessage

from vlm3r_ros.nodes.message_conversion import (
    FloatArray,
    MessageError,
    stamp_to_nanoseconds,
    transform_to_matrix,
)

# Columns: where an optical frame's x (right), y (down) and z (forward) point on a base (REP-103).
_BASE_FROM_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
# A longer chain is a loop.
_MAX_CHAIN = 100
_MAX_LINKS = 256  # some seconds of odometry


@dataclass(frozen=True, eq=False)
class _Link:
    stamp: int
    parent: str
    T_parent_child: FloatArray


class CameraMount:
    """Transforms, child to parent, and the chain of them from a camera to another frame.

    tf2_ros does this too; for a mount and an odometry a dictionary is enough, and the wheels have
    no tf2_ros. Of transforms that change, the one nearest in time is taken: odometry comes often.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parents: dict[str, deque[_Link]] = {}

    def update(self, message: TFMessage) -> None:
        """Take in a message on /tf_static or /tf; those that are no rotation are left out."""
        for transform in message.transforms:
            try:
                matrix = transform_to_matrix(transform)
            except MessageError:
                continue
            child, parent = _plain(transform.child_frame_id), _plain(transform.header.frame_id)
            link = _Link(stamp_to_nanoseconds(transform.header.stamp), parent, matrix)
            with self._lock:
                self._parents.setdefault(child, deque(maxlen=_MAX_LINKS)).append(link)

    def base_from_camera(
        self, base_frame: str, camera_frame: str, stamp: int | None = None
    ) -> FloatArray | None:
        """`T_base_camera` `[4, 4]`, or None while the chain between the two is not known.

        Args:
            base_frame: of the robot, or any other that the camera hangs from.
            camera_frame: the camera's optical frame.
            stamp: nanoseconds; of each transform the nearest to it is taken, else the newest.
        """
        base, frame = _plain(base_frame), _plain(camera_frame)
        T_frame_camera: FloatArray = np.eye(4)
        with self._lock:
            for _ in range(_MAX_CHAIN):
                if frame == base:
                    return T_frame_camera
                links = self._parents.get(frame)
                if not links:
                    return None
                link = links[-1]
                if stamp is not None:
                    link = min(links, key=lambda each: abs(each.stamp - stamp))
                frame, T_frame_camera = link.parent, link.T_parent_child @ T_frame_camera
        return None


def body_in_camera(T_base_camera: FloatArray) -> FloatArray:
    """A robot's base as something that looks where it goes, seen from its camera.

    Args:
        T_base_camera: `[4, 4]` pose of the camera's optical frame on a base with x forward, z up.

    Returns:
        `[4, 4]`, in the camera's optical frame, with axes as of an optical frame (z forward).
    """
    T_base_body: FloatArray = np.eye(4)
    T_base_body[:3, :3] = _BASE_FROM_OPTICAL
    return np.asarray(np.linalg.inv(T_base_camera) @ T_base_body)


def _plain(frame: str) -> str:
    return frame.lstrip("/")
