"""`vlm3r worlds import`: a progress bar while it runs, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer
from tqdm import tqdm

from vlm3r_ros.commands.errors import EXIT_FAILED, CommandError
from vlm3r_ros.worlds.datasets.importing import ImportReport, ScanFormat, import_scans
from vlm3r_ros.worlds.skipping import SceneError


def import_dataset(kind: str, folder: Path, split: str, out: Path, published: bool) -> int:
    """Import, and tell how it went.

    Returns:
        0, or 1 where not one scan could be used.

    Raises:
        CommandError: there are no scans, or the folder cannot be written.
    """
    source = ScanFormat(kind).open(folder, split, published)
    try:
        report = import_scans(source, split, out, progress=_bar)
    except SceneError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"cannot write to {out}: {error.strerror}") from error
    typer.echo(_summary(report))
    return 0 if report.scenes else EXIT_FAILED


def _bar(names: list[str]) -> Iterable[str]:
    return tqdm(names, unit="scan", smoothing=0.1, dynamic_ncols=True)


def _summary(report: ImportReport) -> str:
    lines = [f"{report.scenes} scenes in {report.path.parent}, in {report.seconds:.1f} s"]
    if report.resumed:
        lines.append(f"{report.resumed} were read before")
    if report.skips:
        lines.append(report.skips.summary())
    return "\n".join(lines)
