"""What somebody with a camera does in a room: walk, look around, go round things, back away.

A `Cameraman` strings moves together. Each gives the camera's place on the floor and the direction
in which it is meant to look, every `dt` seconds; `camera_path` makes poses of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vlm3r_ros.worlds.attention import Attention
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.camera_motion import round_corners, travel
from vlm3r_ros.worlds.free_space import FreeSpace
from vlm3r_ros.worlds.world import World

Range = tuple[float, float]

_SPACING = 0.05  # m between the points of a way
_ROUNDING = (0.6, 0.3, 0.0)  # m before a corner where its bend begins, tried in turn
_CANDIDATES, _PROBED = 40, 10  # places thought of as the next to walk to, and looked into
_HOP = (0.6, 4.0)  # m to the next
_ROOMY = 1.0  # m from walls and furniture: from farther one sees no better
_STRAIGHT = (0.5, 2.8)  # m of backing up, stepping aside and the like
_ASPECTS = 4  # things looked at to find one that leaves room for such a step
_SHORTEST = 0.3  # m worth going
_ORBIT = (0.6, 3.2)  # m from what is gone round
_TRIES = 8  # moves found impossible before one turns where one stands
_PITCH = (np.radians(-38.0), np.radians(12.0))
_NOTED = 0.4  # s between the frames that are taken as seen


class Move(StrEnum):
    """What can be done next."""

    WALK = "walk"
    TURN = "turn"
    PAUSE = "pause"
    APPROACH = "approach"
    BACK_UP = "back up"
    REVERSE = "reverse"
    SIDESTEP = "sidestep"
    ORBIT = "orbit"


@dataclass(frozen=True)
class Gait:
    """How a camera is carried.

    Attributes:
        pans: whether it can look elsewhere than where it goes; one that is fixed on a robot cannot.
        walking: m/s from place to place.
        stepping: m/s at other moves.
        acceleration: m/s^2.
        turning: rad/s; one rate is drawn for a path.
    """

    pans: bool
    walking: Range
    stepping: Range
    acceleration: float
    turning: Range


@dataclass(frozen=True, eq=False)
class Footage:
    """The camera's way before it is smoothed and shakes, every `dt` seconds.

    Attributes:
        places: on the floor, world x and y `[n, 2]`, metres.
        yaw: where it is meant to look, unwrapped; may jump `[n]`, rad.
        pitch: the same, up from level `[n]`, rad.
    """

    places: FloatArray
    yaw: FloatArray
    pitch: FloatArray


class Cameraman:
    """Goes through a world and looks at what is there.

    Args:
        world: where.
        free: its free space.
        gait: how the camera is carried.
        height: of the camera, metres.
        pitch: how it is held where it looks at nothing, rad.
        turn_rate: rad/s.
        field_of_view: horizontal, rad.
        clearance: to keep from walls and footprints, metres.
        generator: draws everything.
        dt: seconds.

    Raises:
        SceneError: there is nowhere to stand.
    """

    def __init__(
        self,
        world: World,
        free: FreeSpace,
        *,
        gait: Gait,
        height: float,
        pitch: float,
        turn_rate: float,
        field_of_view: float,
        clearance: float,
        generator: np.random.Generator,
        dt: float,
    ) -> None:
        self._free = free
        self._gait = gait
        self._height = height
        self._pitch = pitch
        self._turn_rate = turn_rate
        self._clearance = clearance
        self._generator = generator
        self._dt = dt
        self._attention = Attention(world, field_of_view, generator)
        self._place = self._start()
        self._visited = [self._place]
        self._yaw = float(generator.uniform(-np.pi, np.pi))
        target = self._attention.choose(self._place, self._yaw)
        if target is not None:
            self._yaw = float(self._towards(target, self._place[None])[0][0])
        self._filmed: list[tuple[FloatArray, FloatArray, FloatArray]] = []

    def film(self, seconds: float, moves: Mapping[Move, float]) -> Footage:
        """Do things until at least that much time has passed.

        Args:
            seconds: how long.
            moves: how likely each is; the likeliest comes first.
        """
        perform = {
            Move.WALK: self._walk,
            Move.REVERSE: self._reverse,
            Move.TURN: self._turn,
            Move.PAUSE: self._pause,
            Move.APPROACH: lambda: self._step(0.0),
            Move.BACK_UP: lambda: self._step(np.pi),
            Move.SIDESTEP: lambda: self._step(self._either() * np.pi / 2),
            Move.ORBIT: self._orbit,
        }
        names = list(moves)
        odds = np.array(list(moves.values())) / sum(moves.values())
        move, failed = names[int(odds.argmax())], 0
        while sum(len(places) for places, _, _ in self._filmed) * self._dt < seconds:
            failed = 0 if perform[move]() else failed + 1
            if failed == _TRIES:
                self._turn()
                failed = 0
            move = names[int(self._generator.choice(len(names), p=odds))]
        return Footage(*(np.concatenate(part) for part in zip(*self._filmed, strict=True)))

    def _start(self) -> FloatArray:
        places = self._free.random_places(self._generator, _CANDIDATES)
        clear = self._free.clearance(places)
        # Where nothing is roomy, the roomiest place: there one can still turn.
        roomy = min(self._generator.uniform(self._clearance, _ROOMY), clear.max())
        return np.asarray(places[(clear >= roomy).argmax()])

    def _walk(self) -> bool:
        """From place to place, looking around."""
        way = [self._place]
        for _ in range(self._generator.integers(1, 4)):
            place = self._next_place(way)
            if place is None:
                break
            way.append(place)
        if len(way) == 1:
            return False
        self._visited += way[1:]
        places, heading = self._go(self._rounded(np.array(way)), self._gait.walking)
        if self._gait.pans:
            yaw, pitch = self._look_around(places, heading)
            self._settle(yaw[0], pitch[0], patience=np.radians(60))
        else:
            yaw, pitch = heading, np.full(len(heading), self._pitch)
            self._settle(yaw[0], pitch[0])
        self._add(places, yaw, pitch)
        return True

    def _reverse(self) -> bool:
        """Backwards to another place, as far away as one is seen."""
        place = self._next_place([self._place])
        if place is None:
            return False
        self._visited.append(place)
        curve = round_corners(np.array([self._place, place]), 0.0, _SPACING)
        places, heading = self._go(curve, self._gait.stepping)
        self._settle(heading[0] + np.pi, self._pitch)
        self._add(places, heading + np.pi, np.full(len(places), self._pitch))
        return True

    def _next_place(self, way: list[FloatArray]) -> FloatArray | None:
        """Somewhere new in a straight line from the end of the way, rather not back along it."""
        here = way[-1]
        places = self._free.random_places(self._generator, _CANDIDATES)
        away = places - here
        distance = np.maximum(np.linalg.norm(away, axis=1), _SPACING)
        visited = np.array(self._visited + way)
        novelty = np.linalg.norm(places[:, None] - visited, axis=-1).min(1)
        score = np.minimum(novelty, 2.0) + self._generator.uniform(0, 1.5, len(places))
        if len(way) > 1:
            before = here - way[-2]
            score += away @ before / (distance * np.linalg.norm(before))
        # Rather to where it is roomy, and goes on: there more is seen than a wall.
        for place in (places, places + away / distance[:, None]):
            score += np.minimum(self._free.distance[self._free.cells(place)], _ROOMY)
        score[(distance < _HOP[0]) | (distance > _HOP[1])] = -np.inf
        best = np.argsort(-score)[:_PROBED]
        best = best[np.isfinite(score[best])]
        clear = self._free.line_clearance(here, places[best]) >= self._clearance
        return places[best[clear.argmax()]] if clear.any() else None

    def _rounded(self, way: FloatArray) -> FloatArray:
        for reach in _ROUNDING:
            curve = round_corners(way, reach, _SPACING)
            if self._free.clearance(curve).min() >= self._clearance:
                break
        return curve

    def _look_around(
        self, places: FloatArray, heading: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Where a person looks on the way: ahead, at one thing after the other, or to one side."""
        generator = self._generator
        yaw, pitch = heading.copy(), np.full(len(heading), self._pitch)
        aside = 0.0
        if generator.random() < 0.25:
            aside = self._either() * generator.uniform(np.radians(50), np.radians(100))
        ahead = generator.uniform(0.1, 0.7)  # share of the looks
        at = 0
        while at < len(places):
            span = slice(at, at + int(generator.uniform(1.0, 2.4) / self._dt) + 1)
            now = yaw[at - 1] if at else self._yaw
            target = None
            # What lies straight ahead at the end of a way is near, and often a wall.
            arriving = span.stop >= len(places)
            if not aside and (arriving or generator.random() > ahead):
                target = self._attention.choose(places[at], float(now), np.radians(110))
                facing = heading[span].mean()
                if target is not None:
                    towards, up = self._towards(target, places[span])
                    if np.cos(towards - facing).min() > np.cos(np.radians(115)):
                        yaw[span], pitch[span] = towards, up
            if target is None:
                yaw[span] += aside
            at = span.stop
        return yaw, pitch

    def _step(self, angle: float) -> bool:
        """In a straight line, at that angle from where the camera looks."""
        wanted = self._generator.uniform(*_STRAIGHT)
        ray = self._place[None]
        for _ in range(_ASPECTS if self._gait.pans else 1):
            aim, aside = None, 0.0
            towards = np.array([self._yaw]), np.array([self._pitch])
            if self._gait.pans:
                aim = self._attention.choose(self._place, self._yaw)
                aside = self._generator.uniform(-0.3, 0.3)
            if aim is not None:
                towards = self._towards(aim, self._place[None])
            direction = towards[0][0] + angle + aside
            along = np.arange(0, wanted, _SPACING)[:, None]
            clear = self._clear_part(self._place + along * [np.cos(direction), np.sin(direction)])
            if len(clear) > len(ray):
                ray, target, (yaw, pitch) = clear, aim, towards
            if len(ray) > 0.7 * len(along):
                break
        if len(ray) * _SPACING < _SHORTEST:
            return False
        places, _ = self._go(ray, self._gait.stepping)
        self._settle(yaw[0], pitch[0])
        # A thing that is walked up to ends too near to be followed.
        if target is not None and np.cos(angle) < 0.5 and self._generator.random() < 0.6:
            yaw, pitch = self._towards(target, places)
        ones = np.ones(len(places))
        self._add(places, yaw * ones, pitch * ones)
        return True

    def _orbit(self) -> bool:
        """In an arc around a thing, looking at it."""
        target = self._attention.choose(self._place, self._yaw)
        if target is None:
            return False
        middle = self._attention.targets[target, :2]
        away = self._place - middle
        distance = float(np.linalg.norm(away))
        if not _ORBIT[0] < distance < _ORBIT[1]:
            return False
        sweep = self._either() * self._generator.uniform(0.6, 3.5)
        count = int(np.ceil(abs(sweep) * distance / _SPACING)) + 2
        angles = np.arctan2(away[1], away[0]) + np.linspace(0, sweep, count)
        radii = distance * np.linspace(1, self._generator.uniform(0.8, 1.25), count)
        arc = middle + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
        arc = self._clear_part(arc)
        if len(arc) * _SPACING < 2 * _SHORTEST:
            return False
        places, _ = self._go(arc, self._gait.stepping)
        yaw, pitch = self._towards(target, places)
        self._settle(yaw[0], pitch[0])
        self._add(places, yaw, pitch)
        return True

    def _turn(self) -> bool:
        """Where one stands: towards a thing, or sweeping on, up to all around."""
        target = None
        if self._generator.random() < 0.5:
            target = self._attention.choose(self._place, self._yaw)
        if target is not None:
            yaw, pitch = self._towards(target, self._place[None])
            self._settle(yaw[0], pitch[0])
        else:
            angles = (self._generator.uniform(1.0, 2.6), np.pi, self._generator.uniform(4.5, 6.6))
            angle = self._either() * angles[self._generator.choice(3, p=(0.5, 0.2, 0.3))]
            count = int(abs(angle) / (0.8 * self._turn_rate * self._dt)) + 1
            self._stay(self._yaw + np.linspace(0, angle, count), np.full(count, self._pitch))
        return self._pause()

    def _pause(self) -> bool:
        """Stand and keep looking."""
        count = int(self._generator.uniform(0.4, 1.2) / self._dt) + 1
        self._stay(
            np.full(count, self._yaw),
            np.full(count, self._filmed[-1][2][-1] if self._filmed else self._pitch),
        )
        return True

    def _settle(self, yaw: float, pitch: float, patience: float = 0.0) -> None:
        """Stand until the camera has turned to within `patience` of a direction."""
        angle = abs((yaw - self._yaw + np.pi) % (2 * np.pi) - np.pi) - patience
        if angle > 0.05:
            count = int((angle / self._turn_rate + 0.3) / self._dt) + 1
            self._stay(np.full(count, yaw), np.full(count, pitch))

    def _stay(self, yaw: FloatArray, pitch: FloatArray) -> None:
        self._add(np.repeat(self._place[None], len(yaw), 0), yaw, pitch)

    def _add(self, places: FloatArray, yaw: FloatArray, pitch: FloatArray) -> None:
        yaw = np.unwrap(np.concatenate([[self._yaw], yaw]))[1:]
        self._filmed.append((places, yaw, pitch))
        self._place, self._yaw = places[-1], float(yaw[-1])
        every = max(1, round(_NOTED / self._dt))
        self._attention.note(places[::every], yaw[::every], _NOTED)

    def _go(self, curve: FloatArray, speed: Range) -> tuple[FloatArray, FloatArray]:
        return travel(
            curve,
            speed=self._generator.uniform(*speed),
            acceleration=self._gait.acceleration,
            turn_rate=0.8 * self._turn_rate,
            dt=self._dt,
        )

    def _clear_part(self, curve: FloatArray) -> FloatArray:
        """The curve up to where it comes too near to something."""
        blocked = np.flatnonzero(self._free.clearance(curve) < self._clearance)
        return curve[: blocked[0]] if len(blocked) else curve

    def _towards(self, target: int, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Yaw and pitch `[n]` from places `[n, 2]` to an object; the pitch half-heartedly."""
        away = self._attention.targets[target] - np.insert(places, 2, self._height, axis=1)
        pitch = np.arctan2(away[:, 2], np.linalg.norm(away[:, :2], axis=1))
        yaw = np.unwrap(np.arctan2(away[:, 1], away[:, 0]))
        return yaw, np.clip((pitch + self._pitch) / 2, *_PITCH)

    def _either(self) -> int:
        return int(self._generator.choice((-1, 1)))
