"""Plays a recording as if it were the camera."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import rclpy
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo as CameraInfoMessage
from sensor_msgs.msg import Image
from std_msgs.msg import Bool, Header

from vlm3r_ros.nodes.diagnostics import Diagnostics, RateMonitor
from vlm3r_ros.nodes.image_conversion import rgb_to_image
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.parameters import ParameterError, ParameterSpec
from vlm3r_ros.nodes.qos import LATCHED, QOS_PROFILES, qos_profile
from vlm3r_ros.nodes.runtime import run_nodes
from vlm3r_ros.recordings import RecordedFrame, Recording, RecordingError, open_recording

# Where playing falls further behind than this (s), what is lost stays lost: no burst to catch up.
_MAX_LAG = 0.5
# The worker looks up this often (s) while it waits for a frame's time, so that it can be stopped.
_LONGEST_WAIT = 0.1
_SUBSCRIBER_POLL = 0.02


class ReplayNode(ManagedNode):
    """Publishes the frames of a folder of pictures, a video or a bag on a camera's topics.

    These are `camera/image_raw` and `camera/camera_info`, to be remapped to those of the robot.
    Frames keep their recorded distances in time, divided by `rate`; their stamps are the present
    time, so that ages and transforms come out right. `~/finished` (std_msgs/Bool, transient local)
    turns true at the end of a recording that is not looped.
    """

    PARAMETERS = (
        ParameterSpec("path", "", "The recording: a folder of pictures, a video, or a ROS bag."),
        ParameterSpec("topic", "", "Image topic of a bag; needed only where it has several."),
        ParameterSpec("rate", 1.0, "Speed: 2.0 plays twice as fast as recorded.", 0.01, 100.0),
        ParameterSpec(
            "fps", 0.0, "Frames per second in place of the recorded times; 0 keeps them.", 0.0, 1e3
        ),
        ParameterSpec("loop", False, "Start again at the end."),
        ParameterSpec("exit_at_end", False, "End the process at the end of the recording."),
        ParameterSpec(
            "wait_for_subscriber",
            5.0,
            "Begin when somebody subscribes to the images, at the latest after so many seconds.",
            0.0,
            3600.0,
        ),
        ParameterSpec(
            "frame_id",
            "",
            "Optical frame of the images; empty: the recorded one, or camera_optical_frame.",
        ),
        ParameterSpec(
            "publish_camera_info",
            True,
            "Publish camera_info with every image; all zero (uncalibrated) where none is recorded.",
        ),
        ParameterSpec(
            "qos",
            "reliable",
            "QoS of the images; reliable serves both kinds of subscribers.",
            choices=tuple(QOS_PROFILES),
        ),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("replay", **kwargs)
        self.finished = threading.Event()
        self._recording: Recording | None = None
        self._frames: Iterator[RecordedFrame] | None = None
        self._next: RecordedFrame | None = None
        self._previous_stamp: float | None = None
        self._published = RateMonitor()
        self._due = 0.0
        self._wait_until = 0.0

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; a process that ends with its recording ends with one it cannot open, too."""
        result = super().on_configure(state)
        if result != TransitionCallbackReturn.SUCCESS and self.parameters["exit_at_end"]:
            rclpy.try_shutdown(context=self.context)
        return result

    def configure(self) -> None:
        """Open the recording and make the publishers."""
        path = self.parameters["path"]
        if not path:
            raise ParameterError("parameter 'path' is empty; set it to a folder, video or bag")
        self._recording = open_recording(
            path, self.parameters["fps"] or None, self.parameters["topic"] or None
        )
        qos = qos_profile(self.parameters["qos"])
        self._images = self.publish_on(Image, "camera/image_raw", qos)
        self._infos = self.publish_on(CameraInfoMessage, "camera/camera_info", qos)
        self._finished_publisher = self.publish_on(Bool, "~/finished", LATCHED)
        self._published = RateMonitor()
        self._rewind()
        self.work("player", self._step)
        count = self._recording.num_frames
        rate = self._recording.frame_rate * self.parameters["rate"]
        self.get_logger().info(
            f"{path}: {'?' if count is None else count} frames at {rate:.3g} Hz "
            f"on {self._images.topic_name}"
        )

    def activate(self) -> None:
        """Go on where it was paused; from the start where it had ended."""
        if self.finished.is_set():
            self._rewind()
        self._due = time.monotonic()
        self._wait_until = self._due + self.parameters["wait_for_subscriber"]

    def release(self) -> None:
        """Close the recording."""
        self._recording = self._frames = self._next = None

    def report(self, diagnostics: Diagnostics) -> None:
        """Frames published, their rate, and pictures that could not be read."""
        diagnostics.value("frames published", self._published.count)
        diagnostics.value("frame rate (Hz)", self._published.rate)
        diagnostics.value("finished", self.finished.is_set())
        if self._recording is not None:
            diagnostics.value("unreadable pictures", self._recording.skipped)

    def _rewind(self) -> None:
        self._frames = iter(self._recording) if self._recording is not None else None
        self._next = None
        self._previous_stamp = None
        self.finished.clear()

    def _step(self) -> bool:
        """Read one frame ahead, wait for its time, publish it."""
        if self.finished.is_set() or self._frames is None:
            return False
        if self._next is None:
            self._read_ahead()
            return not self.finished.is_set()
        now = time.monotonic()
        if now < self._wait_until:
            if self._images.get_subscription_count() == 0:
                time.sleep(_SUBSCRIBER_POLL)
                return True
            self._wait_until, self._due = 0.0, now
        wait = self._due - now
        if wait > 0:
            time.sleep(min(wait, _LONGEST_WAIT))
            return True
        if wait < -_MAX_LAG:
            self._due = time.monotonic()
        frame, self._next = self._next, None
        self._publish(frame)
        return True

    def _read_ahead(self) -> None:
        assert self._frames is not None
        assert self._recording is not None
        try:
            frame = next(self._frames, None)
        except RecordingError as error:
            self._finish(problem=str(error))
            return
        if frame is None:
            if self.parameters["loop"]:
                self._rewind()
                # The first picture of a round follows the last one as any frame its predecessor.
                self._due += 1 / (self._recording.frame_rate * self.parameters["rate"])
            else:
                self._finish()
            return
        if self._previous_stamp is not None:
            # A recording whose clock was set back plays on at once.
            gap = max(frame.stamp - self._previous_stamp, 0.0)
            self._due += gap / self.parameters["rate"]
        self._previous_stamp = frame.stamp
        self._next = frame

    def _publish(self, frame: RecordedFrame) -> None:
        header = Header(stamp=self.get_clock().now().to_msg())
        header.frame_id = self.parameters["frame_id"] or frame.frame_id or "camera_optical_frame"
        self._images.publish(rgb_to_image(frame.image, header))
        if self.parameters["publish_camera_info"]:
            self._infos.publish(self._camera_info(frame, header))
        self._published.tick()

    def _camera_info(self, frame: RecordedFrame, header: Header) -> CameraInfoMessage:
        height, width = frame.image.shape[:2]
        info = self._recording.camera_info if self._recording is not None else None
        if info is None:
            return CameraInfoMessage(header=header, height=height, width=width)
        message = CameraInfoMessage(
            header=header,
            height=info.height,
            width=info.width,
            distortion_model=info.distortion_model,
            d=list(info.d),
            k=list(info.k),
        )
        # Writers of bags leave these out at times; zeros mean "not known" then.
        if len(info.r) == 9:
            message.r = list(info.r)
        if len(info.p) == 12:
            message.p = list(info.p)
        return message

    def _finish(self, problem: str = "") -> None:
        self.finished.set()
        self._finished_publisher.publish(Bool(data=True))
        self.failure = problem
        if problem:
            self.get_logger().error(problem)
        else:
            self.get_logger().info(f"end of the recording: {self._published.count} frames played")
        if self.parameters["exit_at_end"]:
            rclpy.try_shutdown(context=self.context)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node; 1 where the recording could not be played to its end."""
    nodes: list[ReplayNode] = []

    def make() -> ReplayNode:
        nodes.append(ReplayNode())
        return nodes[-1]

    code = run_nodes([make], args)
    return code or int(any(node.failure for node in nodes))


if __name__ == "__main__":
    sys.exit(main())
