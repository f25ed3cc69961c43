"""Calibration: whether of the answers given with a confidence of p, a share of p is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

BINS = 10
"""Equal parts of [0, 1] that confidences are sorted into."""


@dataclass(frozen=True)
class Calibration:
    """How far confidence is from accuracy.

    Attributes:
        answers: that it rests on.
        confidence: mean of what was claimed, in [0, 1].
        accuracy: share that was right.
        error: expected calibration error (Naeini et al., 2015): the mean over the answers of
            the distance of accuracy from mean confidence in their part.
    """

    answers: int
    confidence: float
    accuracy: float
    error: float

    def __str__(self) -> str:
        return (
            f"choices: {self.accuracy:.2f} right at a mean confidence of {self.confidence:.2f}; "
            f"expected calibration error {self.error:.3f} ({self.answers} answers)"
        )


def calibrate(confidences: ArrayLike, right: ArrayLike) -> Calibration:
    """Compare what was claimed with what was right.

    Args:
        confidences: `[N]`, in [0, 1], at least one.
        right: `[N]`, 1 where the answer was right, else 0.

    Raises:
        ValueError: there is no answer, the two do not match, or a confidence is out of range.
    """
    claimed, hit = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    if claimed.ndim != 1 or claimed.shape != hit.shape or not len(claimed):
        raise ValueError(f"{claimed.shape} confidences for {hit.shape} answers; give one for each")
    if not ((claimed >= 0) & (claimed <= 1)).all():
        raise ValueError("a confidence lies outside [0, 1]")
    part = np.minimum((claimed * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(part, weights=claimed - hit, minlength=BINS)
    return Calibration(
        answers=len(claimed),
        confidence=float(claimed.mean()),
        accuracy=float(hit.mean()),
        error=float(np.abs(gaps).sum() / len(claimed)),
    )
