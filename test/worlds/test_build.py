import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from shapely import Point, Polygon, box, union_all
from solid_points import table_points

from vlm3r_ros.worlds.build import FEWEST_OBJECTS, MOST_OBJECTS, build_world
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.world import Split, WorldId, polygon_area

BODY = 0.23  # m: radius of who walks, less what a grid of 0.1 m may miss
TOUCH = 1e-4  # m
IN_WALLS = {"window", "door"}

FINGERPRINT = """
import hashlib
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.world import Split, WorldId
digest = hashlib.sha256()
for split in Split:
    for index in range(2):
        world = build_world(WorldId(split, 5, index))
        for array in vars(world.primitives).values():
            digest.update(array.tobytes())
        digest.update(world.lighting.positions.tobytes())
        digest.update(repr([(o.category, o.box.centroid.tolist()) for o in world.objects]).encode())
print(digest.hexdigest())
"""


def look_at(position: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Pose of a level optical frame at `position` that faces `target`."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    T_world_camera = np.eye(4)
    T_world_camera[:3, :3] = np.stack([right, np.cross(forward, right), forward], 1)
    T_world_camera[:3, 3] = position
    return T_world_camera


@pytest.fixture(scope="module")
def worlds():
    return [build_world(WorldId(Split.TRAIN, 0, index)) for index in range(100)]


def ground(box):
    corners = box.corners()
    return Polygon(corners[[0, 2, 6, 4], :2])


def floor_of(world):
    plan = world.floor_plan
    return union_all([Polygon(outline) for outline in (*plan.rooms, *plan.passages)])


def bases(world, item):
    """Ids of the objects that have an upper face right below the middle of a thing.

    Within 3 cm of it, because the middle may lie over the gap between two cushions.
    """
    table = world.primitives
    reach = np.einsum("pij,pj->pi", np.abs(table.rotation), table.half)
    low, high = table.center - reach, table.center + reach
    at = item.box.centroid[:2]
    below = np.abs(high[:, 2] - item.box.low[2]) < TOUCH
    below &= ((low[:, :2] < at + 0.03) & (high[:, :2] > at - 0.03)).all(1)
    return set(table.instance[below]) - {item.instance_id, -1}


def test_the_same_id_gives_the_same_world_in_every_process(capsys):
    exec(FINGERPRINT, {})
    here = capsys.readouterr().out
    run = subprocess.run(
        [sys.executable, "-c", FINGERPRINT],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(here) == 65
    assert run.stdout == here


def test_splits_seeds_and_indices_give_other_worlds():
    ids = [WorldId(split, seed, 0) for split in Split for seed in (0, 1)]
    ids.append(WorldId(Split.TRAIN, 0, 1))
    centers = [build_world(identity).primitives.center.sum() for identity in ids]
    assert len(set(centers)) == len(ids)


def test_objects_are_listed_by_category_with_ids_from_zero(worlds):
    order = list(CATEGORIES)
    for world in worlds:
        places = [order.index(item.category) for item in world.objects]
        assert places == sorted(places)
        assert [item.instance_id for item in world.objects] == list(range(len(world.objects)))
        assert set(world.primitives.instance) == {-1, *range(len(world.objects))}


def test_rooms_hold_a_usual_number_of_things(worlds):
    for world in worlds:
        rooms = len(world.floor_plan.rooms)
        assert FEWEST_OBJECTS * rooms <= len(world.objects) <= MOST_OBJECTS * rooms


def test_every_category_occurs(worlds):
    counts = Counter(item.category for world in worlds for item in world.objects)
    assert set(counts) == set(CATEGORIES)


def test_questions_find_single_and_repeated_categories(worlds):
    unique, repeated = [], []
    for world in worlds:
        counts = Counter(item.category for item in world.objects)
        unique.append(sum(count == 1 for count in counts.values()))
        repeated.append(sum(count > 1 for count in counts.values()))
    assert np.mean(np.array(unique) >= 4) > 0.9
    assert np.mean(np.array(repeated) >= 1) > 0.9


def test_rooms_come_in_every_form_and_many_sizes(worlds):
    forms = Counter(
        (len(world.floor_plan.rooms), len(world.floor_plan.rooms[0])) for world in worlds
    )
    assert set(forms) == {(1, 4), (1, 6), (2, 4)}
    areas = [polygon_area(room) for world in worlds for room in world.floor_plan.rooms]
    assert min(areas) < 10
    assert max(areas) > 35
    assert len({world.kind for world in worlds}) == 9


def test_boxes_are_tight(worlds):
    for world in worlds[:12]:
        for item in world.objects:
            cloud = item.box.to_box(table_points(world.primitives, item.instance_id))
            assert cloud.max(0) == pytest.approx(item.box.sides / 2, abs=2e-3)
            assert cloud.min(0) == pytest.approx(-item.box.sides / 2, abs=2e-3)


def test_nothing_meets_but_what_stands_on_another(worlds):
    standing = 0
    for world in worlds[:50]:
        grounds = [ground(item.box) for item in world.objects]
        for i, first in enumerate(world.objects):
            for j, second in enumerate(world.objects[:i]):
                high = min(first.box.high[2], second.box.high[2])
                if high - max(first.box.low[2], second.box.low[2]) < TOUCH:
                    continue
                if grounds[i].intersection(grounds[j]).area > 1e-6:
                    standing += 1
                    rests = second.instance_id in bases(world, first)
                    carries = first.instance_id in bases(world, second)
                    assert rests or carries, (world.id.name, first.category, second.category)
    assert standing > 10


def test_everything_stands_hangs_or_lies_on_something(worlds):
    for world in worlds[:50]:
        outlines = [Polygon(room).exterior for room in world.floor_plan.rooms]
        for item in world.objects:
            on_floor = abs(item.box.low[2]) < TOUCH
            under_ceiling = abs(item.box.high[2] - world.height) < TOUCH
            at_wall = any(ground(item.box).distance(wall) < TOUCH for wall in outlines)
            held = on_floor or under_ceiling or at_wall or bases(world, item)
            assert held, (world.id.name, item.category)


def test_everything_is_inside_the_room(worlds):
    for world in worlds:
        floor = floor_of(world)
        for item in world.objects:
            assert item.box.low[2] > -TOUCH
            assert item.box.high[2] < world.height + TOUCH
            # Windows are set into walls.
            room = floor.buffer(0.2 if item.category == "window" else TOUCH, join_style="mitre")
            assert room.covers(ground(item.box)), (world.id.name, item.category)


def test_one_can_walk_from_the_door_to_everything(worlds):
    for world in worlds[:50]:
        low_things = [item for item in world.objects if item.box.low[2] < 1.2]
        blocked = union_all([ground(item.box) for item in low_things])
        # Rooms and passages share edges only up to rounding.
        free = floor_of(world).buffer(TOUCH).difference(blocked).buffer(-BODY)
        parts = list(getattr(free, "geoms", [free]))
        doors = [ground(item.box) for item in world.objects if item.category == "door"]
        assert doors
        reached = [
            part for part in parts if all(part.distance(door) < BODY + 0.4 for door in doors)
        ]
        assert reached, world.id.name
        way = union_all(reached)
        for room in world.floor_plan.rooms:
            room_free = Polygon(room).intersection(free).area
            assert Polygon(room).intersection(way).area > 0.75 * room_free, world.id.name
        for item in world.objects:
            if item.box.low[2] < TOUCH:
                assert way.distance(ground(item.box)) < BODY + 0.45, (world.id.name, item.category)


def test_doors_and_windows_stay_free(worlds):
    for world in worlds:
        for opening in world.objects:
            if opening.category not in IN_WALLS:
                continue
            x_axis, y_axis = opening.box.axes[:2, :2]
            depth = 0.8 if opening.category == "door" else 0.35
            half = 0.4 * opening.box.sides[0]
            front = opening.box.centroid[:2] - y_axis * opening.box.sides[1] / 2
            zone = Polygon(
                [
                    front + s * half * x_axis - d * y_axis
                    for s, d in ((-1, 0.02), (1, 0.02), (1, depth), (-1, depth))
                ]
            )
            for item in world.objects:
                tall = item.box.high[2] > opening.box.low[2] + 0.2
                stands = item.box.low[2] < TOUCH
                if item is not opening and tall and stands:
                    assert not zone.intersects(ground(item.box)), (world.id.name, item.category)


def test_walls_are_closed(worlds):
    lens = Intrinsics(24.0, 24.0, 31.5, 23.5, 64, 48)
    for world in worlds[:8]:
        for room in world.floor_plan.rooms:
            corner = room[0] + 0.3 * np.sign(room.mean(0) - room[0])
            if not Polygon(room).contains(Point(corner)):
                continue
            eye = np.array([*corner, 1.5])
            for turn in np.arange(0, 2 * np.pi, np.pi / 2):
                target = eye + np.array([np.cos(turn), np.sin(turn), 0.0])
                depth = render(world, lens, look_at(eye, target), color=False).depth
                assert np.isfinite(depth).all(), world.id.name


def test_no_wall_stands_in_a_room(worlds):
    two = [world for world in worlds if len(world.floor_plan.rooms) == 2]
    for world in two:
        table = world.primitives
        tall = np.flatnonzero((table.instance == -1) & (table.half[:, 2] * 2 > world.height - 0.01))
        reach = np.einsum("pij,pj->pi", np.abs(table.rotation), table.half)
        for p in tall:
            low, high = table.center[p] - reach[p], table.center[p] + reach[p]
            wall = box(low[0], low[1], high[0], high[1])
            for room in world.floor_plan.rooms:
                assert wall.intersection(Polygon(room)).area < 1e-4, world.id.name


def test_lamps_hang_in_the_rooms(worlds):
    for world in worlds:
        floor = floor_of(world).buffer(0.5)
        assert 1 <= len(world.lighting.positions) <= 3
        for x, y, z in world.lighting.positions:
            assert floor.contains(Point(x, y))
            assert 1.5 < z < world.height


def test_chairs_at_desks_and_tables_face_them(worlds):
    facing = []
    for world in worlds:
        tables = [item for item in world.objects if item.category in ("desk", "table")]
        for chair in world.objects:
            if chair.category != "chair":
                continue
            near = [t for t in tables if ground(t.box).distance(ground(chair.box)) < 0.16]
            if near:
                offset = near[0].box.to_box(chair.box.centroid)
                side = int(np.argmax(np.abs(offset[:2]) - near[0].box.sides[:2] / 2))
                towards = -np.sign(offset[side]) * near[0].box.axes[side]
                facing.append(float(-chair.box.axes[1] @ towards))
    assert len(facing) > 60
    assert np.mean(np.array(facing) > 0.99) > 0.85


def test_categories_are_drawn_in_a_fixed_order():
    names = list(CATEGORIES)
    assert names[:9] == [
        "bed",
        "chair",
        "sofa",
        "table",
        "window",
        "bookshelf",
        "counter",
        "desk",
        "refrigerator",
    ]
    assert all(first != second for first, second in pairwise(names))
