"""`vlm3r worlds import`: a progress bar while it runs, and what came of it."""

from __future__ import annotations

from pathlib import Path

import typer
from tqdm import tqdm

from vlm3r_ros.commands.errors import EXIT_FAILED, CommandError
from vlm3r_ros.worlds.datasets.importing import (
    ImportReport,
    Outcomes,
    ScanFormat,
    ScanImportError,
    import_scans,
)
from vlm3r_ros.worlds.skipping import SceneError


def import_dataset(
    kind: str, folder: Path, split: str, out: Path, *, published: bool, workers: int
) -> int:
    """Import, and tell how it went.

    Returns:
        0, or 1 where not one scan could be used.

    Raises:
        CommandError: there are no scans, the folder cannot be written, or a worker was killed.
    """
    source = ScanFormat(kind).open(folder, split, published)
    try:
        report = import_scans(source, split, out, workers=workers, progress=_bar)
    except (SceneError, ScanImportError) as error:
        raise CommandError(str(error)) from error
    typer.echo(_summary(report))
    return 0 if report.scenes else EXIT_FAILED


def _bar(outcomes: Outcomes, total: int) -> Outcomes:
    return tqdm(outcomes, total=total, unit="scan", smoothing=0.1, dynamic_ncols=True)


def _summary(report: ImportReport) -> str:
    lines = [f"{report.scenes} scenes in {report.path.parent}, in {report.seconds:.1f} s"]
    if report.resumed:
        lines.append(f"{report.resumed} were read before")
    if report.skips:
        lines.append(report.skips.summary())
    return "\n".join(lines)
