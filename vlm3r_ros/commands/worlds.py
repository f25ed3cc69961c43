"""`vlm3r worlds`: rooms that a camera films, and scenes of real data sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from vlm3r_ros.commands.errors import EXIT_USAGE, CommandError

worlds_app = typer.Typer(
    help="Generate rooms that a camera films, look at them, read real data sets.",
    no_args_is_help=True,
)

SplitName = Literal["train", "val", "test"]
FormatName = Literal["scannet", "scannetpp", "arkitscenes"]


@worlds_app.command()
def generate(
    out: Annotated[Path, typer.Option(help="Folder to write; one begun before is gone on with.")],
    scenes: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 100,
    frames: Annotated[int, typer.Option(min=1, help="Of each video.")] = 120,
    size: Annotated[str, typer.Option(help="Of a frame: WIDTHxHEIGHT, even numbers.")] = "320x240",
    seed: Annotated[int, typer.Option(min=0, help="Of the worlds.")] = 0,
    split: Annotated[
        SplitName, typer.Option(help="train, val or test; their worlds differ.")
    ] = "train",
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 10.0,
    videos: Annotated[
        bool, typer.Option(help="Videos; without, only the 32 frames of the metadata are rendered.")
    ] = True,
    depth: Annotated[bool, typer.Option("--depth", help="16-bit PNG, millimetres.")] = False,
    instances: Annotated[
        bool, typer.Option("--instances", help="16-bit PNG, instance id + 1.")
    ] = False,
    bag: Annotated[
        bool, typer.Option("--bag", help="A rosbag2 (MCAP) with images, TF and the true path.")
    ] = False,
    samples: Annotated[
        int, typer.Option(min=1, max=4, help="Rays along a pixel's side; 2 smooths edges.")
    ] = 1,
    motion_blur: Annotated[
        float, typer.Option(help="Share of a frame's time with an open shutter; 0 to 1.")
    ] = 0.0,
    exposure: Annotated[
        float, typer.Option(help="Stops by which clips are too bright or dark, typically.")
    ] = 0.0,
    noise: Annotated[
        float, typer.Option(help="Of the sensor, in steps of 8-bit colour, typically.")
    ] = 0.0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
) -> None:
    """Generate rooms filmed by a moving camera, with their metadata; a run cut short goes on."""
    from vlm3r_ros.commands.worlds_generate import generate as run
    from vlm3r_ros.worlds.camera_effects import CameraEffects
    from vlm3r_ros.worlds.dataset_folder import DatasetSettings
    from vlm3r_ros.worlds.filming import FilmSettings
    from vlm3r_ros.worlds.world import Split

    width, height = parse_size(size)
    try:
        settings = DatasetSettings(
            split=Split(split),
            seed=seed,
            film=FilmSettings(
                frames, fps, width, height, samples, CameraEffects(motion_blur, exposure, noise)
            ),
            videos=videos,
            depth=depth,
            instances=instances,
            bags=bag,
        )
    except ValueError as error:
        raise CommandError(str(error), EXIT_USAGE) from error
    raise typer.Exit(run(out, settings, scenes, workers or len(os.sched_getaffinity(0))))


@worlds_app.command()
def show(
    scene: Annotated[str, typer.Argument(help="Its name, as room_test_0_000012.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG to write; default: SCENE.png.")
    ] = None,
    columns: Annotated[int, typer.Option(min=1, max=12, help="Frames to show.")] = 4,
    frames: Annotated[int, typer.Option(min=1, help="Of the video.")] = 120,
    size: Annotated[str, typer.Option(help="Of a frame: WIDTHxHEIGHT.")] = "320x240",
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 10.0,
) -> None:
    """Draw a world: frames, depth, objects, the plan from above and the camera's way."""
    from vlm3r_ros.commands.worlds_show import show as run
    from vlm3r_ros.worlds.filming import FilmSettings

    width, height = parse_size(size)
    try:
        settings = FilmSettings(frames, fps, width, height)
    except ValueError as error:
        raise CommandError(str(error), EXIT_USAGE) from error
    raise typer.Exit(run(scene, output, settings, columns))


@worlds_app.command("import")
def import_(
    kind: Annotated[FormatName, typer.Option("--format", help="Data set.")],
    folder: Annotated[Path, typer.Option("--input", help="Its folder, as downloaded.")],
    split: Annotated[str, typer.Option(help="train, val, ...: as its own lists have it.")],
    out: Annotated[Path, typer.Option(help="Folder to write; a run cut short is gone on with.")],
    published: Annotated[
        bool, typer.Option("--published", help="As the published metadata, faults included.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
) -> None:
    """Describe scans of ScanNet, ScanNet++ or ARKitScenes as metadata for questions."""
    from vlm3r_ros.commands.worlds_import import import_dataset

    workers = workers or len(os.sched_getaffinity(0))
    raise typer.Exit(import_dataset(kind, folder, split, out, published=published, workers=workers))


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of `320x240`.

    Raises:
        CommandError: it has another form.
    """
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise CommandError(
            f"'{text}' is no size; give WIDTHxHEIGHT, as 320x240", EXIT_USAGE
        ) from error
    return width, height
