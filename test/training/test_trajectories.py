"""Trajectories in files: what was written is what evo would read."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from vlm3r_ros.training.geometry.trajectories import write_tum


def test_a_line_holds_time_place_and_quaternion(tmp_path):
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[1, :3, :3] = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    poses[1, :3, 3] = 1.0, 2.0, 3.0
    write_tum(tmp_path / "ways" / "walk.txt", [0.0, 0.5], poses)
    half = np.sqrt(0.5)
    written = np.loadtxt(tmp_path / "ways" / "walk.txt")
    expected = [[0, 0, 0, 0, 0, 0, 0, 1], [0.5, 1, 2, 3, 0, 0, half, half]]
    np.testing.assert_allclose(written, expected, atol=1e-6)


def test_a_time_is_wanted_for_each_pose(tmp_path):
    with pytest.raises(ValueError, match="3 times for 2 poses"):
        write_tum(tmp_path / "walk.txt", [0, 1, 2], np.tile(np.eye(4), (2, 1, 1)))
