"""Poses that training tells go astray as those of visual odometry do."""

import numpy as np
from scipy.spatial.transform import Rotation

from vlm3r_ros.training.instruct.odometry import wander

FRAMES = 32


def walk(seed: int = 0) -> np.ndarray:
    """A camera that goes forward and turns."""
    T = np.eye(4)[None].repeat(FRAMES, 0)
    T[:, :3, :3] = Rotation.from_euler("y", 3.0 * np.arange(FRAMES)[:, None], True).as_matrix()
    T[:, :3, 3] = np.cumsum(0.2 * T[:, :3, 2], 0)
    T[0, :3, 3] += 0.1
    moved = np.eye(4)
    moved[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    moved[:3, 3] = [3, 1, 2]
    return moved @ T


def wandered(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """True poses in the first one's frame `[F, 4, 4]`, and what is made of them `[N, F, 4, 4]`."""
    truth = np.linalg.inv(walk()[0]) @ walk()
    generators = [np.random.default_rng(seed) for seed in range(count)]
    return truth, np.stack([wander(walk(), generator) for generator in generators])


def test_it_begins_where_the_first_camera_is_and_stays_rigid():
    _, told = wandered(5)
    assert told.dtype == np.float32
    np.testing.assert_array_equal(told[:, 0], np.eye(4)[None].repeat(5, 0))
    turns = told[..., :3, :3]
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.eye(3) + 0 * turns, atol=1e-5)


def test_sizes_directions_and_turns_are_off_and_not_by_much():
    truth, told = wandered()
    lengths = np.linalg.norm(told[:, -1, :3, 3], axis=-1) / np.linalg.norm(truth[-1, :3, 3])
    assert abs(np.median(np.log(lengths))) < 0.05
    assert 0.1 < np.std(np.log(lengths)) < 0.4
    off = Rotation.from_matrix(np.swapaxes(told[:, -1, :3, :3], -1, -2) @ truth[-1, :3, :3])
    assert 1 < np.degrees(off.magnitude()).mean() < 6


def test_errors_grow_with_the_way():
    truth, told = wandered()
    errors = np.linalg.norm(told[..., :3, 3] - truth[:, :3, 3], axis=-1).mean(0)
    assert errors[1] < errors[8] < errors[31]
