"""Navigation hints in rendered worlds: a walker does what they say, step by step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from rich.table import Table

from vlm3r_ros.benchmarks.navigation_floor import distances_from, path_clearance, true_floor
from vlm3r_ros.benchmarks.navigation_sources import Source, TruthSource
from vlm3r_ros.navigation.guidance import Guidance, GuidanceConfig
from vlm3r_ros.navigation.hint import HintStatus, NavigationHint, Turn
from vlm3r_ros.navigation.occupancy import OccupancyMap
from vlm3r_ros.navigation.target import heading
from vlm3r_ros.navigation.words import spoken_degrees
from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox
from vlm3r_ros.worlds.camera_motion import camera_poses
from vlm3r_ros.worlds.filming import Film, FilmSettings, model_frames
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import Split, World, WorldId

BODY_RADIUS = 0.2
"""Metres: a walker that comes nearer to a wall or a solid has run into it."""

SUCCESS_DISTANCE = 1.0
"""Metres from the target's box at which a walker has to stop."""

_ASKING = 2  # what a world's random numbers are drawn for
_ROOM_TO_START = 0.23  # m around a walker at the start
_HINT_RATE = 2.0  # Hz

SourceMaker = Callable[[World, Intrinsics], Source]


@dataclass(frozen=True)
class NavigationSettings:
    """How worlds are watched and walked through.

    Attributes:
        frames: of the camera's walk before the question.
        keyframes: of these, evenly spread, that the map is made of.
        width, height: of a frame, pixels.
        step: metres that are walked on one hint at most.
        most_steps: hints after which a walker gives up.
        least_distance: metres from the target's box at least at which episodes begin.
        pitch: of the camera while walking, radians, negative down.
        guidance: of the hints.
    """

    frames: int = 120
    keyframes: int = 24
    width: int = 160
    height: int = 120
    step: float = 0.3
    most_steps: int = 80
    least_distance: float = 1.5
    pitch: float = math.radians(-15.0)
    guidance: GuidanceConfig = field(default_factory=GuidanceConfig)


@dataclass(frozen=True)
class Episode:
    """One walk.

    Attributes:
        scene: the world's name.
        target: category that was asked for.
        status: of the last hint.
        success: stopped within `SUCCESS_DISTANCE` of the target without running into anything.
        collided: whether the walker ran into something.
        stopped_at: metres from the nearest such object's box at the end.
        walked: metres.
        shortest: metres of the shortest way that succeeds.
        spl: success weighted by `shortest / max(walked, shortest)`.
        plan_clearance: metres from the first plan to the nearest wall or solid; NaN without plan.
        plan_ratio: length of the first plan over that of the shortest way between its ends for a
            body of `BODY_RADIUS`; NaN without plan or such a way.
        plan_unknown: share of the first plan over cells that nobody had seen; NaN without plan.
        planning_ms: processor time of each hint, milliseconds.
        hints: given.
    """

    scene: str
    target: str
    status: HintStatus
    success: bool
    collided: bool
    stopped_at: float
    walked: float
    shortest: float
    spl: float
    plan_clearance: float
    plan_ratio: float
    plan_unknown: float
    planning_ms: tuple[float, ...]
    hints: int


def benchmark_navigation(
    *,
    scenes: int = 100,
    seed: int = 0,
    settings: NavigationSettings | None = None,
    source: SourceMaker = TruthSource,
) -> Iterator[Episode]:
    """One walk in each of `scenes` worlds of the test split; worlds without a target are skipped.

    Args:
        scenes: worlds.
        seed: of the worlds.
        settings: how they are watched and walked through.
        source: what knows pose and place in a world.
    """
    settings = settings or NavigationSettings()
    done = index = 0
    while done < scenes:
        episode = run_episode(WorldId(Split.TEST, seed, index), settings, source)
        index += 1
        if episode is not None:
            done += 1
            yield episode


def run_episode(
    world_id: WorldId, settings: NavigationSettings, source: SourceMaker = TruthSource
) -> Episode | None:
    """Watch a world, ask for something that was seen, and walk there.

    Returns:
        What came of it; None where the world cannot be made, or nothing seen in it is far enough.
    """
    film_settings = FilmSettings(
        frames=settings.frames, width=settings.width, height=settings.height
    )
    try:
        film = Film.of(world_id, film_settings)
    except SceneError:
        return None
    walker = _Walker(film, settings, source(film.world, film.path.intrinsics))
    walker.watch(model_frames(settings.frames, settings.keyframes))
    target = walker.choose_target(world_id.generator(_ASKING))
    return None if target is None else walker.go(target)


class _Walker:
    """Somebody with a camera who does what the hints say."""

    def __init__(self, film: Film, settings: NavigationSettings, source: Source) -> None:
        self._film = film
        self._settings = settings
        self._source = source
        self._world = film.world
        self._witness = TruthSource(film.world, film.path.intrinsics)
        self._floor = true_floor(film.world, BODY_RADIUS)
        self._map = OccupancyMap()
        self._stamp = 0.0
        last = film.path.T_world_camera[-1]
        self._height = float(last[2, 3])
        self._yaw = heading(last)
        roomy = true_floor(film.world, _ROOM_TO_START)
        start = roomy.nearest(last[:2, 3])
        self._place = last[:2, 3].copy() if start is None else start

    def watch(self, indices: list[int] | tuple[int, ...]) -> None:
        """Sees the frames of the camera's walk, and then what the walker sees at the start."""
        for index in indices:
            self._stamp = float(self._film.path.times[index])
            self._look(self._film.path.T_world_camera[index])
        self._stamp += 1 / _HINT_RATE
        self._pose_in_map, self._session = self._look(self._pose())

    def choose_target(self, generator: np.random.Generator) -> str | None:
        """A category that was seen, none of whose objects is near; None if there is none."""
        objects = self._world.objects
        seen = {objects[index].category for index in self._witness.seen.tolist()}
        far = [
            name
            for name in sorted(seen)
            if self._away(self._boxes(name)) >= self._settings.least_distance
            and math.isfinite(self._shortest(self._boxes(name)))
        ]
        return None if not far else str(generator.choice(far))

    def go(self, name: str) -> Episode:
        """Walks to a target as told."""
        settings = self._settings
        boxes = self._boxes(name)
        shortest = self._shortest(boxes)
        target = self._source.locate(name, self._pose_in_map)
        guidance = Guidance(target, self._session, settings.guidance)
        walked, collided, times = 0.0, False, []
        first: NavigationHint | None = None
        for _ in range(settings.most_steps):
            began = time.process_time()
            hint = guidance.update(self._pose_in_map, self._map.grid(), self._session, self._stamp)
            times.append(1000 * (time.process_time() - began))
            first = first or hint
            if guidance.finished or hint.turn is Turn.UNKNOWN:
                break
            step = self._obey(hint)
            walked += float(np.linalg.norm(step))
            clearance = path_clearance(self._floor, [self._place, self._place + step])
            self._place = self._place + step
            if clearance < BODY_RADIUS:
                collided = True
                break
            self._stamp += 1 / _HINT_RATE
            self._pose_in_map, self._session = self._look(self._pose(), hint.path[:, :2])
        assert first is not None
        away = self._away(boxes)
        success = hint.arrived and not collided and away <= SUCCESS_DISTANCE
        clearance, ratio = self._judge(first)
        return Episode(
            scene=self._world.id.name,
            target=name,
            status=hint.status,
            success=success,
            collided=collided,
            stopped_at=away,
            walked=walked,
            shortest=shortest,
            spl=shortest / max(walked, shortest, 1e-9) if success else 0.0,
            plan_clearance=clearance,
            plan_ratio=ratio,
            plan_unknown=first.unknown_share,
            planning_ms=tuple(times),
            hints=len(times),
        )

    def _obey(self, hint: NavigationHint) -> FloatArray:
        """Turns by as much as is said, and tells the step `[2]`."""
        if hint.turn in (Turn.LEFT, Turn.RIGHT, Turn.BACK):
            said = math.radians(spoken_degrees(hint.bearing))
            self._yaw += math.copysign(said, hint.bearing)
        length = min(self._settings.step, hint.leg)
        return length * np.array([math.cos(self._yaw), math.sin(self._yaw)])

    def _pose(self) -> FloatArray:
        position = np.array([[*self._place, self._height]])
        yaw, pitch, roll = (np.array([angle]) for angle in (self._yaw, self._settings.pitch, 0.0))
        return camera_poses(position, yaw, pitch, roll)[0]

    def _look(
        self, T_world_camera: FloatArray, path: FloatArray | None = None
    ) -> tuple[FloatArray, str]:
        """Takes in a frame; returns where the source takes the camera to be, and its session."""
        self._witness.look(T_world_camera, self._stamp)
        sighting = self._source.look(T_world_camera, self._stamp)
        self._map.update(sighting.points, sighting.T_map_camera, sighting.confidence, path)
        return sighting.T_map_camera, sighting.session_id

    def _boxes(self, name: str) -> list[OrientedBox]:
        return [item.box for item in self._world.objects if item.category == name]

    def _away(self, boxes: list[OrientedBox]) -> float:
        """Metres on the floor to the nearest box."""
        return min(float(box.distance([*self._place, box.centroid[2]])) for box in boxes)

    def _shortest(self, boxes: list[OrientedBox]) -> float:
        """Metres to the nearest place that succeeds; infinite if there is none."""
        floor = self._floor
        ways = distances_from(floor, self._place)
        rows, columns = np.nonzero(np.isfinite(ways))
        if not len(rows):
            return math.inf
        places = floor.origin + floor.cell * np.stack([columns, rows], -1)
        near = np.zeros(len(places), bool)
        for box in boxes:
            heights = np.full((len(places), 1), box.centroid[2])
            near |= box.distance(np.hstack([places, heights])) <= SUCCESS_DISTANCE
        return float(ways[rows, columns][near].min()) if near.any() else math.inf

    def _judge(self, hint: NavigationHint) -> tuple[float, float]:
        """Clearance of a hint's path, and its length over the shortest between its ends."""
        if len(hint.path) < 2:
            return math.nan, math.nan
        path = hint.path[:, :2]
        clearance = path_clearance(self._floor, path)
        start, goal = self._floor.nearest(path[0]), self._floor.nearest(path[-1])
        if start is None or goal is None:
            return clearance, math.nan
        best = self._floor.shortest_path(start, goal)
        if best is None:
            return clearance, math.nan
        shortest = float(np.linalg.norm(np.diff(best, axis=0), axis=1).sum())
        return clearance, hint.distance / shortest if shortest > 0 else math.nan


def navigation_table(episodes: list[Episode], title: str) -> Table:
    """The figures as a table."""
    table = Table(title=title)
    table.add_column("of all walks")
    table.add_column("", justify="right")
    clearances = np.array([episode.plan_clearance for episode in episodes])
    planned = np.isfinite(clearances)
    seen = np.array([episode.plan_unknown == 0 for episode in episodes])
    all_ratios = np.array([episode.plan_ratio for episode in episodes])
    ratios = all_ratios[np.isfinite(all_ratios)]
    seen_ratios = all_ratios[seen & np.isfinite(all_ratios)]
    times = np.concatenate([episode.planning_ms for episode in episodes])
    count = len(episodes)
    rows = {
        "walks": f"{count}",
        "success": _percent(sum(e.success for e in episodes), count),
        "SPL": f"{np.mean([e.spl for e in episodes]):.3f}",
        "ran into something": _percent(sum(e.collided for e in episodes), count),
        "first plans": f"{int(planned.sum())}",
        "first plans free of collision": _percent(
            int((clearances[planned] >= BODY_RADIUS).sum()), int(planned.sum())
        ),
        "first plan / shortest way: median": f"{_quantile(ratios, 0.5):.3f}",
        "first plan / shortest way: 95 % are below": f"{_quantile(ratios, 0.95):.3f}",
        "first plans at most 10 % longer": _percent(int((ratios <= 1.1).sum()), len(ratios)),
        "first plans over seen floor alone": f"{int(seen.sum())}",
        "these free of collision": _percent(
            int((clearances[seen] >= BODY_RADIUS).sum()), int(seen.sum())
        ),
        "these at most 10 % longer": _percent(int((seen_ratios <= 1.1).sum()), len(seen_ratios)),
        "hint, ms of one core: median": f"{_quantile(times, 0.5):.0f}",
        "hint, ms of one core: 95 % are below": f"{_quantile(times, 0.95):.0f}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part}/{whole})" if whole else "-"


def _quantile(values: np.ndarray, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else math.nan
