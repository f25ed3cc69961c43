import math

import numpy as np
import pytest
import torch

from vlm3r_ros.assistant.tracking import GeometryTracker, TrackerConfig
from vlm3r_ros.models.registry import build_model
from vlm3r_ros.training.geometry.evaluation import (
    depth_errors,
    evaluation_tasks,
    pose_errors,
    track,
    trajectory_error,
)
from vlm3r_ros.training.geometry.settings import DataSettings, EvaluationSettings
from vlm3r_ros.worlds.world import Split


def pose(x: float, degrees: float) -> torch.Tensor:
    """At x, turned about y."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, 0, s, x], [0, 1, 0, 0], [-s, 0, c, 0], [0, 0, 0, 1]])


def path(*places: tuple[float, float]) -> torch.Tensor:
    return torch.stack([pose(*place) for place in places])[None]


TRUE = path((0, 0), (1, 0), (2, 10))


def test_the_truth_has_no_error_and_standing_still_has_all_of_it():
    errors = pose_errors(TRUE, TRUE)
    for name in ("step_rotation", "rotation", "step_translation", "translation"):
        assert errors[name] == pytest.approx(0, abs=1e-3)
    still = pose_errors(path((0, 0), (0, 0), (0, 0)), TRUE)
    assert still["step_rotation"] == pytest.approx(still["step_rotation_zero"])
    assert still["step_rotation"] == pytest.approx(5)  # 0 and 10 degrees
    assert still["rotation"] == pytest.approx(5)
    assert still["step_translation"] == pytest.approx(1)
    assert still["translation"] == pytest.approx(1)


def test_pose_errors_by_hand():
    errors = pose_errors(path((0, 0), (1, 4), (2, 10)), TRUE)
    assert errors["step_rotation"] == pytest.approx(4, rel=1e-3)  # 4 and 4 degrees
    assert errors["rotation"] == pytest.approx(2, rel=1e-3)  # 4 and 0 degrees
    # The second step is seen from a camera turned by 4 degrees.
    expected = 2 * math.sin(math.radians(2)) / 2
    assert errors["step_translation"] == pytest.approx(expected, rel=1e-2)
    assert errors["translation"] == pytest.approx(0, abs=1e-6)


def test_trajectory_error_is_the_root_mean_square_of_each_walk():
    said = path((0, 0), (1, 0), (1, 0))
    ate, still = trajectory_error(said, TRUE)
    assert ate == pytest.approx(math.sqrt(1 / 3))
    assert still == pytest.approx(math.sqrt(5 / 3))


def test_depth_errors_count_valid_pixels_only():
    true = torch.tensor([[[[2.0, 4.0]], [[4.0, 0.0]]]])
    valid = torch.tensor([[[[True, True]], [[True, False]]]])
    errors = depth_errors(torch.tensor([[[[3.0, 4.0]], [[4.0, 9.0]]]]), true, valid)
    assert errors["abs_rel"] == pytest.approx(0.5 / 3)
    # The first pixel's mean is 3, the second's 4.
    assert errors["abs_rel_mean_depth"] == pytest.approx((1 / 2 + 0 + 1 / 4) / 3)


def test_rooms_of_the_evaluation_are_validation_rooms_each_used_once():
    short, walks = evaluation_tasks(EvaluationSettings(), DataSettings())
    assert {task.split for task in short + walks} == {Split.VAL}
    assert len({task.index for task in short + walks}) == len(short) + len(walks)
    assert not any(task.augment for task in short + walks)


def test_walks_are_tracked_in_chunks_as_the_live_tracker_does_it():
    model, processor = build_model("tiny")
    encoder, size = model.eval().geometry_encoder, processor.image_size
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(256, (8, size, size, 3), generator=generator, dtype=torch.uint8)
    images = model.geometry_pixels(processor.normalize(frames))
    whole = track(encoder, images[None], depth=False).T_world_camera[0]
    encoder.config.reset_interval = 4
    chunked = track(encoder, images[None], depth=False).T_world_camera[0]
    tracker = GeometryTracker(model, processor, TrackerConfig(visual_odometry=False))
    live = [
        tracker.step(frame, 0.1 * k).T_map_camera for k, frame in enumerate(frames.byte().numpy())
    ]
    for k in range(1, 8):
        expected = np.linalg.inv(live[0]) @ live[k]
        relative = torch.linalg.inv(chunked[0]) @ chunked[k]
        np.testing.assert_allclose(relative.numpy(), expected, atol=1e-4)
    torch.testing.assert_close(chunked[:4], whole[:4])
    assert not torch.allclose(chunked[5], whole[5], atol=1e-4)
