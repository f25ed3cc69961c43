"""A furnished place that can be rendered, with the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.primitives import PrimitiveTable
from vlm3r_ros.worlds.scene import FloorPlan, Scene, SceneFrame, SceneObject

DATASET = "rooms"


class Split(StrEnum):
    """Training, validation and test worlds are drawn from seeds that never meet."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True)
class WorldId:
    """Which world: the same id gives the same world on every machine.

    The split is part of the seed, so that a world of one split cannot be drawn in another.

    Example:
        >>> WorldId(Split.TEST, seed=0, index=12).name
        'room_test_0_000012'
    """

    split: Split
    seed: int
    index: int

    @property
    def name(self) -> str:
        """The scene's name."""
        return f"room_{self.split}_{self.seed}_{self.index:06d}"

    @classmethod
    def parse(cls, name: str) -> WorldId:
        """The id in a scene's name.

        Raises:
            ValueError: not a name that `name` gives.
        """
        parts = name.split("_")
        try:
            prefix, split, seed, index = parts
            identity = cls(Split(split), int(seed), int(index))
        except ValueError as error:
            raise ValueError(
                f"'{name}' names no world; a name looks like {WorldId(Split.TEST, 0, 12).name}"
            ) from error
        if prefix != "room" or identity.name != name:
            raise ValueError(f"'{name}' names no world; did you mean '{identity.name}'?")
        return identity

    def generator(self, purpose: int = 0) -> np.random.Generator:
        """Random numbers of this world; another `purpose` draws others."""
        code = list(Split).index(self.split)
        return np.random.default_rng([code, self.seed, self.index, purpose])


@dataclass(frozen=True, eq=False)
class Lighting:
    """Lamps of a world.

    Attributes:
        positions: `[L, 3]`, world frame.
        colors: `[L, 3]`, linear RGB; 1 is a bright lamp.
        ambient: light from everywhere, linear RGB `[3]`.
    """

    positions: NDArray[np.float32]
    colors: NDArray[np.float32]
    ambient: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class World:
    """A furnished place.

    Attributes:
        id: what it was made from.
        kind: of its first room, in words: `living room`, `kitchen`, ...
        objects: grouped by category; `instance_id` counts from 0, and is what `primitives` and
            instance images call them by.
        primitives: everything there is to see, walls included.
        lighting: its lamps.
        floor_plan: where one can walk, furniture aside.
        height: of the ceiling, metres.
    """

    id: WorldId
    kind: str
    objects: tuple[SceneObject, ...]
    primitives: PrimitiveTable
    lighting: Lighting
    floor_plan: FloorPlan
    height: float

    def scene(self, frames: Sequence[SceneFrame] = (), video_path: str = "") -> Scene:
        """The world in the schema that questions are made from."""
        counts: dict[str, int] = {}
        for item in self.objects:
            counts[item.category] = counts.get(item.category, 0) + 1
        outline = np.concatenate(self.floor_plan.rooms)
        middle = (outline.min(0) + outline.max(0)) / 2
        return Scene(
            name=self.id.name,
            dataset=DATASET,
            split=self.id.split,
            video_path=video_path,
            room_size=sum(polygon_area(room) for room in self.floor_plan.rooms),
            room_center=np.array([*middle, self.height / 2]),
            objects=self.objects,
            object_counts=counts,
            frames=tuple(frames),
            floor_plan=self.floor_plan,
        )


def polygon_area(outline: FloatArray) -> float:
    """Area of a simple polygon `[K, 2]`, counter-clockwise positive."""
    x, y = outline.T
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))
