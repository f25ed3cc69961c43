import math

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from vlm3r_ros.nodes.message_conversion import (
    MessageError,
    cloud_to_points,
    intrinsics_from_camera_info,
    matrix_to_pose,
    points_to_cloud,
    pose_to_matrix,
    pose_to_transform,
    scale_camera_info,
    seconds_to_stamp,
    stamp_to_nanoseconds,
    stamp_to_seconds,
    transform_to_matrix,
)


def rotation_about(axis: list[float], angle: float) -> np.ndarray:
    """Rodrigues' formula, as an independent reference."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 2, -3], [-1, 1e-3, 0]])
@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.3, math.pi / 2, 3.0, math.pi, -2.0])
def test_a_pose_there_and_back_is_the_same(axis, angle):
    T = np.eye(4)
    T[:3, :3] = rotation_about(axis, angle)
    T[:3, 3] = (1.0, -2.0, 0.5)
    pose = matrix_to_pose(T)
    q = pose.orientation
    assert math.isclose(math.hypot(q.x, q.y, q.z, q.w), 1.0)
    np.testing.assert_allclose(pose_to_matrix(pose), T, atol=1e-9)


def test_a_quarter_turn_to_the_left_has_the_known_quaternion():
    T = np.eye(4)
    T[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    q = matrix_to_pose(T).orientation
    np.testing.assert_allclose([q.x, q.y, q.z, q.w], [0, 0, math.sqrt(0.5), math.sqrt(0.5)])


def test_a_pose_that_is_none_is_refused():
    pose = Pose()
    pose.orientation.w = 0.0
    with pytest.raises(MessageError, match="no rotation"):
        pose_to_matrix(pose)
    pose.orientation.w = 1.0
    pose.position.x = math.nan
    with pytest.raises(MessageError, match="not finite"):
        pose_to_matrix(pose)
    with pytest.raises(MessageError, match="not finite"):
        matrix_to_pose(np.full((4, 4), np.nan))


def test_a_transform_carries_the_pose():
    T = np.eye(4)
    T[:3, :3] = rotation_about([1, 1, 0], 0.7)
    T[:3, 3] = (3.0, 2.0, 1.0)
    stamped = PoseStamped(header=Header(frame_id="map"), pose=matrix_to_pose(T))
    transform = pose_to_transform(stamped, "camera")
    assert (transform.header.frame_id, transform.child_frame_id) == ("map", "camera")
    np.testing.assert_allclose(transform_to_matrix(transform), T, atol=1e-12)


def test_stamps_keep_their_nanoseconds():
    stamp = Time(sec=1_700_000_000, nanosec=123_456_789)
    assert stamp_to_nanoseconds(stamp) == 1_700_000_000_123_456_789
    again = seconds_to_stamp(stamp_to_seconds(stamp))
    assert abs(stamp_to_nanoseconds(again) - stamp_to_nanoseconds(stamp)) < 250
    assert seconds_to_stamp(1.9999999999) == Time(sec=2)
    assert seconds_to_stamp(-0.25) == Time(sec=-1, nanosec=750_000_000)


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf, 2.0**31])
def test_a_time_that_no_stamp_holds_is_refused(seconds):
    with pytest.raises(MessageError, match="not a time"):
        seconds_to_stamp(seconds)


def test_a_cloud_holds_points_and_colours_where_rviz_looks_for_them():
    points = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    colors = np.array([[255, 1, 2], [3, 128, 4]], np.uint8)
    cloud = points_to_cloud(points, colors, Header(frame_id="map"))
    assert [(f.name, f.offset) for f in cloud.fields] == [("x", 0), ("y", 4), ("z", 8), ("rgb", 12)]
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (1, 2, 16, 32)
    packed = np.frombuffer(cloud.data, "<u4").reshape(2, 4)[:, 3]
    assert [hex(value) for value in packed] == ["0xff0102", "0x38004"]
    back, back_colors = cloud_to_points(cloud)
    np.testing.assert_array_equal(back, points)
    np.testing.assert_array_equal(back_colors, colors)


def test_an_empty_cloud_is_a_cloud():
    cloud = points_to_cloud(np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8), Header())
    assert cloud.width == 0
    assert cloud_to_points(cloud)[0].shape == (0, 3)
    cloud.width = 3
    with pytest.raises(MessageError, match="not ours"):
        cloud_to_points(cloud)


def camera_info() -> CameraInfo:
    info = CameraInfo(width=640, height=480)
    info.k = [500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0]
    info.p = [500.0, 0.0, 320.0, 0.0, 0.0, 510.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


def test_camera_info_scales_with_the_image():
    scaled = scale_camera_info(camera_info(), 320, 160)
    assert (scaled.width, scaled.height) == (320, 160)
    # An image begins half a pixel before the centre of its first, whatever its size.
    np.testing.assert_allclose(scaled.k, [250, 0, 159.75, 0, 170, 79 + 2 / 3, 0, 0, 1])
    np.testing.assert_allclose(scaled.p, [250, 0, 159.75, 0, 0, 170, 79 + 2 / 3, 0, 0, 0, 1, 0])
    with pytest.raises(MessageError, match="width and height"):
        scale_camera_info(CameraInfo(), 320, 160)


def test_an_uncalibrated_camera_has_no_matrix():
    assert intrinsics_from_camera_info(CameraInfo()) is None
    assert intrinsics_from_camera_info(camera_info())[1, 1] == 510.0
    info = camera_info()
    info.k[0] = math.nan
    with pytest.raises(MessageError, match="no camera matrix"):
        intrinsics_from_camera_info(info)
