"""How well the live tracker keeps to the way that a camera takes through a room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import torch
from torch import Tensor

from vlm3r_ros.assistant.tracking import GeometryTracker, TrackerConfig
from vlm3r_ros.benchmarks.mounting import mount
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.training.geometry.evaluation import depth_errors, walk_errors
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


@dataclass(frozen=True)
class Walks:
    """What a tracker told on its walks, and the truth.

    Attributes:
        estimated, true: poses `[B, T, 4, 4]`, in the first camera's frame.
        abs_rel: mean of |depth error| / depth, over the pixels of the frames that told depth.
    """

    estimated: Tensor
    true: Tensor
    abs_rel: float

    def errors(self) -> dict[str, float]:
        """By name; see `walk_errors`."""
        return {"abs_rel": self.abs_rel, **walk_errors(self.estimated, self.true)}


def walk(
    model: Vlm3rForConditionalGeneration,
    processor: Vlm3rProcessor,
    films: Iterable[Sequences],
    source: PoseSource,
    *,
    interval: float,
    reset_interval: int | None = None,
) -> Walks:
    """Show a tracker films of the model's image size.

    Args:
        model: whose geometry encoder it is.
        processor: of the model.
        films: of one sequence each, all as long.
        source: what poses rest on.
        interval: seconds between frames.
        reset_interval: frames after which the recurrent state starts anew; 0 for never, None for
            the model's own.
    """
    config = TrackerConfig(
        points_every=4,
        reset_interval=reset_interval,
        visual_odometry=source is not PoseSource.NETWORK,
    )
    estimated, true, told, depth = [], [], [], []
    for film in films:
        tracker = GeometryTracker(model, processor, config)
        height, width = film.color.shape[2:4]
        fx, fy, cx, cy = film.lens[0].tolist()
        lens = Intrinsics(fx, fy, cx, cy, width, height)
        if source in (PoseSource.CALIBRATED, PoseSource.MOUNTED):
            tracker.set_camera_matrix(lens.matrix())
        if source is PoseSource.MOUNTED:
            mount(tracker, film.T_world_camera[0, 0])
        observations = [
            tracker.step(image, number * interval, aspect=lens.fy / lens.fx)
            for number, image in enumerate(film.color[0])
        ]
        poses = np.stack([observation.T_map_camera for observation in observations])
        for observation, seen in zip(observations, film.depth[0], strict=True):
            if observation.depth is not None:
                told.append(observation.depth)
                # The nearest pixel: between a thing's depth and that behind it lies none.
                size = observation.depth.shape[::-1]
                depth.append(cv2.resize(seen, size, interpolation=cv2.INTER_NEAREST))
        estimated.append(np.linalg.inv(poses[0]) @ poses)
        true.append(np.linalg.inv(film.T_world_camera[0, 0]) @ film.T_world_camera[0])
    true_depth = torch.from_numpy(np.stack(depth))[None]
    valid = true_depth.isfinite()
    return Walks(
        torch.from_numpy(np.stack(estimated)),
        torch.from_numpy(np.stack(true)),
        depth_errors(torch.from_numpy(np.stack(told))[None], true_depth.where(valid, 0.0), valid)[
            "abs_rel"
        ],
    )
