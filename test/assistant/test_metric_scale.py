import math

import numpy as np
import pytest

from vlm3r_ros.assistant.metric_scale import MetricScale

HEIGHT = 1.2


def level(depth, count, random, scatter=0.02):
    """Points on a level surface below the camera `[N, 3]`, z up."""
    place = random.uniform(-2, 2, (count, 2))
    return np.column_stack([place, -depth * np.exp(random.normal(0, scatter, count))])


def seen(true_scale, random, landmarks_at=HEIGHT, pointmap_at=HEIGHT):
    """Landmarks and pointmap of one frame in a world that is shown too large or too small."""
    walls = random.uniform((-2, -2, -1), (2, 2, 1), (30, 3))
    landmarks = np.concatenate([level(landmarks_at, 40, random), walls])
    points = level(pointmap_at, 3000, random, 0.05)
    return landmarks / true_scale, (points / true_scale).astype(np.float32)


@pytest.mark.parametrize("true_scale", [0.75, 1.0, 1.4])
def test_the_floor_tells_how_large_the_world_is(true_scale):
    random = np.random.default_rng(0)
    scale = MetricScale(HEIGHT)
    assert scale.factor == 1.0
    for _ in range(6):
        landmarks, points = seen(true_scale, random)
        factor = scale.factor
        scale.observe(factor * landmarks, np.float32(factor) * points)
    assert scale.factor == pytest.approx(true_scale, rel=0.03)


def test_landmarks_on_a_table_say_nothing_where_the_pointmap_has_a_floor_below():
    random = np.random.default_rng(0)
    scale = MetricScale(HEIGHT)
    for _ in range(6):
        scale.observe(*seen(1.0, random, landmarks_at=0.5))
    assert scale.factor == 1.0


def test_one_mistaken_sighting_does_not_count():
    random = np.random.default_rng(0)
    scale = MetricScale(HEIGHT)
    for index in range(9):
        at = 0.8 if index == 4 else HEIGHT
        scale.observe(*seen(1.0, random, landmarks_at=at, pointmap_at=at))
    assert scale.factor == pytest.approx(1.0, rel=0.03)


def test_frames_without_floor_or_landmarks_change_nothing():
    scale = MetricScale(HEIGHT)
    nothing = np.zeros((0, 3))
    for _ in range(4):
        scale.observe(nothing, np.full((8, 8, 3), np.nan, np.float32))
        scale.observe(np.ones((20, 3)), np.ones((8, 8, 3), np.float32))
    assert scale.factor == 1.0


@pytest.mark.parametrize("height", [0.0, -1.0, math.nan, math.inf])
def test_a_height_that_is_none_is_refused(height):
    with pytest.raises(ValueError, match="camera_height"):
        MetricScale(height)
