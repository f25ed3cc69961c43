import math
from itertools import pairwise

import numpy as np
import pytest

from vlm3r_ros.navigation.occupancy import DOUBTFUL, FREE, OCCUPIED, UNKNOWN, OccupancyGrid
from vlm3r_ros.navigation.planner import PlannerConfig, PlanStatus, plan_way

CELL = 0.05
CONFIG = PlannerConfig(robot_radius=0.25)


def room(width=6.0, height=4.0, boxes=(), state=FREE):
    """A walled room with its corner in the map's origin; boxes are `(x0, y0, x1, y1)`."""
    cells = np.full((round(height / CELL), round(width / CELL)), state, np.int8)
    cells[[0, -1]] = OCCUPIED
    cells[:, [0, -1]] = OCCUPIED
    grid = OccupancyGrid(cells, CELL, np.zeros(2), 0.0)
    for box in boxes:
        paint(grid, box, OCCUPIED)
    return grid


def paint(grid, box, state):
    x0, y0, x1, y1 = (round(value / CELL) for value in box)
    grid.state[y0:y1, x0:x1] = state


def along(path):
    return np.concatenate([np.linspace(a, b, 200) for a, b in pairwise(path)])


def test_the_way_in_an_empty_room_is_a_straight_line():
    plan = plan_way(room(), [1, 1], [4, 2.5], config=CONFIG)
    assert plan.status is PlanStatus.FOUND
    assert len(plan.path) == 2
    assert plan.path[0].tolist() == [1, 1]
    assert plan.path[-1] == pytest.approx([4, 2.5], abs=0.3)
    assert plan.unknown_share == 0


def test_the_way_round_a_table_keeps_the_radius_and_is_no_detour():
    table = (2.5, 0.5, 3.5, 2.5)
    plan = plan_way(room(boxes=[table]), [1, 1], [5, 1], config=CONFIG)
    points = along(plan.path)
    x, y = np.clip(points, table[:2], table[2:]).T
    assert np.hypot(points[:, 0] - x, points[:, 1] - y).min() >= CONFIG.robot_radius - CELL / 2
    ends = [[1, 1], [2.5 - 0.15, 2.5 + 0.2], [3.5 + 0.15, 2.5 + 0.2], plan.path[-1]]
    shortest = np.linalg.norm(np.diff(ends, axis=0), axis=1).sum()
    assert plan.length < 1.05 * shortest


def test_the_way_ends_beside_the_target_and_faces_it():
    sofa = (4.0, 1.0, 5.0, 3.0)
    plan = plan_way(room(boxes=[sofa]), [1, 2], [4.5, 2], 0.5, CONFIG)
    assert plan.path[-1] == pytest.approx([4 - 0.275, 2], abs=0.12)
    assert plan.yaw == pytest.approx(0, abs=0.15)


def test_unknown_cells_are_gone_round_where_that_is_cheap_and_crossed_where_it_is_not():
    grid = room()
    paint(grid, (2.5, 1.0, 3.5, 2.2), UNKNOWN)
    plan = plan_way(grid, [1, 1.8], [5, 1.8], config=CONFIG)
    assert plan.unknown_share == 0
    assert (grid.state[tuple(np.moveaxis(grid.cells(along(plan.path)), -1, 0))] == FREE).all()

    paint(grid, (2.5, 0.05, 3.5, 3.95), UNKNOWN)
    plan = plan_way(grid, [1, 1.8], [5, 1.8], config=CONFIG)
    assert plan.status is PlanStatus.FOUND
    assert plan.unknown_share == pytest.approx(0.25, abs=0.06)


def test_doubtful_cells_are_kept_clear_of_and_gone_through_where_there_is_no_other_way():
    grid = room()
    paint(grid, (2.5, 0.05, 3.5, 2.2), DOUBTFUL)
    plan = plan_way(grid, [1, 1.8], [5, 1.8], config=CONFIG)
    x, y = np.clip(along(plan.path), [2.5, 0.05], [3.5, 2.2]).T
    points = along(plan.path)
    assert np.hypot(points[:, 0] - x, points[:, 1] - y).min() > CONFIG.robot_radius - CELL

    paint(grid, (2.5, 0.05, 3.5, 3.95), DOUBTFUL)
    plan = plan_way(grid, [1, 1.8], [5, 1.8], config=CONFIG)
    assert plan.status is PlanStatus.FOUND
    assert plan.length < 4.5


def test_a_target_beyond_the_map_is_made_for():
    grid = room(state=FREE)
    grid.state[:, -1] = FREE
    plan = plan_way(grid, [1, 2], [8, 2], config=CONFIG)
    assert plan.status is PlanStatus.FOUND
    assert plan.path[-1] == pytest.approx([8, 2], abs=0.35)


@pytest.mark.parametrize(
    ("grid", "start", "target", "status"),
    [
        (room(boxes=[(3, 0, 3.1, 4)]), [1, 2], [5, 2], PlanStatus.WALLED_OFF),
        (room(boxes=[(1, 0.5, 5, 3.5)]), [0.5, 2], [3, 2], PlanStatus.WALLED_OFF),
        (room(), [1, 2], [np.nan, 2], PlanStatus.BAD_INPUT),
        (room(), [1, 2], [400, 300], PlanStatus.TOO_FAR),
        (
            OccupancyGrid(np.full((9, 9), UNKNOWN, np.int8), CELL, np.zeros(2), np.nan),
            [0, 0],
            [1, 1],
            PlanStatus.NOTHING_KNOWN,
        ),
        (
            OccupancyGrid(np.empty((0, 0), np.int8), CELL, np.zeros(2), np.nan),
            [0, 0],
            [1, 1],
            PlanStatus.NOTHING_KNOWN,
        ),
    ],
)
def test_where_there_is_no_way_the_plan_says_why(grid, start, target, status):
    plan = plan_way(grid, start, target, config=CONFIG)
    assert plan.status is status
    assert plan.path.shape == (0, 2)
    assert np.isnan([plan.length, plan.yaw, plan.unknown_share]).all()


def test_whoever_stands_too_near_to_something_is_led_away_from_it():
    grid = room(boxes=[(2, 1, 3, 3)])
    plan = plan_way(grid, [1.9, 2.0], [5, 2], config=CONFIG)
    assert plan.status is PlanStatus.FOUND
    assert plan.path[0].tolist() == [1.9, 2.0]
    blocked = grid.inflated(CONFIG.robot_radius)
    cells = grid.cells(along(plan.path))
    inside = blocked[cells[:, 0], cells[:, 1]]
    away = np.linalg.norm(along(plan.path) - [1.9, 2.0], axis=1)
    assert away[inside].max() < 0.45
    assert (grid.state[cells[:, 0], cells[:, 1]] == FREE).all()


def test_a_place_behind_a_partition_is_not_beside_the_target_if_one_before_it_is():
    # A sofa against a wall: the next room's side of the wall is as near to its middle.
    grid = room(width=8, boxes=[(4.0, 0, 4.1, 3.2), (3.2, 1.0, 4.0, 2.6)])
    plan = plan_way(grid, [1, 1.8], [3.6, 1.8], 0.4, CONFIG)
    assert plan.path[-1][0] < 3.2


def test_a_way_from_corner_to_corner_of_a_large_room_is_found():
    random = np.random.default_rng(0)
    boxes = [(x, y, x + 0.8, y + 0.6) for x, y in random.uniform(1, 8.5, (14, 2))]
    plan = plan_way(room(10, 10, boxes), [0.5, 0.5], [9.4, 9.4], config=CONFIG)
    assert plan.status is PlanStatus.FOUND
    assert plan.length < 1.2 * math.dist([0.5, 0.5], [9.4, 9.4])


@pytest.mark.parametrize(
    "settings", [{"robot_radius": 0.0}, {"unknown_price": 0.5}, {"reach": -1.0}]
)
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        PlannerConfig(**settings)
