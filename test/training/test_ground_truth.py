import numpy as np
import pytest
import torch

from vlm3r_ros.training.geometry.augmentation import change_colors, mirror
from vlm3r_ros.training.geometry.filming import FilmTask, Sequences, film
from vlm3r_ros.training.geometry.ground_truth import (
    GeometryBatch,
    find_matches,
    rigid_inverse,
    spread,
)
from vlm3r_ros.training.geometry.settings import DataSettings
from vlm3r_ros.worlds.world import Split

CPU = torch.device("cpu")
DATA = DataSettings(image_size=64)


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    return film(FilmTask(Split.TRAIN, 0, 3, 2, 3, (0.2, 0.4), DATA, augment=True))


@pytest.fixture(scope="module")
def batch(sequences) -> GeometryBatch:
    return GeometryBatch.of(sequences, DATA.max_depth, CPU)


def test_points_are_depth_along_rays_and_the_world_is_the_first_camera(sequences, batch):
    b, t, y, x = 1, 2, 40, 21
    fx, fy, cx, cy = sequences.lens[b]
    z = sequences.depth[b, t, y, x]
    point = np.array([(x - cx) / fx * z, (y - cy) / fy * z, z])
    assert torch.allclose(batch.points_self[b, t, y, x], torch.tensor(point).float(), atol=1e-5)
    T = np.linalg.inv(sequences.T_world_camera[b, 0]) @ sequences.T_world_camera[b, t]
    in_first = T[:3, :3] @ point + T[:3, 3]
    assert torch.allclose(batch.points_world[b, t, y, x], torch.tensor(in_first).float(), atol=1e-4)
    assert torch.allclose(batch.T_world_camera[:, 0], torch.eye(4), atol=1e-6)


def test_rigid_inverse(batch):
    product = rigid_inverse(batch.T_world_camera) @ batch.T_world_camera
    assert torch.allclose(product, torch.eye(4).expand_as(product), atol=1e-5)


def test_matches_agree_with_following_each_patch_by_hand(sequences, batch):
    matches = find_matches(batch, 2, 0, 16)
    seen = 0
    for b in range(2):
        fx, fy, cx, cy = sequences.lens[b].astype(float)
        T = np.linalg.inv(sequences.T_world_camera[b, 0]) @ sequences.T_world_camera[b, 2]
        for n in range(16):
            y, x = n // 4 * 16 + 8, n % 4 * 16 + 8
            z = float(sequences.depth[b, 2, y, x])
            p = T[:3, :3] @ [(x - cx) / fx * z, (y - cy) / fy * z, z] + T[:3, 3]
            u, v = p[0] / p[2] * fx + cx, p[1] / p[2] * fy + cy
            inside = p[2] > 0 and -0.5 < u < 63.5 and -0.5 < v < 63.5
            visible = False
            if inside:
                there = float(sequences.depth[b, 0, round(v), round(u)])
                visible = abs(p[2] - there) < max(0.05 * there, 0.03)
            assert bool(matches.visible[b, n]) == visible
            if visible:
                seen += 1
                expected = [(v - 8) / 16, (u - 8) / 16]
                assert matches.place[b, n].tolist() == pytest.approx(expected, abs=1e-3)
    assert seen > 10


def test_a_frame_matches_itself_at_home(batch):
    matches = find_matches(batch, 1, 1, 16)
    home = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0))
    assert matches.visible.all()
    assert torch.allclose(matches.place, home.expand_as(matches.place), atol=1e-3)


def test_spread_is_bilinear_and_stays_on_the_grid():
    weights = spread(torch.tensor([[0.25, 1.0], [-3.0, 1.5], [9.0, 9.0]]), 2, 3)
    assert weights[0].tolist() == pytest.approx([0, 0.75, 0, 0, 0.25, 0])
    assert weights[1].tolist() == pytest.approx([0, 0.5, 0.5, 0, 0, 0])
    assert weights[2].tolist() == pytest.approx([0, 0, 0, 0, 0, 1])


def test_depth_that_is_missing_or_far_is_not_valid(sequences):
    depth = sequences.depth.copy()
    depth[0, 0, 0, :3] = [np.inf, np.nan, 50.0]
    batch = GeometryBatch.of(
        Sequences(sequences.color, depth, sequences.T_world_camera, sequences.lens), 12.0, CPU
    )
    assert batch.valid[0, 0, 0, :4].tolist() == [False, False, False, True]
    assert torch.isfinite(batch.points_world).all()


def test_a_mirrored_sequence_still_agrees_with_itself(sequences):
    mirrored = Sequences(
        *mirror(sequences.color, sequences.depth, sequences.T_world_camera, sequences.lens)
    )
    assert not np.allclose(mirrored.T_world_camera, sequences.T_world_camera)
    there = GeometryBatch.of(mirrored, 12.0, CPU)
    here = GeometryBatch.of(sequences, 12.0, CPU)
    flipped = here.points_world.flip(3) * torch.tensor([-1.0, 1, 1])
    assert torch.allclose(there.points_world, flipped, atol=1e-4)
    assert torch.linalg.det(there.T_world_camera[..., :3, :3]).allclose(torch.ones(2, 3))


def test_colors_change_within_bounds_and_not_at_strength_0():
    color = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    generator = np.random.default_rng(1)
    assert np.array_equal(change_colors(color, generator, 0.0, 0.0), color)
    changed = change_colors(color, generator, 1.0, 4.0)
    assert changed.dtype == np.uint8
    assert 1 < np.abs(changed.astype(int) - color).mean() < 80


def test_a_film_depends_on_its_task_alone():
    task = FilmTask(Split.TRAIN, 0, 5, 1, 2, (0.1, 0.2), DATA, augment=True)
    first, second = film(task), film(task)
    assert np.array_equal(first.color, second.color)
    assert np.array_equal(first.T_world_camera, second.T_world_camera)


def test_a_steady_camera_moves_and_does_not_turn():
    data = DataSettings(image_size=64, steady=1.0)
    poses = film(FilmTask(Split.TRAIN, 0, 3, 2, 3, (0.2, 0.4), data, augment=True)).T_world_camera
    assert np.allclose(poses[:, :, :3, :3], poses[:, :1, :3, :3])
    assert (np.linalg.norm(poses[:, 2, :3, 3] - poses[:, 0, :3, 3], axis=-1) > 0.01).all()
