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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from vlm3r_ros.worlds.record_file import RecordFile
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
    "count_scenes",
    "metadata_files",
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
    for path in metadata_files(folder, split):
        yield from _read_file(path, skips)


def count_scenes(folder: str | Path, *, split: str = "") -> int:
    """How many scenes `read_metadata` finds, usable or not.

    Raises:
        SceneError: as there.
    """
    count = 0
    for path in metadata_files(folder, split):
        with _open_dictionary(path) as scenes:
            count += len(scenes)
    return count


def metadata_files(folder: str | Path, split: str = "") -> list[Path]:
    """The scene files in a data set's folder, its `metadata` folder, or that of one split.

    Raises:
        SceneError: there is none.
    """
    places = ("*.json", "*/*.json", "metadata/*/*.json")
    found = sorted(
        path
        for place in places
        for path in Path(folder).glob(place)
        if (match := _SCENE_FILE.fullmatch(path.name))
        and not match["dataset"].endswith(("_frame", "_world"))
        and (not split or match["split"] == split)
    )
    if not found:
        of = f" of split '{split}'" if split else ""
        raise SceneError(
            str(folder), "", f"no *_metadata_*.json{of}; `vlm3r worlds generate` writes one"
        )
    return found


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


def _read_file(path: Path, skips: SkipLog | None) -> Iterator[Scene]:
    match = _SCENE_FILE.fullmatch(path.name)
    assert match is not None
    dataset, split = match["dataset"], match["split"]
    with ExitStack() as stack:
        scenes = stack.enter_context(_open_dictionary(path))
        beside: dict[str, Mapping[str, Any]] = {}
        for kind in _KINDS[1:]:
            other = path.with_name(f"{dataset}_{kind}_{split}.json")
            beside[kind] = stack.enter_context(_open_dictionary(other)) if other.is_file() else {}
        for name in scenes:
            try:
                records = SceneRecords(
                    _record(name, "scene", scenes),
                    _record(name, "frame metadata", beside["frame_metadata"]),
                    _record(name, "world metadata", beside["world_metadata"]),
                )
                scene = scene_from_records(name, records, dataset=dataset, split=split)
            except SceneError as error:
                if skips is None:
                    raise
                skips.add(error)
            else:
                yield scene


def _record(scene: str, field: str, records: Mapping[str, Any]) -> dict[str, Any]:
    try:
        record = records.get(scene, {})
    except ValueError as error:
        raise SceneError(scene, field, f"is no JSON ({error})") from error
    return dictionary_of(scene, field, record)


def _open_dictionary(path: Path) -> RecordFile:
    try:
        return RecordFile(path)
    except (OSError, ValueError) as error:
        raise SceneError(str(path), "", f"cannot be read as a JSON dictionary ({error})") from error
