from itertools import pairwise
from math import cos, pi, sin
from random import Random

import numpy as np
import pytest

from vlm3r_ros.worlds import groups
from vlm3r_ros.worlds.floor_plans import Layout, draw_plan
from vlm3r_ros.worlds.furniture.furniture import Furniture, Surface
from vlm3r_ros.worlds.furniture.materials import STEEL
from vlm3r_ros.worlds.furniture.shapes import block
from vlm3r_ros.worlds.placement import WALL_GAP, Site
from vlm3r_ros.worlds.reachability import access, clear_the_way
from vlm3r_ros.worlds.wall_spans import Prefer


def plan_of(width, depth, seed=0):
    return draw_plan(Random(seed), Layout.RECTANGLE, ((width, depth, width, depth),))


def site_of(width=5.0, depth=4.0, seed=0):
    plan = plan_of(width, depth, seed)
    return Site(plan.rooms[0], plan.height, Random(seed))


def crate(width, depth, height, *, front=0.0, category="cabinet"):
    top = Surface((-width / 2, -depth / 2), (width / 2, depth / 2), height)
    solid = block(STEEL, (width, depth, height), (0, 0, 0))
    return Furniture.of(category, [solid], surfaces=(top,), front=front)


def front_of(item):
    return np.array([sin(item.yaw), -cos(item.yaw)])


@pytest.mark.parametrize("seed", range(8))
def test_a_thing_at_a_wall_turns_its_back_to_it(seed):
    site = site_of(seed=seed)
    item = site.against_wall(crate(1.2, 0.5, 0.8))
    back = np.array([item.x, item.y]) - front_of(item) * (0.25 + WALL_GAP)
    x0, y0, x1, y1 = site.room.bounds
    assert min(abs(back[0] - x0), abs(back[0] - x1), abs(back[1] - y0), abs(back[1] - y1)) < 1e-9
    ahead = np.array([item.x, item.y]) + front_of(item)
    assert x0 < ahead[0] < x1
    assert y0 < ahead[1] < y1


def test_walls_fill_up_and_then_refuse():
    site = site_of()
    placed = [site.against_wall(crate(1.0, 0.5, 0.8)) for _ in range(40)]
    fitted = [item for item in placed if item]
    assert 8 <= len(fitted) <= 16
    assert placed[-1] is None
    for k, item in enumerate(fitted):
        assert not any(item.solid.meets(other.solid) for other in fitted[:k])


def test_the_floor_before_a_cupboard_stays_free_for_its_doors():
    for seed in range(20):
        site = site_of(3.0, 3.0, seed)
        first = site.against_wall(crate(1.0, 0.5, 2.0, front=0.8))
        for _ in range(10):
            site.against_wall(crate(0.6, 0.4, 0.8))
            site.loose(crate(0.4, 0.4, 0.5), square=False)
        low = np.array([first.x, first.y]) + front_of(first) * 0.3
        for item in site.items[1:]:
            for share in np.linspace(0, 0.7, 8):
                x, y = low + front_of(first) * share
                inside = abs(x - item.x) < 0.15 and abs(y - item.y) < 0.15
                assert not inside


def test_a_thing_in_the_corner_touches_the_other_wall():
    site = site_of(seed=3)
    item = site.against_wall(crate(1.0, 0.5, 0.8), prefer=Prefer.CORNER)
    x0, y0, x1, y1 = site.room.bounds
    gap_x = min(item.x - item.solid.reach_x - x0, x1 - item.x - item.solid.reach_x)
    gap_y = min(item.y - item.solid.reach_y - y0, y1 - item.y - item.solid.reach_y)
    assert max(gap_x, gap_y) < 0.05


def test_what_stands_on_a_thing_touches_its_top_and_stays_on_it():
    site = site_of()
    table = site.against_wall(crate(1.4, 0.8, 0.75))
    placed = [site.on(crate(0.3, 0.2, 0.3), table, jitter=1.0) for _ in range(6)]
    fitted = [item for item in placed if item]
    assert len(fitted) >= 4
    for k, item in enumerate(fitted):
        assert item.z == 0.75
        assert item.base is table
        corners = item.box().corners()
        inside = table.box().to_box(corners)[:, :2]
        assert np.all(np.abs(inside) <= table.box().sides[:2] / 2 + 1e-9)
        assert not any(item.solid.meets(other.solid) for other in fitted[:k])
    assert site.on(crate(1.5, 0.5, 0.3), table) is None


def test_a_row_stands_side_by_side_with_backs_in_line():
    site = site_of()
    items = site.row([crate(0.6, 0.6, 0.9), crate(1.5, 0.62, 0.9), crate(0.6, 0.7, 1.8)], 0.012)
    assert len({item.yaw for item in items}) == 1
    for left, right in pairwise(items):
        apart = np.hypot(right.x - left.x, right.y - left.y)
        half = left.furniture.high[0] + right.furniture.high[0]
        assert apart == pytest.approx(half + 0.012, abs=0.02)
    assert site.row([crate(4.0, 0.6, 0.9), crate(4.0, 0.6, 0.9)], 0.012) == []


@pytest.mark.parametrize("edge", range(4))
def test_a_chair_at_a_table_faces_it_without_touching(edge):
    site = site_of(6.0, 6.0)
    table = site.loose(crate(1.6, 0.9, 0.75, category="table"), clearance=0.8)
    chair = site.around(crate(0.45, 0.5, 0.9, category="chair"), table, edge, 0.1, 0.05)
    towards = np.array([table.x - chair.x, table.y - chair.y])
    assert front_of(chair) @ towards / np.linalg.norm(towards) > 0.95
    assert not chair.solid.meets(table.solid)
    assert float(table.box().distance(chair.box().corners()).min()) == pytest.approx(0.05)


def test_a_television_is_opposite_the_sofa():
    found = 0
    for seed in range(12):
        site = site_of(5.0, 4.5, seed)
        groups.sitting(site)
        groups.watching(site)
        screens, sofas = site.of("tv"), site.of("sofa")
        if screens and sofas:
            found += 1
            assert front_of(screens[0]) @ front_of(sofas[0]) == pytest.approx(-1)
    assert found >= 8


def test_nothing_tall_stands_before_a_window_but_low_things_may():
    site = site_of(3.2, 3.2)
    pane = Furniture.of("window", [block(STEEL, (1.5, 0.1, 1.2), (0, 0, 0))])
    window = site.set_into_wall(pane, (1.5, 1.2), 0.9)
    for _ in range(30):
        site.against_wall(crate(0.4, 0.4, 2.0))
        site.against_wall(crate(0.4, 0.3, 0.8))
    near = [
        item
        for item in site.items[1:]
        if item.yaw == window.yaw and np.hypot(item.x - window.x, item.y - window.y) < 0.8
    ]
    assert near
    assert all(item.furniture.size[2] == pytest.approx(0.8) for item in near)
    ((wall, hole),) = site.openings.items()
    assert wall.at((hole.start + hole.end) / 2, 0) == pytest.approx((window.x, window.y), abs=0.12)


def hall(*, blocked):
    """A hall with a door at its end; a crate across it cuts it in two."""
    plan = plan_of(6.0, 2.5)
    site = Site(plan.rooms[0], plan.height, Random(0))
    door = Furniture.of("door", [block(STEEL, (0.9, 0.06, 2.0), (0, 0, 0))])
    left = next(wall for wall in site.room.walls if wall.normal == (1.0, 0.0))
    site._at_wall(door, left, 1.25, 0.0)
    site._at_wall(crate(0.5, 0.5, 0.5), left, 0.3, 5.0)
    if blocked:
        site._at_wall(crate(2.3, 0.5, 1.0), left, 1.25, 3.0)
    return plan, site.items


def test_an_open_hall_is_walked_through():
    plan, items = hall(blocked=False)
    assert access(plan, items).is_complete
    assert clear_the_way(plan, items) == items


def test_what_bars_the_way_is_found_and_taken_out():
    plan, items = hall(blocked=True)
    found = access(plan, items)
    assert not found.whole
    assert found.missed == (items[1],)
    kept = clear_the_way(plan, items)
    assert items[0] in kept
    assert access(plan, kept).is_complete


def test_a_room_whose_door_is_barred_is_given_up():
    plan, items = hall(blocked=False)
    left = next(wall for wall in plan.rooms[0].walls if wall.normal == (1.0, 0.0))
    site = Site(plan.rooms[0], plan.height, Random(0))
    site.items = list(items)
    around = [(0.55, 0.1), (1.95, 0.1), (1.25, 0.75)]
    for along, inward in around:
        site._at_wall(crate(0.5 if inward < 0.5 else 2.0, 0.6, 1.0), left, along, inward)
    assert not access(plan, site.items).is_complete


def test_turning_a_thing_turns_its_places():
    site = site_of(6.0, 6.0)
    item = site.loose(crate(1.0, 0.5, 0.5), clearance=1.0)
    ahead = site.before(crate(0.4, 0.4, 0.5), item, 0.2)
    offset = np.array([ahead.x - item.x, ahead.y - item.y])
    assert offset == pytest.approx(front_of(item) * 0.65, abs=1e-9)
    assert ahead.yaw == pytest.approx(item.yaw + pi)
