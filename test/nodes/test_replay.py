import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Bool

from vlm3r_ros.nodes.message_conversion import stamp_to_seconds
from vlm3r_ros.nodes.qos import LATCHED, RELIABLE
from vlm3r_ros.nodes.replay import ReplayNode

DOMAIN = 61


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five greys, 0, 10, ... 40."""
    for index in range(5):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((24, 32, 3), 10 * index, np.uint8))
    return tmp_path


class Stage:
    """A replay node and a listener in one executor."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.executor = SingleThreadedExecutor(context=context)
        self.listener = Node("listener", context=context)
        self.images: list[Image] = []
        self.infos: list[CameraInfo] = []
        self.arrivals: list[float] = []
        self.ended: list[bool] = []
        self.image_subscription = self.listener.create_subscription(
            Image, "/camera/image_raw", self._image, RELIABLE
        )
        self.listener.create_subscription(
            CameraInfo, "/camera/camera_info", self.infos.append, RELIABLE
        )
        self.listener.create_subscription(
            Bool, "/replay/finished", lambda message: self.ended.append(message.data), LATCHED
        )
        self.executor.add_node(self.listener)
        self.node: ReplayNode | None = None

    def _image(self, message: Image) -> None:
        self.images.append(message)
        self.arrivals.append(time.monotonic())

    def play(self, **parameters: object) -> ReplayNode:
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.node = ReplayNode(context=self.context, parameter_overrides=overrides)
        self.executor.add_node(self.node)
        return self.node

    def until(self, condition: Callable[[], bool], timeout: float = 10.0) -> bool:
        end = time.monotonic() + timeout
        while not condition() and time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)
        return condition()

    def greys(self) -> list[int]:
        return [image.data[0] for image in self.images]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    stage = Stage(context)
    yield stage
    if stage.node is not None:
        stage.node.close()
    stage.executor.shutdown()
    stage.listener.destroy_node()
    rclpy.try_shutdown(context=context)


def test_every_frame_comes_once_in_order_and_the_end_is_told(stage, pictures):
    stage.play(path=str(pictures), fps=20.0)
    assert stage.until(lambda: len(stage.images) == 5 and stage.ended == [True])
    assert stage.greys() == [0, 10, 20, 30, 40]
    assert {image.header.frame_id for image in stage.images} == {"camera_optical_frame"}
    intervals = np.diff([stamp_to_seconds(image.header.stamp) for image in stage.images])
    # A late frame is followed by the next one sooner.
    assert (intervals > 0).all()
    assert abs(intervals.mean() - 0.05) < 0.02


def test_without_a_subscriber_playing_begins_when_patience_ends(stage, pictures):
    stage.listener.destroy_subscription(stage.image_subscription)
    node = stage.play(path=str(pictures), fps=100.0, wait_for_subscriber=0.5)
    began = time.monotonic()
    assert stage.until(node.finished.is_set)
    assert time.monotonic() - began > 0.5


def test_stamps_are_the_present_time(stage, pictures):
    stage.play(path=str(pictures), loop=True)
    assert stage.until(lambda: bool(stage.images))
    now = stage.listener.get_clock().now().nanoseconds / 1e9
    assert abs(now - stamp_to_seconds(stage.images[-1].header.stamp)) < 1.0


def test_a_loop_goes_on_and_a_rate_speeds_it_up(stage, pictures):
    stage.play(path=str(pictures), loop=True, rate=5.0, frame_id="eye")
    assert stage.until(lambda: len(stage.images) > 14)
    greys = stage.greys()
    assert all((b - a) % 50 == 10 for a, b in pairwise(greys))
    assert stage.images[0].header.frame_id == "eye"
    assert stage.arrivals[13] - stage.arrivals[3] < 0.5
    stamps = [stamp_to_seconds(image.header.stamp) for image in stage.images]
    assert (np.diff(stamps) > 0).all()
    assert not stage.ended


def test_camera_info_without_calibration_has_the_size_and_the_images_stamp(stage, pictures):
    stage.play(path=str(pictures), loop=True)
    assert stage.until(lambda: len(stage.infos) > 0 and len(stage.images) > 0)
    stamps = {stamp_to_seconds(image.header.stamp) for image in stage.images}
    (info,) = [i for i in stage.infos if stamp_to_seconds(i.header.stamp) in stamps][:1]
    assert (info.width, info.height) == (32, 24)
    assert not any(info.k)


def test_camera_info_can_be_left_out(stage, pictures):
    node = stage.play(path=str(pictures), loop=True, publish_camera_info=False)
    assert stage.until(lambda: len(stage.images) > 2)
    assert not stage.infos
    assert node.active


def test_a_pause_holds_the_frame_it_stopped_at(stage, pictures):
    node = stage.play(path=str(pictures), fps=20.0, loop=True)
    assert stage.until(lambda: len(stage.images) >= 3)
    node.trigger_deactivate()
    stage.until(lambda: False, timeout=0.2)
    seen = len(stage.images)
    stage.until(lambda: False, timeout=0.3)
    assert len(stage.images) == seen
    node.trigger_activate()
    assert stage.until(lambda: len(stage.images) >= seen + 3)
    greys = stage.greys()
    assert all((b - a) % 50 == 10 for a, b in pairwise(greys))


@pytest.mark.parametrize(
    ("path", "words"),
    [("", "'path' is empty"), ("/nowhere/clip.mp4", "/nowhere/clip.mp4: no such")],
)
def test_a_path_that_cannot_be_played_leaves_the_node_alive_and_configurable(
    stage, pictures, path, words
):
    node = stage.play(path=path)
    assert stage.until(lambda: words in node.failure)
    node.set_parameters([Parameter("path", value=str(pictures))])
    node.trigger_configure()
    node.trigger_activate()
    assert stage.until(lambda: len(stage.images) > 0)
    assert node.failure == ""


def test_a_recording_of_rubbish_is_told_not_looped(stage, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    node = stage.play(path=str(tmp_path), loop=True)
    assert stage.until(lambda: "none of its pictures can be read" in node.failure)
    assert node.finished.is_set()


@pytest.mark.parametrize(("readable", "code"), [(True, 0), (False, 1)])
def test_the_process_ends_with_the_recording(pictures, readable, code):
    if not readable:
        for picture in pictures.iterdir():
            picture.write_bytes(b"rubbish")
    environment = os.environ | {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": str(DOMAIN + 1),
    }
    command = [sys.executable, "-m", "vlm3r_ros.nodes.replay", "--ros-args"]
    for parameter in (
        f"path:={pictures}",
        "exit_at_end:=true",
        "fps:=50.0",
        "wait_for_subscriber:=0.1",
    ):
        command += ["-p", parameter]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == code, done.stderr
    assert ("5 frames played" in done.stderr) == readable
