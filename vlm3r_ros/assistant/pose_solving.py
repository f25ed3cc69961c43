"""A camera's pose from landmarks seen again, though their depth is uncertain.

Perspective-n-point with two differences: a landmark whose depth is but guessed says little about
motion along the line of sight and all the more about the rest; and outliers lose their say (Geman
and McClure).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.rigid import inverse, orthonormal

FloatArray = NDArray[np.float64]

PIXEL_NOISE = 0.7
"""Standard deviation of a corner's place, pixels."""

_OUTLIER = 3.0  # standard deviations at which a landmark's say begins to vanish
_NEAREST = 0.1  # metres; landmarks nearer than that, or behind the camera, say nothing
# How far a camera is likely to get from where it is expected: with many landmarks that means
# nothing, with few it keeps the pose from running away.
_ROTATION_NOISE = 0.05  # rad
_TRANSLATION_NOISE = 0.1  # metres
_ITERATIONS = 8
_CONVERGED = 1e-4  # rad, metres


@dataclass(frozen=True, eq=False)
class Lens:
    """How the camera projects.

    Attributes:
        focal: `[2]`, pixels, along x and y.
        center: `[2]`, pixels, pixel centres at whole numbers.
    """

    focal: FloatArray
    center: FloatArray


@dataclass(frozen=True, eq=False)
class Sightings:
    """Landmarks, and where the camera sees them now.

    Attributes:
        points: `[N, 3]`, map frame, metres.
        by_depth: `[N, 3]`, how a point moves with the logarithm of its depth in the camera that
            found it.
        variance: `[N]`, of the logarithm of that depth.
        pixels: `[N, 2]`, x and y in the present image.
    """

    points: FloatArray
    by_depth: FloatArray
    variance: FloatArray
    pixels: FloatArray


@dataclass(frozen=True, eq=False)
class PoseFit:
    """The pose that suits the landmarks best.

    Attributes:
        T_map_camera: `[4, 4]`
        residuals: `[N, 2]`, projections less sightings, pixels.
        by_depth: `[N, 2]`, how projections move with the logarithm of the depth, pixels.
        deviations: `[N]`, size of the residuals in standard deviations; infinite for landmarks that
            would be behind the camera.
        cost: of all landmarks, the expectation apart.
    """

    T_map_camera: FloatArray
    residuals: FloatArray
    by_depth: FloatArray
    deviations: FloatArray
    cost: float


def solve_pose(
    seen: Sightings, lens: Lens, expected: FloatArray, guesses: Sequence[FloatArray]
) -> PoseFit:
    """Find the pose by Gauss and Newton's method.

    Args:
        seen: at least one landmark.
        lens: of the camera.
        expected: `T_map_camera` `[4, 4]` about which the pose is likely to be.
        guesses: others from which to begin; the search starts at the best of all.
    """
    starts = [_Comparison(seen, lens, inverse(guess)) for guess in (expected, *guesses)]
    best = min(starts, key=lambda start: start.cost)
    for _ in range(_ITERATIONS):
        information, gradient = best.information(expected)
        step = np.linalg.solve(information, -gradient)
        turn = np.eye(4)
        turn[:3, :3], turn[:3, 3] = cv2.Rodrigues(step[:3])[0], step[3:6]
        T = orthonormal(turn @ best.T_camera_map)
        best = _Comparison(seen, lens, T)
        if np.abs(step).max() < _CONVERGED:
            break
    return PoseFit(
        inverse(best.T_camera_map),
        best.residuals,
        best.by_depth,
        np.sqrt(best.squares),
        best.cost,
    )


class _Comparison:
    """Landmarks as a pose would show them, beside where they are seen."""

    def __init__(self, seen: Sightings, lens: Lens, T_camera_map: FloatArray) -> None:
        self.T_camera_map = T_camera_map
        R, t = T_camera_map[:3, :3], T_camera_map[:3, 3]
        self._points = seen.points @ R.T + t
        depth = np.maximum(self._points[:, 2], _NEAREST)[:, None]
        projected = self._points[:, :2] / depth * lens.focal
        self.residuals = projected + lens.center - seen.pixels
        self._by_point = np.zeros((len(depth), 2, 3))
        self._by_point[:, [0, 1], [0, 1]] = lens.focal / depth
        self._by_point[:, :, 2] = -projected / depth
        self.by_depth = np.einsum("nij,nj->ni", self._by_point, seen.by_depth @ R.T)
        # The inverse of the covariance, of noise alike in all directions and of uncertain depth in
        # one (Sherman and Morrison).
        noise = PIXEL_NOISE**2
        share = seen.variance / (noise + seen.variance * np.square(self.by_depth).sum(1))
        along = self.by_depth[:, :, None] * self.by_depth[:, None, :]
        self._weights = (np.eye(2) - share[:, None, None] * along) / noise
        self.squares = np.einsum("ni,nij,nj->n", self.residuals, self._weights, self.residuals)
        self.squares[self._points[:, 2] < _NEAREST] = np.inf

    @property
    def cost(self) -> float:
        """What is minimized, the expectation apart."""
        squares = np.minimum(self.squares, 1e12)
        return float((squares / (1 + squares / _OUTLIER**2)).sum())

    def information(self, expected: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Information matrix `[6, 6]` and gradient `[6]`: rotation, translation.

        Both are of the camera, in its own frame.
        """
        J = np.empty((len(self._points), 2, 6))
        J[:, :, :3] = np.cross(self._points[:, None], self._by_point)
        J[:, :, 3:6] = self._by_point
        say = 1 / np.square(1 + self.squares / _OUTLIER**2)
        weighted = np.einsum("nij,njk->nik", self._weights * say[:, None, None], J)
        information = np.einsum("nij,nik->jk", J, weighted)
        gradient = np.einsum("nij,ni->j", weighted, self.residuals)
        away = self.T_camera_map @ expected
        noise = np.repeat([_ROTATION_NOISE, _TRANSLATION_NOISE], 3)
        prior = noise**-2
        turn = cv2.Rodrigues(away[:3, :3])[0][:, 0]
        information += np.diag(prior)
        gradient += prior * np.array([*turn, *away[:3, 3]])
        return information, gradient
