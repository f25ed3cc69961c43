"""Poses, stamps, clouds and camera models between numpy and ROS messages."""

from __future__ import annotations

import math

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped, Quaternion, TransformStamped
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, PointCloud2, PointField
from std_msgs.msg import Header

from vlm3r_ros.nodes.ros_libraries import quaternion_from_matrix, quaternion_matrix, read_cloud

FloatArray = NDArray[np.float64]

_NANOSECONDS = 1_000_000_000
# x, y, z as float32 and the colour packed in a fourth, as RViz and PCL read it.
_POINT_STEP = 16


class MessageError(ValueError):
    """A message whose fields contradict each other or hold no usable numbers."""


def stamp_to_nanoseconds(stamp: Time) -> int:
    """Exact nanoseconds of a stamp; the key by which messages of one frame are matched."""
    return int(stamp.sec) * _NANOSECONDS + int(stamp.nanosec)


def stamp_to_seconds(stamp: Time) -> float:
    """Seconds of a stamp."""
    return stamp_to_nanoseconds(stamp) / _NANOSECONDS


def seconds_to_stamp(seconds: float) -> Time:
    """A stamp from seconds, to the nanosecond that a float can tell.

    Raises:
        MessageError: NaN, infinite, or outside what a stamp can hold.
    """
    if not math.isfinite(seconds) or not -(2**31) <= seconds < 2**31:
        raise MessageError(f"{seconds} s is not a time that a stamp can hold")
    whole = math.floor(seconds)
    nanoseconds = round((seconds - whole) * _NANOSECONDS)
    carry, nanoseconds = divmod(nanoseconds, _NANOSECONDS)
    return Time(sec=whole + carry, nanosec=nanoseconds)


def rotation_to_quaternion(rotation: FloatArray) -> Quaternion:
    """The unit quaternion, w >= 0, of a `[3, 3]` rotation matrix."""
    transform = np.eye(4)
    transform[:3, :3] = rotation
    q = quaternion_from_matrix(transform)
    x, y, z, w = (float(each) for each in (q if q[3] >= 0 else -q))
    return Quaternion(x=x, y=y, z=z, w=w)


def quaternion_to_rotation(quaternion: Quaternion) -> FloatArray:
    """The `[3, 3]` rotation matrix of a quaternion, normalised first.

    Raises:
        MessageError: all zero, or not finite.
    """
    q = np.array([quaternion.x, quaternion.y, quaternion.z, quaternion.w], np.float64)
    norm = np.linalg.norm(q)
    if not np.isfinite(norm) or norm < 1e-6:
        raise MessageError(f"quaternion (x, y, z, w) {q} is no rotation")
    return quaternion_matrix(q / norm)[:3, :3]


def matrix_to_pose(transform: FloatArray) -> Pose:
    """A pose from a `[4, 4]` rigid transform, for example `T_map_camera`.

    Raises:
        MessageError: it holds NaN or infinity.
    """
    if not np.isfinite(transform).all():
        raise MessageError("the pose is not finite")
    pose = Pose(orientation=rotation_to_quaternion(transform[:3, :3]))
    position = pose.position
    position.x, position.y, position.z = (float(each) for each in transform[:3, 3])
    return pose


def pose_to_matrix(pose: Pose) -> FloatArray:
    """The `[4, 4]` transform of a pose.

    Raises:
        MessageError: not finite, or a quaternion that is no rotation.
    """
    transform = np.eye(4)
    transform[:3, :3] = quaternion_to_rotation(pose.orientation)
    transform[:3, 3] = (pose.position.x, pose.position.y, pose.position.z)
    if not np.isfinite(transform).all():
        raise MessageError("the pose is not finite")
    return transform


def pose_to_transform(pose: PoseStamped, child_frame: str) -> TransformStamped:
    """TF from the pose's frame to `child_frame`."""
    message = TransformStamped(header=pose.header, child_frame_id=child_frame)
    position, translation = pose.pose.position, message.transform.translation
    translation.x, translation.y, translation.z = position.x, position.y, position.z
    message.transform.rotation = pose.pose.orientation
    return message


def transform_to_matrix(message: TransformStamped) -> FloatArray:
    """The `[4, 4]` transform of a TF message: child frame to parent frame."""
    transform = np.eye(4)
    transform[:3, :3] = quaternion_to_rotation(message.transform.rotation)
    translation = message.transform.translation
    transform[:3, 3] = (translation.x, translation.y, translation.z)
    return transform


def points_to_cloud(
    points: NDArray[np.float32], colors: NDArray[np.uint8], header: Header
) -> PointCloud2:
    """A cloud with fields x, y, z, rgb; organised like an image where the points are.

    Args:
        points: float32 `[N, 3]` or `[H, W, 3]` in the header's frame, metres; NaN for none.
        colors: uint8 of the same shape, RGB.
        header: stamp and frame.
    """
    height, width = points.shape[:2] if points.ndim == 3 else (1, len(points))
    count = height * width
    packed = np.empty((count, 4), "<f4")
    packed[:, :3] = points.reshape(-1, 3)
    channels = packed.view(np.uint8).reshape(count, _POINT_STEP)
    # Little-endian 0x00RRGGBB: blue comes first in memory.
    channels[:, 12:15] = colors.reshape(-1, 3)[:, ::-1]
    channels[:, 15] = 0
    dense = bool(np.isfinite(packed[:, :3]).all())
    cloud = PointCloud2(header=header, height=height, width=width, is_dense=dense)
    cloud.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(("x", "y", "z", "rgb"))
    ]
    cloud.point_step = _POINT_STEP
    cloud.row_step = _POINT_STEP * width
    cloud.data.frombytes(channels)
    return cloud


def cloud_to_points(cloud: PointCloud2) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Points and colours `[height * width, 3]` of a cloud that `points_to_cloud` made.

    Points that are not known are NaN.

    Raises:
        MessageError: other fields, or data that does not fill them.
    """
    names = [field.name for field in cloud.fields]
    count = cloud.width * cloud.height
    if names != ["x", "y", "z", "rgb"] or len(cloud.data) != count * _POINT_STEP:
        raise MessageError(f"a cloud of fields {names} and {len(cloud.data)} bytes is not ours")
    fields = read_cloud(cloud)
    points = np.stack([fields[axis] for axis in "xyz"], axis=-1)
    packed = np.ascontiguousarray(fields["rgb"]).view(np.uint8).reshape(count, 4)
    return points, packed[:, 2::-1].copy()


def intrinsics_from_camera_info(message: CameraInfo) -> FloatArray | None:
    """The `[3, 3]` camera matrix (pixels); None where the camera says that it is uncalibrated.

    Raises:
        MessageError: numbers that are no camera matrix.
    """
    matrix = np.array(message.k, np.float64).reshape(3, 3)
    if matrix[0, 0] == 0.0:
        return None
    if not np.isfinite(matrix).all() or matrix[0, 0] < 0 or matrix[1, 1] <= 0:
        raise MessageError(f"camera_info holds no camera matrix: k = {list(message.k)}")
    return matrix


def scale_camera_info(message: CameraInfo, width: int, height: int) -> CameraInfo:
    """The same camera for an image resized to `width` x `height`.

    Raises:
        MessageError: the message has no image size.
    """
    if not message.width or not message.height:
        raise MessageError("camera_info has no width and height")
    x, y = width / message.width, height / message.height
    scaled = CameraInfo(
        header=message.header,
        width=width,
        height=height,
        distortion_model=message.distortion_model,
        d=message.d,
        r=message.r,
    )
    # Integers are centres of pixels, so an image begins at -0.5 whatever its size.
    resize = np.array([[x, 0.0, (x - 1) / 2], [0.0, y, (y - 1) / 2], [0.0, 0.0, 1.0]])
    scaled.k = (resize @ np.reshape(message.k, (3, 3))).ravel()
    scaled.p = (resize @ np.reshape(message.p, (3, 4))).ravel()
    return scaled
