"""`vlm3r worlds show`: one picture of a world and of how it is filmed."""

from __future__ import annotations

from pathlib import Path

import cv2
import typer

from vlm3r_ros.commands.errors import EXIT_USAGE, CommandError
from vlm3r_ros.worlds.contact_sheet import contact_sheet
from vlm3r_ros.worlds.filming import Film, FilmSettings
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import WorldId


def show(scene: str, output: Path | None, settings: FilmSettings, columns: int) -> int:
    """Write the contact sheet of a world.

    Args:
        scene: name of the world.
        output: PNG to write; None for the scene's name in the working directory.
        settings: how it is filmed.
        columns: how many frames to show.

    Returns:
        0.

    Raises:
        CommandError: there is no such world, or the file cannot be written.
    """
    path = output or Path(f"{scene}.png")
    if not path.parent.is_dir():
        raise CommandError(f"{path}: cannot be written: no such folder")
    try:
        film = Film.of(WorldId.parse(scene), settings)
    except SceneError as error:
        raise CommandError(str(error)) from error
    except ValueError as error:
        raise CommandError(str(error), EXIT_USAGE) from error
    sheet = contact_sheet(film.world, film.path, columns=columns)
    encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from error
    typer.echo(f"{path}: {sheet.shape[1]}x{sheet.shape[0]}")
    return 0
