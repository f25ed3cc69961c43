"""Scores of single answers, exactly as VSI-Bench and VSTI-Bench compute them.

A prediction is cut at its first space and loses full stops at its end. A choice is right where the
rest is the letter; a number gets mean relative accuracy. What is left over by the clean-up, such as
"A)" or "1.5m", is wrong, however well a reader understands it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

ACCURACY_THRESHOLDS: NDArray[np.float64] = np.linspace(0.5, 0.95, 10)
"""The confidences C of mean relative accuracy: an error counts as small where it is <= 1 - C."""

BEARING_THRESHOLDS: NDArray[np.float64] = np.arange(5.0, 51.0, 5.0)
"""Degrees within which the bearing of `object_location` counts: 5, 10, ..., 50."""


def clean_prediction(text: str) -> str:
    """What of an answer is scored: up to the first space, without full stops at its end.

    Only a space ends it: a letter with a line break and more behind it stays as it is, and is
    wrong.
    """
    return text.split(" ")[0].rstrip(".").strip()


def choice_score(prediction: str, letter: str) -> float:
    """1 where the cleaned prediction is the letter, in either case, else 0."""
    return float(clean_prediction(prediction).lower() == letter.lower())


def number_score(prediction: str, truth: float) -> float:
    """Mean relative accuracy of the cleaned prediction; 0 where it is no number.

    Raises:
        ValueError: the truth is not a positive number, so that nothing is relative to it.
    """
    try:
        value = float(clean_prediction(prediction))
    except ValueError:
        value = math.nan
    return float(mean_relative_accuracy(value, truth))


def mean_relative_accuracy(values: ArrayLike, truth: float) -> NDArray[np.float64]:
    """Share of the ten thresholds C with |value - truth| / truth <= 1 - C.

    Args:
        values: predictions `[...]`; NaN and infinite ones get 0.
        truth: the true value.

    Returns:
        `[...]`, in [0, 1].

    Raises:
        ValueError: the truth is not a positive number.
    """
    if not (math.isfinite(truth) and truth > 0):
        raise ValueError(f"nothing is relative to a truth of {truth}; it must be positive")
    with np.errstate(invalid="ignore"):
        errors = np.abs(np.asarray(values, float) - truth) / truth
        return np.asarray((errors[..., None] <= 1 - ACCURACY_THRESHOLDS).mean(-1))


def bearing_accuracy(values: ArrayLike, truth: float) -> NDArray[np.float64]:
    """Share of the thresholds 5, 10, ..., 50 degrees within which the bearing lies.

    Args:
        values: predicted bearings `[...]`, degrees; NaN gets 0.
        truth: the true bearing, degrees.

    Returns:
        `[...]`, in [0, 1].
    """
    with np.errstate(invalid="ignore"):
        errors = np.abs((np.asarray(values, float) - truth + 180) % 360 - 180)
        return np.asarray((errors[..., None] <= BEARING_THRESHOLDS).mean(-1))
