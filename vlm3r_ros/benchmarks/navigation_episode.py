"""What comes of a walk that does as the hints say, and what can be seen of it on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vlm3r_ros.navigation.hint import HintStatus, NavigationHint
from vlm3r_ros.navigation.occupancy import OccupancyGrid
from vlm3r_ros.navigation.target import Target
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.world import World


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
        place_error: metres on the floor from where the target was taken to be to the nearest such
            object's box, 0 within it; NaN where it was given no place.
        pose_error: metres on the floor by which the camera was taken to be elsewhere at the end;
            NaN where it was taken to be nowhere.
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
    place_error: float
    pose_error: float
    planning_ms: tuple[float, ...]
    hints: int


@dataclass(frozen=True, eq=False)
class Moment:
    """The moment of a hint.

    Attributes:
        world: the true one.
        intrinsics: of the camera.
        T_world_camera: where the camera truly is `[4, 4]`.
        T_map_world: the true world in the map `[4, 4]`.
        target: where the target is taken to be, in the map.
        grid: what is known of the floor.
        hint: given.
    """

    world: World
    intrinsics: Intrinsics
    T_world_camera: FloatArray
    T_map_world: FloatArray
    target: Target
    grid: OccupancyGrid
    hint: NavigationHint


Onlooker = Callable[[Moment], None]
"""Is told of every hint."""
