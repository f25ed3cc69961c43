"""Many scenes on many processes: resumable, and the same on any number of them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from vlm3r_ros.worlds.dataset_folder import (
    DatasetError,
    DatasetFolder,
    DatasetSettings,
    FinishedScene,
    world_ids,
)
from vlm3r_ros.worlds.filming import MODEL_FRAMES
from vlm3r_ros.worlds.metadata import SceneRecords, write_metadata
from vlm3r_ros.worlds.scene_writer import write_scene
from vlm3r_ros.worlds.skipping import SceneError, SkipLog
from vlm3r_ros.worlds.worker_process import start_worker
from vlm3r_ros.worlds.world import DATASET, WorldId


@dataclass
class GenerateReport:
    """What a run did.

    Attributes:
        scenes: in the metadata now.
        resumed: scenes that were finished before.
        made: scenes that this run worked on.
        frames: rendered by this run.
        seconds: that it took.
        skips: scenes of the data set that could not be made.
    """

    scenes: int = 0
    resumed: int = 0
    made: int = 0
    frames: int = 0
    seconds: float = 0.0
    skips: SkipLog = field(default_factory=SkipLog)


Progress = Callable[[Iterator[None], int, int], Iterable[None]]
"""Takes an iterator, how many were done before and how many there are in all."""


def _no_progress(made: Iterator[None], done: int, total: int) -> Iterable[None]:
    return made


def generate(
    root: str | Path,
    settings: DatasetSettings,
    scenes: int,
    *,
    workers: int = 1,
    progress: Progress = _no_progress,
) -> GenerateReport:
    """Generate a split of a data set, or what is missing of it.

    Args:
        root: the data set's folder.
        settings: of the split.
        scenes: how many it is to have.
        workers: processes; 1 works in this one.
        progress: goes around the iterator that yields as each scene is finished.

    Raises:
        DatasetError: nothing to do, a folder that cannot be written or has other settings, or a
            scene that broke the run.
    """
    if scenes < 1:
        raise DatasetError(f"{scenes} scenes were asked for; ask for 1 or more")
    if workers < 1:
        raise DatasetError(f"{workers} workers were asked for; ask for 1 or more")
    began = time.monotonic()
    folder = DatasetFolder(Path(root), settings.split)
    folder.open(settings, scenes)
    worlds = world_ids(settings, scenes)
    missing = [world for world in worlds if not folder.is_finished(world.name)]
    report = GenerateReport(resumed=scenes - len(missing), made=len(missing))
    made = _make_all(partial(_make_scene, folder, settings), missing, workers)
    for _ in progress(made, report.resumed, scenes):
        pass
    write_metadata(folder.metadata, DATASET, settings.split, _records(folder, worlds, report))
    per_scene = settings.film.frames
    if not (settings.videos or settings.bags):
        per_scene = min(per_scene, MODEL_FRAMES)
    report.frames = per_scene * report.made
    report.seconds = time.monotonic() - began
    return report


def _make_scene(folder: DatasetFolder, settings: DatasetSettings, world: WorldId) -> None:
    """Write a scene and note that it is finished, or why there is none."""
    try:
        finished = FinishedScene(records=write_scene(folder, world, settings))
    except SceneError as error:
        finished = FinishedScene(skipped=error)
    folder.save(world.name, finished)


def _make_all(
    make: Callable[[WorldId], None], worlds: Sequence[WorldId], workers: int
) -> Iterator[None]:
    """Make scenes, in any order; yields as each is finished."""
    if workers == 1 or len(worlds) < 2:
        for world in worlds:
            with _Naming(world):
                make(world)
            yield
        return
    # A process of its own has no threads or locks of ours, which a forked one might wait for.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(worlds)), context, initializer=start_worker)
    try:
        futures = {pool.submit(make, world): world for world in worlds}
        for future in as_completed(futures):
            with _Naming(futures[future]):
                future.result()
            yield
    finally:
        pool.shutdown(cancel_futures=True)


class _Naming:
    """Names the scene in what breaks a run."""

    def __init__(self, world: WorldId) -> None:
        self._name = world.name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        again = "run the same command again to go on"
        if isinstance(error, OSError):
            raise DatasetError(
                f"{self._name}: cannot be written ({error}); mend that and {again}"
            ) from error
        if isinstance(error, BrokenProcessPool):
            raise DatasetError(
                f"a worker was killed, for want of memory perhaps; {again}, with fewer --workers"
            ) from error
        if isinstance(error, Exception):
            error.add_note(f"while making scene {self._name}")


def _records(
    folder: DatasetFolder, worlds: Sequence[WorldId], report: GenerateReport
) -> Iterator[tuple[str, SceneRecords]]:
    """Records of the finished scenes, in order; fills in what the report counts."""
    for world in worlds:
        finished = folder.load(world.name)
        if finished.skipped is not None:
            report.skips.add(finished.skipped)
        elif finished.records is not None:
            report.scenes += 1
            yield world.name, finished.records
