"""Poses from landmarks that are seen again."""

import numpy as np
from scipy.spatial.transform import Rotation

from vlm3r_ros.assistant.pose_solving import Lens, Sightings, solve_pose
from vlm3r_ros.assistant.rigid import inverse

FOCAL, CENTER = np.array([120.0, 160.0]), np.array([111.5, 111.5])
KNOWN = Lens(FOCAL, CENTER)


def pose(turn_degrees, position) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(turn_degrees, degrees=True).as_matrix()
    T[:3, 3] = position
    return T


def project(points, T_map_camera, focal=FOCAL) -> np.ndarray:
    T = inverse(T_map_camera)
    in_camera = points @ T[:3, :3].T + T[:3, 3]
    return in_camera[:, :2] / in_camera[:, 2:] * focal + CENTER


def scene(count=60, seed=0) -> np.ndarray:
    """Points before a camera at the origin, metres."""
    random = np.random.default_rng(seed)
    depth = random.uniform(1.5, 5, count)
    flat = (random.uniform(20, 200, (count, 2)) - CENTER) / FOCAL
    return np.column_stack((flat, np.ones(count))) * depth[:, None]


def sightings(points, pixels, variance=0.0, rays=None) -> Sightings:
    rays = points if rays is None else rays
    return Sightings(points, rays, np.full(len(points), variance), pixels)


def error(fit, true) -> tuple[float, float]:
    """Degrees, metres."""
    away = inverse(fit.T_map_camera) @ true
    return Rotation.from_matrix(away[:3, :3]).magnitude() * 57.3, np.linalg.norm(away[:3, 3])


TRUE = pose([2.0, -6.0, 1.0], [0.15, -0.05, 0.2])


def test_the_pose_is_found_from_where_landmarks_are_seen():
    points = scene()
    fit = solve_pose(sightings(points, project(points, TRUE)), KNOWN, np.eye(4), [])
    turn, move = error(fit, TRUE)
    assert turn < 0.1
    assert move < 0.02
    assert fit.cost < 0.05 * len(points)
    assert fit.deviations.max() < 0.5


def test_landmarks_that_went_astray_do_not_matter():
    points, random = scene(), np.random.default_rng(1)
    pixels = project(points, TRUE)
    pixels[:20] += random.uniform(-60, 60, (20, 2))
    fit = solve_pose(sightings(points, pixels), KNOWN, np.eye(4), [TRUE])
    turn, move = error(fit, TRUE)
    assert turn < 0.3
    assert move < 0.04
    assert (fit.deviations[20:] < 3).all()


def test_landmarks_whose_depth_is_guessed_still_tell_the_turn():
    true, random = scene(200), np.random.default_rng(2)
    pixels = project(true, TRUE)
    guessed = true * np.exp(random.normal(0, 0.3, len(true)))[:, None]
    aware = solve_pose(sightings(guessed, pixels, variance=0.09), KNOWN, np.eye(4), [])
    unaware = solve_pose(sightings(guessed, pixels), KNOWN, np.eye(4), [])
    assert error(aware, TRUE)[0] < 0.4
    assert error(aware, TRUE)[0] < 0.6 * error(unaware, TRUE)[0]


def test_landmarks_behind_the_camera_say_nothing():
    points = scene()
    pixels = project(points, TRUE)
    behind = points.copy()
    behind[:10, 2] -= 20
    fit = solve_pose(sightings(behind, pixels), KNOWN, np.eye(4), [])
    assert np.isinf(fit.deviations[:10]).all()
    assert error(fit, TRUE)[0] < 0.1


def test_a_wrong_lens_costs():
    turned = pose([0, 12.0, 0], [0, 0, 0])
    points = scene(100)
    costs = []
    for factor in (0.8, 1.0, 1.25):
        taken_for = Lens(FOCAL * factor, CENTER)
        told = np.column_stack((points[:, :2] / factor, points[:, 2]))
        seen = sightings(told, project(points, turned), variance=0.06)
        costs.append(solve_pose(seen, taken_for, np.eye(4), []).cost)
    assert costs[1] < 0.2 * min(costs[0], costs[2])


def test_without_landmarks_to_speak_of_the_camera_stays_where_it_is_expected():
    fit = solve_pose(sightings(np.array([[0.0, 0, -3]]), CENTER[None]), KNOWN, TRUE, [])
    np.testing.assert_allclose(fit.T_map_camera, TRUE, atol=1e-9)
