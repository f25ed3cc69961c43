"""The live tracker on films whose poses are known."""

import numpy as np
import pytest
import torch

from vlm3r_ros.benchmarks.tracking import PoseSource, walk
from vlm3r_ros.models.registry import load_model
from vlm3r_ros.training.geometry.filming import FilmTask, film
from vlm3r_ros.training.geometry.settings import DataSettings
from vlm3r_ros.worlds.world import Split

FRAMES = 30


@pytest.fixture(scope="module")
def nano():
    return load_model("nano", device="cpu", geometry_only=True)


@pytest.fixture(scope="module")
def films(nano):
    data = DataSettings(image_size=nano[1].image_size)
    task = FilmTask(Split.VAL, 3, 0, 1, FRAMES, (0.1, 0.1), data, augment=False)
    return [film(task)]


def test_odometry_keeps_closer_to_the_way_than_the_network(nano, films):
    errors = {}
    for source in PoseSource:
        walks = walk(*nano, films, source, interval=0.1)
        assert walks.estimated.shape == walks.true.shape == (1, FRAMES, 4, 4)
        np.testing.assert_allclose(walks.estimated[0, 0], np.eye(4), atol=1e-6)
        errors[source] = walks.errors()
    network = errors.pop(PoseSource.NETWORK)
    for by_odometry in errors.values():
        assert by_odometry["walk_step_rotation"] < 0.6 * network["walk_step_rotation"]


def test_a_camera_of_known_height_sees_the_world_at_its_size(nano):
    data = DataSettings(image_size=nano[1].image_size)
    films = [film(FilmTask(Split.VAL, 3, 0, 1, 2 * FRAMES, (0.1, 0.1), data, augment=False))]
    shares = {}
    for source in (PoseSource.CALIBRATED, PoseSource.MOUNTED):
        errors = walk(*nano, films, source, interval=0.1).errors()
        shares[source] = errors["ate_share"], errors["abs_rel"]
    mounted, calibrated = shares[PoseSource.MOUNTED], shares[PoseSource.CALIBRATED]
    assert mounted[0] < 0.7 * calibrated[0]
    assert 0 < mounted[1] < calibrated[1]


def test_a_new_state_every_few_frames_changes_the_networks_poses(nano, films):
    whole, chunked = (
        walk(*nano, films, PoseSource.NETWORK, interval=0.1, reset_interval=every).estimated
        for every in (0, 8)
    )
    torch.testing.assert_close(chunked[0, :8], whole[0, :8])
    assert not torch.allclose(chunked[0, 12], whole[0, 12], atol=1e-3)
