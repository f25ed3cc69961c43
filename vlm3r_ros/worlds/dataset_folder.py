"""The folder of a generated data set: where things lie, its settings, what is finished.

dataset.json                          settings, by split
metadata/<split>/rooms_*_<split>.json scenes, frames, worlds
videos/<scene>.mp4
depth/<split>/<scene>/<frame>.png     on request; millimetres
instances/<split>/<scene>/<frame>.png on request; instance id + 1
bags/<scene>/                         on request
finished/<split>/<scene>.json.gz      records of finished scenes: what resuming goes by
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import vlm3r_ros
from vlm3r_ros.worlds.filming import FilmSettings
from vlm3r_ros.worlds.metadata import SceneRecords
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.video_writer import check_video_size
from vlm3r_ros.worlds.world import DATASET, Split, WorldId

FORMAT_VERSION = 1
METADATA_FOLDER = "metadata"


class DatasetError(Exception):
    """A data set cannot be generated as asked; the text says why and what to do."""


@dataclass(frozen=True)
class DatasetSettings:
    """What a split of a data set consists of, apart from the number of its scenes.

    Attributes:
        split: of the worlds.
        seed: of the worlds.
        film: how each is filmed.
        videos, depth, instances, bags: what is written beside the metadata.

    Raises:
        ValueError: a setting makes no sense.
    """

    split: Split
    seed: int = 0
    film: FilmSettings = field(default_factory=FilmSettings)
    videos: bool = True
    depth: bool = False
    instances: bool = False
    bags: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must be 0 or more")
        if self.videos:
            check_video_size(self.film.width, self.film.height)

    def to_json(self) -> dict[str, Any]:
        """As `dataset.json` holds it; the version is part of it, as worlds change with it."""
        flat = asdict(self)
        flat |= {"split": str(self.split), "vlm3r_ros": vlm3r_ros.__version__}
        flat |= flat.pop("film")
        return flat | flat.pop("effects")


@dataclass(frozen=True)
class FinishedScene:
    """What became of a scene: its records, or the reason why there is none."""

    records: SceneRecords | None = None
    skipped: SceneError | None = None


@dataclass(frozen=True)
class DatasetFolder:
    """A data set's folder and one split in it."""

    root: Path
    split: Split

    @property
    def metadata(self) -> Path:
        """The folder that `read_metadata` and `write_metadata` take."""
        return self.root / METADATA_FOLDER

    def video(self, scene: str) -> Path:
        """The scene's video; `video_path` in metadata is relative to the root."""
        return self.root / "videos" / f"{scene}.mp4"

    def depth(self, scene: str, frame: int) -> Path:
        """A frame's depth."""
        return self.root / "depth" / self.split / scene / f"{frame:06d}.png"

    def instances(self, scene: str, frame: int) -> Path:
        """A frame's instances."""
        return self.root / "instances" / self.split / scene / f"{frame:06d}.png"

    def bag(self, scene: str) -> Path:
        """The scene's bag."""
        return self.root / "bags" / scene

    def relative(self, path: Path) -> str:
        """A path as the metadata names it."""
        return path.relative_to(self.root).as_posix()

    def open(self, settings: DatasetSettings, scenes: int) -> None:
        """Begin, or go on with, a split of these settings.

        A split may grow: more scenes than before are made beside those that are there.

        Raises:
            DatasetError: the folder cannot be written, or holds the split with other settings.
        """
        path = self.root / "dataset.json"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            known = _read_settings(path)
            wanted = settings.to_json() | {"scenes": scenes}
            there = known["splits"].get(str(self.split))
            if there is not None:
                _check_same(path, there, wanted)
            known["splits"][str(self.split)] = wanted
            _replace(path, (json.dumps(known, indent=2) + "\n").encode())
        except OSError as error:
            raise DatasetError(f"cannot write to {self.root}: {error.strerror}") from error

    def save(self, scene: str, finished: FinishedScene) -> None:
        """Note that a scene is finished; what it consists of must be on disk by then."""
        path = self._finished(scene)
        path.parent.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any]
        if finished.records is not None:
            content = asdict(finished.records)
        elif finished.skipped is not None:
            content = {"field": finished.skipped.field, "problem": finished.skipped.problem}
        # A time of 0 makes the bytes those of the content.
        _replace(path, gzip.compress(json.dumps(content).encode(), compresslevel=3, mtime=0))

    def load(self, scene: str) -> FinishedScene:
        """What became of a finished scene.

        Raises:
            DatasetError: its record cannot be read.
        """
        path = self._finished(scene)
        try:
            content = json.loads(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, ValueError) as error:
            raise DatasetError(
                f"{path}: cannot be read ({error}); remove it and run again to make this scene anew"
            ) from error
        if "problem" in content:
            return FinishedScene(skipped=SceneError(scene, **content))
        return FinishedScene(records=SceneRecords(**content))

    def is_finished(self, scene: str) -> bool:
        """Whether there is a record of a scene."""
        return self._finished(scene).is_file()

    def _finished(self, scene: str) -> Path:
        return self.root / "finished" / self.split / f"{scene}.json.gz"


def world_ids(settings: DatasetSettings, scenes: int) -> list[WorldId]:
    """The worlds of a split, in order."""
    return [WorldId(settings.split, settings.seed, index) for index in range(scenes)]


def _read_settings(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"version": FORMAT_VERSION, "dataset": DATASET, "splits": {}}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        version, _ = known["version"], known["splits"]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: is no data set's description; use another folder") from error
    if version != FORMAT_VERSION:
        raise DatasetError(
            f"{path}: is of version {version}, this writes {FORMAT_VERSION}; use another folder"
        )
    return dict(known)


def _check_same(path: Path, there: dict[str, Any], wanted: dict[str, Any]) -> None:
    changed = [
        f"{name} is {json.dumps(there.get(name))} there and {json.dumps(wanted.get(name))} now"
        for name in sorted(there.keys() | wanted.keys())
        if name != "scenes" and there.get(name) != wanted.get(name)
    ]
    if changed:
        raise DatasetError(
            f"{path}: split '{wanted['split']}' was begun with other settings: "
            f"{'; '.join(changed)}. Use these, or another folder"
        )
    if there["scenes"] > wanted["scenes"]:
        raise DatasetError(
            f"{path}: split '{wanted['split']}' has {there['scenes']} scenes already, "
            f"{wanted['scenes']} were asked for; ask for as many or more, or use another folder"
        )


def _replace(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
