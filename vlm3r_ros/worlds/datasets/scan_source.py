"""What the readers of real data sets have in common: scans, frames, objects by category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox
from vlm3r_ros.worlds.datasets.alpha_shape import published_room_size, room_size
from vlm3r_ros.worlds.datasets.ply import Mesh
from vlm3r_ros.worlds.datasets.vertex_boxes import (
    DegenerateError,
    minimum_volume_box,
    upright_box,
)
from vlm3r_ros.worlds.scene import Scene, SceneObject
from vlm3r_ros.worlds.scene_records import read_box
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

FRAMES = 32
"""That a model is shown, and metadata tells about."""

NO_POSE = np.full((4, 4), np.nan)
"""Of a frame of which no pose is known; it stays, so that the others keep their numbers."""

Item = TypeVar("Item")


class ScanSource(Protocol):
    """A data set's folder of scans."""

    @property
    def dataset(self) -> str:
        """As the metadata spells it."""
        ...

    @property
    def published(self) -> bool:
        """Whether it is read as the published metadata was made."""
        ...

    def names(self) -> Sequence[str]:
        """Of the scans, in order.

        Raises:
            SceneError: there are none.
        """
        ...

    def read(self, name: str, notes: SkipLog) -> Scene:
        """Read a scan.

        Args:
            name: of the scan.
            notes: where categories that had to be left out are noted.

        Raises:
            SceneError: it cannot be used.
        """
        ...


def read_scans(source: ScanSource, skips: SkipLog | None) -> Iterator[Scene]:
    """All scans of a source.

    Args:
        source: of scans.
        skips: where scans, and categories of scans, that cannot be used are noted.

    Raises:
        SceneError: there are no scans; and, without `skips`, a scan that cannot be used.
    """
    notes = SkipLog() if skips is None else skips
    for name in source.names():
        try:
            scene = source.read(name, notes)
        except SceneError as error:
            if skips is None:
                raise
            skips.add(error)
        else:
            yield scene


def spread(candidates: Sequence[Item]) -> list[Item]:
    """The frames of the metadata: all, or 32 spread evenly from the first to the last."""
    if len(candidates) <= FRAMES:
        return list(candidates)
    return [candidates[i] for i in np.linspace(0, len(candidates) - 1, FRAMES).astype(int)]


def listed_in(folders: Sequence[Path], file_name: str, remedy: str) -> frozenset[str]:
    """Names of a split's scans, one a line.

    Raises:
        SceneError: none of the folders has the file.
    """
    for folder in folders:
        path = folder / file_name
        if path.is_file():
            return frozenset(path.read_text(encoding="utf-8").split())
    raise SceneError(str(folders[0]), file_name, f"is missing; {remedy}")


@dataclass(frozen=True)
class Annotated:
    """An annotated object that is asked about.

    Attributes:
        category: of questions.
        box: its box, or why it has none.
        instance_id: None where the data set does not tell.
    """

    category: str
    box: OrientedBox | SceneError
    instance_id: int | None = None


def by_category(
    found: Sequence[Annotated], order: Sequence[str], notes: SkipLog
) -> dict[str, list[SceneObject]]:
    """Objects in key order.

    A category of which an object has no usable box is left out as a whole, and noted: without
    it, how many there are and which is the nearest would be told wrong.

    Args:
        found: what is annotated.
        order: of the keys; others follow as they appear.
        notes: takes the categories that are left out.
    """
    groups: dict[str, list[SceneObject]] = {name: [] for name in order}
    broken = {}
    for item in found:
        if isinstance(item.box, SceneError):
            broken[item.category] = item.box
        else:
            thing = SceneObject(item.category, item.box, item.instance_id)
            groups.setdefault(item.category, []).append(thing)
    for category, error in broken.items():
        problem = f"{error.problem}; no {category} of this scene is asked about"
        notes.add(SceneError(error.scene, error.field, problem))
    return {name: items for name, items in groups.items() if items and name not in broken}


def annotated_box(scene: str, field: str, record: Any) -> OrientedBox | SceneError:
    """The box of an annotation, or why it is none: also one with a side of 0 has no distance."""
    try:
        box = read_box(scene, field, record)
    except SceneError as error:
        return error
    if box.sides.min() <= 0:
        return SceneError(scene, f"{field}/axesLengths", "a side is 0 m")
    return box


def flatten(groups: dict[str, list[SceneObject]]) -> tuple[SceneObject, ...]:
    """The objects of all categories."""
    return tuple(item for items in groups.values() for item in items)


def counts(groups: dict[str, list[SceneObject]]) -> dict[str, int]:
    """How many objects are of each category."""
    return {name: len(items) for name, items in groups.items()}


@dataclass(frozen=True, eq=False)
class RoomExtent:
    """How large a room is and where.

    Attributes:
        size: floor area in square metres.
        center: middle of the box around everything, world frame `[3]`.
    """

    size: float
    center: FloatArray


def measure_room(scene: str, mesh: Mesh, field: str, published_seed: int | None) -> RoomExtent:
    """Measure a room.

    Args:
        scene: the scan's name.
        mesh: of the scan.
        field: the mesh's file, as errors call it.
        published_seed: of the published procedure's drawing; None measures without its faults.

    Raises:
        SceneError: the mesh is flat.
    """
    try:
        if published_seed is None:
            return RoomExtent(room_size(mesh), upright_box(mesh.vertices).centroid)
        size = published_room_size(mesh, published_seed)
        return RoomExtent(size, minimum_volume_box(mesh.vertices).centroid)
    except DegenerateError as error:
        raise SceneError(scene, field, str(error)) from error


def media_path(*parts: str) -> str:
    """A path as the metadata names it: `ScanNet/videos/train/scene0191_00.mp4`."""
    return "/".join(part for part in parts if part)
