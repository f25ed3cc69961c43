"""Rooms of training with a camera's way through them; deterministic by their index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.camera_path import CameraPath, walk
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import Split, World, WorldId

_ATTEMPTS = 8  # rooms that are tried where one cannot be furnished or walked through
# A step's rooms have neighbouring indices, so that a stand-in comes from far off.
_STAND_IN = 100_000_000
# Cameras of robots and phones; their images are squashed into the square that networks see.
_ASPECTS = ((4 / 3, 0.6), (16 / 9, 0.25), (1.0, 0.15))
_FILM_HEIGHT = 240


@dataclass(frozen=True, eq=False)
class RoomWalk:
    """A room and a camera's way through it.

    Attributes:
        world: the room.
        path: poses and intrinsics of the camera.
        generator: for whatever else is drawn of this walk.
    """

    world: World
    path: CameraPath
    generator: np.random.Generator


def walk_through_room(
    split: Split, seed: int, index: int, *, frames: int, rate: float, purpose: int
) -> RoomWalk:
    """Build a room and walk through it.

    Args:
        split: of the room.
        seed: likewise.
        index: likewise; a room that cannot be used is replaced by one of a far greater index.
        frames: of the walk.
        rate: frames a second.
        purpose: what the random numbers are drawn for; another one gives another walk.

    Raises:
        TrainingError: neither this room nor its stand-ins can be walked through.
    """
    error: SceneError | None = None
    for attempt in range(_ATTEMPTS):
        world_id = WorldId(split, seed, index + attempt * _STAND_IN)
        generator = world_id.generator(purpose)
        odds = [odd for _, odd in _ASPECTS]
        aspect = _ASPECTS[int(generator.choice(len(_ASPECTS), p=odds))][0]
        try:
            world = build_world(world_id)
            path = walk(
                world,
                frames=frames,
                fps=rate,
                width=round(_FILM_HEIGHT * aspect),
                height=_FILM_HEIGHT,
                generator=generator,
            )
        except SceneError as caught:
            error = caught
            continue
        return RoomWalk(world, path, generator)
    raise TrainingError(f"{_ATTEMPTS} rooms in a row cannot be filmed; the last: {error}")
