import math

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, TransformStamped
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from vlm3r_ros.nodes.camera_mount import CameraMount
from vlm3r_ros.nodes.message_conversion import matrix_to_pose, pose_to_transform
from vlm3r_ros.nodes.trajectory import BoundedPath, camera_twist, rotation_vector

# A camera that looks along x of a body with z up: columns are x right, y down, z forward.
R_BODY_OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def transform(rotation: np.ndarray, position=(0.0, 0.0, 0.0)) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation, position
    return T


def about_z(angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def stamped(T: np.ndarray, frame: str, child: str) -> TransformStamped:
    pose = PoseStamped(header=Header(frame_id=frame), pose=matrix_to_pose(T))
    return pose_to_transform(pose, child)


def test_velocity_is_in_the_cameras_own_frame():
    before = transform(R_BODY_OPTICAL)
    # Half a metre ahead along map x, and 0.2 rad to the left about map z, in half a second.
    now = transform(about_z(0.2) @ R_BODY_OPTICAL, (0.5, 0.0, 0.0))
    twist = camera_twist(before, now, 0.5)
    ahead = np.array([twist.linear.x, twist.linear.y, twist.linear.z])
    # The camera has turned by 0.2 since: ahead is now a little to its right.
    np.testing.assert_allclose(ahead, [math.sin(0.2), 0, math.cos(0.2)], atol=1e-9)
    # To the left is against the camera's y axis, which points down.
    turn = [twist.angular.x, twist.angular.y, twist.angular.z]
    np.testing.assert_allclose(turn, [0, -0.4, 0], atol=1e-9)


def test_no_time_no_velocity():
    twist = camera_twist(np.eye(4), transform(about_z(1.0), (1, 1, 1)), 0.0)
    assert twist.linear.x == twist.angular.z == 0.0


@pytest.mark.parametrize("angle", [0.0, 1e-8, 0.5, 3.0, math.pi])
def test_rotation_vector_has_the_angle(angle):
    assert np.linalg.norm(rotation_vector(about_z(angle))) == pytest.approx(angle, abs=1e-9)
    np.testing.assert_allclose(abs(rotation_vector(about_z(angle))[2]), angle, atol=1e-9)


def pose_at(x: float) -> PoseStamped:
    pose = PoseStamped(header=Header(frame_id="map"))
    pose.pose.position.x = x
    return pose


def test_a_path_takes_poses_that_are_apart_and_tells_when_it_changed():
    path = BoundedPath(100, 0.1)
    assert path.take_changed() is None
    for x in (0.0, 0.05, 0.09, 0.12, 0.13):
        path.add(pose_at(x))
    taken = path.take_changed()
    assert [p.pose.position.x for p in taken.poses] == [0.0, 0.12]
    assert taken.header.frame_id == "map"
    assert path.take_changed() is None
    path.clear()
    assert path.take_changed().poses == []


def test_a_long_path_stays_bounded_and_keeps_its_beginning():
    path = BoundedPath(50, 0.1)
    for step in range(10_000):
        path.add(pose_at(0.11 * step))
    poses = path.take_changed().poses
    assert 20 <= len(poses) <= 50
    assert poses[0].pose.position.x == 0.0
    assert poses[-1].pose.position.x > 0.9 * 0.11 * 10_000


def test_the_mount_chains_static_transforms():
    mount = CameraMount()
    assert mount.base_from_camera("base_link", "camera") is None
    mount.update(TFMessage(transforms=[stamped(transform(R_BODY_OPTICAL), "/head", "camera")]))
    assert mount.base_from_camera("base_link", "camera") is None
    tilt = transform(about_z(0.3), (0.1, 0.0, 1.2))
    mount.update(TFMessage(transforms=[stamped(tilt, "base_link", "head")]))
    T = mount.base_from_camera("base_link", "/camera")
    np.testing.assert_allclose(T, tilt @ transform(R_BODY_OPTICAL), atol=1e-9)
    np.testing.assert_array_equal(mount.base_from_camera("camera", "camera"), np.eye(4))


def test_a_loop_or_a_bad_rotation_in_tf_does_no_harm():
    mount = CameraMount()
    broken = stamped(np.eye(4), "b", "a")
    broken.transform.rotation.w = 0.0
    mount.update(TFMessage(transforms=[broken]))
    assert mount.base_from_camera("b", "a") is None
    loop = [stamped(np.eye(4), "x", "y"), stamped(np.eye(4), "y", "x")]
    mount.update(TFMessage(transforms=loop))
    assert mount.base_from_camera("base", "x") is None
