"""ARKitScenes: meshes and boxes of tablet scans, with the camera's path.

<Training|Validation>/<video_id>/<video_id>_3dod_annotation.json label and box of each object
                                 <video_id>_3dod_mesh.ply        mesh
                                 <video_id>.mov                  video
                                 lowres_wide.traj                world-to-camera path
                                 lowres_wide/<video_id>_<time>.png
                                 lowres_wide_intrinsics/<video_id>_<time>.pincam
metadata.csv                                                     which visit a video is of

In the `3dod` download the last three lie in `<video_id>_frames`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vlm3r_ros.worlds.datasets.arkit_frames import TRAJECTORY, read_frames, read_intrinsics
from vlm3r_ros.worlds.datasets.labels import ARKITSCENES, ARKITSCENES_PUBLISHED
from vlm3r_ros.worlds.datasets.scan_files import entries, read_json, read_mesh
from vlm3r_ros.worlds.datasets.scan_source import (
    Annotated,
    annotated_box,
    by_category,
    counts,
    flatten,
    measure_room,
    media_path,
    read_scans,
)
from vlm3r_ros.worlds.scene import Scene
from vlm3r_ros.worlds.scene_records import read_box
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

DATASET = "ARkitScenes"

_SPLITS = {"train": ("Training", "train"), "val": ("Validation", "val")}
_DOWNLOADS = ("", "raw", "3dod")
_ANNOTATION = "_3dod_annotation.json"
_MESH = "_3dod_mesh.ply"
_SEED = 0


def read_arkitscenes(
    folder: str | Path,
    *,
    split: str = "",
    skips: SkipLog | None = None,
    published: bool = False,
) -> Iterator[Scene]:
    """Read scans.

    Args:
        folder: the one with `Training` and `Validation` in it, or the one above.
        split: `train` or `val`; empty takes all that are there.
        skips: where scans, and categories of scans, that cannot be used are noted.
        published: as the published metadata was made: labels as annotated, no frames, one scan
            of each visit, drawn of those with a video. By default names are the benchmark's
            (`tv_monitor` is a tv), what is hard to tell apart is excluded, and frames have poses.

    Raises:
        SceneError: there are no scans; and, without `skips`, a scan that cannot be used.
    """
    return read_scans(ARKitScenes(Path(folder), split, published), skips)


@dataclass(frozen=True)
class ARKitScenes:
    """A folder of ARKitScenes scans: see `read_arkitscenes`."""

    folder: Path
    split: str = ""
    published: bool = False
    dataset: str = DATASET

    def names(self) -> list[str]:
        """Of the scans that the folder has of the split, in order."""
        there = sorted(self._scans)
        if self.published:
            there = self._one_of_each_visit(there)
        if not there:
            of = f" of split '{self.split}'" if self.split else ""
            where = "Training/<video_id> or Validation/<video_id>"
            raise SceneError(str(self.folder), "", f"holds no ARKitScenes scans{of} ({where})")
        return there

    def read(self, name: str, notes: SkipLog) -> Scene:
        """Read a scan; see `ScanSource.read`."""
        scan, split = self._scans[name]
        naming = ARKITSCENES_PUBLISHED if self.published else ARKITSCENES
        groups = by_category(self._annotated(name, scan), naming.categories, notes)
        mesh = read_mesh(name, scan / f"{name}{_MESH}", _MESH)
        room = measure_room(name, mesh, _MESH, _SEED if self.published else None)
        inside = scan / f"{name}_frames"
        filmed = inside if (inside / TRAJECTORY).is_file() else scan
        return Scene(
            name=name,
            dataset=DATASET,
            split=split,
            video_path=media_path(DATASET, "videos", split, f"{name}.mp4"),
            room_size=room.size,
            room_center=room.center,
            objects=flatten(groups),
            object_counts=counts(groups),
            frames=() if self.published else read_frames(name, filmed, split),
            intrinsics=None if self.published else read_intrinsics(name, filmed),
        )

    @cached_property
    def _scans(self) -> dict[str, tuple[Path, str]]:
        """Folder and split of each scan of the wanted split."""
        found: dict[str, tuple[Path, str]] = {}
        for split, folds in _SPLITS.items():
            if self.split not in ("", split):
                continue
            places = [self.folder / name / fold for name in _DOWNLOADS for fold in folds]
            if self.folder.resolve().name in folds:
                places.append(self.folder)
            for scan in (path for place in places for path in place.glob("*") if path.is_dir()):
                found.setdefault(scan.name, (scan, split))
        return found

    def _one_of_each_visit(self, names: list[str]) -> list[str]:
        """One scan of each visit, drawn of those that have all files; all where none is told."""
        complete = [name for name in names if self._is_complete(name)]
        visits = self._visits()
        generator = np.random.default_rng(_SEED)
        of_visit: dict[str, list[str]] = defaultdict(list)
        for name in complete:
            of_visit[visits.get(name, name)].append(name)
        return sorted(str(generator.choice(scans)) for scans in of_visit.values())

    def _is_complete(self, name: str) -> bool:
        scan = self._scans[name][0]
        return all((scan / f"{name}{end}").is_file() for end in (".mov", _ANNOTATION, _MESH))

    def _visits(self) -> dict[str, str]:
        """Visit by scan, as far as `metadata.csv` tells."""
        for place in (*(self.folder / name for name in _DOWNLOADS), self.folder.parent):
            path = place / "metadata.csv"
            if path.is_file():
                with path.open(encoding="utf-8", newline="") as file:
                    rows = list(csv.DictReader(file))
                known = [(row.get("video_id"), row.get("visit_id")) for row in rows]
                return {scan: visit for scan, visit in known if scan and visit}
        return {}

    def _annotated(self, name: str, scan: Path) -> list[Annotated]:
        """The objects that are asked about."""
        naming = ARKITSCENES_PUBLISHED if self.published else ARKITSCENES
        read = read_box if self.published else annotated_box
        loaded = read_json(name, scan / f"{name}{_ANNOTATION}", _ANNOTATION)
        found = []
        for item in entries(name, loaded, _ANNOTATION, "data"):
            label = item.get("label")
            if not isinstance(label, str):
                raise SceneError(name, _ANNOTATION, "an object has no label")
            category = naming.category(label)
            if category is not None:
                segments = item.get("segments")
                record = segments.get("obbAligned") if isinstance(segments, dict) else None
                box = read(name, f"{_ANNOTATION}: obbAligned", record)
                found.append(Annotated(category, box))
        return found
