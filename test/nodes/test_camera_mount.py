import math

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from tf2_msgs.msg import TFMessage

from vlm3r_ros.nodes.camera_mount import CameraMount, body_in_camera


def link(parent: str, child: str, x: float = 0.0, seconds: int = 0, w: float = 1.0) -> TFMessage:
    transform = TransformStamped(child_frame_id=child)
    transform.header.frame_id = parent
    transform.header.stamp = Time(sec=seconds)
    transform.transform.translation.x = x
    transform.transform.rotation.w = w
    return TFMessage(transforms=[transform])


@pytest.fixture
def driving() -> CameraMount:
    """A camera half a metre before a base that drives a metre a second."""
    mount = CameraMount()
    mount.update(link("base_link", "camera", 0.5))
    for second in range(5):
        mount.update(link("odom", "base_link", float(second), second))
    return mount


@pytest.mark.parametrize(("stamp", "x"), [(None, 4.5), (2_100_000_000, 2.5), (0, 0.5)])
def test_of_what_moves_the_transform_nearest_in_time_is_taken(driving, stamp, x):
    T_odom_camera = driving.base_from_camera("odom", "camera", stamp)
    np.testing.assert_allclose(T_odom_camera[:3, 3], [x, 0, 0])


def test_frames_that_are_not_linked_give_nothing(driving):
    assert driving.base_from_camera("map", "camera") is None
    assert driving.base_from_camera("odom", "another_camera") is None


def test_a_loop_of_frames_gives_nothing():
    mount = CameraMount()
    mount.update(link("a", "b"))
    mount.update(link("b", "a"))
    assert mount.base_from_camera("c", "a") is None


def test_a_transform_that_is_no_rotation_is_left_out(driving):
    driving.update(link("odom", "base_link", 99.0, 9, w=math.nan))
    assert driving.base_from_camera("odom", "camera")[0, 3] == 4.5


def test_a_base_looks_where_it_drives():
    T_base_camera = np.eye(4)
    T_base_camera[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # looks ahead
    T_base_camera[:3, 3] = 0.3, 0.0, 1.0
    T_camera_body = body_in_camera(T_base_camera)
    np.testing.assert_allclose(T_camera_body[:3, :3], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(T_base_camera @ T_camera_body[:, 3], [0, 0, 0, 1], atol=1e-12)
