"""Our equivalents give what the libraries of a ROS installation give."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import Header

from vlm3r_ros.nodes.image_conversion import ImageError, image_to_rgb
from vlm3r_ros.nodes.message_conversion import points_to_cloud
from vlm3r_ros.nodes.ros_libraries import (
    image_through_cv_bridge,
    optional_library,
    quaternion_from_matrix_equivalent,
    quaternion_matrix_equivalent,
    read_cloud,
    read_cloud_equivalent,
)


def rotations() -> list[np.ndarray]:
    half_turns = [np.diag(axis) for axis in ([1.0, -1, -1], [-1.0, 1, -1], [-1.0, -1, 1])]
    return [*Rotation.random(20, random_state=2).as_matrix(), np.eye(3), *half_turns]


def transform(rotation: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    return matrix


def mixed_cloud() -> PointCloud2:
    layout = np.dtype(
        {
            "names": ["x", "ring", "t"],
            "formats": ["<f4", "<u2", "<f8"],
            "offsets": [0, 4, 8],
            "itemsize": 20,
        }
    )
    points = np.zeros(5, layout)
    points["x"], points["ring"], points["t"] = np.arange(5) / 3, np.arange(5), np.arange(5) * 0.1
    cloud = PointCloud2(height=1, width=5, point_step=20, row_step=100)
    cloud.fields = [
        PointField(name="x", offset=0, datatype=PointField.FLOAT32, count=1),
        PointField(name="ring", offset=4, datatype=PointField.UINT16, count=1),
        PointField(name="t", offset=8, datatype=PointField.FLOAT64, count=1),
    ]
    cloud.data.frombytes(points.tobytes())
    return cloud


def test_rotations_survive_the_way_through_quaternions():
    for rotation in rotations():
        quaternion = quaternion_from_matrix_equivalent(transform(rotation))
        assert np.linalg.norm(quaternion) == pytest.approx(1)
        np.testing.assert_allclose(
            quaternion_matrix_equivalent(quaternion), transform(rotation), atol=1e-12
        )


def test_quaternions_agree_with_tf_transformations():
    library = pytest.importorskip("tf_transformations", reason="comes with ROS, not from PyPI")
    for rotation in rotations():
        ours = quaternion_from_matrix_equivalent(transform(rotation))
        theirs = np.asarray(library.quaternion_from_matrix(transform(rotation)))
        assert abs(ours @ theirs) == pytest.approx(1, abs=1e-9)
        np.testing.assert_allclose(
            quaternion_matrix_equivalent(ours), library.quaternion_matrix(ours), atol=1e-9
        )


def test_a_cloud_of_any_fields_is_read():
    points = read_cloud_equivalent(mixed_cloud())
    np.testing.assert_allclose(points["x"], np.arange(5) / 3, rtol=1e-6)
    assert points["ring"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(points["t"], np.arange(5) * 0.1)


def test_clouds_agree_with_sensor_msgs_py():
    library = pytest.importorskip(
        "sensor_msgs_py.point_cloud2", reason="comes with ROS, not from PyPI"
    )
    ours = points_to_cloud(
        np.random.default_rng(0).random((7, 3), np.float32),
        np.full((7, 3), 200, np.uint8),
        Header(frame_id="map"),
    )
    for cloud in (ours, mixed_cloud()):
        theirs = library.read_points(cloud)
        for field in cloud.fields:
            np.testing.assert_array_equal(
                read_cloud_equivalent(cloud)[field.name], theirs[field.name]
            )
            np.testing.assert_array_equal(read_cloud(cloud)[field.name], theirs[field.name])


def test_images_agree_with_cv_bridge():
    pytest.importorskip("cv_bridge", reason="comes with ROS, not from PyPI")
    pixels = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    for encoding in ("rgb8", "bgr8"):
        message = Image(height=4, width=6, encoding=encoding, step=18)
        message.data.frombytes(pixels)
        np.testing.assert_array_equal(image_to_rgb(message), image_through_cv_bridge(message))


@pytest.mark.skipif(optional_library("cv_bridge") is not None, reason="cv_bridge is installed")
def test_an_encoding_that_only_cv_bridge_knows_is_refused_without_it():
    message = Image(height=2, width=2, encoding="yuv444_planar", step=2)
    message.data.frombytes(bytes(12))
    with pytest.raises(ImageError, match="yuv444_planar"):
        image_to_rgb(message)
