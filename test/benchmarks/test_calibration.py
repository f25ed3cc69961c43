"""Calibration: the error of confidences whose accuracy is known."""

import numpy as np
import pytest

from vlm3r_ros.benchmarks.calibration import calibrate


def test_confidence_that_comes_true_has_no_error():
    found = calibrate([0.75] * 4 + [0.25] * 4, [1, 1, 1, 0, 0, 0, 0, 1])
    assert found.error == pytest.approx(0)
    assert found.accuracy == found.confidence == pytest.approx(0.5)
    assert found.answers == 8


def test_too_sure_and_too_modest_do_not_cancel_out():
    assert calibrate([1.0, 1.0, 0.0, 0.0], [1, 0, 1, 0]).error == pytest.approx(0.5)


def test_error_is_weighted_by_the_number_of_answers():
    confidences = np.repeat([0.95, 0.55], [30, 10])
    right = np.concatenate([np.ones(30), np.zeros(10)])
    assert calibrate(confidences, right).error == pytest.approx(0.05 * 0.75 + 0.55 * 0.25)


@pytest.mark.parametrize(
    ("confidences", "right"), [([], []), ([0.5], [1, 0]), ([1.5], [1]), ([float("nan")], [1])]
)
def test_what_cannot_be_compared_is_refused(confidences, right):
    with pytest.raises(ValueError, match="confidence"):
        calibrate(confidences, right)
