"""Poses are rigid, upright and continuous; geometry follows the pose."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vlm3r_ros.assistant import GeometryTracker, TrackerConfig, TrackingError, UpSource
from vlm3r_ros.models import build_model
from vlm3r_ros.models.geometry import GeometryHead, StateUpdate


def assert_rigid(T: np.ndarray) -> None:
    assert T.shape == (4, 4)
    assert T.dtype == np.float64
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0)
    np.testing.assert_array_equal(T[3], [0, 0, 0, 1])


def run(tracker: GeometryTracker, image_of, count: int, first: int = 0) -> list:
    return [tracker.step(image_of(i), 0.1 * i) for i in range(first, first + count)]


@pytest.fixture
def make_tracker(tiny):
    def make(**fields) -> GeometryTracker:
        return GeometryTracker(*tiny, TrackerConfig(**fields))

    return make


def test_first_camera_is_the_origin_of_the_map_with_z_up(make_tracker, image_of):
    first = make_tracker(seek_floor=False).step(image_of(0), 0.0)
    np.testing.assert_allclose(first.T_map_camera[:3, 3], 0, atol=1e-12)
    np.testing.assert_allclose(first.T_map_camera[:3, 2], [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(first.T_map_camera[:3, 1], [0, 0, -1], atol=1e-9)


def test_every_pose_is_rigid_and_moves_as_the_network_says(make_tracker, image_of, tiny):
    model, processor = tiny
    observations = run(make_tracker(visual_odometry=False), image_of, 5)
    state, expected = model.geometry_encoder.initial_state(1), []
    with torch.inference_mode():
        for i in range(5):
            pixels = model.geometry_pixels(processor.frames(image_of(i)))
            output, state = model.geometry_encoder.step(pixels, state, [GeometryHead.POSE])
            expected.append(output.camera_to_world[0].double().numpy())
    for i, observation in enumerate(observations):
        assert_rigid(observation.T_map_camera)
        assert observation.frame_index == i
        moved = np.linalg.inv(observations[0].T_map_camera) @ observation.T_map_camera
        np.testing.assert_allclose(moved, np.linalg.inv(expected[0]) @ expected[i], atol=1e-5)


def test_camera_tokens_are_told_what_odometry_knows(image_of):
    model, processor = build_model("tiny")
    dim = model.config.geometry_config.decoder_dim
    torch.manual_seed(0)
    readout = model.add_pose_readout()
    readout.fit(torch.randn(300, 1, dim), torch.randn(300, 4, 4))
    told, alone = (
        run(GeometryTracker(model, processor, TrackerConfig(visual_odometry=odometry)), image_of, 4)
        for odometry in (True, False)
    )
    first = np.linalg.inv(told[0].T_map_camera)
    for one, other in zip(told, alone, strict=True):
        pose = first @ one.T_map_camera
        read = readout.read(one.camera_token)[0]
        np.testing.assert_allclose(read, [*pose[:3, 3], *pose[:3, 2]], atol=1e-4)
        assert not torch.allclose(one.camera_token, other.camera_token)
        torch.testing.assert_close(one.patch_tokens, other.patch_tokens)


def test_points_are_the_self_view_seen_through_the_pose(make_tracker, image_of):
    for observation in run(make_tracker(), image_of, 3):
        R, t = observation.T_map_camera[:3, :3], observation.T_map_camera[:3, 3]
        in_camera = (observation.points - t) @ R
        np.testing.assert_allclose(in_camera[..., 2], observation.depth, rtol=1e-4, atol=1e-4)
        assert observation.points.dtype == observation.depth.dtype == np.float32
        assert observation.point_confidence.shape == observation.depth.shape
        assert observation.point_confidence.min() >= 1.0


@pytest.mark.parametrize(("every", "expected"), [(0, []), (1, [0, 1, 2, 3, 4]), (3, [0, 3])])
def test_points_come_on_every_nth_frame(every, expected, make_tracker, image_of):
    observations = run(make_tracker(points_every=every), image_of, 5)
    assert [o.frame_index for o in observations if o.points is not None] == expected
    assert [o.frame_index for o in observations if o.depth is not None] == expected


def test_confidence_needs_points_once_and_stays_within_bounds(make_tracker, image_of):
    unaided = make_tracker(points_every=0, seek_floor=False, visual_odometry=False)
    without = run(unaided, image_of, 3)
    assert all(math.isnan(o.pose_confidence) for o in without)
    trusted = run(make_tracker(points_every=2, max_speed=1e9, visual_odometry=False), image_of, 4)
    assert all(0.0 <= o.pose_confidence <= 1.0 for o in trusted)
    expected = np.mean(1.0 - 1.0 / trusted[2].point_confidence)
    assert trusted[2].pose_confidence == pytest.approx(expected, rel=1e-5)
    assert trusted[3].pose_confidence == trusted[2].pose_confidence


def test_implausible_speed_lowers_confidence(make_tracker, image_of):
    plain = run(make_tracker(max_speed=1e9), image_of, 2)[1]
    strict = run(make_tracker(max_speed=0.01), image_of, 2)[1]
    assert strict.pose_confidence < 0.1 * plain.pose_confidence


def test_given_gravity_and_mount_set_the_map_upright(make_tracker, image_of):
    down = np.array([0.1, 0.8, 0.5])
    tracker = make_tracker(gravity=tuple(down))
    first = tracker.step(image_of(0), 0.0)
    assert tracker.up_source is UpSource.GRAVITY
    falling = first.T_map_camera[:3, :3] @ (down / np.linalg.norm(down))
    np.testing.assert_allclose(falling, [0, 0, -1], atol=1e-9)
    tracker.set_mount([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 1]])
    tracker.reset()
    level = tracker.step(image_of(0), 0.0)
    np.testing.assert_allclose(level.T_map_camera[:3, 1], [0, 0, -1], atol=1e-9)


def test_reset_starts_a_new_session_that_is_like_the_first(make_tracker, image_of):
    tracker = make_tracker()
    before = run(tracker, image_of, 3)
    session = tracker.reset()
    after = run(tracker, image_of, 3)
    assert session == after[0].session_id != before[0].session_id
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old.camera_token, new.camera_token)
        np.testing.assert_array_equal(old.T_map_camera, new.T_map_camera)


def test_periodic_reset_keeps_session_and_pose_and_frees_the_state(make_tracker, image_of, tiny):
    tracker = make_tracker(reset_interval=3)
    observations = run(tracker, image_of, 8)
    assert len({o.session_id for o in observations}) == 1
    assert [o.frame_index for o in observations] == list(range(8))
    for observation in observations:
        assert_rigid(observation.T_map_camera)
    # Frames 2 (again), 3 and 4 are a chunk of their own, and move as in a fresh run.
    fresh = run(make_tracker(), image_of, 3, first=2)
    chunk = np.linalg.inv(observations[3].T_map_camera) @ observations[4].T_map_camera
    alone = np.linalg.inv(fresh[1].T_map_camera) @ fresh[2].T_map_camera
    np.testing.assert_allclose(chunk, alone, atol=1e-5)
    # The overlap frame ties the chunk to the one before.
    joint = np.linalg.inv(observations[2].T_map_camera) @ observations[3].T_map_camera
    alone = np.linalg.inv(fresh[0].T_map_camera) @ fresh[1].T_map_camera
    np.testing.assert_allclose(joint, alone, atol=1e-5)


def test_the_models_own_reset_interval_holds_unless_another_is_asked_for(image_of):
    model, processor = build_model("tiny")
    model.eval().geometry_encoder.config.reset_interval = 3

    def poses(**settings: int) -> list[np.ndarray]:
        tracker = GeometryTracker(model, processor, TrackerConfig(**settings))
        return [observation.T_map_camera for observation in run(tracker, image_of, 6)]

    own, asked, never = poses(), poses(reset_interval=3), poses(reset_interval=0)
    np.testing.assert_array_equal(own, asked)
    assert not np.allclose(own[4], never[4], atol=1e-6)


def test_state_update_of_the_model_can_be_chosen(image_of):
    model, processor = build_model("tiny")
    plain = run(GeometryTracker(model.eval(), processor), image_of, 3)
    gated = TrackerConfig(state_update=StateUpdate.GATED)
    slow = run(GeometryTracker(model, processor, gated), image_of, 3)
    assert torch.equal(plain[0].state_tokens, slow[0].state_tokens)
    assert not torch.allclose(plain[2].state_tokens, slow[2].state_tokens, atol=1e-4)


def test_state_does_not_grow(make_tracker, image_of):
    shapes = {o.state_tokens.shape for o in run(make_tracker(points_every=0), image_of, 20)}
    assert len(shapes) == 1


def test_output_that_is_not_finite_starts_a_new_session(make_tracker, image_of):
    tracker = make_tracker()
    before = run(tracker, image_of, 2)
    tokens = tracker._state.tokens
    tracker._state = replace(tracker._state, tokens=torch.full_like(tokens, float("nan")))
    after = tracker.step(image_of(2), 0.2)
    assert after.session_id != before[0].session_id
    assert after.frame_index == 0
    assert tracker.restarts == 1
    assert_rigid(after.T_map_camera)


def test_network_that_gives_nothing_finite_is_an_error_not_a_pose(image_of):
    model, processor = build_model("tiny")
    with torch.no_grad():
        model.geometry_encoder.pose_token.fill_(float("nan"))
    tracker = GeometryTracker(model.eval(), processor)
    with pytest.raises(TrackingError, match="no finite output"):
        tracker.step(image_of(0), 0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("points_every", -1), ("reset_interval", 1), ("max_speed", 0.0), ("camera_height", -1.0)],
)
def test_impossible_configuration_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        TrackerConfig(**{field: value})
