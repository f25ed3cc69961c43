"""Advice on how to get to a target from where the camera is now."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.occupancy import OccupancyGrid
from vlm3r_ros.navigation.planner import Plan, PlannerConfig, PlanStatus, plan_way
from vlm3r_ros.navigation.target import Target, TargetStatus, heading
from vlm3r_ros.navigation.words import Leg, arrival_sentence, failure_sentence, way_sentence

_SHORTEST_LEG = 0.1  # m: a shorter first leg gives no direction
_UNKNOWN_TRUST = 0.5  # of a way that nobody has seen


class Turn(IntEnum):
    """Which way to go first; values as in `NavigationHint.msg`."""

    UNKNOWN = 0
    AHEAD = 1
    LEFT = 2
    RIGHT = 3
    BACK = 4
    ARRIVED = 5


class HintStatus(StrEnum):
    """What a hint says, and where there is no way, why."""

    ON_THE_WAY = "on the way"
    ARRIVED = "arrived"
    INSIDE_TARGET = "inside target"
    """The camera is where the target is; counts as arrived."""
    NOT_NAMED = "not named"
    NOT_SEEN = "not seen"
    UNSURE = "unsure"
    NO_FRAMES = "no frames"
    NOTHING_KNOWN = "nothing known"
    WALLED_OFF = "walled off"
    TOO_FAR = "too far"
    BAD_POSE = "bad pose"
    """The camera's pose is not 4x4 and finite."""
    POSE_JUMP = "pose jump"
    """The camera seems to have moved faster than it can."""
    SESSION_RESET = "session reset"
    """The map that the target was found in is gone."""
    CANCELLED = "cancelled"


_OF_TARGET = {
    TargetStatus.NOT_NAMED: HintStatus.NOT_NAMED,
    TargetStatus.NOT_SEEN: HintStatus.NOT_SEEN,
    TargetStatus.UNSURE: HintStatus.UNSURE,
    TargetStatus.NO_FRAMES: HintStatus.NO_FRAMES,
}
_OF_PLAN = {
    PlanStatus.NOTHING_KNOWN: HintStatus.NOTHING_KNOWN,
    PlanStatus.WALLED_OFF: HintStatus.WALLED_OFF,
    PlanStatus.TOO_FAR: HintStatus.TOO_FAR,
    PlanStatus.BAD_INPUT: HintStatus.UNSURE,
}


@dataclass(frozen=True)
class HintConfig:
    """When one has arrived, and what counts as straight ahead.

    Attributes:
        planner: what a way costs.
        arrival_distance: metres of way left at which one has arrived.
        ahead: bearings up to this count as straight ahead, radians.
        back: bearings from this on count as behind, radians.
    """

    planner: PlannerConfig = field(default_factory=PlannerConfig)
    arrival_distance: float = 0.2
    ahead: float = math.radians(7.5)
    back: float = math.radians(150.0)

    def __post_init__(self) -> None:
        if not self.arrival_distance > 0:
            raise ValueError(f"arrival_distance is {self.arrival_distance} m; it must be above 0")


@dataclass(frozen=True, eq=False)
class Goal:
    """Where to stand at the end.

    Attributes:
        position: on the floor, map frame `[3]`, metres.
        yaw: facing the target: radians from map x, counter-clockwise.
    """

    position: NDArray[np.float64]
    yaw: float


def _no_path() -> NDArray[np.float64]:
    return np.empty((0, 3))


@dataclass(frozen=True, eq=False)
class NavigationHint:
    """Advice, field by field as in `NavigationHint.msg`.

    Attributes:
        target: what it leads to.
        status: whether there is a way, or why not.
        turn: which way to go first, seen from where the camera looks.
        bearing: direction of the first leg from the camera's heading, on the floor: radians in
            [-pi, pi], positive to the left (REP-103); on arrival, that of the target. NaN where
            unknown.
        leg: length of the first leg, metres. NaN where unknown.
        distance: metres still to go, along the way. NaN where unknown.
        goal: where to stand at the end; None where unknown.
        path: the way on the floor from here to the goal, map frame `[K, 3]`; K is 0 without one.
        instruction: the same in a sentence.
        confidence: 0 (a guess, do not act on it) to 1.
        stamp: of the frame that it rests on, seconds.
        unknown_share: of the way, how much leads over cells that nobody has seen, in [0, 1]. NaN
            without a way.
    """

    target: str
    status: HintStatus
    turn: Turn = Turn.UNKNOWN
    bearing: float = math.nan
    leg: float = math.nan
    distance: float = math.nan
    goal: Goal | None = None
    path: NDArray[np.float64] = field(default_factory=_no_path)
    instruction: str = ""
    confidence: float = 0.0
    stamp: float = math.nan
    unknown_share: float = math.nan

    @property
    def arrived(self) -> bool:
        """Whether the target is here."""
        return self.turn is Turn.ARRIVED


def no_hint(target: str, status: HintStatus, stamp: float = math.nan) -> NavigationHint:
    """A hint that says why there is no way."""
    return NavigationHint(
        target, status, instruction=failure_sentence(status.value, target), stamp=stamp
    )


def make_hint(
    target: Target,
    grid: OccupancyGrid,
    T_map_camera: ArrayLike,
    *,
    stamp: float = math.nan,
    config: HintConfig | None = None,
) -> NavigationHint:
    """Plans the way to a target and puts it into words.

    Args:
        target: where to.
        grid: what is known of the floor.
        T_map_camera: where the camera is `[4, 4]`, optical frame.
        stamp: of the newest frame, seconds.
        config: when one has arrived.
    """
    config = config or HintConfig()
    pose = np.asarray(T_map_camera, float)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        return no_hint(target.name, HintStatus.BAD_POSE, stamp)
    if not target.has_place:
        return no_hint(target.name, _OF_TARGET[target.status], stamp)
    place, camera = target.position[:2], pose[:2, 3]
    if not np.isfinite(place).all():
        return no_hint(target.name, HintStatus.UNSURE, stamp)
    if np.linalg.norm(place - camera) <= target.radius:
        return _arrival(target, HintStatus.INSIDE_TARGET, pose, grid.floor_height, stamp, config)
    plan = plan_way(grid, camera, place, target.radius, config.planner)
    if plan.status is not PlanStatus.FOUND:
        return no_hint(target.name, _OF_PLAN[plan.status], stamp)
    if plan.length <= config.arrival_distance:
        return _arrival(target, HintStatus.ARRIVED, pose, grid.floor_height, stamp, config)
    return _on_the_way(target, plan, pose, grid.floor_height, stamp, config)


def _arrival(
    target: Target,
    status: HintStatus,
    pose: NDArray[np.float64],
    floor: float,
    stamp: float,
    config: HintConfig,
) -> NavigationHint:
    toward = target.position[:2] - pose[:2, 3]
    away = float(np.linalg.norm(toward))
    yaw = math.atan2(toward[1], toward[0]) if away > 0 else heading(pose)
    bearing = _turned(yaw - heading(pose))
    here = np.array([*pose[:2, 3], floor])
    return NavigationHint(
        target.name,
        status,
        Turn.ARRIVED,
        bearing,
        leg=0.0,
        distance=0.0,
        goal=Goal(here, yaw),
        path=here[None],
        instruction=arrival_sentence(target.name, bearing, away),
        confidence=target.confidence,
        stamp=stamp,
    )


def _on_the_way(
    target: Target,
    plan: Plan,
    pose: NDArray[np.float64],
    floor: float,
    stamp: float,
    config: HintConfig,
) -> NavigationHint:
    legs = _legs(plan.path, heading(pose))
    bearing = legs[0].turn
    if abs(bearing) <= config.ahead:
        turn = Turn.AHEAD
    elif abs(bearing) >= config.back:
        turn = Turn.BACK
    else:
        turn = Turn.LEFT if bearing > 0 else Turn.RIGHT
    final = heading(pose) + sum(leg.turn for leg in legs)
    sentence = way_sentence(
        target.name,
        legs,
        side=_turned(plan.yaw - final),
        ahead=config.ahead,
        back=config.back,
        count=target.count,
    )
    height = np.full((len(plan.path), 1), floor)
    path = np.concatenate([plan.path, height], axis=1)
    return NavigationHint(
        target.name,
        HintStatus.ON_THE_WAY,
        turn,
        bearing,
        legs[0].length,
        plan.length,
        Goal(path[-1], plan.yaw),
        path,
        sentence,
        target.confidence * (1 - plan.unknown_share * (1 - _UNKNOWN_TRUST)),
        stamp,
        plan.unknown_share,
    )


def _legs(path: NDArray[np.float64], facing: float) -> list[Leg]:
    """The straight parts of a way `[K, 2]`, each with the turn before it.

    Parts too short to give a direction are joined to the next.
    """
    legs: list[Leg] = []
    start = path[0]
    for index, corner in enumerate(path[1:], 1):
        step = corner - start
        length = float(np.linalg.norm(step))
        if length < _SHORTEST_LEG and (index < len(path) - 1 or legs):
            continue
        direction = math.atan2(step[1], step[0])
        legs.append(Leg(_turned(direction - facing), length))
        start, facing = corner, direction
    return legs


def _turned(angle: float) -> float:
    """An angle brought into [-pi, pi]."""
    return math.remainder(angle, math.tau)
