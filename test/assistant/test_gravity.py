"""Which way is up, from a mount, a measured gravity, or the floor."""

import numpy as np
import pytest

from vlm3r_ros.assistant.gravity import (
    LEVEL_UP,
    find_floor,
    map_from_camera,
    up_from_mount,
)


def tilted_up(pitch_down: float, roll: float = 0.0) -> np.ndarray:
    """Up in the optical frame of a camera that looks down by `pitch_down`, rolled by `roll`."""
    c, s = np.cos(pitch_down), np.sin(pitch_down)
    up = np.array([0.0, -c, -s])
    cr, sr = np.cos(roll), np.sin(roll)
    return np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ up


def room_seen(up: np.ndarray, height: float, seed: int = 0) -> np.ndarray:
    """Pointmap `[H, W, 3]` of a floor `height` below the camera and a wall 4 m ahead."""
    rows, columns = np.meshgrid(np.linspace(-0.9, 0.9, 60), np.linspace(-1, 1, 80), indexing="ij")
    rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    falling = rays @ up
    to_floor = np.where(falling < -1e-3, -height / np.minimum(falling, -1e-3), np.inf)
    ahead = map_from_camera(up)[0]
    to_wall = 4.0 / np.maximum(rays @ ahead, 1e-3)
    points = rays * np.minimum(to_floor, to_wall)[..., None]
    return points + np.random.default_rng(seed).normal(0, 0.01, points.shape)


def test_level_camera_maps_forward_to_x_left_to_y_up_to_z():
    R = map_from_camera(LEVEL_UP)
    np.testing.assert_allclose(R @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(R @ [-1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(R @ [0, -1, 0], [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize("pitch", [-1.5, -0.7, 0.0, 0.4, 1.2])
@pytest.mark.parametrize("roll", [-0.5, 0.0, 2.0])
def test_map_is_upright_and_looks_ahead_for_any_tilt(pitch, roll):
    up = tilted_up(pitch, roll)
    R = map_from_camera(up)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)
    np.testing.assert_allclose(R @ up, [0, 0, 1], atol=1e-12)
    forward = R @ [0, 0, 1]
    assert forward[1] == pytest.approx(0.0, abs=1e-9)
    assert forward[0] > 0


@pytest.mark.parametrize("up", [(0, 0, -1), (0, 0, 1)])
def test_camera_looking_straight_down_or_up_still_has_an_ahead(up):
    R = map_from_camera(up)
    assert np.linalg.det(R) == pytest.approx(1.0)
    # As the camera of a robot whose head tilts by ninety degrees from level.
    upper_edge_in_map = R @ [0, -1, 0]
    np.testing.assert_allclose(upper_edge_in_map, [1 if up[2] < 0 else -1, 0, 0], atol=1e-9)


def test_mount_gives_up_in_the_camera():
    # REP-103: optical frame of a camera that looks along the base's x axis, 1 m above it.
    T = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 1.0]])
    np.testing.assert_allclose(up_from_mount(T), LEVEL_UP, atol=1e-12)


@pytest.mark.parametrize(
    "T", [np.eye(3), np.full((4, 4), np.nan), np.diag([1, 1, -1, 1]), np.zeros((4, 4))]
)
def test_transform_that_is_none_is_refused(T):
    with pytest.raises(ValueError, match="T_base_camera"):
        up_from_mount(T)


@pytest.mark.parametrize("pitch", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("roll", [0.0, 0.2])
def test_floor_is_found_with_its_height(pitch, roll):
    up = tilted_up(pitch, roll)
    floor = find_floor(room_seen(up, height=1.2))
    assert floor is not None
    assert np.degrees(np.arccos(min(1.0, floor.up @ up))) < 2.0
    assert floor.height == pytest.approx(1.2, abs=0.05)


def test_points_of_low_confidence_and_no_points_do_not_mislead():
    up = tilted_up(0.4)
    points = room_seen(up, height=1.0)
    confidence = np.full(points.shape[:2], 5.0)
    random = np.random.default_rng(1)
    wrong = random.random(confidence.shape) < 0.4
    points[wrong] = random.normal(0, 5, (wrong.sum(), 3))
    confidence[wrong] = 1.0
    points[0, :5] = np.nan
    points[1, :5] = np.inf
    floor = find_floor(points, confidence)
    assert floor is not None
    assert np.degrees(np.arccos(min(1.0, floor.up @ up))) < 2.0


def test_table_top_with_the_floor_beneath_is_not_the_floor():
    up = tilted_up(0.5)
    points = room_seen(up, height=1.5)
    ahead, left, _ = map_from_camera(up)
    random = np.random.default_rng(2)
    place = random.uniform([0.5, -0.5], [1.5, 0.5], (2500, 2))
    table = place[:, :1] * ahead + place[:, 1:] * left - 0.7 * up
    floor = find_floor(np.concatenate([points.reshape(-1, 3), table]))
    assert floor is not None
    assert floor.height == pytest.approx(1.5, abs=0.06)


def test_wall_alone_noise_and_too_few_points_give_no_floor():
    random = np.random.default_rng(3)
    wall = np.stack(
        [random.uniform(-2, 2, 2000), random.uniform(-1, 1, 2000), np.full(2000, 3.0)], axis=-1
    )
    assert find_floor(wall) is None
    assert find_floor(random.normal(0, 3, (2000, 3))) is None
    assert find_floor(np.zeros((10, 3))) is None
    assert find_floor(np.full((100, 100, 3), np.nan)) is None
