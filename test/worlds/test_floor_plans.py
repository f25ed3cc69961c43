from random import Random

import pytest

from vlm3r_ros.worlds.floor_plans import (
    LONGEST_SIDE,
    SHORTEST_SIDE,
    Layout,
    draw_plan,
)
from vlm3r_ros.worlds.world import polygon_area

SIDES = (3.0, 2.8, 9.0, 7.0)


def plans(layout, count=60):
    rooms = 2 if layout is Layout.TWO_ROOMS else 1
    return [draw_plan(Random(seed), layout, (SIDES,) * rooms) for seed in range(count)]


@pytest.mark.parametrize("layout", list(Layout))
def test_outlines_run_counter_clockwise_around_the_stated_area(layout):
    for plan in plans(layout):
        for room, outline in zip(plan.rooms, plan.floor_plan().rooms, strict=True):
            assert polygon_area(outline) == pytest.approx(room.area)


@pytest.mark.parametrize("layout", list(Layout))
def test_sides_and_heights_are_those_of_homes(layout):
    for plan in plans(layout):
        assert 2.3 <= plan.height <= 3.0
        for room in plan.rooms:
            x0, y0, x1, y1 = room.bounds
            assert SHORTEST_SIDE <= x1 - x0 <= LONGEST_SIDE
            assert SHORTEST_SIDE <= y1 - y0 <= LONGEST_SIDE
        assert min(min(room.bounds[:2]) for room in plan.rooms) == 0


def test_an_l_shaped_room_lacks_one_corner_and_keeps_wide_arms():
    corners = set()
    for plan in plans(Layout.L_SHAPE):
        (room,) = plan.rooms
        assert len(room.outline) == 6
        assert room.notch is not None
        x0, y0, x1, y1 = room.notch
        assert room.bounds[2] - (x1 - x0) >= 1.9
        assert room.bounds[3] - (y1 - y0) >= 1.9
        # Both walls at the corner that points inward end there; all others close their corners.
        assert sum(wall.extends[0] == 0 for wall in room.walls) == 1
        assert sum(wall.extends[1] == 0 for wall in room.walls) == 1
        corners.add((x0 == 0, y0 == 0))
    assert len(corners) == 4


def test_a_passage_joins_the_holes_of_two_walls():
    sideways = set()
    for plan in plans(Layout.TWO_ROOMS):
        (x0, y0, x1, y1) = plan.passages[0]
        ends = []
        for room in plan.rooms:
            (wall,) = [wall for wall in room.walls if wall.passages]
            (hole,) = wall.passages
            assert hole.start >= 0.1
            assert hole.end <= wall.length - 0.1
            assert hole.bottom == 0
            assert 2.0 <= hole.top < plan.height
            ends += [wall.at(hole.start, 0.0), wall.at(hole.end, 0.0)]
        corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]
        assert all(any(end == pytest.approx(corner) for end in ends) for corner in corners)
        width = max(x1 - x0, y1 - y0)
        assert width >= 0.85
        sideways.add(x1 - x0 < y1 - y0)
    assert sideways == {True, False}


def test_a_place_on_a_wall_is_found_again():
    for layout in Layout:
        for wall in plans(layout, 1)[0].rooms[0].walls:
            assert wall.locate(*wall.at(0.7, 0.3)) == pytest.approx((0.7, 0.3))


def test_walls_look_into_their_room():
    for plan in plans(Layout.L_SHAPE, 20):
        (room,) = plan.rooms
        for wall in room.walls:
            x, y = wall.at(wall.length / 2, 0.2)
            assert room.bounds[0] < x < room.bounds[2]
            assert room.bounds[1] < y < room.bounds[3]
            x0, y0, x1, y1 = room.notch
            assert not (x0 < x < x1 and y0 < y < y1)
