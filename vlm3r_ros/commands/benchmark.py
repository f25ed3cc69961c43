"""`vlm3r benchmark`: speed and memory, as ratios within one run, and navigation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vlm3r_ros.assistant.locator import Locator
from vlm3r_ros.benchmarks.navigation_kinds import SourceKind

if TYPE_CHECKING:
    from rich.table import Table

    from vlm3r_ros.benchmarks.navigation_episode import Moment
    from vlm3r_ros.benchmarks.navigation_sources import SourceMaker

app = typer.Typer(help="Measure speed, memory, and how well hints lead.", no_args_is_help=True)

Threads = Annotated[int, typer.Option(min=1, help="CPU threads of PyTorch.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Seed = Annotated[int, typer.Option(help="Of the pictures.")]
Model = Annotated[str, typer.Option(help="Named size, model folder or hub name.")]
DType = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]


@app.command()
def geometry(
    height: Annotated[int, typer.Option(min=16)] = 432,
    width: Annotated[int, typer.Option(min=16)] = 432,
    rounds: Annotated[int, typer.Option(min=1, help="Counted steps of each variant.")] = 5,
    threads: Threads = 2,
    device: Device = "auto",
    compile_step: Annotated[
        bool, typer.Option("--compile", help="Run our variants through torch.compile.")
    ] = False,
) -> None:
    """One step of the published size, tokens only, against the published procedure."""
    from rich.console import Console

    from vlm3r_ros.benchmarks.speed_geometry import benchmark_geometry, geometry_table
    from vlm3r_ros.models.devices import resolve_device

    _use_threads(threads)
    where = resolve_device(device)
    speeds = benchmark_geometry(
        height=height, width=width, rounds=rounds, device=where, compile_step=compile_step
    )
    title = f"Geometry step, {width}x{height}, random weights, {_place(where, threads)}"
    Console().print(geometry_table(speeds, title))


@app.command()
def answer(
    model: Model = "nano",
    rounds: Annotated[int, typer.Option(min=1, help="Counted answers of each kind.")] = 10,
    keyframes: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Keyframes remembered; several times for several. Default: 4-32."),
    ] = None,
    threads: Threads = 2,
    device: Device = "auto",
    dtype: DType = "auto",
    seed: Seed = 0,
) -> None:
    """Time to the first token: prefix cache against encoding everything for each question."""
    from rich.console import Console

    from vlm3r_ros.benchmarks.speed_answer import (
        KEYFRAME_COUNTS,
        answer_table,
        benchmark_answer,
    )
    from vlm3r_ros.models.registry import load_model

    _use_threads(threads)
    network, processor = load_model(model, device=device, dtype=dtype)
    counts = sorted(keyframes or KEYFRAME_COUNTS)
    speeds = benchmark_answer(network, processor, keyframe_counts=counts, rounds=rounds, seed=seed)
    title = f"Time to first token, {model}, {_place(network.device, threads)}"
    Console().print(answer_table(speeds, title))


@app.command()
def stream(
    frames: Annotated[int, typer.Option(min=400)] = 2000,
    model: Model = "nano",
    threads: Threads = 2,
    device: Device = "auto",
    dtype: DType = "auto",
    seed: Seed = 0,
) -> None:
    """A long stream through the whole assistant: growth of memory and of the step's time."""
    from rich.console import Console

    from vlm3r_ros.benchmarks.speed_stream import benchmark_stream, stream_table
    from vlm3r_ros.models.registry import load_model

    _use_threads(threads)
    network, processor = load_model(model, device=device, dtype=dtype)
    speed = benchmark_stream(network, processor, frames=frames, seed=seed)
    title = f"Stream of {frames} frames, {model}, {_place(network.device, threads)}"
    Console().print(stream_table(speed, title))


@app.command()
def worlds(
    scenes: Annotated[int, typer.Option(min=1, help="Rooms.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the rooms.")] = 0,
) -> None:
    """Rooms, renderer and questions on one core: rooms, frames and pairs a second."""
    from rich.console import Console

    from vlm3r_ros.benchmarks.speed_worlds import benchmark_worlds, worlds_table

    Console().print(worlds_table(benchmark_worlds(scenes=scenes, seed=seed), f"{scenes} rooms"))


@app.command()
def tracking(
    model: Model = "nano",
    sequences: Annotated[int, typer.Option(min=1, help="Short ones, a room each.")] = 64,
    frames: Annotated[int, typer.Option(min=2, help="Of a short sequence.")] = 8,
    interval: Annotated[float, typer.Option(min=0.05, help="Seconds between them.")] = 0.4,
    walks: Annotated[int, typer.Option(min=1, help="Long ones, a room each.")] = 8,
    walk_frames: Annotated[int, typer.Option(min=2, help="Of a walk.")] = 100,
    walk_interval: Annotated[float, typer.Option(min=0.05, help="Seconds between them.")] = 0.1,
    reset_interval: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Frames of a walk after which the state starts anew and poses are chained; 0 for "
            "never. Without it, what the model's folder says.",
        ),
    ] = None,
    trajectories: Annotated[
        Path | None, typer.Option(help="Folder for the walks' true and estimated ways (TUM).")
    ] = None,
    threads: Threads = 2,
    device: Device = "auto",
    dtype: DType = "auto",
    seed: Seed = 0,
) -> None:
    """In test rooms: depth and motion as the geometry encoder sees them; the live tracker's way."""
    import torch
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from vlm3r_ros.benchmarks.tracking import PoseSource, walk
    from vlm3r_ros.models.geometry import check_reset_interval
    from vlm3r_ros.models.registry import load_model
    from vlm3r_ros.training.geometry.evaluation import Evaluation, evaluation_tasks
    from vlm3r_ros.training.geometry.filming import film
    from vlm3r_ros.training.geometry.settings import DataSettings, EvaluationSettings
    from vlm3r_ros.training.geometry.trajectories import write_tum
    from vlm3r_ros.worlds.world import Split

    if reset_interval is not None:
        try:
            check_reset_interval(reset_interval)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    _use_threads(threads)
    network, processor = load_model(model, device=device, dtype=dtype, geometry_only=True)
    data = DataSettings(image_size=network.config.geometry_image_size)
    # The tracker is shown images as large as a camera's are to it.
    shown = DataSettings(image_size=processor.image_size)
    settings = EvaluationSettings(
        seed, sequences, frames, interval, walks, walk_frames, walk_interval
    )
    to_screen = Console(stderr=True)
    seen, _ = evaluation_tasks(settings, data, Split.TEST)
    _, watched = evaluation_tasks(settings, shown, Split.TEST)
    short = [film(task) for task in track(seen, "Filming sequences", console=to_screen)]
    long = [film(task) for task in track(watched, "Filming walks", console=to_screen)]
    metrics = Evaluation(short, [], data.max_depth).measure(network.geometry_encoder)
    walks_by_source = {}
    for source in PoseSource:
        walked = walk(
            network,
            processor,
            track(long, f"Walking, {source}", console=to_screen),
            source,
            interval=walk_interval,
            reset_interval=reset_interval,
        )
        walks_by_source[source] = walked.errors()
        if trajectories is None:
            continue
        folder = trajectories / source.name.lower()
        stamps = (torch.arange(walk_frames) * walk_interval).tolist()
        for number, (said, truth) in enumerate(zip(walked.estimated, walked.true, strict=True)):
            write_tum(folder / f"walk_{number}_estimated.txt", stamps, said.numpy())
            write_tum(folder / f"walk_{number}_true.txt", stamps, truth.numpy())
    title = f"Depth and motion, {model}, {sequences} sequences, seed {seed}"
    Console().print(_metrics_table(metrics, title))
    title = f"{walks} walks of {walk_frames} frames, {walk_interval} s apart, {model}, seed {seed}"
    table = Table("metric", *PoseSource, title=title)
    for name in walks_by_source[PoseSource.NETWORK]:
        table.add_row(name, *(f"{errors[name]:.3f}" for errors in walks_by_source.values()))
    Console().print(table)


@app.command()
def heads(
    model: Model = "nano",
    scenes: Annotated[int, typer.Option(min=1, help="Rooms, of the validation split.")] = 20,
    top: Annotated[int, typer.Option(min=1, help="Heads to tell.")] = 8,
    write: Annotated[
        bool, typer.Option(help="Put them into the model folder's config.json.")
    ] = False,
    threads: Threads = 2,
    device: Device = "auto",
    dtype: DType = "auto",
    seed: Seed = 0,
) -> None:
    """Which attention heads look at the thing that a question names: for the locator `attended`."""
    from rich.console import Console
    from rich.progress import track

    from vlm3r_ros.benchmarks.localization_heads import heads_table, score_heads, write_heads
    from vlm3r_ros.models.registry import load_model

    _use_threads(threads)
    network, processor = load_model(model, device=device, dtype=dtype)
    to_screen = Console(stderr=True)
    rooms = score_heads(network, processor, scenes=scenes, seed=seed)
    *_, scores = track(rooms, "Looking", total=scenes, console=to_screen)
    title = f"Heads that look at what is named, {model}, {scores.questions} questions, seed {seed}"
    Console().print(heads_table(scores, top, title))
    if write:
        write_heads(Path(model).expanduser(), scores.best(top))


@app.command()
def navigation(
    scenes: Annotated[int, typer.Option(min=1, help="Rooms, one walk in each.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the rooms, which are of the test split.")] = 0,
    source: Annotated[
        list[SourceKind] | None,
        typer.Option(
            help="What pose and place come from; several times for several. Default: truth. "
            "geometry: poses and points of the model's encoder, true places; model: all from it."
        ),
    ] = None,
    model: Model = "nano",
    locator: Annotated[
        Locator, typer.Option(help="How the source `model` finds places, as the query node does.")
    ] = Locator.ASKED,
    device: Device = "auto",
    threads: Threads = 1,
    gif: Annotated[
        Path | None, typer.Option(help="Also draw the first walk of the first source here.")
    ] = None,
) -> None:
    """Walk to things as the hints say: success, SPL, how good plans are, times."""
    from rich.console import Console
    from rich.progress import track

    from vlm3r_ros.benchmarks.navigation import benchmark_navigation
    from vlm3r_ros.benchmarks.navigation_sources import TruthSource
    from vlm3r_ros.benchmarks.navigation_table import navigation_table
    from vlm3r_ros.benchmarks.speed_planning import planning_time

    kinds = list(dict.fromkeys(source or [SourceKind.TRUTH]))
    makers: dict[SourceKind, SourceMaker] = {SourceKind.TRUTH: TruthSource}
    learned = set(kinds) != {SourceKind.TRUTH}
    if learned:
        from vlm3r_ros.benchmarks.navigation_learned import source_makers

        _use_threads(threads)
        makers = source_makers(kinds, model, device, locator)
    to_screen = Console(stderr=True)
    walks = {
        kind.value: list(
            track(
                benchmark_navigation(scenes=scenes, seed=seed, source=makers[kind]),
                f"Walking, {kind.value}",
                total=scenes,
                console=to_screen,
            )
        )
        for kind in kinds
    }
    title = f"Navigation hints, seed {seed}" + (f", {model}" if learned else "")
    Console().print(navigation_table(walks, title))
    planning = 1000 * planning_time()
    Console().print(f"planning over 10 x 10 m at 5 cm: {planning:.0f} ms of processor time")
    if gif is not None:
        from vlm3r_ros.benchmarks.navigation_gif import draw_walk

        moments: list[Moment] = []
        list(
            benchmark_navigation(
                scenes=1, seed=seed, source=makers[kinds[0]], onlooker=moments.append
            )
        )
        draw_walk(gif, moments)
        to_screen.print(f"Drawn: {gif}")


def _metrics_table(metrics: Mapping[str, float], title: str) -> Table:
    from rich.table import Table

    table = Table("metric", "value", title=title)
    for name, value in metrics.items():
        table.add_row(name, f"{value:.3f}")
    return table


def _use_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _place(device: object, threads: int) -> str:
    """Where the figures come from, in words."""
    import torch

    if getattr(device, "type", "cpu") == "cuda":
        return torch.cuda.get_device_name(torch.device(str(device)))
    return f"CPU, {threads} threads"
