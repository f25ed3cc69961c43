"""Sequences filmed in rooms, for training and for measuring; deterministic by their task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.training.geometry.augmentation import change_colors, mirror
from vlm3r_ros.training.geometry.settings import DataSettings
from vlm3r_ros.training.rooms import walk_through_room
from vlm3r_ros.worlds.camera_path import CameraPath
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.world import Split, World

_RATE = 20.0  # Hz at which a camera's way is worked out
_SPARE = 1.5  # times the length of the longest sequence that the camera walks
_FILMING = 3  # what a world's random numbers are drawn for


@dataclass(frozen=True, eq=False)
class Sequences:
    """Filmed sequences and the truth about them.

    Attributes:
        color: uint8 `[B, T, H, W, 3]`.
        depth: float32 `[B, T, H, W]`, metres along the optical axis; infinite where nothing is.
        T_world_camera: float64 `[B, T, 4, 4]`, optical frame.
        lens: float32 `[B, 4]`: fx, fy, cx, cy in pixels, pixel centres at whole numbers.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    T_world_camera: NDArray[np.float64]
    lens: NDArray[np.float32]

    @staticmethod
    def concatenate(parts: list[Sequences]) -> Sequences:
        """All sequences of several batches of one shape."""
        return Sequences(
            np.concatenate([part.color for part in parts]),
            np.concatenate([part.depth for part in parts]),
            np.concatenate([part.T_world_camera for part in parts]),
            np.concatenate([part.lens for part in parts]),
        )


@dataclass(frozen=True)
class FilmTask:
    """Sequences of one room.

    Attributes:
        split, seed, index: of the room.
        count: sequences.
        frames: of each.
        interval: least and greatest seconds between frames.
        data: how they are filmed.
        augment: whether colours change, and mirrors, reversal and steady cameras take part.
    """

    split: Split
    seed: int
    index: int
    count: int
    frames: int
    interval: tuple[float, float]
    data: DataSettings
    augment: bool


def film(task: FilmTask) -> Sequences:
    """Build a room and film it.

    Raises:
        TrainingError: neither this room nor several others can be walked through.
    """
    walk = walk_through_room(
        task.split,
        task.seed,
        task.index,
        frames=int(_SPARE * task.frames * task.interval[1] * _RATE) + 2,
        rate=_RATE,
        purpose=_FILMING,
    )
    shots = [_shoot(walk.world, walk.path, task, walk.generator) for _ in range(task.count)]
    return Sequences.concatenate(shots)


def _shoot(
    world: World, path: CameraPath, task: FilmTask, generator: np.random.Generator
) -> Sequences:
    """One sequence, `B` = 1."""
    least, greatest = task.interval
    interval = least * (greatest / least) ** generator.random()
    last = len(path.T_world_camera) - 1
    stride = int(np.clip(round(interval * _RATE), 1, last // (task.frames - 1)))
    begin = int(generator.integers(last - stride * (task.frames - 1) + 1))
    poses = path.T_world_camera[begin : begin + stride * task.frames : stride][: task.frames]
    size = task.data.image_size
    lens = path.intrinsics.resized(size, size)
    if task.augment and generator.random() < task.data.reverse:
        poses = poses[::-1]
    if task.augment and generator.random() < task.data.steady:
        poses = poses.copy()
        poses[:, :3, :3] = poses[0, :3, :3]
    views = [render(world, lens, pose, samples=task.data.samples) for pose in poses]
    color = np.stack([view.color for view in views if view.color is not None])
    if task.augment:
        color = change_colors(color, generator, task.data.colors, task.data.noise)
    sequence = Sequences(
        color[None],
        np.stack([view.depth for view in views])[None],
        np.array(poses)[None],
        np.array([[lens.fx, lens.fy, lens.cx, lens.cy]], np.float32),
    )
    if task.augment and generator.random() < task.data.mirror:
        color, depth, poses, lenses = mirror(
            sequence.color, sequence.depth, sequence.T_world_camera, sequence.lens
        )
        sequence = Sequences(color, depth, poses, lenses)
    return sequence
