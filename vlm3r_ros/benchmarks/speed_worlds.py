"""Speed of worlds: building rooms, walking through them, rendering, and asking about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rich.table import Table

from vlm3r_ros.questions.drafting import DraftPlan
from vlm3r_ros.questions.generate import make_questions
from vlm3r_ros.questions.tasks import TASKS, task_limits
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.filming import MODEL_FRAMES, Film, FilmSettings, film_scene, model_frames
from vlm3r_ros.worlds.rendering import View, render
from vlm3r_ros.worlds.world import Split, WorldId

Result = TypeVar("Result")

IMAGE_SIZES = ((160, 120), (192, 144), (224, 224), (320, 240))
_RENDERED_FRAMES = 10  # of each room and size
_VIDEO = FilmSettings()


@dataclass(frozen=True)
class WorldSpeed:
    """How fast one thing is on one core.

    Attributes:
        name: what was done.
        unit: what is counted.
        count: how much of it was done.
        seconds: of the processor, in all; what other programs took does not count.
    """

    name: str
    unit: str
    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.count / self.seconds


def benchmark_worlds(*, scenes: int = 20, seed: int = 0) -> list[WorldSpeed]:
    """Time every step from a seed to questions, in this process alone.

    Args:
        scenes: rooms.
        seed: of the rooms, which are of the validation split.
    """
    # Compiles what is compiled, and fills caches.
    _measure(1, seed + 1)
    return _measure(scenes, seed)


def _measure(scenes: int, seed: int) -> list[WorldSpeed]:
    ids = [WorldId(Split.VAL, seed, index) for index in range(scenes)]
    speeds: list[WorldSpeed] = []

    def timed(name: str, unit: str, work: Callable[[], list[Result]]) -> list[Result]:
        began = time.process_time()
        results = work()
        speeds.append(WorldSpeed(name, unit, len(results), time.process_time() - began))
        return results

    timed("build", "rooms", lambda: [build_world(world_id) for world_id in ids])
    films = timed(
        f"build, and walk {_VIDEO.frames} frames",
        "rooms",
        lambda: [Film.of(world_id, _VIDEO) for world_id in ids],
    )
    for width, height in IMAGE_SIZES:
        for color, what in ((True, "colour, depth, instances"), (False, "depth, instances")):
            views = partial(_render, films, width, height, color)
            timed(f"render {width}x{height}: {what}", "frames", views)
    filmed = timed(
        f"metadata of {MODEL_FRAMES} frames",
        "scenes",
        lambda: [film_scene(world_id, _VIDEO)[0] for world_id in ids],
    )
    plan = DraftPlan(task_limits("", tuple(TASKS)), seed=seed)
    timed("questions of all tasks", "pairs", lambda: list(make_questions(filmed, plan)))
    return speeds


def _render(films: list[Film], width: int, height: int, color: bool) -> list[View]:
    views = []
    for film in films:
        lens = film.path.intrinsics.resized(width, height)
        for index in model_frames(_VIDEO.frames, _RENDERED_FRAMES):
            pose = film.path.T_world_camera[index]
            views.append(render(film.world, lens, pose, color=color))
    return views


def worlds_table(speeds: list[WorldSpeed], title: str) -> Table:
    """The figures as a table."""
    table = Table(title=title)
    table.add_column("one core")
    for column in ("a second", "ms each", "counted"):
        table.add_column(column, justify="right")
    for speed in speeds:
        each = 1000 * speed.seconds / speed.count
        table.add_row(speed.name, f"{speed.rate:.0f} {speed.unit}", f"{each:.1f}", str(speed.count))
    return table
