import numpy as np
import pytest

from vlm3r_ros.assistant.depth_correction import depth_correction

SIZE = 64


def landmarks(depth, count=80, seed=0):
    """Pixels `[N, 2]` of a depth map and the depth there `[N]`."""
    x, y = np.random.default_rng(seed).integers(0, SIZE, (2, count))
    return np.stack([x, y], -1).astype(float), depth[y, x].astype(float)


def test_what_all_landmarks_say_holds_everywhere():
    depth = np.full((SIZE, SIZE), 2.0, np.float32)
    pixels, there = landmarks(depth)
    factor = depth_correction(depth, pixels, 1.3 * there, np.full(len(there), 1e-3))
    np.testing.assert_allclose(factor, 1.3, rtol=0.02)


def test_what_one_surface_is_off_by_does_not_spill_over_its_edge():
    depth = np.full((SIZE, SIZE), 1.0, np.float32)
    depth[:, SIZE // 2 :] = 3.0
    truth = depth * np.where(depth > 2, np.float32(1.2), np.float32(0.9))
    pixels, _ = landmarks(depth)
    columns, rows = pixels.astype(int).T
    factor = depth_correction(depth, pixels, truth[rows, columns].astype(float), np.zeros(80))
    right = truth / depth
    # Pixels beside the edge are between two that were computed.
    inner = np.r_[0 : SIZE // 2 - 2, SIZE // 2 + 2 : SIZE]
    np.testing.assert_allclose(factor[:, inner], right[:, inner], rtol=0.05)


def test_an_uncertain_landmark_says_little():
    depth = np.full((SIZE, SIZE), 2.0, np.float32)
    pixels, there = landmarks(depth, 40)
    known = there.copy()
    known[0] *= 1.5
    column, row = pixels[0].astype(int)
    sure, unsure = (
        depth_correction(depth, pixels, known, np.r_[first, np.full(39, 1e-3)])[row, column]
        for first in (1e-3, 1.0)
    )
    assert abs(unsure - 1) < 0.3 * abs(sure - 1)


def test_one_wrong_landmark_does_not_turn_everything():
    depth = np.full((SIZE, SIZE), 2.0, np.float32)
    pixels, there = landmarks(depth, 40)
    there[0] *= 50
    factor = depth_correction(depth, pixels, there, np.full(40, 1e-3))
    assert np.median(factor) == pytest.approx(1, abs=0.05)
    assert factor.max() < 1.6
