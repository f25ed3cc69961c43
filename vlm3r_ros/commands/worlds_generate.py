"""`vlm3r worlds generate`: a progress bar while it runs, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import typer
from tqdm import tqdm

from vlm3r_ros.commands.errors import EXIT_FAILED
from vlm3r_ros.worlds.dataset_folder import DatasetFolder, DatasetSettings
from vlm3r_ros.worlds.generate import GenerateReport
from vlm3r_ros.worlds.generate import generate as run


def generate(out: Path, settings: DatasetSettings, scenes: int, workers: int) -> int:
    """Generate, and tell how it went.

    Returns:
        0, or 1 where not one scene could be made.

    Raises:
        DatasetError: it cannot be done as asked.
    """
    report = run(out, settings, scenes, workers=workers, progress=_bar)
    typer.echo(_summary(DatasetFolder(out, settings.split), report))
    return 0 if report.scenes else EXIT_FAILED


def _bar(made: Iterator[None], done: int, total: int) -> Iterable[None]:
    return tqdm(made, initial=done, total=total, unit="scene", smoothing=0.1, dynamic_ncols=True)


def _summary(folder: DatasetFolder, report: GenerateReport) -> str:
    lines = [f"{report.scenes} scenes in {folder.metadata / folder.split}"]
    if report.resumed:
        lines.append(f"{report.resumed} were finished before")
    if report.made:
        rate = report.frames / report.seconds
        lines.append(
            f"made {report.made} with {report.frames} frames in {report.seconds:.1f} s: "
            f"{rate:.0f} frames/s, {report.made / report.seconds:.2f} scenes/s"
        )
    if report.skips:
        lines.append(report.skips.summary())
    return "\n".join(lines)
