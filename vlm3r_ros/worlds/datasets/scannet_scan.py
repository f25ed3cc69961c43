"""The files of one ScanNet scan: see `worlds.datasets.scannet` for where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.datasets.ply import Mesh
from vlm3r_ros.worlds.datasets.scan_files import (
    entries,
    read_json,
    read_mask,
    read_matrix,
    read_mesh,
    read_text,
)
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.skipping import SceneError

WIDTH, HEIGHT = 640, 480
"""Of depth images, to which colour and masks are resized."""

_ALIGNMENT = "axisAlignment"
_ROTATION_TOLERANCE = 1e-3


class _AnnotatedMesh(NamedTuple):
    """Endings of the files of a mesh, its segments and the objects made of them."""

    mesh: str
    segments: str
    objects: str


# Ids of segments differ between the two.
_DECIMATED = _AnnotatedMesh(
    "_vh_clean_2.ply", "_vh_clean_2.0.010000.segs.json", ".aggregation.json"
)
_FULL = _AnnotatedMesh("_vh_clean.ply", "_vh_clean.segs.json", "_vh_clean.aggregation.json")


class SegmentGroup(NamedTuple):
    """An annotated object: what it is called and which vertices are of it."""

    label: str
    instance_id: int
    vertices: NDArray[np.int64]


@dataclass(frozen=True)
class ScanNetScan:
    """One scan: its name and folder."""

    name: str
    folder: Path

    @cached_property
    def files(self) -> _AnnotatedMesh:
        """The mesh that is annotated: the decimated one where both are."""
        full = self._file(_FULL.objects).is_file() and not self._file(_DECIMATED.objects).is_file()
        return _FULL if full else _DECIMATED

    @cached_property
    def axis_alignment(self) -> FloatArray:
        """Mesh to world `[4, 4]`; the identity where the scan's text file has none.

        Raises:
            SceneError: there is no such file, or the matrix is no rigid motion.
        """
        for line in read_text(self.name, self._file(".txt"), ".txt").splitlines():
            key, _, value = line.partition("=")
            if key.strip() != _ALIGNMENT:
                continue
            try:
                matrix = np.array(value.split(), float).reshape(4, 4)
            except ValueError as error:
                raise SceneError(self.name, _ALIGNMENT, "is no 4x4 matrix") from error
            turned = matrix[:3, :3] @ matrix[:3, :3].T
            if not np.abs(turned - np.eye(3)).max() < _ROTATION_TOLERANCE:
                raise SceneError(self.name, _ALIGNMENT, "is no rotation and translation")
            return matrix
        return np.eye(4)

    def mesh(self) -> Mesh:
        """The annotated mesh in the world frame: turned and moved by `axisAlignment`.

        Raises:
            SceneError: it cannot be used.
        """
        mesh = read_mesh(self.name, self._file(self.files.mesh), self.files.mesh)
        alignment = self.axis_alignment
        return Mesh(mesh.vertices @ alignment[:3, :3].T + alignment[:3, 3], mesh.triangles)

    def groups(self, vertex_count: int) -> list[SegmentGroup]:
        """The annotated objects of a mesh of so many vertices, in the order of the file.

        A vertex that two objects claim is of the later one.

        Raises:
            SceneError: a file is missing or broken, or is of another mesh.
        """
        segments = self._segments()
        if len(segments) != vertex_count:
            raise SceneError(
                self.name,
                self.files.segments,
                f"segIndices has {len(segments)} entries for {vertex_count} vertices",
            )
        labels, ids, claims = [], [], []
        for group in self._objects():
            label, identity, claimed = (group.get(key) for key in ("label", "id", "segments"))
            if not isinstance(label, str) or not isinstance(identity, int):
                raise SceneError(self.name, self.files.objects, "a group has no label or no id")
            labels.append(label)
            ids.append(identity)
            claims.append(self._integers(claimed, self.files.objects, "segments"))
        return list(map(SegmentGroup, labels, ids, _vertices_of(segments, claims)))

    def frame_indices(self) -> list[int]:
        """Of the exported frames: those with a colour image, else those with a pose."""
        for kind, ending in (("color", "jpg"), ("pose", "txt")):
            stems = [path.stem for path in (self.folder / kind).glob(f"*.{ending}")]
            if stems:
                return sorted(int(stem) for stem in stems if stem.isdecimal())
        return []

    def pose(self, index: int) -> FloatArray | None:
        """Camera to world of a frame `[4, 4]`, not finite where tracking was lost.

        None where there is no readable file.
        """
        pose = read_matrix(self.folder / "pose" / f"{index}.txt")
        if pose is None:
            return None
        # A lost pose is -inf in the file; 0 times it is NaN.
        with np.errstate(invalid="ignore"):
            return np.asarray(self.axis_alignment @ pose)

    def has_images(self, index: int) -> bool:
        """Whether a frame's colour and depth were exported."""
        color = self.folder / "color" / f"{index}.jpg"
        return color.is_file() and (self.folder / "depth" / f"{index}.png").is_file()

    def mask(self, index: int) -> NDArray[np.integer] | None:
        """Object ids + 1 of a frame `[480, 640]`; None where there is no mask.

        Raises:
            SceneError: it is no image of ids.
        """
        path = self.folder / "instance-filt" / f"{index}.png"
        mask = read_mask(self.name, path, "instance-filt")
        if mask is None or mask.shape == (HEIGHT, WIDTH):
            return mask
        resized = cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        return np.asarray(resized)

    def intrinsics(self) -> Intrinsics | None:
        """Of the depth camera."""
        matrix = read_matrix(self.folder / "intrinsic" / "intrinsic_depth.txt")
        if matrix is None or not np.isfinite(matrix).all():
            return None
        fx, fy, cx, cy = (float(matrix[i, j]) for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
        return Intrinsics(fx, fy, cx, cy, WIDTH, HEIGHT)

    def _file(self, ending: str) -> Path:
        return self.folder / f"{self.name}{ending}"

    def _segments(self) -> NDArray[np.int64]:
        """Segment of each vertex, `[N]`."""
        loaded = read_json(self.name, self._file(self.files.segments), self.files.segments)
        return self._integers(loaded.get("segIndices"), self.files.segments, "segIndices")

    def _objects(self) -> list[dict[str, Any]]:
        field = self.files.objects
        loaded = read_json(self.name, self._file(field), field)
        return entries(self.name, loaded, field, "segGroups")

    def _integers(self, value: Any, field: str, key: str) -> NDArray[np.int64]:
        try:
            found = np.array(value)
        except ValueError:
            found = np.array(None)
        if found.ndim != 1 or (found.size and found.dtype.kind != "i"):
            raise SceneError(self.name, field, f"{key} is no list of whole numbers")
        return found.astype(np.int64)


def _vertices_of(
    segments: NDArray[np.int64], claims: list[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Indices of the vertices of each object.

    Args:
        segments: of each vertex `[N]`.
        claims: the segments of each object.
    """
    ids, segment = np.unique(segments, return_inverse=True)
    claimed = np.concatenate([*claims, np.empty(0, np.int64)])
    by = np.repeat(np.arange(len(claims)), [len(claim) for claim in claims])
    known = np.isin(claimed, ids)
    owner = np.full(len(ids), -1)
    owner[np.searchsorted(ids, claimed[known])] = by[known]
    owners = owner[segment]
    order = np.argsort(owners, kind="stable")
    bounds = np.searchsorted(owners[order], np.arange(len(claims) + 1))
    return [order[start:end] for start, end in pairwise(bounds)]
