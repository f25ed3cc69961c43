"""`vlm3r questions generate`: a progress bar while it runs, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from vlm3r_ros.questions.drafting import SceneDrafts
from vlm3r_ros.questions.generate import GenerateReport, GenerateSettings
from vlm3r_ros.questions.generate import generate as run


def generate(
    metadata: Path, out: Path, settings: GenerateSettings, left_out: Mapping[str, str]
) -> None:
    """Generate, and tell how it went.

    Args:
        metadata: folder of the metadata.
        out: file to write.
        settings: how.
        left_out: tasks that were not asked, with the reason.

    Raises:
        QuestionsError: it cannot be done as asked.
    """
    report = run(metadata, out, settings, _bar)
    console = Console()
    console.print(_table(report, settings))
    pairs = report.pairs.total()
    console.print(
        f"{pairs} pairs of {report.scenes} scenes in {out}, {report.seconds:.1f} s: "
        f"{pairs / report.seconds:.0f} pairs/s",
        soft_wrap=True,
    )
    if report.resumed:
        console.print(f"{report.resumed} scenes were drafted by a run before")
    for task, reason in left_out.items():
        console.print(f"no {task}: {reason}", soft_wrap=True)
    if report.skips:
        console.print(report.skips.summary(), soft_wrap=True)


def _bar(scenes: Iterator[SceneDrafts], total: int) -> Iterable[SceneDrafts]:
    return tqdm(scenes, total=total, unit="scene", smoothing=0.1, dynamic_ncols=True)


def _table(report: GenerateReport, settings: GenerateSettings) -> Table:
    table = Table()
    table.add_column("task")
    for column in ("pairs", "scenes", "scenes without"):
        table.add_column(column, justify="right")
    for task in settings.plan.limits:
        asked = report.asked[task]
        table.add_row(str(task), str(report.pairs[task]), str(asked), str(report.scenes - asked))
    table.add_section()
    table.add_row("all", str(report.pairs.total()), str(report.scenes), "")
    return table
