"""Libraries that a ROS installation brings and the ROS wheels lack, with equivalents of ours.

`tf_transformations`, `sensor_msgs_py` and `cv_bridge` are declared in package.xml and used where
they are installed. On a machine that has only the wheels from PyPI the small equivalents here take
over; tests compare the two wherever both are there.
"""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image, PointCloud2, PointField

FloatArray = NDArray[np.float64]

_NUMPY_TYPES = {
    PointField.INT8: "i1",
    PointField.UINT8: "u1",
    PointField.INT16: "i2",
    PointField.UINT16: "u2",
    PointField.INT32: "i4",
    PointField.UINT32: "u4",
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
}


@cache
def optional_library(name: str) -> ModuleType | None:
    """The module of that name, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def quaternion_from_matrix(matrix: FloatArray) -> FloatArray:
    """Unit quaternion x, y, z, w of the rotation in a `[4, 4]` transform; either sign."""
    library = optional_library("tf_transformations")
    if library is not None:
        return np.asarray(library.quaternion_from_matrix(matrix))
    return quaternion_from_matrix_equivalent(matrix)


def quaternion_from_matrix_equivalent(matrix: FloatArray) -> FloatArray:
    """Ours in place of `tf_transformations.quaternion_from_matrix`."""
    return Rotation.from_matrix(matrix[:3, :3]).as_quat()


def quaternion_matrix(quaternion: FloatArray) -> FloatArray:
    """`[4, 4]` transform without translation of a unit quaternion x, y, z, w."""
    library = optional_library("tf_transformations")
    if library is not None:
        return np.asarray(library.quaternion_matrix(quaternion))
    return quaternion_matrix_equivalent(quaternion)


def quaternion_matrix_equivalent(quaternion: FloatArray) -> FloatArray:
    """Ours in place of `tf_transformations.quaternion_matrix`."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
    return matrix


def read_cloud(cloud: PointCloud2) -> NDArray[Any]:
    """All points of a cloud as a structured array `[N]` with the cloud's fields."""
    library = optional_library("sensor_msgs_py.point_cloud2")
    if library is not None:
        points: NDArray[Any] = library.read_points(cloud)
        return points
    return read_cloud_equivalent(cloud)


def read_cloud_equivalent(cloud: PointCloud2) -> NDArray[Any]:
    """Ours in place of `sensor_msgs_py.point_cloud2.read_points`: a view of the data."""
    order = ">" if cloud.is_bigendian else "<"
    layout = np.dtype(
        {
            "names": [field.name for field in cloud.fields],
            "formats": [
                (order + _NUMPY_TYPES[field.datatype], (field.count,))
                if field.count > 1
                else order + _NUMPY_TYPES[field.datatype]
                for field in cloud.fields
            ],
            "offsets": [field.offset for field in cloud.fields],
            "itemsize": cloud.point_step,
        }
    )
    return np.frombuffer(cloud.data, layout, count=cloud.width * cloud.height)


def image_through_cv_bridge(message: Image) -> NDArray[np.uint8] | None:
    """Pixels `[H, W, 3]` RGB of an encoding that we do not read ourselves; None without cv_bridge.

    Raises:
        RuntimeError: cv_bridge does not know the encoding either.
    """
    library = optional_library("cv_bridge")
    if library is None:
        return None
    try:
        return np.asarray(library.CvBridge().imgmsg_to_cv2(message, "rgb8"), np.uint8)
    except library.CvBridgeError as error:
        raise RuntimeError(str(error)) from error
