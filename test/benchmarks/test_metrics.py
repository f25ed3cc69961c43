"""Scores against values worked out by hand.

The ten thresholds are 0.50, 0.55, ..., 0.95; an error of 1 - C itself still counts.
"""

import math

import numpy as np
import pytest

from vlm3r_ros.benchmarks.metrics import (
    bearing_accuracy,
    choice_score,
    clean_prediction,
    mean_relative_accuracy,
    number_score,
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("A", "A"),
        ("A.", "A"),
        ("A. chair", "A"),
        ("A...", "A"),
        ("A)", "A)"),
        ("A\nx", "A\nx"),
        ("A.\nx", "A.\nx"),
        ("A\n", "A"),
        (" A", ""),
        ("", ""),
        (".", ""),
        ("1.5m", "1.5m"),
        ("1.5 m", "1.5"),
        ("2.", "2"),
        ("The answer is A", "The"),
    ],
)
def test_a_prediction_ends_at_its_first_space_and_loses_full_stops(text, cleaned):
    assert clean_prediction(text) == cleaned


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("B", 1),
        ("b", 1),
        ("B.", 1),
        ("B. the table", 1),
        ("B\n", 1),
        ("B)", 0),
        ("(B)", 0),
        ("B,", 0),
        ("B\nx", 0),
        ("A", 0),
        ("the table", 0),
        ("", 0),
    ],
)
def test_a_choice_is_right_by_its_letter_alone(text, score):
    assert choice_score(text, "B") == score


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (10, 1.0),
        (10.4, 1.0),
        (10.5, 1.0),  # off by 0.05, the last threshold itself
        (9.5, 1.0),
        (10.51, 0.9),
        (10.6, 0.9),
        (12.2, 0.6),  # 0.22: within 0.5, 0.45, 0.4, 0.35, 0.3, 0.25
        (8.7, 0.8),
        (14.6, 0.1),
        (15, 0.1),  # off by 0.5, the first threshold itself
        (5, 0.1),
        (15.1, 0.0),
        (4.9, 0.0),
        (0, 0.0),
        (-10, 0.0),
        (1e9, 0.0),
    ],
)
def test_mean_relative_accuracy_is_the_share_of_ten_thresholds(value, score):
    assert mean_relative_accuracy(value, 10.0) == pytest.approx(score)


def test_ties_are_those_of_floating_point():
    # 1 - 0.8 is 0.19999999999999996, so that an error of 0.2 misses it; 1 - 0.9 of the evenly
    # spaced thresholds is 0.10000000000000009, so that an error of 0.1 does not.
    assert mean_relative_accuracy(12, 10.0) == pytest.approx(0.6)
    assert mean_relative_accuracy(11, 10.0) == pytest.approx(0.9)


def test_many_values_are_scored_at_once():
    scores = mean_relative_accuracy([[10, 15], [math.nan, 20]], 10.0)
    np.testing.assert_allclose(scores, [[1, 0.1], [0, 0]])


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("4", 1.0),
        ("4.0", 1.0),
        ("4.", 1.0),
        ("4 chairs", 1.0),
        ("6", 0.1),
        ("2", 0.1),
        ("1", 0.0),
        ("-4", 0.0),
        ("4m", 0.0),
        ("4\nchairs", 0.0),
        ("four", 0.0),
        ("about 4", 0.0),
        ("", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("-inf", 0.0),
    ],
)
def test_a_number_is_scored_as_it_is_written(text, score):
    assert number_score(text, 4) == pytest.approx(score)


@pytest.mark.parametrize("truth", [0, -1, math.nan, math.inf])
def test_nothing_is_relative_to_no_number(truth):
    with pytest.raises(ValueError, match="must be positive"):
        number_score("1", truth)


@pytest.mark.parametrize(
    ("bearing", "truth", "score"),
    [
        (30, 30, 1.0),
        (35, 30, 1.0),  # off by the smallest threshold itself
        (36, 30, 0.9),
        (80, 30, 0.1),
        (81, 30, 0.0),
        (175, -175, 0.9),  # 10 degrees apart, across the back
        (-170, 190, 1.0),
        (0, 180, 0.0),
        (math.nan, 0, 0.0),
    ],
)
def test_bearings_are_compared_the_short_way_round(bearing, truth, score):
    assert bearing_accuracy(bearing, truth) == pytest.approx(score)
