"""Small scenes for the tests: by hand, and at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vlm3r_ros.worlds.box_distance import BoxArrays
from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.scene import (
    FloorPlan,
    Intrinsics,
    Scene,
    SceneFrame,
    SceneObject,
    VisibleObject,
)

CAMERA = Intrinsics(240.0, 240.0, 159.5, 119.5, 320, 240)
CATEGORIES = (
    *("bed", "chair", "sofa", "table", "window", "bookshelf", "desk", "pillow", "door", "lamp"),
    *("tv", "nightstand", "plant", "backpack", "mirror", "clock", "trash bin", "stool"),
)


def camera_pose(position: Sequence[float], yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
    """A level camera at `position` that looks along +x, turned left by `yaw` and up by `pitch`."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    forward = np.array([cos * np.cos(pitch), sin * np.cos(pitch), np.sin(pitch)])
    right = np.array([sin, -cos, 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    pose[:3, 3] = position
    return pose


def thing(
    category: str, centroid: Sequence[float], sides: Sequence[float], instance: int | None = None
) -> SceneObject:
    return SceneObject(category, OrientedBox.upright(centroid, sides), instance)


def frame(
    number: int | str, pose: np.ndarray, visible: Mapping[int, tuple[int, int, int, int]]
) -> SceneFrame:
    """A frame that shows the given instances in these rectangles, wholly."""
    seen = tuple(
        VisibleObject(instance, box, (box[2] - box[0] + 1) * (box[3] - box[1] + 1), 1.0)
        for instance, box in visible.items()
    )
    return SceneFrame(number, pose, seen, None if isinstance(number, str) else number / 10)


def scene(
    objects: Sequence[SceneObject],
    frames: Sequence[SceneFrame] = (),
    *,
    name: str = "room",
    dataset: str = "rooms",
    split: str = "train",
    room_size: float = 20.0,
    floor_plan: FloorPlan | None = None,
    counts: Mapping[str, int] | None = None,
) -> Scene:
    if counts is None:
        counts = {}
        for item in objects:
            counts[item.category] = counts.get(item.category, 0) + 1
    return Scene(
        name,
        dataset,
        split,
        f"videos/{name}.mp4",
        room_size,
        np.zeros(3),
        tuple(objects),
        counts,
        tuple(frames),
        CAMERA,
        floor_plan,
    )


def random_scene(number: int, *, frames: int = 32, split: str = "train") -> Scene:
    """A room of 6 by 5 metres with things in it, and a walk that turns and backs up."""
    generator = np.random.default_rng([7, number])
    names = sorted(generator.choice(CATEGORIES, generator.integers(10, 22)), key=CATEGORIES.index)
    objects = [
        SceneObject(
            str(name),
            OrientedBox.upright(
                generator.uniform([-3, -2.5, 0.2], [3, 2.5, 1.6]),
                generator.uniform(0.2, 0.8, 3),
                generator.uniform(0, np.pi),
            ),
            instance,
        )
        for instance, name in enumerate(names)
    ]
    corners = BoxArrays.of([item.box for item in objects]).corners()
    heading = generator.uniform(0, 2 * np.pi)
    place = generator.uniform([-2, -2, 1.2], [2, 2, 1.6])
    walk = []
    for step in range(frames):
        if step % 8 == 0:
            move = generator.uniform(-0.2, 0.2, 2)
            turn = generator.choice([0.0, 0.05, 0.3, -0.3])
        heading += turn
        place[:2] = np.clip(place[:2] + move, -2.8, 2.8)
        pose = camera_pose(place, heading, generator.uniform(-0.3, 0.1))
        walk.append(frame(4 * step, pose, _rectangles(corners, pose)))
    outline = np.array([[-3, -2.5], [3, -2.5], [3, 2.5], [-3, 2.5]])
    name = f"room_{split}_0_{number:06d}"
    size = float(generator.uniform(8, 60))
    return scene(
        objects, walk, name=name, split=split, room_size=size, floor_plan=FloorPlan((outline,))
    )


def _rectangles(corners: np.ndarray, pose: np.ndarray) -> dict[int, tuple[int, int, int, int]]:
    """By number, where boxes `[N, 8, 3]` are in the image: those in front of the camera."""
    seen = (corners - pose[:3, 3]) @ pose[:3, :3]
    pixels = seen @ CAMERA.matrix().T
    pixels = pixels[..., :2] / np.maximum(pixels[..., 2:], 0.1)
    low = np.maximum(pixels.min(1), 0).astype(int)
    high = np.minimum(pixels.max(1), [CAMERA.width - 1, CAMERA.height - 1]).astype(int)
    shown = (seen[..., 2].min(1) > 0.1) & (high > low).all(1)
    return {int(i): (*low[i].tolist(), *high[i].tolist()) for i in np.flatnonzero(shown)}
