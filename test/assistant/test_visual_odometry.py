"""A camera is followed through a rendered room, with true depth and with less."""

import copy

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from vlm3r_ros.assistant.rigid import inverse
from vlm3r_ros.assistant.visual_odometry import VisualOdometry
from vlm3r_ros.benchmarks.navigation_sources import pixel_rays
from vlm3r_ros.worlds.filming import Film, FilmSettings
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.world import Split, WorldId

SIZE, FRAMES = 192, 30
STILL = np.eye(4)


class Walk:
    """What a camera sees on its way, five frames a second."""

    def __init__(self, sideways: float | None = None) -> None:
        settings = FilmSettings(frames=4 * FRAMES, width=64, height=48)
        film = Film.of(WorldId(Split.VAL, 0, 3), settings)
        self.lens = film.path.intrinsics.resized(SIZE, SIZE)
        self.aspect = self.lens.fy / self.lens.fx
        poses = film.path.T_world_camera[2 * FRAMES : 4 * FRAMES : 2]
        if sideways is not None:
            poses = np.tile(poses[0], (FRAMES, 1, 1))
            poses[:, :3, 3] += np.linspace(0, sideways, FRAMES)[:, None] * poses[0, :3, 0]
        self.poses = [inverse(poses[0]) @ pose for pose in poses]
        views = [render(film.world, self.lens, pose) for pose in poses]
        self.gray = [view.color.mean(-1).astype(np.uint8) for view in views]
        self.points = [pixel_rays(self.lens) * view.depth[..., None] for view in views]

    def but(self, **changed) -> "Walk":
        """The same walk, seen otherwise."""
        other = copy.copy(self)
        vars(other).update(changed)
        return other


@pytest.fixture(scope="module")
def walk() -> Walk:
    return Walk()


def follow(walk, odometry, scales=None, steps=None) -> list[np.ndarray]:
    """Poses of a walk whose pointmaps are `scales` times too large."""
    said = []
    for number, gray in enumerate(walk.gray):
        odometry.follow(gray)
        wanted = odometry.wants_depth
        if number == 0:
            odometry.start(STILL)
            said.append(STILL)
        else:
            said.append(odometry.locate(STILL if steps is None else steps[number]))
        if wanted or number % 4 == 0:
            scale = 1.0 if scales is None else scales[number]
            odometry.renew(walk.points[number] * np.float32(scale))
    return said


def errors(walk, said) -> tuple[float, float]:
    """Greatest errors, degrees and metres."""
    away = [inverse(one) @ true for one, true in zip(said, walk.poses, strict=True)]
    turns = [np.degrees(Rotation.from_matrix(T[:3, :3]).magnitude()) for T in away]
    return max(turns), max(np.linalg.norm(T[:3, 3]) for T in away)


def moved(walk) -> tuple[float, float]:
    return errors(walk, [STILL] * FRAMES)


def test_a_walk_is_followed_where_depth_is_right(walk):
    odometry = VisualOdometry(walk.lens.matrix())
    turn, move = errors(walk, follow(walk, odometry))
    assert moved(walk)[0] > 20
    assert moved(walk)[1] > 0.5
    assert turn < 3
    assert move < 0.15


def test_every_pose_is_rigid(walk):
    for T in follow(walk, VisualOdometry(walk.lens.matrix())):
        np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-9)


def test_pointmaps_whose_scale_wavers_are_averaged(walk):
    scales = np.exp(np.random.default_rng(0).normal(0, 0.2, FRAMES))
    odometry = VisualOdometry(walk.lens.matrix())
    turn, move = errors(walk, follow(walk, odometry, scales))
    assert turn < 4
    assert move < 0.3 * moved(walk)[1]


def test_where_nothing_can_be_followed_the_network_is_believed(walk):
    step = np.eye(4)
    step[:3, 3] = 0.1, 0.2, 0.3
    odometry = VisualOdometry(walk.lens.matrix())
    blank = walk.but(gray=[np.full((SIZE, SIZE), 90, np.uint8)] * FRAMES)
    said = follow(blank, odometry, steps=[step] * FRAMES)
    np.testing.assert_allclose(said[-1][:3, 3], (FRAMES - 1) * step[:3, 3])
    assert odometry.wants_depth


def test_landmarks_are_found_again_after_the_lights_were_out(walk):
    gray = list(walk.gray)
    gray[10] = np.zeros_like(gray[10])
    said = follow(walk.but(gray=gray), VisualOdometry(walk.lens.matrix()))
    after = [inverse(said[14]) @ pose for pose in said[14:]]
    true = [inverse(walk.poses[14]) @ pose for pose in walk.poses[14:]]
    away = inverse(after[-1]) @ true[-1]
    assert np.degrees(Rotation.from_matrix(away[:3, :3]).magnitude()) < 5


def test_a_first_pointmap_of_the_wrong_size_is_got_over(walk):
    scales = np.ones(FRAMES)
    scales[0] = 0.5
    odometry = VisualOdometry(walk.lens.matrix())
    said = follow(walk, odometry, scales)
    lengths, true = (
        np.linalg.norm(np.diff([T[:3, 3] for T in poses[FRAMES // 2 :]], axis=0), axis=1).sum()
        for poses in (said, walk.poses)
    )
    assert lengths / true == pytest.approx(1, abs=0.15)


def test_landmarks_correct_a_pointmap_of_the_wrong_shape():
    walk = Walk(sideways=-0.6)
    # Near things too far and far things too near, as where a network guesses.
    wrong = [points * points[..., 2:] ** np.float32(-0.5) for points in walk.points]
    odometry = VisualOdometry(walk.lens.matrix())
    follow(walk.but(points=wrong), odometry)

    def shape_error(points: np.ndarray) -> float:
        ratio = np.log(points[..., 2] / walk.points[-1][..., 2])
        return float(np.abs(ratio - np.median(ratio)).mean())

    corrected = odometry.correct(wrong[-1])
    assert shape_error(corrected) < 0.7 * shape_error(wrong[-1])
    # Along their rays.
    np.testing.assert_allclose(
        corrected[..., 0] / corrected[..., 2], wrong[-1][..., 0] / wrong[-1][..., 2], atol=1e-4
    )


def test_without_well_known_landmarks_a_pointmap_stays_as_it_is(walk):
    odometry = VisualOdometry(walk.lens.matrix())
    odometry.follow(walk.gray[0])
    odometry.start(STILL)
    odometry.renew(walk.points[0])
    assert odometry.correct(walk.points[0]) is walk.points[0]
