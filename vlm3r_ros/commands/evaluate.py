"""`vlm3r evaluate`: a model or a baseline on VSI-Bench, VSTI-Bench or questions of our own."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from vlm3r_ros.benchmarks.baselines import ChanceResponder, FrequencyResponder
from vlm3r_ros.benchmarks.chart import draw_chart
from vlm3r_ros.benchmarks.evaluation import evaluate, select_questions, select_tasks
from vlm3r_ros.benchmarks.oracle import OracleResponder, read_scenes
from vlm3r_ros.benchmarks.question_files import read_questions
from vlm3r_ros.benchmarks.report import Report, build_report
from vlm3r_ros.benchmarks.responders import Responder
from vlm3r_ros.benchmarks.results import ResultsFile
from vlm3r_ros.commands.errors import EXIT_FAILED, EXIT_USAGE, CommandError
from vlm3r_ros.worlds.skipping import SkipLog

SUMMARY_FILE = "summary.json"
TABLE_FILE = "table.md"
CHART_FILE = "chart.png"
_OF = ":"  # blind:NAME
_BLIND_BY_DEFAULT = "nano"
# A pipe or a log has no width of its own; 80 columns would fold most names.
_PLAIN_WIDTH = 140


class Baseline(StrEnum):
    """What `--model` takes beside models."""

    CHANCE = "chance"
    FREQUENCY = "frequency"
    BLIND = "blind"
    ORACLE = "oracle"


class Without(StrEnum):
    """Geometry tokens that a model is denied, as in the paper's ablation."""

    CAMERA = "camera"
    GEOMETRY = "geometry"
    BOTH = "both"


# What the fusion still sees; without either it is left out.
_SPATIAL_FEATURES = {
    Without.CAMERA: "patch_tokens",
    Without.GEOMETRY: "camera_tokens",
    Without.BOTH: "none",
}


@dataclass(frozen=True)
class EvaluateOptions:
    """What is evaluated on what; see `vlm3r evaluate --help`."""

    questions: Path
    out: Path
    videos: Path | None = None
    model: str = "nano"
    stream: bool = False
    stream_fps: float = 0.0
    odometry: bool = True
    frames: int = 32
    tasks: tuple[str, ...] = ()
    limit: int = 0
    seed: int = 0
    without: str = ""
    train_questions: Path | None = None
    metadata: Path | None = None
    device: str = "auto"
    dtype: str = "auto"


def run_evaluate(options: EvaluateOptions) -> int:
    """Evaluate, write the files, print the table.

    Returns:
        0, or 1 where not one question could be answered.

    Raises:
        CommandError: options that do not go together.
        BenchmarkError: files or folders that cannot be used.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    baseline = _check(options)
    skips = SkipLog()
    questions = select_questions(
        read_questions(options.questions, skips),
        tasks=select_tasks(options.tasks),
        limit=options.limit,
        seed=options.seed,
    )
    if not questions:
        raise CommandError(f"{options.questions} has no question of {', '.join(options.tasks)}")
    with ResultsFile(options.out, _settings(options)) as results:
        responder = _build_responder(options, baseline, skips)
        started = time.perf_counter()
        with _progress() as progress:
            bar = progress.add_task("questions", total=len(questions))
            evaluate(
                questions,
                responder,
                results,
                videos=options.videos,
                skips=skips,
                advance=lambda count: progress.update(bar, advance=count),
            )
        report = build_report(questions, results)
    seconds = time.perf_counter() - started
    if report.tasks:
        _write(options, report, skips)
        console.print(report.table(_title(options)))
    answered = sum(score.questions for score in report.tasks.values())
    console.print(
        f"{answered} of {len(questions)} questions answered, this time in {seconds:.1f} s; "
        f"see {escape(str(options.out))}"
    )
    if report.speed is not None:
        console.print(f"on average {report.speed}")
    if skips:
        console.print(escape(skips.summary()), style="yellow")
    return 0 if answered else EXIT_FAILED


def _check(options: EvaluateOptions) -> Baseline | None:
    """The baseline that is asked for; refuses what would do nothing, or lacks something.

    Raises:
        CommandError: names the option.
    """
    name = options.model.partition(_OF)[0]
    baseline = Baseline(name) if name in list(Baseline) else None
    sees = baseline is None
    for option, given, sensible in (
        ("--stream", options.stream, sees),
        ("--stream-fps", options.stream_fps, options.stream),
        ("--no-odometry", not options.odometry, sees),
        ("--without", options.without, sees),
        ("--train-questions", options.train_questions, baseline is Baseline.FREQUENCY),
        ("--metadata", options.metadata, baseline is Baseline.ORACLE),
    ):
        if given and not sensible:
            raise CommandError(
                f"{option} does nothing for {options.model}; leave it out", EXIT_USAGE
            )
    if options.without and options.without not in list(Without):
        raise CommandError(f"--without {options.without}: use {' or '.join(Without)}", EXIT_USAGE)
    if baseline is Baseline.FREQUENCY and options.train_questions is None:
        raise CommandError(
            "frequency needs --train-questions: the file whose answers it counts", EXIT_USAGE
        )
    if sees and (options.videos is None or not options.videos.is_dir()):
        raise CommandError(f"--videos {options.videos}: no such folder; give that of the videos")
    return baseline


def _build_responder(
    options: EvaluateOptions, baseline: Baseline | None, skips: SkipLog
) -> Responder:
    match baseline:
        case Baseline.CHANCE:
            return ChanceResponder(options.seed)
        case Baseline.FREQUENCY if options.train_questions is not None:
            return FrequencyResponder(read_questions(options.train_questions, skips))
        case Baseline.ORACLE:
            if options.metadata is None:
                return OracleResponder()
            return OracleResponder(read_scenes(options.metadata, skips))
    # Only now is torch needed.
    from vlm3r_ros.benchmarks.model_responders import (
        BlindResponder,
        OfflineResponder,
        StreamResponder,
    )
    from vlm3r_ros.models.registry import load_model

    name = options.model
    if baseline is Baseline.BLIND:
        name = name.partition(_OF)[2] or _BLIND_BY_DEFAULT
    network, processor = load_model(name, device=options.device, dtype=options.dtype)
    if baseline is Baseline.BLIND:
        return BlindResponder(network, processor)
    if options.without:
        network.config.spatial_features = _SPATIAL_FEATURES[Without(options.without)]
    if options.stream:
        return StreamResponder(
            network,
            processor,
            num_frames=options.frames,
            fps=options.stream_fps,
            odometry=options.odometry,
        )
    return OfflineResponder(
        network, processor, num_frames=options.frames, odometry=options.odometry
    )


def _settings(options: EvaluateOptions) -> dict[str, Any]:
    """What the answers depend on. Neither where files lie nor the device is part of it."""
    return {
        "questions": _digest(options.questions),
        "model": options.model,
        "stream": options.stream,
        "stream_fps": options.stream_fps,
        "odometry": options.odometry,
        "frames": options.frames,
        "tasks": list(options.tasks),
        "limit": options.limit,
        "seed": options.seed,
        "without": options.without,
        "train_questions": _digest(options.train_questions),
        "metadata": None if options.metadata is None else str(options.metadata),
        "dtype": options.dtype,
    }


def _digest(path: Path | None) -> str | None:
    """A file's name and a mark of its content."""
    if path is None:
        return None
    if not path.is_file():
        raise CommandError(f"{path}: no such file")
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _title(options: EvaluateOptions) -> str:
    how = " on a stream" if options.stream else ""
    without = f" without {options.without}" if options.without else ""
    return f"{options.model}{without}{how}, {options.questions.name}"


def _write(options: EvaluateOptions, report: Report, skips: SkipLog) -> None:
    left_out = [
        {"scene": error.scene, "field": error.field, "problem": error.problem}
        for error in skips.errors
    ]
    summary = {"run": _settings(options)} | report.to_json() | {"left_out": left_out}
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    (options.out / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")
    title = _title(options)
    (options.out / TABLE_FILE).write_text(report.markdown(title), encoding="utf-8")
    draw_chart(options.out / CHART_FILE, report, title)
