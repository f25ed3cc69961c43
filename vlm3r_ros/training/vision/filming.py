"""Frames of rooms with what each of their patches shows; deterministic by their task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.training.geometry.augmentation import change_colors
from vlm3r_ros.training.rooms import RoomWalk, walk_through_room
from vlm3r_ros.training.vision.settings import DataSettings
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.rendering import NO_OBJECT, View, render
from vlm3r_ros.worlds.world import Split, World

CLASSES = ("", *CATEGORIES)
"""What a patch can show: walls, floor and ceiling, then every category."""

_RATE = 10.0  # Hz at which a camera's way is worked out
_FILMING = 4  # what a world's random numbers are drawn for
_FAR = 20.0  # m: where a ray meets nothing


@dataclass(frozen=True, eq=False)
class Patches:
    """Frames, and what their patches show.

    Attributes:
        color: uint8 `[B, S, S, 3]`, RGB.
        shares: float16 `[B, N, C]`, of a patch's pixels by class (`CLASSES`).
        instance: int32 `[B, N]`, id of the thing that most of a patch's object pixels show; -1
            where these are less than half of the patch. Ids of different rooms differ.
        depth: float32 `[B, N]`, of a patch's middle along the optical axis, metres.
        room: int32 `[B]`, which room a frame is of, from 0.
    """

    color: NDArray[np.uint8]
    shares: NDArray[np.float16]
    instance: NDArray[np.int32]
    depth: NDArray[np.float32]
    room: NDArray[np.int32]

    @staticmethod
    def concatenate(parts: list[Patches]) -> Patches:
        """All frames of several rooms."""
        ids, first = [], 0
        for part in parts:
            ids.append(np.where(part.instance >= 0, part.instance + first, -1).astype(np.int32))
            first += int(part.instance.max()) + 1
        return Patches(
            np.concatenate([part.color for part in parts]),
            np.concatenate([part.shares for part in parts]),
            np.concatenate(ids),
            np.concatenate([part.depth for part in parts]),
            np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.color) for part in parts]),
        )


@dataclass(frozen=True)
class FilmTask:
    """Frames of one room.

    Attributes:
        split, seed, index: of the room.
        images: frames.
        image_size: side of the square frames, pixels.
        patch_size: side of a patch, pixels.
        data: how they are filmed.
        augment: whether colours change and mirrors take part.
    """

    split: Split
    seed: int
    index: int
    images: int
    image_size: int
    patch_size: int
    data: DataSettings
    augment: bool


def film(task: FilmTask) -> Patches:
    """Build a room and film it.

    Raises:
        TrainingError: neither this room nor several others can be walked through.
    """
    frames = max(task.images, round(task.data.seconds * _RATE))
    walk = walk_through_room(
        task.split, task.seed, task.index, frames=frames, rate=_RATE, purpose=_FILMING
    )
    views = _look_around(walk, task)
    color = np.stack([view.color for view in views if view.color is not None])
    if task.augment:
        color = change_colors(color, walk.generator, task.data.colors, task.data.noise)
    classes = _classes(walk.world)
    shares, instance, depth = zip(
        *(_patch_truth(view, classes, task.patch_size) for view in views), strict=True
    )
    return Patches(
        color,
        np.stack(shares),
        np.stack(instance),
        np.stack(depth),
        np.zeros(len(views), np.int32),
    )


def _look_around(walk: RoomWalk, task: FilmTask) -> list[View]:
    """Frames at random moments, one in each part of the walk; mirrored all or none."""
    poses = walk.path.T_world_camera
    parts = (np.arange(task.images) + walk.generator.random(task.images)) / task.images
    moments = (parts * len(poses)).astype(int)
    lens = walk.path.intrinsics.resized(task.image_size, task.image_size)
    views = [render(walk.world, lens, poses[moment]) for moment in moments]
    if task.augment and walk.generator.random() < 0.5:
        views = [
            View(
                None if view.color is None else view.color[:, ::-1],
                view.depth[:, ::-1],
                view.instance[:, ::-1],
            )
            for view in views
        ]
    return views


def _classes(world: World) -> NDArray[np.int64]:
    """Class of each instance id, and of `NO_OBJECT`, which is -1, at the end."""
    numbers = {name: number for number, name in enumerate(CLASSES)}
    classes = np.zeros(len(world.objects) + 1, np.int64)
    for item in world.objects:
        assert item.instance_id is not None
        classes[item.instance_id] = numbers[item.category]
    return classes


def _patch_truth(
    view: View, classes: NDArray[np.int64], size: int
) -> tuple[NDArray[np.float16], NDArray[np.int32], NDArray[np.float32]]:
    """Shares `[N, C]`, instances `[N]` and depths `[N]` of a frame's patches."""
    instance = _patches(view.instance, size)
    count, pixels = instance.shape
    rows = np.arange(count)[:, None]
    shares = np.bincount(
        (rows * len(CLASSES) + classes[instance]).ravel(), minlength=count * len(CLASSES)
    ).reshape(count, -1)
    things = len(classes)
    tally = np.bincount(
        (rows * things + (instance - NO_OBJECT)).ravel(), minlength=count * things
    ).reshape(count, -1)[:, 1:]
    best = tally.argmax(1)
    chosen = np.where(2 * tally[np.arange(count), best] >= pixels, best, -1)
    middles = view.depth[size // 2 :: size, size // 2 :: size].ravel()
    return (
        (shares / pixels).astype(np.float16),
        chosen.astype(np.int32),
        np.minimum(middles, _FAR),
    )


def _patches(image: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    """`[H, W]` -> `[N, size * size]`, row by row."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    blocks = image.reshape(rows, size, columns, size)
    return blocks.transpose(0, 2, 1, 3).reshape(rows * columns, size * size)
