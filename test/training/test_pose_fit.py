"""The pose head by least squares: targets the head turns back into poses, and a better head."""

from contextlib import nullcontext

import pytest
import torch
from scipy.spatial.transform import Rotation

from vlm3r_ros.models.geometry import GeometryEncoder, GeometryHead
from vlm3r_ros.models.geometry.heads import GeometryHeads
from vlm3r_ros.models.geometry.state import pose_matrix
from vlm3r_ros.models.sizes import SIZES
from vlm3r_ros.training.geometry.filming import FilmTask, film
from vlm3r_ros.training.geometry.ground_truth import GeometryBatch
from vlm3r_ros.training.geometry.pose_fit import fit_pose_head, pose_targets
from vlm3r_ros.training.geometry.settings import DataSettings
from vlm3r_ros.worlds.world import Split


@pytest.fixture
def encoder() -> GeometryEncoder:
    torch.manual_seed(0)
    return GeometryEncoder(SIZES["tiny"].build_config().geometry_config).eval()


def film_batch(first: int, rooms: int) -> GeometryBatch:
    data = DataSettings(image_size=32)
    films = [
        film(FilmTask(Split.TRAIN, 0, first + room, 1, 2, (0.3, 0.3), data, augment=False))
        for room in range(rooms)
    ]
    return GeometryBatch.of(type(films[0]).concatenate(films), data.max_depth, torch.device("cpu"))


def test_the_head_turns_targets_back_into_poses(encoder):
    poses = torch.eye(4).repeat(3, 1, 1)
    poses[:, :3, :3] = torch.tensor(
        Rotation.random(3, random_state=1).as_matrix(), dtype=torch.float32
    )
    poses[:, :3, 3] = torch.tensor([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5], [0.01, 0.0, -0.02]])
    targets = pose_targets(poses)
    heads: GeometryHeads = encoder.heads
    # A last layer that says its bias alone.
    torch.nn.init.zeros_(heads.pose.fc2.weight)
    token = torch.zeros(1, 1, encoder.config.decoder_dim)
    for target, pose in zip(targets, poses, strict=True):
        with torch.no_grad():
            heads.pose.fc2.bias.copy_(target)
        torch.testing.assert_close(pose_matrix(heads.read_pose(token))[0], pose, atol=1e-5, rtol=0)


def test_fitting_reads_more_of_the_motion_and_changes_nothing_else(encoder):
    batches = [film_batch(first, 5) for first in (0, 5)]
    before = {name: value.clone() for name, value in encoder.state_dict().items()}

    def error() -> float:
        with torch.no_grad():
            state = encoder.initial_state(5)
            for frame in batches[0].images.unbind(1):
                output, state = encoder.step(frame, state, [GeometryHead.POSE])
        return float((output.camera_to_world - batches[0].T_world_camera[:, -1]).norm())

    worse = error()
    left = fit_pose_head(encoder, batches, nullcontext)
    assert error() < worse
    assert left > 0
    changed = {
        name for name, value in encoder.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"heads.pose.fc2.weight", "heads.pose.fc2.bias"}


def test_too_few_sequences_are_refused(encoder):
    with pytest.raises(ValueError, match="2 sequences are too few"):
        fit_pose_head(encoder, [film_batch(0, 2)], nullcontext)
