"""How long it takes to plan a way through a room of 10 x 10 m at 5 cm, from corner to corner."""

from __future__ import annotations

import time

import numpy as np

from vlm3r_ros.navigation.occupancy import FREE, OCCUPIED, OccupancyGrid
from vlm3r_ros.navigation.planner import PlanStatus, plan_way

_SIDE, _CELL = 10.0, 0.05  # m
_BOXES, _BOX = 14, (0.8, 0.6)  # m
_INSET = 0.55  # m: of the ends from the corners, so that the body fits


def planning_time(rounds: int = 15, seed: int = 0) -> float:
    """Median processor time of a plan, seconds.

    Args:
        rounds: counted plans.
        seed: of the boxes that stand in the room.
    """
    cells = round(_SIDE / _CELL)
    state = np.full((cells, cells), FREE, np.int8)
    for x, y in np.random.default_rng(seed).uniform(1.0, 8.5, (_BOXES, 2)) / _CELL:
        rows = slice(int(y), int(y + _BOX[1] / _CELL))
        state[rows, int(x) : int(x + _BOX[0] / _CELL)] = OCCUPIED
    state[[0, -1]] = state[:, [0, -1]] = OCCUPIED
    grid = OccupancyGrid(state, _CELL, np.zeros(2), 0.0)
    times = []
    for number in range(rounds + 1):
        began = time.process_time()
        plan = plan_way(grid, [_INSET, _INSET], [_SIDE - _INSET, _SIDE - _INSET])
        if plan.status is not PlanStatus.FOUND:
            raise RuntimeError(f"seed {seed}: there is no way from corner to corner")
        if number:  # the first compiles
            times.append(time.process_time() - began)
    return float(np.median(times))
