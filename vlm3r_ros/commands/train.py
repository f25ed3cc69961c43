"""`vlm3r train`: the stages of training, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vlm3r_ros.training.loop import Stage, StageConfig, TrainReport

train_app = typer.Typer(
    help="Train a model on rendered rooms; a run cut short goes on where it was.",
    no_args_is_help=True,
)

Config = Annotated[
    Path | None, typer.Option(help="YAML; default: the package's config/training/STAGE.yaml.")
]
Out = Annotated[Path, typer.Option(help="Folder to write; one begun before is gone on with.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Of weights and data; default: the file's.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Of the optimizer; default: the file's.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1; default: the file's.")]


@train_app.command()
def geometry(
    out: Out,
    config: Config = None,
    seed: Seed = None,
    steps: Steps = None,
    device: Device = "",
) -> None:
    """Stage 1: the geometry encoder learns pointmaps, poses and metric scale."""
    from vlm3r_ros.training.geometry.settings import GeometryConfig

    settings = _read("geometry", GeometryConfig, config, _run_overrides(seed, steps, device))
    # PyTorch takes seconds to import: a mistake in the file is told before.
    from vlm3r_ros.training.geometry.stage import GeometryStage

    raise typer.Exit(_train(GeometryStage(settings), settings, out))


@train_app.command()
def vision(
    out: Out,
    config: Config = None,
    seed: Seed = None,
    steps: Steps = None,
    device: Device = "",
) -> None:
    """Stage 2: the vision tower learns what each patch of a frame shows."""
    from vlm3r_ros.training.vision.settings import VisionConfig

    settings = _read("vision", VisionConfig, config, _run_overrides(seed, steps, device))
    from vlm3r_ros.training.vision.stage import VisionStage

    raise typer.Exit(_train(VisionStage(settings), settings, out))


@train_app.command()
def instruct(
    out: Out,
    config: Config = None,
    seed: Seed = None,
    steps: Steps = None,
    device: Device = "",
    geometry: Annotated[
        str | None, typer.Option(help="Folder of a geometry encoder; default: the file's.")
    ] = None,
    vision: Annotated[
        str | None, typer.Option(help="Folder of a vision tower; default: the file's.")
    ] = None,
) -> None:
    """Stage 3: fusion, projector and language model learn to answer.

    With adapters (model.lora), or under `accelerate launch`, accelerate drives it.
    """
    import os

    from vlm3r_ros.training.instruct.settings import InstructConfig

    overrides = _run_overrides(seed, steps, device)
    overrides |= {"model.geometry_from": geometry, "model.vision_from": vision}
    settings = _read("instruct", InstructConfig, config, overrides)
    if settings.model.lora is not None or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from vlm3r_ros.training.instruct.distributed import DistributedTuning

        tuning = DistributedTuning(settings, out)
        report = tuning.run()
        raise typer.Exit(_tell(report, out) if tuning.accelerator.is_main_process else 0)
    from vlm3r_ros.training.instruct.stage import InstructStage

    raise typer.Exit(_train(InstructStage(settings), settings, out))


def _run_overrides(seed: int | None, steps: int | None, device: str) -> dict[str, Any]:
    """Settings of every stage that the command line may give; None where it does not."""
    return {"run.seed": seed, "run.steps": steps, "run.device": device or None}


def _read(name: str, kind: type[Any], path: Path | None, overrides: dict[str, Any]) -> Any:
    """A stage's configuration, with what was given on the command line in place of the file's."""
    from vlm3r_ros.resources import resource
    from vlm3r_ros.training.config import read_config

    file = path or resource("config", "training", f"{name}.yaml")
    return read_config(file, kind, {k: v for k, v in overrides.items() if v is not None})


def _train(stage: Stage, settings: StageConfig, out: Path) -> int:
    """Train a stage, and tell how it went; see `_tell`."""
    from vlm3r_ros.training.loop import Trainer

    return _tell(Trainer(stage, settings, out).run(), out)


def _tell(report: TrainReport, out: Path) -> int:
    """Say how a run went.

    Returns:
        0, or 1 where it was cut short.
    """
    from vlm3r_ros.commands.errors import EXIT_FAILED

    for metric, value in report.metrics.items():
        typer.echo(f"{metric:28} {value:.4g}")
    if report.skipped:
        typer.echo(f"{report.skipped} steps were left out: their gradients were not finite")
    if report.finished:
        typer.echo(f"all {report.step} steps are done; the model is in {out / 'model'}")
        return 0
    typer.echo(f"stopped after step {report.step}; run the same command again to go on")
    return EXIT_FAILED
