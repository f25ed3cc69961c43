"""How well the live tracker keeps to the way that a camera takes through a room."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from vlm3r_ros.assistant.tracking import GeometryTracker, TrackerConfig
from vlm3r_ros.benchmarks.mounting import mount
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.training.geometry.filming import Sequences
from vlm3r_ros.worlds.scene import Intrinsics


class PoseSource(StrEnum):
    """What a tracker's poses rest on."""

    NETWORK = "network"
    """The network alone."""
    ODOMETRY = "odometry"
    """Visual odometry that knows the shape of the camera's image, not its focal length."""
    CALIBRATED = "calibrated"
    """Visual odometry of a camera whose matrix is known, as from `camera_info`."""
    MOUNTED = "mounted"
    """The same on a robot: which way is up and how high it is above the floor are known, too."""


def walk(
    model: Vlm3rForConditionalGeneration,
    processor: Vlm3rProcessor,
    films: Iterable[Sequences],
    source: PoseSource,
    *,
    interval: float,
    reset_interval: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Show a tracker films of the model's image size.

    Args:
        model: whose geometry encoder it is.
        processor: of the model.
        films: of one sequence each, all as long.
        source: what poses rest on.
        interval: seconds between frames.
        reset_interval: frames after which the recurrent state starts anew; 0 for never, None for
            the model's own.

    Returns:
        Estimated and true poses `[B, T, 4, 4]`, in the first camera's frame.
    """
    config = TrackerConfig(
        points_every=4,
        reset_interval=reset_interval,
        visual_odometry=source is not PoseSource.NETWORK,
    )
    estimated, true = [], []
    for film in films:
        tracker = GeometryTracker(model, processor, config)
        height, width = film.color.shape[2:4]
        fx, fy, cx, cy = film.lens[0].tolist()
        lens = Intrinsics(fx, fy, cx, cy, width, height)
        if source in (PoseSource.CALIBRATED, PoseSource.MOUNTED):
            tracker.set_camera_matrix(lens.matrix())
        if source is PoseSource.MOUNTED:
            mount(tracker, film.T_world_camera[0, 0])
        poses = np.stack(
            [
                tracker.step(image, number * interval, aspect=lens.fy / lens.fx).T_map_camera
                for number, image in enumerate(film.color[0])
            ]
        )
        estimated.append(np.linalg.inv(poses[0]) @ poses)
        true.append(np.linalg.inv(film.T_world_camera[0, 0]) @ film.T_world_camera[0])
    return torch.from_numpy(np.stack(estimated)), torch.from_numpy(np.stack(true))
