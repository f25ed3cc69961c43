"""Pointmaps from the geometry node on their way into the map of the floor."""

from __future__ import annotations

from collections import deque

import numpy as np
from sensor_msgs.msg import PointCloud2

from vlm3r_ros.assistant.assistant import SpatialAssistant
from vlm3r_ros.msg import SceneState
from vlm3r_ros.nodes.message_conversion import (
    MessageError,
    cloud_to_points,
    pose_to_matrix,
    stamp_to_nanoseconds,
    stamp_to_seconds,
)
from vlm3r_ros.nodes.stamp_matcher import StampMatcher

_MAX_STATES = 256
_MAX_CLOUDS = 8


class CloudIntake:
    """Pairs clouds with the poses they were seen from and hands them to the navigator.

    `put_state`, `put_cloud`: from the thread of the messages; `step`: from one worker.
    """

    def __init__(self, assistant: SpatialAssistant) -> None:
        self._assistant = assistant
        self._matcher: StampMatcher[SceneState, PointCloud2] = StampMatcher(
            _MAX_STATES, _MAX_CLOUDS
        )
        self._pairs: deque[tuple[SceneState, PointCloud2]] = deque(maxlen=_MAX_CLOUDS)
        self.taken = 0
        """Clouds that went in."""

    def put_state(self, message: SceneState) -> None:
        """The state of a frame, whose cloud may follow."""
        self._put(self._matcher.put_first(stamp_to_nanoseconds(message.header.stamp), message))

    def put_cloud(self, message: PointCloud2) -> None:
        """The cloud of a frame."""
        self._put(self._matcher.put_second(stamp_to_nanoseconds(message.header.stamp), message))

    def _put(self, pair: tuple[SceneState, PointCloud2] | None) -> None:
        if pair is not None:
            self._pairs.append(pair)

    def step(self) -> bool:
        """Takes in one cloud; returns whether there was one.

        Raises:
            MessageError: its fields or its pose cannot be read.
        """
        try:
            state, cloud = self._pairs.popleft()
        except IndexError:
            return False
        # One that is ahead of the memory, or behind it, is of another map.
        if state.session_id != self._assistant.session_id:
            return True
        pose = pose_to_matrix(state.camera_pose)
        if not np.prod((cloud.height, cloud.width)):
            raise MessageError("a cloud holds no points")
        points, _ = cloud_to_points(cloud)
        self._assistant.navigator.observe(
            state.session_id,
            stamp_to_seconds(state.header.stamp),
            pose,
            points.reshape(cloud.height, cloud.width, 3),
        )
        self.taken += 1
        return True
