"""ScanNet: meshes with annotated segments, exported frames.

scans/<scene>/<scene>_vh_clean_2.ply                     mesh
              <scene>_vh_clean_2.0.010000.segs.json      segment of each vertex
              <scene>.aggregation.json                   label and segments of each object
              <scene>.txt                                axisAlignment
              color/<i>.jpg, depth/<i>.png, pose/<i>.txt exported from the .sens file
              intrinsic/intrinsic_depth.txt
              instance-filt/<i>.png                      object id + 1
scannetv2-labels.combined.tsv, scannetv2_<split>.txt     beside `scans`, or in it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox
from vlm3r_ros.worlds.datasets.labels import PUBLISHED_TWICE, SCANNET, SCANNET_PUBLISHED
from vlm3r_ros.worlds.datasets.scan_files import visible_in
from vlm3r_ros.worlds.datasets.scan_source import (
    NO_POSE,
    Annotated,
    by_category,
    counts,
    flatten,
    listed_in,
    measure_room,
    media_path,
    read_scans,
    spread,
)
from vlm3r_ros.worlds.datasets.scannet_labels import LabelTable
from vlm3r_ros.worlds.datasets.scannet_scan import ScanNetScan
from vlm3r_ros.worlds.datasets.vertex_boxes import (
    DegenerateError,
    minimum_volume_box,
    upright_box,
)
from vlm3r_ros.worlds.scene import Scene, SceneFrame
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

DATASET = "scannet"
_NAME = re.compile(r"scene\d{4}_\d{2}")
_SEED = 42


def read_scannet(
    folder: str | Path,
    *,
    split: str = "",
    skips: SkipLog | None = None,
    published: bool = False,
) -> Iterator[Scene]:
    """Read scans.

    Args:
        folder: the one with `scans` in it, or `scans` itself.
        split: only the scans in `scannetv2_<split>.txt`; empty takes all that are there.
        skips: where scans, and categories of scans, that cannot be used are noted.
        published: as the published metadata was made: categories by the last name of a label's
            id, boxes of least volume at any tilt, one pixel makes visible, frames without files
            are dropped. By default categories go by what the label means, boxes stand upright,
            and a frame without a pose stays, so that frames keep their numbers.

    Raises:
        SceneError: there are no scans, or no table of labels; and, without `skips`, a scan that
            cannot be used.
    """
    return read_scans(ScanNet(Path(folder), split, published), skips)


@dataclass(frozen=True)
class ScanNet:
    """A folder of ScanNet scans: see `read_scannet`."""

    folder: Path
    split: str = ""
    published: bool = False
    dataset: str = DATASET

    def names(self) -> list[str]:
        """Of the scans that the folder has of the split, in order."""
        there = sorted(
            path.name for path in self._scans.glob("scene*") if _NAME.fullmatch(path.name)
        )
        if self.split:
            listed = listed_in(
                self._beside,
                f"scannetv2_{self.split}.txt",
                "it is in Tasks/Benchmark of ScanNet's repository: put it there",
            )
            there = [name for name in there if name in listed]
        if not there:
            of = f" of split '{self.split}'" if self.split else ""
            raise SceneError(str(self.folder), "", f"holds no ScanNet scans{of} (scene0000_00)")
        # Without the table no scan can be read, which is better told once.
        _ = self._labels
        return there

    def read(self, name: str, notes: SkipLog) -> Scene:
        """Read a scan; see `ScanSource.read`."""
        scan = ScanNetScan(name, self._scans / name)
        mesh = scan.mesh()
        groups = by_category(self._annotated(scan, mesh.vertices), SCANNET.categories, notes)
        totals = counts(groups)
        if self.published and PUBLISHED_TWICE in groups:
            groups[PUBLISHED_TWICE] = groups[PUBLISHED_TWICE] * 2
        seed = _SEED if self.published else None
        room = measure_room(name, mesh, scan.files.mesh, seed)
        return Scene(
            name=name,
            dataset=DATASET,
            split=self.split,
            video_path=media_path("ScanNet", "videos", self.split, f"{name}.mp4"),
            room_size=room.size,
            room_center=room.center,
            objects=flatten(groups),
            object_counts=totals,
            frames=tuple(self._frames(scan)),
            intrinsics=scan.intrinsics(),
        )

    @property
    def _scans(self) -> Path:
        inside = self.folder / "scans"
        return inside if inside.is_dir() else self.folder

    @property
    def _beside(self) -> list[Path]:
        return [self.folder, self._scans, self._scans.parent]

    @cached_property
    def _labels(self) -> LabelTable:
        return LabelTable.read(self._beside)

    def _annotated(self, scan: ScanNetScan, vertices: FloatArray) -> list[Annotated]:
        """The objects that are asked about."""
        found = []
        for group in scan.groups(len(vertices)):
            category = self._category(group.label)
            if category is None or (self.published and not len(group.vertices)):
                continue
            box: OrientedBox | SceneError
            try:
                if not (self.published or self._labels.is_one(group.label)):
                    raise DegenerateError("it may be several, or a part of one")
                box = self._box(vertices[group.vertices])
            except DegenerateError as error:
                problem = f"{group.label} (id {group.instance_id}): {error}"
                box = SceneError(scan.name, scan.files.objects, problem)
                if self.published:
                    raise box from error
            found.append(Annotated(category, box, group.instance_id))
        return found

    def _category(self, label: str) -> str | None:
        if self.published:
            return SCANNET_PUBLISHED.category(self._labels.published_name(label))
        return SCANNET.category(self._labels.kind(label))

    def _box(self, points: FloatArray) -> OrientedBox:
        return minimum_volume_box(points) if self.published else upright_box(points)

    def _frames(self, scan: ScanNetScan) -> Iterator[SceneFrame]:
        for index in spread(scan.frame_indices()):
            pose = scan.pose(index)
            if self.published and (pose is None or not scan.has_images(index)):
                continue
            name = f"{scan.name}/{index:06d}"
            yield SceneFrame(
                frame_id=index,
                T_world_camera=NO_POSE if pose is None else pose,
                visible=visible_in(scan.mask(index), first_id=0, any_pixel=self.published),
                color_path=media_path("color", self.split, f"{name}.jpg"),
                depth_path=media_path("depth", self.split, f"{name}.png"),
            )
