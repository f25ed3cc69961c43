from itertools import pairwise

import numpy as np
import pytest
from furnished_rooms import ROOM, box, rectangle, scene
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.free_space import FreeSpace
from vlm3r_ros.worlds.scene import SceneFrame
from vlm3r_ros.worlds.skipping import SceneError

L_SHAPE = np.array([[0, 0], [5, 0], [5, 2], [2, 2], [2, 4], [0, 4]], float)


def clutter(seed, count=12):
    """Turned boxes all over a room of 5 x 4 m."""
    random = np.random.default_rng(seed)
    return [
        ("box", box(*random.uniform((0.5, 0.5), (4.5, 3.5)), 0.7, 0.4, yaw=random.uniform(0, 3)))
        for _ in range(count)
    ]


def camera_at(x, y, z=1.5):
    pose = np.eye(4)
    pose[:3, 3] = x, y, z
    return SceneFrame(0, pose)


def distance_to_solids(points, placed, room=ROOM):
    """To boxes and to the walls of a rectangular room, from points of its floor `[N, 2]`."""
    low, high = room.min(0), room.max(0)
    walls = np.minimum(points - low, high - points).min(1)
    inside = np.insert(points, 2, 0.4, axis=1)
    return np.min([walls, *(where.distance(inside) for _, where in placed)], axis=0)


def length(path):
    return np.linalg.norm(np.diff(path, axis=0), axis=1).sum()


def test_an_empty_room_is_free_up_to_the_body_s_radius_from_its_walls():
    free = FreeSpace.of(scene(), radius=0.3)
    assert free.contains([[0.36, 2], [2.5, 2], [4.64, 3.64]]).all()
    assert not free.contains([[0.24, 2], [2.5, 3.76], [-1, 2], [9, 9]]).any()
    assert free.component.max() == 1


@pytest.mark.parametrize("cell", [0.05, 0.1])
def test_distances_of_cells_are_true_to_a_cell(cell):
    placed = clutter(0)
    free = FreeSpace.of(scene(placed), cell=cell)
    rows, columns = np.nonzero(free.distance > 0)
    centres = free.origin + cell * np.stack([columns, rows], -1)
    error = free.distance[rows, columns] - distance_to_solids(centres, placed)
    assert np.abs(error).max() < cell
    assert abs(error.mean()) < 0.3 * cell


def test_clearance_is_exact_and_zero_within_things_and_outside():
    placed = clutter(1)
    free = FreeSpace.of(scene(placed))
    points = np.random.default_rng(0).uniform((0.1, 0.1), (4.9, 3.9), (300, 2))
    expected = distance_to_solids(points, placed)
    outside = expected > 0.05
    assert free.clearance(points)[outside] == pytest.approx(expected[outside], abs=1e-5)
    middles = np.array([where.centroid[:2] for _, where in placed])
    assert (free.clearance(middles) == 0).all()
    assert free.clearance([-0.5, 2.0]) == 0


def test_the_clearance_of_a_line_is_that_of_its_nearest_point():
    free = FreeSpace.of(scene([("table", box(2.5, 2, 1, 1))]))
    assert free.line_clearance([1, 1], [4, 1]) == pytest.approx(0.5)
    assert free.line_clearance([1, 2], [4, 2]) == 0
    assert free.line_clearance([[1, 0.3], [2.5, 2]], [4, 0.3]) == pytest.approx([0.3, 0])


def test_what_hangs_high_or_lies_flat_is_in_nobody_s_way():
    placed = [
        ("ceiling light", box(1, 1, 0.4, 0.4, bottom=2.1, top=2.4)),
        ("rug", box(2.5, 2, 2, 1, top=0.02)),
        ("shelf", box(4, 3, 0.4, 0.4, bottom=1.5, top=1.8)),
    ]
    free = FreeSpace.of(scene(placed))
    assert free.contains([[1, 1], [2.5, 2]]).all()
    assert not free.contains([4, 3])
    assert FreeSpace.of(scene(placed), headroom=1.4).contains([4, 3])


def test_one_can_walk_up_to_a_picture_on_the_wall():
    free = FreeSpace.of(scene([("picture", box(2.5, 0.02, 1.0, 0.04, bottom=1.2, top=1.7))]))
    assert free.contains([2.5, 0.3])


def test_a_passage_joins_rooms_and_a_wall_parts_them():
    rooms = (ROOM, rectangle(5.16, 0, 9, 4))
    apart = FreeSpace.of(scene(rooms=rooms))
    assert apart.component.max() == 2
    assert apart.component[apart.cells([2, 2])] == 1, "the larger room is the first region"
    assert apart.shortest_path([2, 2], [8, 2]) is None

    joined = FreeSpace.of(scene(rooms=rooms, passages=(rectangle(5, 1, 5.16, 1.9),)))
    path = joined.shortest_path([2, 3.5], [8, 3.5])
    assert path is not None
    across = np.interp([5, 5.16], path[:, 0], path[:, 1])
    assert (across > 1.1).all()
    assert (across < 1.8).all()


def test_the_notch_of_an_l_shaped_room_is_not_walked_through():
    free = FreeSpace.of(scene(rooms=(L_SHAPE,)))
    assert not free.contains([4, 3])
    path = free.shortest_path([1, 3.5], [4.5, 1])
    assert length(path) > np.linalg.norm([3.5, 2.5])
    # Around the corner that points inward, at the body's radius.
    assert np.linalg.norm(path - [2, 2], axis=1).min() == pytest.approx(0.2, abs=0.08)


def grid_optimum(free, start, goal):
    """Length of the shortest 8-connected way over free cells, worked out by SciPy."""
    standable = free.standable
    number = np.full(standable.shape, -1)
    number[standable] = np.arange(standable.sum())
    edges = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = np.roll(number, (-down, -right), (0, 1))
        joined = (number >= 0) & (other >= 0)
        if down and right:
            joined &= np.roll(standable, -down, 0) & np.roll(standable, -right, 1)
        edges.append((number[joined], other[joined], np.full(joined.sum(), np.hypot(down, right))))
    rows, columns, costs = map(np.concatenate, zip(*edges, strict=True))
    graph = csr_array((costs * free.cell, (rows, columns)), shape=(standable.sum(),) * 2)
    ends = [number[free.cells(point)] for point in (start, goal)]
    return dijkstra(graph, directed=False, indices=ends[0])[ends[1]]


@pytest.mark.parametrize("seed", range(6))
def test_paths_keep_clear_of_everything_and_are_not_longer_than_over_the_grid(seed):
    placed = clutter(seed, 9)
    free = FreeSpace.of(scene(placed))
    start, goal = free.random_places(np.random.default_rng(seed), 2)
    path = free.shortest_path(start, goal)
    assert (path[0] == start).all()
    assert (path[-1] == goal).all()
    dense = np.concatenate([np.linspace(a, b, 100) for a, b in pairwise(path)])
    assert distance_to_solids(dense, placed).min() > free.radius - free.cell
    straight = np.linalg.norm(goal - start)
    optimum = grid_optimum(free, start, goal)
    # Straight lines cut the grid's zigzag, which is 8 % too long at most.
    assert max(straight, 0.92 * optimum - 2 * free.cell) <= length(path) + 1e-9
    assert length(path) <= optimum + 2 * free.cell


def test_the_way_in_an_empty_room_is_a_straight_line():
    free = FreeSpace.of(scene())
    path = free.shortest_path([0.5, 0.5], [4.4, 3.1])
    assert path == pytest.approx(np.array([[0.5, 0.5], [4.4, 3.1]]))
    assert len(free.shortest_path([1, 1], [1, 1])) == 2


def test_there_is_no_way_into_furniture_and_the_nearest_place_tells_where_to_stop():
    free = FreeSpace.of(scene([("sofa", box(2.5, 0.5, 2, 1))]))
    sofa = np.array([2.5, 0.6])
    assert free.shortest_path([2.5, 3], sofa) is None
    stop = free.nearest(sofa)
    assert stop == pytest.approx([2.5, 1.2], abs=0.08)
    assert free.shortest_path([2.5, 3], stop) is not None
    assert free.nearest([1, 3]) == pytest.approx([1, 3])


def test_random_places_fill_the_largest_region_only():
    rooms = (ROOM, rectangle(5.2, 0, 7.2, 2))
    free = FreeSpace.of(scene([("table", box(2.5, 2, 1, 1))], rooms=rooms))
    places = free.random_places(np.random.default_rng(0), 2000)
    assert free.contains(places).all()
    assert places[:, 0].max() < 4.9
    # Uniform: as many to the left of the middle as to the right.
    assert abs((places[:, 0] < 2.5).mean() - 0.5) < 0.05
    assert free.contains(free.random_place(np.random.default_rng(0)))


def test_a_room_full_of_things_names_itself():
    free = FreeSpace.of(scene([("wardrobe", box(2.5, 2, 5, 4))]))
    assert not free.standable.any()
    assert free.nearest([1, 1]) is None
    with pytest.raises(SceneError, match=r"room: objects: leave no room .* 0\.20 m"):
        free.random_place(np.random.default_rng(0))


def test_without_a_plan_the_hull_of_cameras_and_things_is_the_floor():
    placed = [("bed", box(0.5, 0.5, 1, 1)), ("desk", box(4.5, 3.5, 1, 1))]
    frames = (camera_at(0.3, 3.5), camera_at(4.5, 0.5))
    known = FreeSpace.of(scene(placed))
    guessed = FreeSpace.of(scene(placed, frames=frames, has_plan=False))
    assert guessed.contains([[0.3, 3.5], [4.5, 0.5], [2.5, 2]]).all()
    assert not guessed.contains([[0.5, 0.5], [4.5, 3.5], [0.1, 3.9]]).any()
    ratio = guessed.standable.sum() / known.standable.sum()
    assert 0.85 < ratio < 1.1
    path = guessed.shortest_path([0.3, 3.5], [4.5, 0.5])
    assert length(path) == pytest.approx(np.linalg.norm([4.2, 3]), rel=0.01)


def test_without_a_plan_the_floor_may_lie_at_any_height():
    placed = [("bed", box(0.5, 0.5, 1, 1, bottom=-1.3, top=-0.8))] * 4
    placed += [("lamp", box(2.5, 2, 0.5, 0.5, bottom=0.7, top=1.0))]
    frames = (camera_at(0.3, 3.5, 0.2), camera_at(4.5, 0.5, 0.2), camera_at(4.5, 3.5, 0.2))
    free = FreeSpace.of(scene(placed, frames=frames, has_plan=False))
    assert free.contains([2.5, 2]), "it hangs 2 m above the floor"
    assert not free.contains([0.5, 0.5])


def test_lost_poses_tell_nothing():
    lost = SceneFrame(1, np.full((4, 4), -np.inf))
    with pytest.raises(SceneError, match="nothing tells where the floor is"):
        FreeSpace.of(scene(frames=(lost,), has_plan=False))
    free = FreeSpace.of(scene(frames=(lost, camera_at(1, 1)), has_plan=False))
    assert free.contains([1, 1])


def test_things_in_millimetres_are_refused():
    placed = [("bed", box(0, 0, 1, 1)), ("desk", box(900_000, 500_000, 1, 1))]
    with pytest.raises(SceneError, match="900001 x 500001 m; are they in metres"):
        FreeSpace.of(scene(placed, has_plan=False))


def test_tilted_and_flat_boxes_have_footprints():
    cos, sin = np.cos(0.3), np.sin(0.3)
    tilted = OrientedBox(
        np.array([2.5, 2, 0.5]),
        np.array([1.0, 0.5, 1.0]),
        np.array([[1.0, 0, 0], [0, cos, sin], [0, -sin, cos]]),
    )
    flat = OrientedBox.upright((4, 3, 0.5), (0.8, 0.0, 1.0))
    free = FreeSpace.of(scene([("chair", tilted), ("screen", flat)]))
    reach = 0.25 * cos + 0.5 * sin
    assert free.clearance([2.5, 2 - reach - 0.3]) == pytest.approx(0.3, abs=1e-6)
    assert free.clearance([4, 2.5]) == pytest.approx(0.5)
    assert not free.contains([4, 3])
