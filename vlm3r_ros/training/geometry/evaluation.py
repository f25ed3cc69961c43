"""How good the geometry encoder is on held-out rooms, beside what needs no network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vlm3r_ros.models.geometry import GeometryEncoder, GeometryHead
from vlm3r_ros.training.geometry.filming import FilmTask, Sequences
from vlm3r_ros.training.geometry.ground_truth import GeometryBatch, step_motion
from vlm3r_ros.training.geometry.losses import masked_mean, rotation_angle
from vlm3r_ros.training.geometry.settings import DataSettings, EvaluationSettings
from vlm3r_ros.worlds.world import Split

_AT_ONCE = 8
"""Sequences that are run side by side."""

_WALKS_FROM = 1_000_000
"""Index of the first room that is walked through, far from those of the shorter sequences."""


@dataclass(frozen=True, eq=False)
class Track:
    """What the network said about a batch of sequences.

    Attributes:
        T_world_camera: `[B, T, 4, 4]`
        depth: `[B, T, H, W]`; None where it was not asked for.
    """

    T_world_camera: Tensor
    depth: Tensor | None


@dataclass(frozen=True)
class GeometryMetrics:
    """Errors over sequences; lower is better. Baselines know nothing of the images.

    Attributes:
        abs_rel: mean of |depth error| / depth.
        abs_rel_mean_depth: the same of the mean depth of each pixel over all frames.
        step_rotation: mean angle between true and estimated motion from frame to frame, degrees.
        step_rotation_zero: the same for a camera taken to stand still.
        rotation: mean error of the orientation in the first camera's frame, degrees.
        rotation_zero: the same for a camera taken to stand still.
        step_translation: sum of the errors of the translation from frame to frame, over the sum of
            the translations: a camera taken to stand still has 1.
        translation: the same for positions in the first camera's frame.
    """

    abs_rel: float
    abs_rel_mean_depth: float
    step_rotation: float
    step_rotation_zero: float
    rotation: float
    rotation_zero: float
    step_translation: float
    translation: float

    def named(self) -> dict[str, float]:
        """By name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def pose_errors(estimated: Tensor, true: Tensor) -> dict[str, float]:
    """The errors of poses `[B, T, 4, 4]` that `GeometryMetrics` names."""
    moved, said = step_motion(true), step_motion(estimated)

    def degrees(R: Tensor) -> float:
        return float(rotation_angle(R).mean().rad2deg())

    def share(error: Tensor, truth: Tensor) -> float:
        return float(error.norm(dim=-1).sum() / truth.norm(dim=-1).sum().clamp(min=1e-6))

    later, guess = true[:, 1:], estimated[:, 1:]
    R, t = slice(None, 3), 3
    return {
        "step_rotation": degrees(moved[..., R, R].mT @ said[..., R, R]),
        "step_rotation_zero": degrees(moved[..., R, R]),
        "rotation": degrees(later[..., R, R].mT @ guess[..., R, R]),
        "rotation_zero": degrees(later[..., R, R]),
        "step_translation": share(said[..., R, t] - moved[..., R, t], moved[..., R, t]),
        "translation": share(guess[..., R, t] - later[..., R, t], later[..., R, t]),
    }


def trajectory_error(estimated: Tensor, true: Tensor) -> tuple[float, float]:
    """Root mean square error of positions `[B, T, 4, 4]`, averaged over walks, metres.

    Both are in the first camera's frame, so that nothing is aligned.

    Returns:
        Of the estimate, and of a camera taken to stand still.
    """

    def ate(difference: Tensor) -> float:
        return float(difference.square().sum(-1).mean(1).sqrt().mean())

    where = true[..., :3, 3]
    return ate(estimated[..., :3, 3] - where), ate(where - where[:, :1])


def walk_errors(estimated: Tensor, true: Tensor) -> dict[str, float]:
    """The errors of walks `[B, T, 4, 4]`, by name.

    `ate_share` is the trajectory error over that of a camera taken to stand still.
    """
    ate, standing = trajectory_error(estimated, true)
    errors = pose_errors(estimated, true)
    return {
        "ate": ate,
        "ate_share": ate / max(standing, 1e-6),
        "walk_step_rotation": errors["step_rotation"],
        "walk_step_rotation_zero": errors["step_rotation_zero"],
        "walk_step_translation": errors["step_translation"],
    }


def depth_errors(estimated: Tensor, true: Tensor, valid: Tensor) -> dict[str, float]:
    """The errors of depths `[B, T, H, W]` that `GeometryMetrics` names."""
    counts = valid.sum((0, 1)).clamp(min=1)
    mean = (true * valid).sum((0, 1)) / counts
    safe = true.clamp(min=1e-3)
    return {
        "abs_rel": float(masked_mean((estimated - true).abs() / safe, valid)),
        "abs_rel_mean_depth": float(masked_mean((mean - true).abs() / safe, valid)),
    }


@torch.no_grad()
def track(
    encoder: GeometryEncoder,
    images: Tensor,
    computing: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    depth: bool = True,
) -> Track:
    """Run sequences `[B, T, 3, H, W]` through the encoder, within the context `computing()`.

    Where the encoder has a `reset_interval`, the state starts anew with the last frame after so
    many, as the live tracker does it, and poses are chained.

    Args:
        encoder: whose state is carried.
        images: of each sequence.
        computing: gives a context for each step.
        depth: whether it is asked for.
    """
    heads = [GeometryHead.POSE, *([GeometryHead.SELF_POINTS] if depth else [])]
    with computing():
        state = encoder.initial_state(len(images))
    poses, depths = [], []
    T_world_chunk: Tensor | None = None
    chunk_length = 0
    for frame in images.unbind(1):
        with computing():
            output, state = encoder.step(frame, state, heads)
        T_chunk_camera = output.camera_to_world
        poses.append(T_chunk_camera if T_world_chunk is None else T_world_chunk @ T_chunk_camera)
        if output.points_self is not None:
            depths.append(output.points_self[..., 2])
        chunk_length += 1
        # The last frame of a chunk is the first of the next.
        if chunk_length == encoder.config.reset_interval:
            with computing():
                output, state = encoder.step(
                    frame, encoder.initial_state(len(images)), [GeometryHead.POSE]
                )
            T_world_chunk = poses[-1] @ torch.linalg.inv(output.camera_to_world)
            chunk_length = 1
    return Track(torch.stack(poses, 1), torch.stack(depths, 1) if depth else None)


def evaluation_tasks(
    settings: EvaluationSettings, data: DataSettings, split: Split = Split.VAL
) -> tuple[list[FilmTask], list[FilmTask]]:
    """What is filmed of held-out rooms: short sequences, and walks."""

    def task(index: int, frames: int, interval: float) -> FilmTask:
        pace = (interval, interval)
        return FilmTask(split, settings.seed, index, 1, frames, pace, data, augment=False)

    short = [task(i, settings.frames, settings.interval) for i in range(settings.sequences)]
    walks = [
        task(_WALKS_FROM + i, settings.walk_frames, settings.walk_interval)
        for i in range(settings.walks)
    ]
    return short, walks


class Evaluation:
    """Held-out sequences, filmed once.

    Args:
        short: sequences of one length.
        walks: longer ones; may be empty.
        max_depth: pixels farther away do not count, metres.
    """

    def __init__(self, short: list[Sequences], walks: list[Sequences], max_depth: float) -> None:
        self._short, self._walks = short, walks
        self._max_depth = max_depth

    def measure(
        self,
        encoder: GeometryEncoder,
        computing: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> dict[str, float]:
        """All metrics by name; those of `walk_errors` where there are walks."""
        true, estimated = [], []
        for batch in self._batches(self._short, encoder.device):
            result = track(encoder, batch.images, computing)
            assert result.depth is not None
            true.append((batch.T_world_camera, batch.depth, batch.valid))
            estimated.append((result.T_world_camera, result.depth))
        poses, depth, valid = (torch.cat(parts) for parts in zip(*true, strict=True))
        said, guess = (torch.cat(parts) for parts in zip(*estimated, strict=True))
        metrics = GeometryMetrics(
            **pose_errors(said, poses), **depth_errors(guess, depth, valid)
        ).named()
        if self._walks:
            metrics |= walk_errors(*self.walk(encoder, computing))
        return metrics

    def walk(
        self,
        encoder: GeometryEncoder,
        computing: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> tuple[Tensor, Tensor]:
        """Estimated and true poses of the walks `[B, T, 4, 4]`, in the first camera's frame.

        Args:
            encoder: whose poses are estimated.
            computing: gives a context for each step.
        """
        true, estimated = [], []
        for batch in self._batches(self._walks, encoder.device):
            result = track(encoder, batch.images, computing, depth=False)
            true.append(batch.T_world_camera)
            estimated.append(result.T_world_camera)
        return torch.cat(estimated), torch.cat(true)

    def _batches(self, parts: list[Sequences], device: torch.device) -> list[GeometryBatch]:
        return [
            GeometryBatch.of(
                Sequences.concatenate(parts[start : start + _AT_ONCE]), self._max_depth, device
            )
            for start in range(0, len(parts), _AT_ONCE)
        ]
