"""How the camera sits on the robot, from /tf_static: tells which way is up in the image."""

from __future__ import annotations

import threading

import numpy as np
from tf2_msgs.msg import TFMessage

from vlm3r_ros.nodes.message_conversion import FloatArray, MessageError, transform_to_matrix

# A longer chain is a loop.
_MAX_CHAIN = 100


class CameraMount:
    """Static transforms, child to parent, and the chain of them from a camera to the robot's base.

    tf2_ros does this too, with time and moving joints; for a fixed mount a dictionary is enough.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parents: dict[str, tuple[str, FloatArray]] = {}

    def update(self, message: TFMessage) -> None:
        """Take in a message on /tf_static; transforms that are no rotation are left out."""
        for transform in message.transforms:
            try:
                matrix = transform_to_matrix(transform)
            except MessageError:
                continue
            child = _plain(transform.child_frame_id)
            with self._lock:
                self._parents[child] = (_plain(transform.header.frame_id), matrix)

    def base_from_camera(self, base_frame: str, camera_frame: str) -> FloatArray | None:
        """`T_base_camera` `[4, 4]`, or None while the chain between the two is not known."""
        base, frame = _plain(base_frame), _plain(camera_frame)
        T_frame_camera: FloatArray = np.eye(4)
        with self._lock:
            for _ in range(_MAX_CHAIN):
                if frame == base:
                    return T_frame_camera
                if frame not in self._parents:
                    return None
                frame, T_parent_frame = self._parents[frame]
                T_frame_camera = T_parent_frame @ T_frame_camera
        return None


def _plain(frame: str) -> str:
    return frame.lstrip("/")
