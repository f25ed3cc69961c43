"""A camera whose focal length nobody told is followed through a rendered room."""

import numpy as np
import pytest
from test_visual_odometry import FRAMES, SIZE, STILL, Walk, errors, follow, moved

from vlm3r_ros.assistant.self_calibration import SelfCalibratingOdometry
from vlm3r_ros.assistant.visual_odometry import VisualOdometry


@pytest.fixture(scope="module")
def walk() -> Walk:
    """One that turns, shown by pointmaps of another lens."""
    walk = Walk()
    return walk.but(points=[points * np.float32([0.8, 0.8, 1]) for points in walk.points])


def calibrated(walk: Walk) -> tuple[SelfCalibratingOdometry, list[np.ndarray]]:
    odometry = SelfCalibratingOdometry(walk.aspect)
    return odometry, follow(walk, odometry)


@pytest.fixture(scope="module")
def followed(walk) -> tuple[SelfCalibratingOdometry, list[np.ndarray]]:
    return calibrated(walk)


@pytest.fixture(scope="module")
def rightly_followed(walk) -> tuple[SelfCalibratingOdometry, list[np.ndarray]]:
    """Shown by pointmaps of the true lens."""
    return calibrated(walk.but(points=Walk().points))


def there_and_back(walk: Walk, odometry: SelfCalibratingOdometry) -> None:
    """Shows the walk backwards, and once more."""
    for number, index in enumerate([*range(FRAMES - 2, -1, -1), *range(1, FRAMES)]):
        odometry.follow(walk.gray[index])
        odometry.locate(STILL)
        if number % 4 == 0:
            odometry.renew(walk.points[index])


def focal_error(walk: Walk, odometry: SelfCalibratingOdometry) -> float:
    """Of the logarithm."""
    return float(abs(np.log(odometry.focal / np.array([walk.lens.fx, walk.lens.fy]))).max())


def test_a_camera_that_turns_tells_its_focal_length(walk, followed):
    odometry, said = followed
    assert focal_error(walk, odometry) < 0.3 * np.log(1 / 0.8)
    turn, move = errors(walk, said)
    assert turn < 0.2 * moved(walk)[0]
    assert move < 0.4 * moved(walk)[1]


def test_once_the_focal_length_is_clear_one_odometry_is_left(walk):
    odometry, _ = calibrated(walk)
    assert not odometry.decided
    there_and_back(walk, odometry)
    assert odometry.decided
    assert focal_error(walk, odometry) < 0.1


def test_a_focal_length_far_from_the_networks_is_found_all_the_same():
    walk = Walk()
    wrong = walk.but(points=[points * np.float32([0.5, 0.5, 1]) for points in walk.points])
    odometry = SelfCalibratingOdometry(walk.aspect)
    follow(wrong, odometry)
    there_and_back(wrong, odometry)
    there_and_back(wrong, odometry)
    assert focal_error(walk, odometry) < 0.15


def test_poses_stay_rigid_and_do_not_jump_where_another_is_believed(walk, followed):
    _, said = followed
    for T in said:
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-9)
    steps = np.linalg.norm(np.diff([T[:3, 3] for T in said], axis=0), axis=1)
    true = np.linalg.norm(np.diff([T[:3, 3] for T in walk.poses], axis=0), axis=1)
    assert steps.max() < 4 * true.max()


def test_a_camera_that_stands_still_is_taken_as_the_network_has_it(walk):
    still = walk.but(gray=[walk.gray[0]] * FRAMES, points=[walk.points[0]] * FRAMES)
    odometry, said = calibrated(still)
    np.testing.assert_allclose(said[-1], STILL, atol=0.02)
    network = np.array([walk.lens.fx, walk.lens.fy]) / 0.8
    np.testing.assert_allclose(odometry.focal, network, rtol=0.02)


def test_landmarks_are_told_in_the_map_of_the_poses(rightly_followed):
    odometry, said = rightly_followed
    known = odometry.well_known()
    T = said[-1]
    in_camera = (known - T[:3, 3]) @ T[:3, :3]
    assert len(known) > 0
    assert (in_camera[:, 2] > 0).all()


def test_before_any_depth_the_network_is_believed():
    step = np.eye(4)
    step[0, 3] = 0.1
    odometry = SelfCalibratingOdometry()
    odometry.start(STILL)
    for _ in range(3):
        odometry.follow(np.zeros((SIZE, SIZE), np.uint8))
        pose = odometry.locate(step)
    assert pose[0, 3] == pytest.approx(0.3)
    assert odometry.focal is None
    assert odometry.wants_depth
    assert len(odometry.well_known()) == 0
    points = np.ones((4, 4, 3), np.float32)
    assert odometry.correct(points) is points


def test_with_the_right_lens_it_is_as_good_as_one_that_was_told(walk, rightly_followed):
    told = follow(walk.but(points=Walk().points), VisualOdometry(walk.lens.matrix()))
    assert errors(walk, rightly_followed[1])[0] < 2 * errors(walk, told)[0] + 0.5
