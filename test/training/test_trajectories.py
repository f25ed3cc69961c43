"""Trajectories in files: evo reads them, and finds in them the error that we tell."""

import numpy as np
import pytest
import torch
from evo.core import metrics
from evo.tools import file_interface
from scipy.spatial.transform import Rotation

from vlm3r_ros.training.geometry.evaluation import trajectory_error
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


def test_evo_finds_the_trajectory_error_that_is_told(tmp_path):
    random = np.random.default_rng(0)
    ways = np.tile(np.eye(4), (2, 30, 1, 1))
    ways[:, :, :3, :3] = Rotation.random(60, random_state=0).as_matrix().reshape(2, 30, 3, 3)
    ways[:, 1:, :3, 3] = random.normal(size=(2, 29, 3)).cumsum(1)
    stamps = np.arange(30) / 5
    paths = [tmp_path / f"{name}.txt" for name in ("true", "estimated")]
    for path, way in zip(paths, ways, strict=True):
        write_tum(path, stamps, way)
    error = metrics.APE(metrics.PoseRelation.translation_part)
    error.process_data([file_interface.read_tum_trajectory_file(str(path)) for path in paths])
    ate, _ = trajectory_error(*torch.from_numpy(ways[::-1].copy())[:, None])
    assert ate > 1
    assert error.get_statistic(metrics.StatisticsType.rmse) == pytest.approx(ate, abs=1e-5)
