import cv2
import numpy as np
import pytest

from vlm3r_ros.worlds.image_writer import write_depth, write_instances


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_depth_is_written_in_millimetres(tmp_path):
    path = tmp_path / "new" / "000000.png"
    write_depth(path, np.array([[1.0, 2.3456], [0.0004, 65.535]], np.float32))
    image = read(path)
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, [[1000, 2346], [0, 65535]])


def test_depth_that_is_unknown_or_too_far_is_zero(tmp_path):
    path = tmp_path / "000000.png"
    write_depth(path, np.array([[np.inf, np.nan, 70.0, -1.0]], np.float32))
    np.testing.assert_array_equal(read(path), [[0, 0, 0, 0]])


def test_an_instance_is_its_id_and_one_and_nothing_is_zero(tmp_path):
    path = tmp_path / "000000.png"
    write_instances(path, np.array([[-1, 0], [7, 300]], np.int32))
    image = read(path)
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, [[0, 1], [8, 301]])


def test_an_id_too_large_is_refused(tmp_path):
    with pytest.raises(ValueError, match="do not fit into 16 bits"):
        write_instances(tmp_path / "000000.png", np.array([[70000]], np.int32))
