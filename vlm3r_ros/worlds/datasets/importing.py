"""Real scans to metadata files: resumable, with broken scans named and left out."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from vlm3r_ros.worlds.datasets.arkitscenes import ARKitScenes
from vlm3r_ros.worlds.datasets.scan_source import ScanSource
from vlm3r_ros.worlds.datasets.scannet import ScanNet
from vlm3r_ros.worlds.datasets.scannetpp import ScanNetpp
from vlm3r_ros.worlds.metadata import SceneRecords, scene_records, write_metadata
from vlm3r_ros.worlds.skipping import SceneError, SkipLog
from vlm3r_ros.worlds.worker_process import start_worker

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


class ScanImportError(Exception):
    """An import that cannot go on; the text says why and what to do."""


Outcomes = Iterable[SceneError | None]
"""Of each scan, why it cannot be used."""

Progress = Callable[[Outcomes, int], Outcomes]
"""Goes around what comes as scans are done; takes how many there are as well."""


def _no_progress(outcomes: Outcomes, total: int) -> Outcomes:
    return outcomes


def import_scans(
    source: ScanSource,
    split: str,
    out: Path,
    *,
    workers: int = 1,
    progress: Progress = _no_progress,
) -> ImportReport:
    """Read all scans of a source and write the metadata of its split.

    Each scan that has been read is kept on disk until all are, and an interrupted run goes on
    from there.

    Args:
        source: of scans.
        split: for the names of the files.
        out: folder in which a folder `metadata` is made.
        workers: processes; 1 works in this one.
        progress: shows how far it is.

    Raises:
        SceneError: there are no scans.
        ScanImportError: the folder cannot be written, or a worker was killed.
    """
    began = time.monotonic()
    report = ImportReport()
    names = source.names()
    mode = "published" if source.published else "exact"
    kept = _Kept(out / "unfinished" / f"{source.dataset.lower()}_{split}_{mode}")
    try:
        report.resumed = sum(kept.has(name) for name in names)
        for broken in progress(_read_all(source, kept, names, workers), len(names)):
            if broken is not None:
                report.skips.add(broken)
        records = _records(kept, names, report)
        report.path = write_metadata(out / METADATA_FOLDER, source.dataset, split, records)
    except OSError as error:
        raise ScanImportError(f"cannot write to {out}: {error.strerror}") from error
    kept.remove()
    report.seconds = time.monotonic() - began
    return report


def _read_all(source: ScanSource, kept: _Kept, names: Sequence[str], workers: int) -> Outcomes:
    """Read what is not kept yet; yields as each scan is done, in order."""
    read = partial(_read, source, kept)
    if workers == 1 or len(names) == 1:
        yield from map(read, names)
        return
    # A process of its own has no threads or locks of ours, which a forked one might wait for.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(names)), context, initializer=start_worker)
    try:
        yield from pool.map(read, names)
    except BrokenProcessPool as error:
        raise ScanImportError(
            "a worker was killed, for want of memory perhaps; run the same command again to go "
            "on, with fewer --workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _read(source: ScanSource, kept: _Kept, name: str) -> SceneError | None:
    if not kept.has(name):
        notes = SkipLog()
        try:
            kept.save(name, scene_records(source.read(name, notes)), notes)
        except SceneError as error:
            return error
    return None


def _records(
    kept: _Kept, names: Sequence[str], report: ImportReport
) -> Iterator[tuple[str, SceneRecords]]:
    """Records of the scans, in order; fills in what the report counts."""
    for name in names:
        if kept.has(name):
            records, notes = kept.load(name)
            report.skips.errors += notes
            report.scenes += 1
            yield name, records


@dataclass(frozen=True)
class _Kept:
    """Records of scans that are read, for going on after an interruption.

    Nothing is kept of a scan that cannot be used: it is tried again.
    """

    folder: Path

    def has(self, name: str) -> bool:
        return self._path(name).is_file()

    def save(self, name: str, records: SceneRecords, notes: SkipLog) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        told = [(error.field, error.problem) for error in notes.errors]
        content = json.dumps({"records": asdict(records), "notes": told}).encode()
        unfinished = self._path(name).with_suffix(".part")
        unfinished.write_bytes(gzip.compress(content, compresslevel=3))
        unfinished.replace(self._path(name))

    def load(self, name: str) -> tuple[SceneRecords, list[SceneError]]:
        content = json.loads(gzip.decompress(self._path(name).read_bytes()))
        notes = [SceneError(name, *told) for told in content["notes"]]
        return SceneRecords(**content["records"]), notes

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json.gz"
