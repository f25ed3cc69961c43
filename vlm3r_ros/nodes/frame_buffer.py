"""The `frame_buffer` node: camera images in, the frames that are worth a step out.

Subscribes `image` (or `image/compressed`) and, where there is one, `camera_info`; publishes
`vlm3r/frames` (rgb8, model size, stamp and frame_id of the source) and, scaled to the frames,
`vlm3r/camera_info`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from PIL import Image as PILImage
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from vlm3r_ros.assistant.frame_buffer import Frame, FrameBuffer, FrameBufferConfig, FrameVerdict
from vlm3r_ros.models.image_sizes import model_image_size
from vlm3r_ros.nodes.diagnostics import Diagnostics, DurationMonitor, RateMonitor
from vlm3r_ros.nodes.image_conversion import (
    ImageError,
    compressed_to_rgb,
    image_to_rgb,
    rgb_to_image,
)
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.message_conversion import (
    MessageError,
    intrinsics_from_camera_info,
    scale_camera_info,
    stamp_to_seconds,
)
from vlm3r_ros.nodes.model_parameters import MODEL_PARAMETER
from vlm3r_ros.nodes.parameters import ParameterSpec
from vlm3r_ros.nodes.qos import QOS_PROFILES, RELIABLE, SENSOR_DATA, qos_profile
from vlm3r_ros.nodes.runtime import run_nodes
from vlm3r_ros.nodes.worker import NewestSlot, Worker

RAW, COMPRESSED = "raw", "compressed"


class FrameBufferNode(ManagedNode):
    """Judges the camera's images and publishes the ones that are worth a step, in model size."""

    PARAMETERS = (
        MODEL_PARAMETER,
        ParameterSpec(
            "image_size",
            0,
            "Side of the square frames published, in pixels; 0 asks the model.",
            0,
            2048,
        ),
        ParameterSpec(
            "image_transport",
            RAW,
            "raw subscribes image (sensor_msgs/Image), compressed image/compressed (JPEG or PNG).",
            choices=(RAW, COMPRESSED),
        ),
        ParameterSpec(
            "qos",
            "sensor_data",
            "QoS of the image subscription; reliable receives nothing from a best-effort camera.",
            choices=tuple(QOS_PROFILES),
        ),
        ParameterSpec("max_rate", 15.0, "At most so many frames a second go on (Hz).", 0.1, 1000.0),
        ParameterSpec(
            "silence",
            5.0,
            "Seconds without an image after which the node warns and says why.",
            0.1,
            3600.0,
        ),
        ParameterSpec(
            "camera_frame",
            "",
            "frame_id for images that come without one; empty: camera_optical_frame.",
        ),
        ParameterSpec(
            "blur_ratio",
            0.35,
            "A frame less sharp than this share of the recent median is dropped; 0 keeps all.",
            0.0,
            1.0,
        ),
        ParameterSpec(
            "duplicate_threshold",
            1.0,
            "A frame that differs by fewer grey levels than this from the last is dropped; 0 keeps "
            "all.",
            0.0,
            255.0,
        ),
        ParameterSpec(
            "max_gap",
            1.0,
            "After so many seconds without a frame the next goes on whatever it looks like.",
            0.0,
            3600.0,
        ),
        ParameterSpec(
            "jump_back",
            1.0,
            "A stamp that goes back by more seconds than this is a restarted clock (a looping "
            "bag), not a late frame.",
            0.0,
            3600.0,
        ),
        ParameterSpec("min_side", 16, "Images with a shorter side (pixels) are dropped.", 1, 4096),
        ParameterSpec(
            "max_pixels", 64_000_000, "Larger images are dropped (pixels).", 256, 100_000_000
        ),
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("frame_buffer", **kwargs)

    def configure(self) -> None:
        """Make buffer, publishers and subscriptions; needs the model's image size only."""
        parameters = self.parameters
        self._size = parameters["image_size"] or model_image_size(parameters["model"])
        self._buffer = FrameBuffer(
            FrameBufferConfig(
                max_frames=1,
                blur_ratio=parameters["blur_ratio"],
                duplicate_threshold=parameters["duplicate_threshold"],
                max_gap_s=parameters["max_gap"],
                jump_back_s=parameters["jump_back"],
                min_side=parameters["min_side"],
                max_pixels=parameters["max_pixels"],
            )
        )
        self._interval = 1.0 / parameters["max_rate"]
        self._slot: NewestSlot[Image | CompressedImage] = NewestSlot()
        self._worker: Worker = self.work("frames", self._step)
        self._published = RateMonitor()
        self._work_time = DurationMonitor()
        self._latency = DurationMonitor()
        self._refused = 0
        self._over_rate = 0
        self._camera_info: CameraInfo | None = None
        self._last_stamp = self._next_due = -math.inf
        self._frames_publisher = self.publish_on(Image, "vlm3r/frames", RELIABLE)
        self._info_publisher = self.publish_on(CameraInfo, "vlm3r/camera_info", RELIABLE)
        self.subscribe(CameraInfo, "camera_info", self._on_camera_info, SENSOR_DATA)
        self._subscribe_image()

    def activate(self) -> None:
        """Forget the stream that came before a pause."""
        self._slot.take()
        self._buffer.clear()
        self._last_stamp = self._next_due = -math.inf

    def report(self, diagnostics: Diagnostics) -> None:
        """Rates, drops by reason, times."""
        diagnostics.value("published", self._published.count)
        diagnostics.value("published rate (Hz)", self._published.rate)
        diagnostics.value("work time (s)", self._work_time.mean)
        diagnostics.value("age at publication (s)", self._latency.mean)
        diagnostics.value("dropped: newer image came", self._slot.dropped)
        diagnostics.value("dropped: bad message", self._refused)
        diagnostics.value("dropped: over max_rate", self._over_rate)
        for verdict, count in self._buffer.counts.items():
            if verdict != FrameVerdict.ACCEPTED:
                diagnostics.value(f"dropped: {verdict.value}", count)
        diagnostics.value("camera_info", "received" if self._camera_info else "none")

    def _subscribe_image(self) -> None:
        qos = qos_profile(self.parameters["qos"])
        compressed = self.parameters["image_transport"] == COMPRESSED
        message_type = CompressedImage if compressed else Image
        topic = self._compressed_topic() if compressed else "image"
        subscription = self.subscribe(message_type, topic, self._on_image, qos)
        other = RAW if compressed else COMPRESSED
        other_type = "sensor_msgs/msg/" + ("Image" if compressed else "CompressedImage")
        self._input = self.watch(
            subscription,
            "image",
            self.parameters["silence"],
            remedies={
                other_type: f"set image_transport:={other}",
                "topic": "remap image, for example --ros-args -r image:=/camera/image_raw",
                "qos": "set the parameter qos:=sensor_data (best effort)",
            },
        )

    def _compressed_topic(self) -> str:
        """`<image>/compressed` of the remapped `image`, unless it is remapped itself."""
        explicit = self.resolve_topic_name("image/compressed")
        if explicit != self.resolve_topic_name("image/compressed", only_expand=True):
            return explicit
        return self.resolve_topic_name("image") + "/compressed"

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._input.received.tick()
        self._slot.put(message)
        self._worker.wake()

    def _on_camera_info(self, message: CameraInfo) -> None:
        if self._camera_info is not None and self._camera_info.k.tolist() == message.k.tolist():
            return
        try:
            intrinsics = intrinsics_from_camera_info(message)
            scaled = scale_camera_info(message, self._size, self._size)
        except MessageError as error:
            self.log_seldom("warning", f"camera_info is not used: {error}")
            return
        if intrinsics is None:
            self.log_seldom("info", "camera_info says that the camera is not calibrated")
        self._camera_info = scaled

    def _step(self) -> bool:
        message = self._slot.take()
        if message is None:
            return False
        started = self.diagnostics.clock.now()
        header = self._checked_header(message.header)
        if header is None:
            return True
        if not self._due(stamp_to_seconds(header.stamp)):
            self._over_rate += 1
            return True
        try:
            compressed = isinstance(message, CompressedImage)
            rgb = compressed_to_rgb(message) if compressed else image_to_rgb(message)
        except ImageError as error:
            self._refused += 1
            self.log_seldom("warning", f"an image on {self._input.topic} is dropped: {error}")
            return True
        frame = Frame(rgb, stamp_to_seconds(header.stamp), header.frame_id)
        verdict = self._buffer.offer(frame)
        if self._buffer.take_newest() is None:
            if verdict in (FrameVerdict.INVALID_IMAGE, FrameVerdict.INVALID_STAMP):
                problem = self._buffer.last_problem
                self.log_seldom("warning", f"an image on {self._input.topic} is dropped: {problem}")
            return True
        if verdict == FrameVerdict.TIME_JUMP_BACK:
            self.get_logger().info("the time of the images jumped back: a new session begins")
        self._publish(rgb, header)
        # Time is saved up for one interval at most; so 20 Hz become 15, not 10.
        saved = self._next_due if frame.stamp > self._last_stamp else -math.inf
        self._next_due = max(saved, frame.stamp - self._interval) + self._interval
        self._last_stamp = frame.stamp
        self._work_time.add((self.diagnostics.clock.now() - started).nanoseconds * 1e-9)
        return True

    def _checked_header(self, header: Header) -> Header | None:
        """The header with a usable stamp and frame_id, or None where the stamp is malformed."""
        stamp = header.stamp
        if stamp.sec < 0 or stamp.nanosec >= 1_000_000_000:
            self._refused += 1
            self.log_seldom(
                "warning",
                f"an image on {self._input.topic} is dropped: its stamp, {stamp.sec} s "
                f"{stamp.nanosec} ns, is no time",
                key="malformed stamp",
            )
            return None
        if stamp.sec == 0 and stamp.nanosec == 0:
            stamp = self._now()
            self.log_seldom(
                "warning",
                f"images on {self._input.topic} have no stamp; the time of arrival is used. "
                "Mend the camera driver: motion needs the time of acquisition",
                key="no stamp",
            )
        frame_id = header.frame_id or self.parameters["camera_frame"] or "camera_optical_frame"
        return Header(stamp=stamp, frame_id=frame_id)

    def _now(self) -> Time:
        return self.get_clock().now().to_msg()

    def _due(self, stamp: float) -> bool:
        if stamp < self._last_stamp:
            return True
        # A tolerance, so that a 15 Hz camera with jitter passes a limit of 15 Hz.
        return stamp >= self._next_due - 0.1 * self._interval

    def _publish(self, rgb: NDArray[np.uint8], header: Header) -> None:
        if rgb.shape[:2] != (self._size, self._size):
            # As the processor resizes: bicubic, the aspect ratio squashed.
            picture = PILImage.fromarray(rgb)
            resized = picture.resize((self._size, self._size), PILImage.Resampling.BICUBIC)
            rgb = np.asarray(resized)
        self._frames_publisher.publish(rgb_to_image(rgb, header))
        if self._camera_info is not None:
            self._camera_info.header = header
            self._info_publisher.publish(self._camera_info)
        self._published.tick()
        age = (self.get_clock().now().nanoseconds * 1e-9) - stamp_to_seconds(header.stamp)
        self._latency.add(age)


def main(args: Sequence[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    return run_nodes([FrameBufferNode], args)


if __name__ == "__main__":
    sys.exit(main())
