"""Scene and frame metadata: the JSON files that the published generators write and read.

Two files per data set and split, each a dictionary by scene name:
`<dataset>_metadata_<split>.json` (objects) and `<dataset>_frame_metadata_<split>.json` (poses and
what each frame shows). A third, `<dataset>_world_metadata_<split>.json`, is ours: what only a
renderer knows. A reader of the published pair does not see it; ours does without it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from vlm3r_ros.worlds.scene import Scene
from vlm3r_ros.worlds.scene_records import (
    SceneRecords,
    dictionary_of,
    scene_from_records,
    scene_records,
)
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

__all__ = [
    "SceneRecords",
    "metadata_path",
    "read_metadata",
    "scene_from_records",
    "scene_records",
    "write_metadata",
]

_KINDS = ("metadata", "frame_metadata", "world_metadata")
_SCENE_FILE = re.compile(r"(?P<dataset>.+?)_metadata_(?P<split>[^_]+)\.json")


def metadata_path(folder: str | Path, dataset: str, split: str, kind: str = "metadata") -> Path:
    """Where a file lies: `<folder>/<split>/<dataset>_<kind>_<split>.json`."""
    return Path(folder) / split / f"{dataset.lower()}_{kind}_{split}.json"


def write_metadata(
    folder: str | Path, dataset: str, split: str, records: Iterable[tuple[str, SceneRecords]]
) -> Path:
    """Write the files of a data set's split, replacing those there as a whole.

    Args:
        folder: the `metadata` folder; a folder per split is made in it.
        dataset: its name; file names have it in lower case.
        split: `train`, `val`, `test`, ...
        records: scene names with their records, in the order of the files. They are taken one by
            one, so that a large set need not be held in memory.

    Returns:
        The scene file's path.
    """
    paths = [metadata_path(folder, dataset, split, kind) for kind in _KINDS]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    unfinished = [path.with_suffix(f".{os.getpid()}.part") for path in paths]
    files = [path.open("w", encoding="utf-8") for path in unfinished]
    try:
        writers = [_DictionaryWriter(file) for file in files]
        for name, record in records:
            parts = (record.scene, record.frames, record.world)
            for writer, part in zip(writers, parts, strict=True):
                if part:
                    writer.add(name, part)
        for writer in writers:
            writer.end()
    except BaseException:
        for file, path in zip(files, unfinished, strict=True):
            file.close()
            path.unlink()
        raise
    for file, path, target in zip(files, unfinished, paths, strict=True):
        file.close()
        path.replace(target)
    return paths[0]


def read_metadata(
    folder: str | Path, *, split: str = "", skips: SkipLog | None = None
) -> Iterator[Scene]:
    """Read scenes, ours or published ones.

    Args:
        folder: a data set's folder, its `metadata` folder, or that of one split.
        split: only this one; empty takes all that are there.
        skips: where scenes that cannot be used are noted, each with its field.

    Raises:
        SceneError: there is no such file, or it is no JSON dictionary; and, without `skips`, a
            scene that cannot be used.
    """
    found = 0
    for path in _scene_files(Path(folder)):
        match = _SCENE_FILE.fullmatch(path.name)
        assert match is not None
        if split and match["split"] != split:
            continue
        found += 1
        yield from _read_file(path, match["dataset"], match["split"], skips)
    if not found:
        of = f" of split '{split}'" if split else ""
        raise SceneError(
            str(folder), "", f"no *_metadata_*.json{of}; `vlm3r worlds generate` writes one"
        )


class _DictionaryWriter:
    """Writes a JSON dictionary entry by entry."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._separator = "{\n"

    def add(self, name: str, entry: dict[str, Any]) -> None:
        self._file.write(f"{self._separator}{json.dumps(name)}: {json.dumps(entry)}")
        self._separator = ",\n"

    def end(self) -> None:
        self._file.write("{}\n" if self._separator == "{\n" else "\n}\n")


def _scene_files(folder: Path) -> list[Path]:
    """The scene files in the folder, its folders of splits, or its `metadata` folder."""
    places = ("*.json", "*/*.json", "metadata/*/*.json")
    return sorted(
        path
        for place in places
        for path in folder.glob(place)
        if (match := _SCENE_FILE.fullmatch(path.name))
        and not match["dataset"].endswith(("_frame", "_world"))
    )


def _read_file(path: Path, dataset: str, split: str, skips: SkipLog | None) -> Iterator[Scene]:
    scenes = _load_dictionary(path)
    beside = {
        kind: _load_dictionary(other) if other.is_file() else {}
        for kind in _KINDS[1:]
        for other in [path.with_name(f"{dataset}_{kind}_{split}.json")]
    }
    for name, record in scenes.items():
        try:
            records = SceneRecords(
                dictionary_of(name, "scene", record),
                dictionary_of(name, "frame metadata", beside["frame_metadata"].get(name, {})),
                dictionary_of(name, "world metadata", beside["world_metadata"].get(name, {})),
            )
            scene = scene_from_records(name, records, dataset=dataset, split=split)
        except SceneError as error:
            if skips is None:
                raise
            skips.add(error)
        else:
            yield scene


def _load_dictionary(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SceneError(str(path), "", f"cannot be read as JSON ({error})") from error
    if not isinstance(loaded, dict):
        raise SceneError(str(path), "", "holds no dictionary by scene name")
    return loaded
