"""Navigation hints in rendered worlds: a walker does what they say, step by step."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vlm3r_ros.benchmarks.navigation_episode import Episode, Moment, Onlooker
from vlm3r_ros.benchmarks.navigation_motion import FRAME_RATE, small_motions
from vlm3r_ros.benchmarks.navigation_room import SUCCESS_DISTANCE, TrueRoom
from vlm3r_ros.benchmarks.navigation_sources import SourceMaker, TruthSource, Witness
from vlm3r_ros.navigation.hint import NavigationHint, Turn
from vlm3r_ros.navigation.target import Target, heading
from vlm3r_ros.navigation.words import spoken_degrees
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.camera_motion import camera_poses
from vlm3r_ros.worlds.filming import Film, FilmSettings, model_frames
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import Split, WorldId

_ASKING = 2  # what a world's random numbers are drawn for


@dataclass(frozen=True)
class NavigationSettings:
    """How worlds are watched and walked through.

    Attributes:
        frames: of the camera's walk before the question.
        keyframes: of these, evenly spread, that a source sees which needs not see every frame.
        width, height: of a frame, pixels.
        step: metres that are walked on one hint at most.
        most_steps: hints after which a walker gives up.
        least_distance: metres from the target's box at least at which episodes begin.
        pitch: of the camera while walking, radians, negative down.
    """

    frames: int = 120
    keyframes: int = 24
    width: int = 160
    height: int = 120
    step: float = 0.3
    most_steps: int = 80
    least_distance: float = 1.5
    pitch: float = math.radians(-15.0)


def benchmark_navigation(
    *,
    scenes: int = 100,
    seed: int = 0,
    settings: NavigationSettings | None = None,
    source: SourceMaker = TruthSource,
    onlooker: Onlooker | None = None,
) -> Iterator[Episode]:
    """One walk in each of `scenes` worlds of the test split; worlds without a target are skipped.

    The same walks to the same targets whatever the source.

    Args:
        scenes: worlds.
        seed: of the worlds.
        settings: how they are watched and walked through.
        source: what knows pose and place in a world.
        onlooker: is told of every hint.
    """
    settings = settings or NavigationSettings()
    done = index = 0
    while done < scenes:
        episode = run_episode(WorldId(Split.TEST, seed, index), settings, source, onlooker)
        index += 1
        if episode is not None:
            done += 1
            yield episode


def run_episode(
    world_id: WorldId,
    settings: NavigationSettings,
    source: SourceMaker = TruthSource,
    onlooker: Onlooker | None = None,
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
    walker = _Walker(film, settings, source, onlooker)
    name = walker.choose_target(world_id.generator(_ASKING))
    if name is None:
        return None
    walker.watch()
    return walker.go(name)


class _Walker:
    """Somebody with a camera who does what the hints say."""

    def __init__(
        self,
        film: Film,
        settings: NavigationSettings,
        source: SourceMaker,
        onlooker: Onlooker | None,
    ) -> None:
        self._film = film
        self._settings = settings
        self._onlooker = onlooker
        self._witness = Witness(film.world, film.path.intrinsics)
        self._source = source(self._witness)
        self._room = TrueRoom(film.world)
        self._stamp = 0.0
        last = film.path.T_world_camera[-1]
        self._height = float(last[2, 3])
        self._yaw = heading(last)
        self._place = self._room.start_near(last[:2, 3])
        self._keyframes = model_frames(settings.frames, settings.keyframes)

    def choose_target(self, generator: np.random.Generator) -> str | None:
        """A category that is seen, none of whose objects is near; None if there is none."""
        for index in self._keyframes:
            self._witness.look(self._film.path.T_world_camera[index])
        self._witness.look(self._pose())
        objects = self._film.world.objects
        seen = {objects[index].category for index in self._witness.seen.tolist()}
        far = [
            name
            for name in sorted(seen)
            if self._room.away(self._place, name) >= self._settings.least_distance
            and math.isfinite(self._room.shortest_way(self._place, name))
        ]
        return None if not far else str(generator.choice(far))

    def watch(self) -> None:
        """Shows the source the camera's walk, and then what the walker sees at the start."""
        path = self._film.path
        indices = range(self._settings.frames) if self._source.every_frame else self._keyframes
        for index in indices:
            self._stamp = float(path.times[index])
            self._source.look(path.T_world_camera[index], self._stamp)
        self._move(small_motions(path.T_world_camera[-1], self._pose()))

    def go(self, name: str) -> Episode:
        """Walks to a target as told."""
        target = self._source.locate(name)
        place_error = self._place_error(target, name)
        shortest = self._room.shortest_way(self._place, name)
        guidance = self._source.navigator.follow(target)
        walked, collided, times = 0.0, False, []
        first: NavigationHint | None = None
        for _ in range(self._settings.most_steps):
            began = time.process_time()
            hint = self._source.navigator.lead(guidance)
            times.append(1000 * (time.process_time() - began))
            if first is None:
                first = hint
                clearance, ratio = self._judge(hint)
            self._tell(target, hint)
            if guidance.finished or hint.turn is Turn.UNKNOWN:
                break
            before = self._place
            self._obey(hint)
            walked += float(np.linalg.norm(self._place - before))
            if self._room.runs_into(before, self._place):
                collided = True
                break
        assert first is not None
        away = self._room.away(self._place, name)
        success = hint.arrived and not collided and away <= SUCCESS_DISTANCE
        return Episode(
            scene=self._film.world.id.name,
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
            place_error=place_error,
            pose_error=self._pose_error(),
            planning_ms=tuple(times),
            hints=len(times),
        )

    def _obey(self, hint: NavigationHint) -> None:
        """Turns by as much as is said, and walks."""
        standing = self._pose()
        if hint.turn in (Turn.LEFT, Turn.RIGHT, Turn.BACK):
            said = math.radians(spoken_degrees(hint.bearing))
            self._yaw += math.copysign(said, hint.bearing)
        turned = self._pose()
        length = min(self._settings.step, hint.leg)
        self._place = self._place + length * np.array([math.cos(self._yaw), math.sin(self._yaw)])
        self._move([*small_motions(standing, turned), *small_motions(turned, self._pose())])

    def _move(self, poses: list[FloatArray]) -> None:
        """Shows the source what the camera sees on its way."""
        for number, pose in enumerate(poses, 1):
            self._stamp += 1 / FRAME_RATE
            if self._source.every_frame or number == len(poses):
                self._source.look(pose, self._stamp)

    def _pose(self) -> FloatArray:
        position = np.array([[*self._place, self._height]])
        yaw, pitch, roll = (np.array([angle]) for angle in (self._yaw, self._settings.pitch, 0.0))
        return camera_poses(position, yaw, pitch, roll)[0]

    def _tell(self, target: Target, hint: NavigationHint) -> None:
        if self._onlooker is not None:
            moment = Moment(
                self._film.world,
                self._film.path.intrinsics,
                self._pose(),
                self._source.T_map_world,
                target,
                self._source.navigator.grid(),
                hint,
            )
            self._onlooker(moment)

    def _place_error(self, target: Target, name: str) -> float:
        if not target.has_place:
            return math.nan
        place = on_true_floor(self._source.T_map_world, target.position[None])[0]
        return self._room.away(place, name)

    def _pose_error(self) -> float:
        taken = self._source.navigator.T_map_camera
        if taken is None:
            return math.nan
        place = on_true_floor(self._source.T_map_world, taken[None, :3, 3])[0]
        return float(np.linalg.norm(place - self._place))

    def _judge(self, hint: NavigationHint) -> tuple[float, float]:
        """Clearance of a hint's path, and its length over the shortest between its ends."""
        if len(hint.path) < 2:
            return math.nan, math.nan
        path = on_true_floor(self._source.T_map_world, hint.path)
        return self._room.clearance(path), self._room.detour(path)


def on_true_floor(T_map_world: FloatArray, points: FloatArray) -> FloatArray:
    """World x and y `[N, 2]` of map points `[N, 3]`; an unknown height counts as the origin's."""
    known = np.where(np.isfinite(points), points, 0.0)
    rotation, shift = T_map_world[:3, :3], T_map_world[:3, 3]
    return np.asarray((known - shift) @ rotation)[:, :2]
