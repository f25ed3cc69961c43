"""Camera tokens can be told where their cameras are, and little else of them changes."""

import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from vlm3r_ros.models.pose_readout import PoseReadout

DIM, FRAMES = 16, 400


def poses_of(rotations: Rotation, places: Tensor) -> Tensor:
    poses = torch.eye(4).repeat(len(places), 1, 1)
    poses[:, :3, :3] = torch.from_numpy(rotations.as_matrix()).float()
    poses[:, :3, 3] = places
    return poses


@pytest.fixture
def poses() -> Tensor:
    torch.manual_seed(0)
    return poses_of(Rotation.random(FRAMES, random_state=0), torch.randn(FRAMES, 3))


@pytest.fixture
def tokens(poses) -> Tensor:
    """Tokens that say something of poses, and other things."""
    torch.manual_seed(1)
    numbers = torch.cat((poses[:, :3, 3], poses[:, :3, 2]), 1)
    return (numbers @ torch.randn(6, DIM) + torch.randn(FRAMES, DIM) + 3.0)[:, None]


@pytest.fixture
def readout(tokens, poses) -> PoseReadout:
    readout = PoseReadout(DIM)
    readout.fit(tokens, poses)
    return readout


def test_places_and_directions_of_view_are_read(readout, tokens, poses):
    read = readout.read(tokens)
    assert read.shape == (FRAMES, 6)
    for number, truth in enumerate(torch.cat((poses[:, :3, 3], poses[:, :3, 2]), 1).T):
        assert torch.corrcoef(torch.stack((read[:, number], truth)))[0, 1] > 0.7


def test_what_was_written_is_read(readout, tokens, poses):
    other = poses.roll(1, 0)
    written = readout.write(tokens, other.double())
    expected = torch.cat((other[:, :3, 3], other[:, :3, 2]), 1)
    torch.testing.assert_close(readout.read(written), expected, atol=1e-4, rtol=1e-4)
    assert written.shape == tokens.shape
    again = readout.write(written, other)
    torch.testing.assert_close(again, written, atol=1e-4, rtol=1e-4)


def test_tokens_move_in_the_directions_of_poses_alone(readout, tokens, poses):
    moved = (readout.write(tokens, poses.roll(1, 0)) - tokens)[:, 0]
    basis = torch.linalg.qr(readout.weight.T).Q
    torch.testing.assert_close(moved @ basis @ basis.T, moved, atol=1e-4, rtol=1e-4)
    assert moved.abs().max() > 0.1


def test_a_roll_about_the_view_changes_nothing(readout, tokens, poses):
    rolled = poses.clone()
    turn = torch.from_numpy(Rotation.from_euler("z", 40, degrees=True).as_matrix()).float()
    rolled[:, :3, :3] = poses[:, :3, :3] @ turn
    torch.testing.assert_close(readout.write(tokens, rolled), readout.write(tokens, poses))


def test_half_precision_keeps_its_format(readout, tokens, poses):
    half = readout.half().write(tokens.half(), poses)
    assert half.dtype == torch.float16
    expected = torch.cat((poses[:, :3, 3], poses[:, :3, 2]), 1)
    torch.testing.assert_close(readout.read(half), expected, atol=0.02, rtol=0.02)


def test_autocast_takes_nothing_from_places(readout, tokens, poses):
    far = poses.clone()
    far[:, :3, 3] *= 20
    expected = readout.write(tokens, far)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(readout.write(tokens, far), expected)
