"""Real scans to metadata files: resumable, with broken scans named and left out."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from vlm3r_ros.worlds.datasets.arkitscenes import ARKitScenes
from vlm3r_ros.worlds.datasets.scan_source import ScanSource
from vlm3r_ros.worlds.datasets.scannet import ScanNet
from vlm3r_ros.worlds.datasets.scannetpp import ScanNetpp
from vlm3r_ros.worlds.metadata import SceneRecords, scene_records, write_metadata
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

METADATA_FOLDER = "metadata"


class ScanFormat(StrEnum):
    """Data sets that are read."""

    SCANNET = "scannet"
    SCANNETPP = "scannetpp"
    ARKITSCENES = "arkitscenes"

    def open(self, folder: Path, split: str, published: bool) -> ScanSource:
        """Its scans in a folder; see the readers for the arguments."""
        return _SOURCES[self](folder, split, published)


_SOURCES: dict[ScanFormat, Callable[[Path, str, bool], ScanSource]] = {
    ScanFormat.SCANNET: ScanNet,
    ScanFormat.SCANNETPP: ScanNetpp,
    ScanFormat.ARKITSCENES: ARKitScenes,
}


@dataclass
class ImportReport:
    """What a run did.

    Attributes:
        path: of the scene file.
        scenes: in it.
        resumed: scenes that an earlier run had read.
        seconds: that this run took.
        skips: scans, and categories of scans, that were left out.
    """

    path: Path = Path()
    scenes: int = 0
    resumed: int = 0
    seconds: float = 0.0
    skips: SkipLog = field(default_factory=SkipLog)


Progress = Callable[[list[str]], Iterable[str]]
"""Goes around the names of the scans as they are taken."""


def import_scans(
    source: ScanSource, split: str, out: Path, *, progress: Progress = iter
) -> ImportReport:
    """Read all scans of a source and write the metadata of its split.

    Each scan that has been read is kept on disk until all are, and an interrupted run goes on
    from there.

    Args:
        source: of scans.
        split: for the names of the files.
        out: folder in which a folder `metadata` is made.
        progress: shows how far it is.

    Raises:
        SceneError: there are no scans.
        OSError: the folder cannot be written.
    """
    began = time.monotonic()
    report = ImportReport()
    names = source.names()
    mode = "published" if source.published else "exact"
    kept = _Kept(out / "unfinished" / f"{source.dataset.lower()}_{split}_{mode}")
    records = _records(source, progress(list(names)), kept, report)
    report.path = write_metadata(out / METADATA_FOLDER, source.dataset, split, records)
    kept.remove()
    report.seconds = time.monotonic() - began
    return report


def _records(
    source: ScanSource, names: Iterable[str], kept: _Kept, report: ImportReport
) -> Iterator[tuple[str, SceneRecords]]:
    """Records of the scans, in order; fills in what the report counts."""
    for name in names:
        notes = SkipLog()
        records = kept.load(name, notes)
        if records is None:
            try:
                records = scene_records(source.read(name, notes))
            except SceneError as error:
                report.skips.add(error)
                continue
            kept.save(name, records, notes)
        else:
            report.resumed += 1
        report.skips.errors += notes.errors
        report.scenes += 1
        yield name, records


@dataclass(frozen=True)
class _Kept:
    """Records of scans that are read, for going on after an interruption."""

    folder: Path

    def save(self, name: str, records: SceneRecords, notes: SkipLog) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        told = [(error.field, error.problem) for error in notes.errors]
        content = json.dumps({"records": asdict(records), "notes": told}).encode()
        unfinished = self._path(name).with_suffix(".part")
        unfinished.write_bytes(gzip.compress(content, compresslevel=3))
        unfinished.replace(self._path(name))

    def load(self, name: str, notes: SkipLog) -> SceneRecords | None:
        if not self._path(name).is_file():
            return None
        content = json.loads(gzip.decompress(self._path(name).read_bytes()))
        notes.errors += [SceneError(name, *told) for told in content["notes"]]
        return SceneRecords(**content["records"])

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json.gz"
