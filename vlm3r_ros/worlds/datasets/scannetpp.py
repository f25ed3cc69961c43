"""ScanNet++: laser scans with annotated boxes, DSLR images.

data/<scene>/scans/segments_anno.json             label and box of each object
             scans/mesh_aligned_0.05_semantic.ply mesh
             dslr/train_test_lists.json           names of images
             dslr/colmap/images.txt               poses, or
             dslr/nerfstudio/transforms.json
             dslr/instance_masks/<image>.png      optional: objectId, 8 or 16 bit
splits/nvs_sem_<split>.txt                        beside `data`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm3r_ros.worlds.datasets.labels import SCANNETPP, SCANNETPP_PUBLISHED
from vlm3r_ros.worlds.datasets.scan_files import (
    entries,
    read_json,
    read_mask,
    read_mesh,
    visible_in,
)
from vlm3r_ros.worlds.datasets.scan_source import (
    NO_POSE,
    Annotated,
    annotated_box,
    by_category,
    counts,
    flatten,
    listed_in,
    measure_room,
    media_path,
    read_scans,
    spread,
)
from vlm3r_ros.worlds.datasets.scannetpp_poses import camera_poses, undistorted_intrinsics
from vlm3r_ros.worlds.scene import Scene, SceneFrame
from vlm3r_ros.worlds.scene_records import read_box
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

DATASET = "ScanNetpp"

# The same vertices; the published procedure takes the first.
_MESHES = ("mesh_aligned_0.05_semantic.ply", "mesh_aligned_0.05.ply")
_ANNOTATION = "segments_anno.json"
_IMAGES = "train_test_lists.json"
_SEED = 42


def read_scannetpp(
    folder: str | Path,
    *,
    split: str = "",
    skips: SkipLog | None = None,
    published: bool = False,
) -> Iterator[Scene]:
    """Read scans.

    Args:
        folder: the one with `data` in it, or `data` itself.
        split: only the scans in `splits/nvs_sem_<split>.txt`; empty takes all that are there.
        skips: where scans, and categories of scans, that cannot be used are noted.
        published: as the published metadata was made: labels are kept apart and none excluded,
            objects have no instance id, one pixel makes visible, frames without a pose are
            dropped. By default names are the benchmark's (`office chair` is a chair), what is
            small or hard to tell apart is excluded, and a frame without a pose stays.

    Raises:
        SceneError: there are no scans; and, without `skips`, a scan that cannot be used.
    """
    return read_scans(ScanNetpp(Path(folder), split, published), skips)


@dataclass(frozen=True)
class ScanNetpp:
    """A folder of ScanNet++ scans: see `read_scannetpp`."""

    folder: Path
    split: str = ""
    published: bool = False
    dataset: str = DATASET

    def names(self) -> list[str]:
        """Of the scans that the folder has of the split, in order."""
        there = sorted(path.parent.name for path in self._data.glob("*/scans") if path.is_dir())
        if self.split:
            beside = [place / "splits" for place in (self.folder, self._data.parent)]
            remedy = "it comes with ScanNet++: put it there"
            listed = listed_in(beside, f"nvs_sem_{self.split}.txt", remedy)
            there = [name for name in there if name in listed]
        if not there:
            of = f" of split '{self.split}'" if self.split else ""
            raise SceneError(str(self.folder), "", f"holds no ScanNet++ scans{of} (<scene>/scans)")
        return there

    def read(self, name: str, notes: SkipLog) -> Scene:
        """Read a scan; see `ScanSource.read`."""
        scan = self._data / name
        naming = SCANNETPP_PUBLISHED if self.published else SCANNETPP
        groups = by_category(self._annotated(name, scan), naming.categories, notes)
        there = [file for file in _MESHES if (scan / "scans" / file).is_file()]
        file = (there or _MESHES)[0]
        mesh = read_mesh(name, scan / "scans" / file, file)
        room = measure_room(name, mesh, file, _SEED if self.published else None)
        return Scene(
            name=name,
            dataset=DATASET,
            split=self.split,
            video_path=media_path(DATASET, "videos", self.split, f"{name}.mp4"),
            room_size=room.size,
            room_center=room.center,
            objects=flatten(groups),
            object_counts=counts(groups),
            frames=tuple(self._frames(name, scan / "dslr")),
            intrinsics=undistorted_intrinsics(name, scan / "dslr"),
        )

    @property
    def _data(self) -> Path:
        inside = self.folder / "data"
        return inside if inside.is_dir() else self.folder

    def _annotated(self, name: str, scan: Path) -> list[Annotated]:
        """The objects that are asked about."""
        naming = SCANNETPP_PUBLISHED if self.published else SCANNETPP
        loaded = read_json(name, scan / "scans" / _ANNOTATION, _ANNOTATION)
        found = []
        for group in entries(name, loaded, _ANNOTATION, "segGroups"):
            category = naming.category(str(group.get("label", "")))
            if category is None or (self.published and "obb" not in group):
                continue
            read = read_box if self.published else annotated_box
            box = read(name, f"{_ANNOTATION}: obb", group.get("obb"))
            found.append(Annotated(category, box, None if self.published else _id_of(name, group)))
        return found

    def _frames(self, name: str, dslr: Path) -> Iterator[SceneFrame]:
        """Of the `train` images in order, of which the videos are made."""
        if not (dslr / _IMAGES).is_file():
            return
        images = read_json(name, dslr / _IMAGES, _IMAGES).get("train")
        if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
            raise SceneError(name, _IMAGES, "train is no list of names")
        poses = camera_poses(name, dslr)
        for image in spread(sorted(images)):
            stem = Path(image).stem
            if self.published and stem not in poses:
                continue
            mask = read_mask(name, dslr / "instance_masks" / f"{stem}.png", "instance_masks")
            yield SceneFrame(
                frame_id=stem,
                T_world_camera=poses.get(stem, NO_POSE),
                visible=visible_in(mask, first_id=1, any_pixel=self.published),
                color_path=media_path("color", self.split, f"{name}/{image}"),
            )


def _id_of(name: str, group: dict[str, Any]) -> int:
    identity = group.get("objectId")
    if not isinstance(identity, int):
        raise SceneError(name, f"{_ANNOTATION}: objectId", "is missing or no whole number")
    return identity
