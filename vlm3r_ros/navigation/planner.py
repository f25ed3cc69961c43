"""The way from the camera to a place beside the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.navigation.cheapest_ways import cheapest_ways
from vlm3r_ros.navigation.occupancy import (
    DOUBTFUL,
    FREE,
    OCCUPIED,
    UNKNOWN,
    OccupancyGrid,
    distances_to,
)
from vlm3r_ros.navigation.smoothing import smoothed

_MARGIN = 1.0  # m of unknown cells around camera and target
_MOST_CELLS = 4_000_000
_BESIDE = 0.15  # m: places that much farther from the target than the nearest will do
_NEARNESS_PRICE = 2.0  # metres of way that a metre nearer to the target is worth
_TIGHT_PRICE = 4.0  # of a metre through a gap that may be just too narrow
_ESCAPE_PRICE = 60.0  # of a metre nearer to something than the body's radius
_IMPASSABLE = -1.0


class PlanStatus(StrEnum):
    """Whether there is a way."""

    FOUND = "found"
    NOTHING_KNOWN = "nothing known"
    """All cells are unknown."""
    WALLED_OFF = "walled off"
    """No cell beside the target can be reached."""
    TOO_FAR = "too far"
    """Camera and target are farther apart than a map may be large."""
    BAD_INPUT = "bad input"
    """Start or target is not finite."""


@dataclass(frozen=True)
class PlannerConfig:
    """What a way costs and where it may end.

    Attributes:
        robot_radius: of the body that goes there, metres; the way keeps it from occupied cells.
        comfort: metres beyond the radius that the way keeps as well where that is cheap.
        comfort_price: of a metre nearer than that, in metres.
        unknown_price: of a metre over unknown cells, in metres over free ones.
        doubtful_price: of a metre over cells where something may stand, or close by.
        reach: how far from the target's outline the way may end, metres.
        escape: a body that stands too near to something may walk out of there over so many metres.

    Raises:
        ValueError: a setting makes no sense.
    """

    robot_radius: float = 0.22
    comfort: float = 0.1
    comfort_price: float = 1.2
    unknown_price: float = 2.0
    doubtful_price: float = 6.0
    reach: float = 1.2
    escape: float = 0.6

    def __post_init__(self) -> None:
        if not self.robot_radius > 0:
            raise ValueError(f"robot_radius is {self.robot_radius} m; it must be above 0")
        for name in ("unknown_price", "doubtful_price", "comfort_price"):
            if not getattr(self, name) >= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        for name in ("comfort", "reach", "escape"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)} m; it must be 0 or more")


@dataclass(frozen=True, eq=False)
class Plan:
    """A way, or why there is none.

    Attributes:
        status: whether there is one.
        path: corners with straight lines between them, map x and y `[K, 2]`, metres; K is 0
            without a way.
        yaw: heading at the end, towards the target: radians from map x, counter-clockwise; NaN
            without a way.
        unknown_share: of the way's length, how much leads over cells that nobody has seen.
    """

    status: PlanStatus
    path: NDArray[np.float64]
    yaw: float = math.nan
    unknown_share: float = math.nan

    @property
    def length(self) -> float:
        """Metres; NaN without a way."""
        if not len(self.path):
            return math.nan
        return float(np.linalg.norm(np.diff(self.path, axis=0), axis=1).sum())


def plan_way(
    grid: OccupancyGrid,
    start: ArrayLike,
    target: ArrayLike,
    target_radius: float = 0.0,
    config: PlannerConfig | None = None,
) -> Plan:
    """The cheapest way to the nearest reachable place beside a target.

    The target itself stands on occupied cells, mostly: the way ends at the reachable cell nearest
    to it, or at one hardly farther away that is much easier to reach.

    Args:
        grid: what is known of the floor.
        start: where the camera is, map x and y `[2]`.
        target: where to, map x and y `[2]`.
        target_radius: how far the target extends from there, metres.
        config: what a way costs.
    """
    config = config or PlannerConfig()
    ends = np.array([start, target], float)
    if not (np.isfinite(ends).all() and math.isfinite(target_radius)):
        return _none(PlanStatus.BAD_INPUT)
    if grid.all_unknown:
        return _none(PlanStatus.NOTHING_KNOWN)
    framed = _framed(grid, ends)
    if framed is None:
        return _none(PlanStatus.TOO_FAR)
    here = framed.cells(ends[0])
    prices = _prices(framed, here, config)
    ways = cheapest_ways(prices, (int(here[0]), int(here[1])))
    goal = _goal(ways.costs * grid.cell, framed, ends[1], target_radius, config)
    if goal is None:
        return _none(PlanStatus.WALLED_OFF)
    cells = ways.way_to(goal)
    path = framed.centers(smoothed(prices, cells))
    path[0] = ends[0]
    unknown = framed.state[cells[:, 0], cells[:, 1]] == UNKNOWN
    toward = ends[1] - path[-1]
    return Plan(
        PlanStatus.FOUND,
        path,
        yaw=math.atan2(toward[1], toward[0]),
        unknown_share=float(unknown.mean()),
    )


def _none(status: PlanStatus) -> Plan:
    return Plan(status, np.empty((0, 2)))


def _framed(grid: OccupancyGrid, ends: NDArray[np.float64]) -> OccupancyGrid | None:
    """The grid with a frame of unknown cells that holds both ends; None if that is too large."""
    margin = round(_MARGIN / grid.cell)
    cells = grid.cells(ends)
    shape = np.array(grid.state.shape)
    before = np.maximum(0, margin - cells.min(0))
    after = np.maximum(0, cells.max(0) + margin + 1 - shape)
    height, width = (shape + before + after).tolist()
    if height * width > _MOST_CELLS:
        return None
    if not (before.any() or after.any()):
        return grid
    around = list(zip(before.tolist(), after.tolist(), strict=True))
    state = np.pad(grid.state, around, constant_values=UNKNOWN)
    return OccupancyGrid(
        state, grid.cell, grid.origin - before[::-1] * grid.cell, grid.floor_height
    )


def _prices(
    grid: OccupancyGrid, here: NDArray[np.int64], config: PlannerConfig
) -> NDArray[np.float64]:
    """Price of a cell's width in each cell `[H, W]`; negative where one cannot go."""
    prices = np.where(grid.state == UNKNOWN, config.unknown_price, 1.0)
    doubtful = distances_to(grid.state == DOUBTFUL, grid.cell) < config.robot_radius
    prices[doubtful] = config.doubtful_price
    clearance = grid.clearance()
    blocked = clearance < config.robot_radius
    # Whether the body fits there depends on where in their cells the things around stand.
    prices[clearance < config.robot_radius + grid.margin] *= _TIGHT_PRICE
    prices[clearance < config.robot_radius + config.comfort + grid.margin] *= config.comfort_price
    prices[blocked] = _IMPASSABLE
    row, column = here
    if blocked[row, column]:
        # Whoever stands too near to something has to get away from there, at a high price, so that
        # the first free cell is made for. Through what is occupied there is no way.
        rows, columns = np.ogrid[: blocked.shape[0], : blocked.shape[1]]
        near = np.hypot(rows - row, columns - column) <= config.escape / grid.cell
        leave = blocked & near & (grid.state != OCCUPIED)
        prices[leave] = _ESCAPE_PRICE
        prices[row, column] = _ESCAPE_PRICE
    return prices


def _goal(
    costs: NDArray[np.float64],
    grid: OccupancyGrid,
    target: NDArray[np.float64],
    target_radius: float,
    config: PlannerConfig,
) -> tuple[int, int] | None:
    """The cell to stop at; None where none beside the target can be reached."""
    reach = target_radius + config.reach
    low = np.clip(grid.cells(target - reach), 0, None)
    high = grid.cells(target + reach) + 1
    part = costs[low[0] : high[0], low[1] : high[1]]
    rows, columns = np.nonzero(np.isfinite(part))
    cells = np.stack([rows, columns], -1) + low
    distance = np.linalg.norm(grid.centers(cells) - target, axis=1)
    within = distance <= reach
    if not within.any():
        return None
    # Behind the wall that a thing stands at, nobody has seen the floor, mostly.
    seen = within & (grid.state[cells[:, 0], cells[:, 1]] == FREE)
    if seen.any():
        within = seen
    cells, distance = cells[within], distance[within]
    beside = distance <= max(target_radius, float(distance.min())) + _BESIDE
    cells, distance = cells[beside], distance[beside]
    total = costs[cells[:, 0], cells[:, 1]] + _NEARNESS_PRICE * distance
    row, column = cells[int(total.argmin())].tolist()
    return row, column
