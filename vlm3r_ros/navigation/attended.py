"""Places by attention: what the language model looks at, lifted to the map by pointmaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.target import Target, TargetStatus, nearest_of

_SAMPLES = 4  # points looked at along each side of a patch


@dataclass(frozen=True, eq=False)
class AttendedKeyframe:
    """What a keyframe's patches weigh, and where they are.

    Attributes:
        weights: attention to each patch's visual token, not negative `[rows, columns]`; of all
            keyframes on one scale.
        points: pointmap in the map frame `[H, W, 3]`, metres; may hold NaN.
        confidence: of the points `[H, W]`, from 1 up; None where unknown.
    """

    weights: NDArray[np.floating]
    points: NDArray[np.floating]
    confidence: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class AttendedConfig:
    """How patches become places.

    Attributes:
        contrast: a patch counts where it weighs so many times the mean of all patches; half of
            the excess of the heaviest patch is needed as well.
        bandwidth: metres within which patches are one place.
        separation: metres between the places of two objects.
        second_share: of the heaviest place's weight, what another needs to be a second object.
        max_patches: heaviest patches that are looked at.
        min_confidence: points of less are left out.
        min_keyframes: that have to see a place, where as many were given.
        min_share: of the weight that counts, what the places found have to hold together.
        usual_radius: of an object; a larger spread takes confidence away, metres.
    """

    contrast: float = 3.0
    # Learned depths and poses scatter one thing's patches over half a metre and more.
    bandwidth: float = 1.0
    separation: float = 1.5
    second_share: float = 0.5
    max_patches: int = 400
    min_confidence: float = 1.0
    min_keyframes: int = 2
    min_share: float = 0.3
    usual_radius: float = 1.0


class AttendedLocator:
    """Lifts the language model's attention to the map.

    Args:
        attend: an object's name -> the keyframes with the weights for it.
        config: how patches become places.
    """

    def __init__(
        self,
        attend: Callable[[str], Sequence[AttendedKeyframe]],
        config: AttendedConfig | None = None,
    ) -> None:
        self._attend = attend
        self.config = config or AttendedConfig()

    def locate(self, name: str, T_map_camera: ArrayLike) -> Target:
        """The nearest place that is attended to; see `TargetLocator`."""
        return lift(name, self._attend(name), T_map_camera, self.config)


def lift(
    name: str,
    keyframes: Sequence[AttendedKeyframe],
    T_map_camera: ArrayLike,
    config: AttendedConfig | None = None,
) -> Target:
    """The nearest place that stands out.

    Patches that weigh well above the mean are gathered over all keyframes; where many of them lie
    within a bandwidth of each other there is an object. One keyframe's stray patch, or a patch
    whose points are wrong, is outweighed by what the others agree in.

    Args:
        name: of the object.
        keyframes: with weights for it.
        T_map_camera: where the camera is now `[4, 4]`.
        config: how patches become places.

    Raises:
        ValueError: weights or points of a keyframe have no such shape.
    """
    config = config or AttendedConfig()
    if not keyframes:
        return Target(name, TargetStatus.NO_FRAMES)
    places, weights, frames = _patches(keyframes, config)
    if not len(places):
        return Target(name, TargetStatus.NOT_SEEN)
    needed = min(config.min_keyframes, len(keyframes))
    positions, radii, masses = _clusters(places, weights, frames, needed, config)
    if not len(positions):
        return Target(name, TargetStatus.UNSURE)
    share = float(masses.sum() / weights.sum())
    tight = np.minimum(1.0, config.usual_radius / np.maximum(radii, 1e-6))
    confidences = min(1.0, share) * tight
    if share < config.min_share:
        return Target(name, TargetStatus.UNSURE, confidence=float(confidences.max()))
    return nearest_of(name, positions, radii, confidences, T_map_camera)


def _patches(
    keyframes: Sequence[AttendedKeyframe], config: AttendedConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Places `[N, 3]`, excess weights `[N]` and keyframe numbers `[N]` of patches that count."""
    all_weights = [_checked(keyframe) for keyframe in keyframes]
    flat = np.concatenate([weights.ravel() for weights in all_weights])
    finite = flat[np.isfinite(flat)]
    if not len(finite) or finite.max() <= 0:
        return np.empty((0, 3)), np.empty(0), np.empty(0, np.int64)
    mean = float(finite.mean())
    least = max(config.contrast * mean, mean + 0.5 * (float(finite.max()) - mean))
    frames = np.repeat(np.arange(len(keyframes)), [weights.size for weights in all_weights])
    chosen = np.flatnonzero(np.nan_to_num(flat, nan=0.0) >= least)
    chosen = chosen[np.argsort(-flat[chosen], kind="stable")[: config.max_patches]]
    places = np.concatenate([_middles(keyframe, config) for keyframe in keyframes])[chosen]
    known = np.isfinite(places).all(1)
    chosen = chosen[known]
    return places[known], flat[chosen] - mean, frames[chosen]


def _checked(keyframe: AttendedKeyframe) -> NDArray[np.float64]:
    weights, points = np.asarray(keyframe.weights, float), keyframe.points
    if weights.ndim != 2 or points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(
            f"weights must be [rows, columns] and points [H, W, 3], not {list(weights.shape)} and "
            f"{list(points.shape)}"
        )
    return weights


def _middles(keyframe: AttendedKeyframe, config: AttendedConfig) -> NDArray[np.float64]:
    """Median point of each patch `[rows * columns, 3]`; NaN where it has none."""
    rows, columns = keyframe.weights.shape
    height, width = keyframe.points.shape[:2]
    y = ((np.arange(rows * _SAMPLES) + 0.5) * height / (rows * _SAMPLES)).astype(np.int64)
    x = ((np.arange(columns * _SAMPLES) + 0.5) * width / (columns * _SAMPLES)).astype(np.int64)
    points = np.array(keyframe.points[y[:, None], x], float)
    usable = np.isfinite(points).all(-1)
    if keyframe.confidence is not None:
        usable &= keyframe.confidence[y[:, None], x] >= config.min_confidence
    points[~usable] = np.nan
    blocks = points.reshape(rows, _SAMPLES, columns, _SAMPLES, 3).swapaxes(1, 2)
    blocks = blocks.reshape(rows * columns, _SAMPLES**2, 3)
    middles = np.full((rows * columns, 3), np.nan)
    seen = np.isfinite(blocks[..., 0]).any(1)
    middles[seen] = np.nanmedian(blocks[seen], axis=1)
    return middles


def _clusters(
    places: NDArray[np.float64],
    weights: NDArray[np.float64],
    frames: NDArray[np.int64],
    needed: int,
    config: AttendedConfig,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Places `[K, 3]` where patches gather, heaviest first, their radii and weights `[K]`."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    near = apart <= config.bandwidth
    free = np.ones(len(places), bool)
    found: list[tuple[NDArray[np.float64], float, float]] = []
    while free.any():
        density = np.where(free, near @ np.where(free, weights, 0.0), -1.0)
        members = near[int(density.argmax())] & free
        middle = np.average(places[members], axis=0, weights=weights[members])
        # Once more around the middle: the densest patch need not be in it.
        away = np.linalg.norm(places - middle, axis=1)
        members = (members | (away <= config.bandwidth)) & free
        mass = float(weights[members].sum())
        if found and mass < config.second_share * found[0][2]:
            break
        middle = np.average(places[members], axis=0, weights=weights[members])
        if len(np.unique(frames[members])) >= needed:
            spread = np.square(places[members] - middle).sum(1)
            radius = float(np.sqrt(np.average(spread, weights=weights[members])))
            found.append((middle, radius, mass))
        # The same object's other patches are no second object.
        free &= ~members & (np.linalg.norm(places - middle, axis=1) > config.separation)
    if not found:
        return np.empty((0, 3)), np.empty(0), np.empty(0)
    middles, radii, masses = zip(*found, strict=True)
    return np.array(middles), np.array(radii), np.array(masses)
