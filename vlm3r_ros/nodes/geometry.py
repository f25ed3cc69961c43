"""The `geometry` node: one recurrent step a frame; poses, points and geometry tokens out.

Subscribes `vlm3r/frames` and, where there is one, `vlm3r/camera_info`, whose focal length poses are
the better for; publishes `vlm3r/scene_state`, `vlm3r/pose`, `vlm3r/odometry`,
`vlm3r/path`, `vlm3r/points`, `vlm3r/depth` and `/tf`; serves `vlm3r/reset`. Poses are those of the
camera's optical frame in the map frame. A restarted clock begins a new session.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, TransformStamped
from nav_msgs.msg import Odometry, Path
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from vlm3r_ros.assistant.errors import NotReadyError
from vlm3r_ros.assistant.scene_memory import SceneMemory
from vlm3r_ros.assistant.tracking import GeometryTracker, SceneObservation
from vlm3r_ros.msg import SceneState
from vlm3r_ros.nodes.camera_mount import CameraMount
from vlm3r_ros.nodes.diagnostics import Diagnostics, DurationMonitor, RateMonitor
from vlm3r_ros.nodes.geometry_parameters import PARAMETERS, geometry_backend, tracker_config
from vlm3r_ros.nodes.image_conversion import ImageError, depth_to_image, image_to_rgb
from vlm3r_ros.nodes.loading import LoadedModel, acquire_model
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.message_conversion import (
    FloatArray,
    MessageError,
    intrinsics_from_camera_info,
    matrix_to_pose,
    points_to_cloud,
    pose_to_matrix,
    pose_to_transform,
    scale_camera_info,
    stamp_to_nanoseconds,
    stamp_to_seconds,
)
from vlm3r_ros.nodes.point_selection import select_points
from vlm3r_ros.nodes.qos import LATCHED, RELIABLE, STATIC_TRANSFORMS, TRANSFORMS
from vlm3r_ros.nodes.runtime import run_nodes
from vlm3r_ros.nodes.scene_state import announce_session, observation_to_message
from vlm3r_ros.nodes.trajectory import BoundedPath, camera_twist
from vlm3r_ros.nodes.worker import NewestSlot

_PATH_PERIOD = 0.5


class GeometryNode(ManagedNode):
    """Runs the geometry encoder on the newest frame, whenever it is done with the last."""

    PARAMETERS = PARAMETERS

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("geometry", **kwargs)
        self._loaded: LoadedModel | None = None
        self._tracker: GeometryTracker | None = None

    @property
    def tracker(self) -> GeometryTracker:
        """The tracker, while configured.

        Raises:
            NotReadyError: the node is not configured.
        """
        if self._tracker is None:
            raise NotReadyError("the geometry node is not configured")
        return self._tracker

    def configure(self) -> None:
        """Load the geometry encoder; make publishers, subscription, service."""
        parameters = self.parameters
        self._loaded = acquire_model(
            parameters["model"],
            parameters["device"],
            parameters["dtype"],
            self.get_logger().warning,
            geometry_only=True,
        )
        self._tracker = GeometryTracker(
            self._loaded.model,
            self._loaded.processor,
            tracker_config(parameters),
            geometry_backend(parameters),
        )
        # The tracker is not thread safe; a reset comes from another thread than the steps.
        self._tracker_lock = threading.Lock()
        self._mount = CameraMount()
        self._slot: NewestSlot[Image] = NewestSlot()
        self._path = BoundedPath(parameters["max_path_poses"], parameters["path_spacing"])
        self._steps = RateMonitor()
        self._step_time = DurationMonitor()
        self._refused = self._late = self._resets = 0
        self._last_stamp = -math.inf
        self._forget_session()
        self._make_publishers()
        if parameters["base_frame"] or parameters["odom_frame"]:
            self.subscribe(
                TFMessage, "/tf_static", self._mount.update, STATIC_TRANSFORMS, sent_once=True
            )
        if parameters["odom_frame"]:
            self.subscribe(TFMessage, "/tf", self._mount.update, TRANSFORMS)
        self._camera_info: CameraInfo | None = None
        self.subscribe(CameraInfo, "vlm3r/camera_info", self._on_camera_info, RELIABLE)
        frames = self.subscribe(Image, "vlm3r/frames", self._on_frame, RELIABLE)
        self._input = self.watch(
            frames,
            "frame",
            parameters["silence"],
            internal=True,
            remedies={"topic": "start the frame_buffer node in the same namespace"},
        )
        self.serve(Trigger, "vlm3r/reset", self._on_reset, MutuallyExclusiveCallbackGroup())
        self._worker = self.work("steps", self._step)
        self.repeat(_PATH_PERIOD, self._publish_path)

    def release(self) -> None:
        """Free the model."""
        self._loaded = self._tracker = None

    def report(self, diagnostics: Diagnostics) -> None:
        """Rate and time of steps, drops, session."""
        diagnostics.value("steps", self._steps.count)
        diagnostics.value("step rate (Hz)", self._steps.rate)
        diagnostics.value("step time (s)", self._step_time.mean)
        diagnostics.value("longest step (s)", self._step_time.longest)
        diagnostics.value("dropped: newer frame came", self._slot.dropped)
        diagnostics.value("dropped: bad message", self._refused)
        diagnostics.value("dropped: out of order", self._late)
        diagnostics.value("resets", self._resets)
        diagnostics.value("tracking restarts", self.tracker.restarts)
        diagnostics.value("session", self.tracker.session_id)
        focal = self.tracker.focal
        known = "camera_info" if self.tracker.calibrated else "found out"
        lengths = "none" if focal is None else f"{focal[0]:.1f}, {focal[1]:.1f} ({known})"
        diagnostics.value("focal lengths (px)", lengths)
        diagnostics.value("up from", self.tracker.up_source or "no frame yet")

    # ---- input

    def _on_frame(self, message: Image) -> None:
        self._input.received.tick()
        self._slot.put(message)
        self._worker.wake()

    def _on_camera_info(self, message: CameraInfo) -> None:
        if self._camera_info is not None and self._camera_info.k.tolist() == message.k.tolist():
            return
        size = self.tracker.image_size
        try:
            matrix = intrinsics_from_camera_info(scale_camera_info(message, size, size))
        except MessageError as error:
            self.log_seldom("warning", f"camera_info is not used: {error}")
            return
        self._camera_info = message
        if matrix is not None:
            with self._tracker_lock:
                self.tracker.set_camera_matrix(matrix)

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if not self.active:
            response.message = "the geometry node is not active; activate it first"
            return response
        session = self._begin_session("asked for")
        response.success = True
        response.message = f"a new session has begun: {session}"
        return response

    def _step(self) -> bool:
        message = self._slot.take()
        if message is None:
            return False
        stamp = stamp_to_seconds(message.header.stamp)
        if stamp <= self._last_stamp:
            if self._last_stamp - stamp <= self.parameters["jump_back"]:
                self._late += 1
                return True
            self._begin_session("time jumped back")
        try:
            # A copy: torch wants memory that it may write.
            rgb = np.array(image_to_rgb(message))
        except ImageError as error:
            self._refused += 1
            self.log_seldom("warning", f"a frame is dropped: {error}")
            return True
        with self._tracker_lock:
            if self.tracker.frame_index == 0:
                self._find_up(message.header.frame_id)
            observation = self.tracker.step(rgb, stamp)
            keyframe = self._would_keep(observation)
            self._last_stamp = stamp
            # Published under the lock, so that no old frame follows the news of a new session.
            self._publish(observation, rgb, message.header, keyframe)
        self._steps.tick()
        self._step_time.add(observation.step_time)
        return True

    # ---- session

    def _begin_session(self, reason: str) -> str:
        with self._tracker_lock:
            session = self.tracker.reset()
            self._forget_session()
            self._path.clear()
            self._resets += 1
            self._state_publisher.publish(announce_session(session, self._now_in_map()))
        self.get_logger().info(f"new session {session}: {reason}")
        return session

    def _forget_session(self) -> None:
        self._last_stamp = -math.inf
        self._last_pose: tuple[str, float, FloatArray] | None = None
        self._memory = SceneMemory(self.parameters["max_keyframes"])

    def _find_up(self, camera_frame: str) -> None:
        base_frame = self.parameters["base_frame"]
        if not base_frame:
            return
        T_base_camera = self._mount.base_from_camera(base_frame, camera_frame)
        if T_base_camera is not None:
            self.tracker.set_mount(T_base_camera)
            return
        self.log_seldom(
            "warning",
            f"/tf_static does not link {base_frame} to {camera_frame}: up is taken from the floor "
            "or the camera; publish the camera's mount, or empty the parameter base_frame",
        )

    def _would_keep(self, observation: SceneObservation) -> bool:
        """Whether the query node's memory, which counts the same way, keeps this frame."""
        nothing = observation.camera_token.new_empty(0)
        image = np.empty((0, 0, 3), np.uint8)
        if observation.frame_index == 0:
            self._memory.clear()
        return self._memory.offer(
            image, observation.stamp, observation.frame_index, nothing, nothing
        )

    # ---- output

    def _make_publishers(self) -> None:
        self._state_publisher = self.publish_on(SceneState, "vlm3r/scene_state", RELIABLE)
        self._pose_publisher = self.publish_on(PoseStamped, "vlm3r/pose", RELIABLE)
        self._odometry_publisher = self.publish_on(Odometry, "vlm3r/odometry", RELIABLE)
        self._path_publisher = self.publish_on(Path, "vlm3r/path", LATCHED)
        self._points_publisher = self.publish_on(PointCloud2, "vlm3r/points", RELIABLE)
        self._depth_publisher = self.publish_on(Image, "vlm3r/depth", RELIABLE)
        self._tf_publisher: Any = None
        if self.parameters["publish_tf"]:
            self._tf_publisher = self.publish_on(TFMessage, "/tf", TRANSFORMS)

    def _publish(
        self, observation: SceneObservation, rgb: np.ndarray, source: Header, keyframe: bool
    ) -> None:
        self._state_publisher.publish(
            observation_to_message(
                observation,
                source,
                encoding=self.parameters["token_encoding"],
                keyframe=keyframe,
                with_state=self.parameters["publish_state"],
            )
        )
        in_map = Header(stamp=source.stamp, frame_id=self.parameters["map_frame"])
        pose = PoseStamped(header=in_map, pose=matrix_to_pose(observation.T_map_camera))
        self._pose_publisher.publish(pose)
        self._odometry_publisher.publish(self._odometry(observation, pose, source.frame_id))
        if self._tf_publisher is not None:
            transforms = self._transforms(pose, source)
            if transforms:
                self._tf_publisher.publish(TFMessage(transforms=transforms))
        self._path.add(pose)
        if observation.points is not None:
            self._publish_points(observation, rgb, in_map)
        if observation.depth is not None and self._depth_publisher.get_subscription_count():
            self._depth_publisher.publish(depth_to_image(observation.depth, source))

    def _transforms(self, pose: PoseStamped, source: Header) -> list[TransformStamped]:
        """What to tell /tf: where the camera is, or where the robot's odometry began (REP-105)."""
        odom_frame = self.parameters["odom_frame"]
        if not odom_frame:
            return [pose_to_transform(pose, source.frame_id)]
        stamp = stamp_to_nanoseconds(source.stamp)
        T_odom_camera = self._mount.base_from_camera(odom_frame, source.frame_id, stamp)
        if T_odom_camera is None:
            self.log_seldom(
                "warning",
                f"/tf and /tf_static do not link {odom_frame} to {source.frame_id}: nothing is "
                "published on /tf; publish odometry and the camera's mount, or empty the parameter "
                "odom_frame",
            )
            return []
        T_map_odom = pose_to_matrix(pose.pose) @ np.linalg.inv(T_odom_camera)
        start = PoseStamped(header=pose.header, pose=matrix_to_pose(T_map_odom))
        return [pose_to_transform(start, odom_frame)]

    def _odometry(
        self, observation: SceneObservation, pose: PoseStamped, camera_frame: str
    ) -> Odometry:
        odometry = Odometry(header=pose.header, child_frame_id=camera_frame)
        odometry.pose.pose = pose.pose
        session, now = observation.session_id, observation.T_map_camera
        if self._last_pose is not None and self._last_pose[0] == session:
            seconds = observation.stamp - self._last_pose[1]
            odometry.twist.twist = camera_twist(self._last_pose[2], now, seconds)
        self._last_pose = (session, observation.stamp, now)
        return odometry

    def _publish_points(
        self, observation: SceneObservation, rgb: np.ndarray, header: Header
    ) -> None:
        if not self._points_publisher.get_subscription_count():
            return
        points, colors = select_points(
            observation,
            rgb,
            self.parameters["min_point_confidence"],
            self.parameters["max_points"],
        )
        self._points_publisher.publish(points_to_cloud(points, colors, header))

    def _publish_path(self) -> None:
        path = self._path.take_changed()
        if path is not None:
            path.header.frame_id = self.parameters["map_frame"]
            self._path_publisher.publish(path)

    def _now_in_map(self) -> Header:
        stamp = self.get_clock().now().to_msg()
        return Header(stamp=stamp, frame_id=self.parameters["map_frame"])


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    return run_nodes([GeometryNode], args)


if __name__ == "__main__":
    sys.exit(main())
