import numpy as np
import pytest
from simple_rooms import camera_pose, floor_points, room_points, wall_points

from vlm3r_ros.navigation.floor import FloorEstimator
from vlm3r_ros.navigation.occupancy import (
    DOUBTFUL,
    FREE,
    OCCUPIED,
    UNKNOWN,
    OccupancyConfig,
    OccupancyMap,
    UpdateStatus,
)

TABLE = ((2.0, -0.5), (3.0, 0.5), 0.75)


def states(grid, points):
    rows, columns = np.moveaxis(grid.cells(points), -1, 0)
    return grid.state[rows, columns].tolist()


def mapped(points, pose=None, **settings):
    occupancy = OccupancyMap(OccupancyConfig(**settings))
    status = occupancy.update(points, camera_pose() if pose is None else pose)
    return occupancy, status


def test_floor_is_free_furniture_and_walls_are_occupied_and_the_rest_is_unknown():
    occupancy, status = mapped(room_points(high=(5, 2.02), boxes=[TABLE]))
    assert status is UpdateStatus.UPDATED
    grid = occupancy.grid()
    assert states(grid, [[1, 0], [4, 1.5], [2.5, 0], [2.5, 2.02], [-0.99, 1.0]]) == [
        FREE,
        FREE,
        OCCUPIED,
        OCCUPIED,
        OCCUPIED,
    ]
    assert states(grid, [[-1.5, 0], [5.5, 0]]) == [UNKNOWN, UNKNOWN]
    assert not grid.all_unknown


@pytest.mark.parametrize("z", [-1.37, 0.0, 2.0])
def test_the_floor_is_found_beneath_tables_and_despite_points_below_it(z):
    random = np.random.default_rng(0)
    points = room_points(boxes=[TABLE, ((0, 1), (2, 2), 0.7)], z=z)
    points += random.normal(0, 0.01, points.shape)
    below = random.uniform((-1, -2, z - 2), (5, 2, z - 0.1), (len(points) // 50, 3))
    floor = FloorEstimator()
    floor.add(np.concatenate([points, below]).astype(np.float32), z + 1.4)
    assert floor.height == pytest.approx(z, abs=0.02)


def test_without_a_floor_keyframes_wait_for_one():
    occupancy = OccupancyMap()
    wall = wall_points((3, -1), (3, 1), top=0.9, bottom=0.5)
    assert occupancy.update(wall, camera_pose()) is UpdateStatus.NO_FLOOR
    assert occupancy.grid().all_unknown
    floor = floor_points((0, -1), (3, 1))
    assert occupancy.update(floor, camera_pose()) is UpdateStatus.UPDATED
    assert states(occupancy.grid(), [[3.0, 0.0], [2.0, 0.0]]) == [OCCUPIED, FREE]


def test_when_the_floor_turns_out_lower_everything_is_counted_again():
    occupancy = OccupancyMap()
    occupancy.update(floor_points((1, -1), (3, 1), z=0.45), camera_pose())
    assert states(occupancy.grid(), [[2, 0]]) == [FREE]
    occupancy.update(floor_points((-2, -3), (4, -1)), camera_pose())
    assert occupancy.floor_height == pytest.approx(0, abs=0.02)
    assert states(occupancy.grid(), [[2, 0], [2, -2]]) == [OCCUPIED, FREE]


def test_points_that_are_no_numbers_untrusted_or_far_are_left_out():
    points = room_points(boxes=[TABLE])
    spoilt = np.concatenate([points, np.full((50, 3), np.nan), np.full((9, 3), np.inf)])
    clean, _ = mapped(points)
    occupancy, status = mapped(spoilt)
    assert status is UpdateStatus.UPDATED
    assert (occupancy.grid().state == clean.grid().state).all()

    trusted = OccupancyMap(OccupancyConfig(min_confidence=2.0))
    confidence = np.where(points[:, 2] > 0.01, 1.5, 3.0)
    trusted.update(points, camera_pose(), confidence)
    assert states(trusted.grid(), [[1, 0], [2.5, 0]]) == [FREE, UNKNOWN]

    near, _ = mapped(points, max_range=2.5)
    assert states(near.grid(), [[1, 0], [2.2, 0.0]]) == [FREE, OCCUPIED]
    assert near.grid().state.shape[1] < clean.grid().state.shape[1]


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.full((4, 5, 3), np.nan)])
def test_keyframes_without_points_change_nothing(points):
    occupancy, _ = mapped(room_points())
    before = occupancy.grid()
    assert occupancy.update(points, camera_pose()) is UpdateStatus.NO_POINTS
    assert (occupancy.grid().state == before.state).all()
    empty, status = mapped(points)
    assert status is UpdateStatus.NO_POINTS
    assert empty.grid().all_unknown


def test_a_pose_that_is_none_is_refused():
    pose = camera_pose()
    pose[0, 3] = np.nan
    occupancy, status = mapped(room_points(), pose)
    assert status is UpdateStatus.BAD_POSE
    assert occupancy.grid().all_unknown


def test_one_wrong_keyframe_among_many_makes_nothing_occupied_and_tables_stay():
    occupancy = OccupancyMap()
    floor = floor_points((-1, -2), (5, 2))
    ghost = wall_points((1.5, -1), (1.5, 1))
    top = floor_points((2, -0.5), (3, 0.5), z=0.75)
    occupancy.update(np.concatenate([floor, ghost]), camera_pose())
    for index in range(11):
        seen = [floor, top] if index % 3 == 0 else [floor]
        occupancy.update(np.concatenate(seen), camera_pose())
    assert states(occupancy.grid(), [[1.5, 0], [2.5, 0]]) == [FREE, OCCUPIED]


def test_what_hangs_high_or_lies_flat_is_in_nobody_s_way():
    lamp = floor_points((1, 0), (1.4, 0.4), z=2.0)
    rug = floor_points((2, 0), (3, 1), z=0.03)
    occupancy, _ = mapped(np.concatenate([room_points(), lamp, rug]))
    assert states(occupancy.grid(), [[1.2, 0.2], [2.5, 0.5]]) == [FREE, FREE]


def test_inflation_keeps_a_body_s_radius():
    occupancy, _ = mapped(room_points(boxes=[TABLE]))
    grid = occupancy.grid()
    blocked = grid.inflated(0.3)
    rows, columns = np.moveaxis(grid.cells([[1.6, 0], [1.8, 0], [0, 0]]), -1, 0)
    assert blocked[rows, columns].tolist() == [False, True, False]


def test_a_map_that_would_be_too_large_is_cropped_around_camera_and_path():
    config = OccupancyConfig(max_cells=10_000)  # 5 x 5 m
    occupancy = OccupancyMap(config)
    path = [[0, 0], [3.5, 0.5]]
    statuses = []
    for x in np.arange(0.0, 12.0, 2.0):
        points = floor_points((x - 2, -2), (x + 3, 2))
        statuses.append(occupancy.update(points, camera_pose(x), path=path if x < 3 else None))
        grid = occupancy.grid()
        assert grid.state.size <= config.max_cells
        assert states(grid, [[x, 0.0]]) == [FREE]
        if x == 2:
            assert states(grid, path) == [FREE, FREE]
    assert UpdateStatus.CROPPED in statuses


def test_a_long_stream_needs_no_more_memory():
    config = OccupancyConfig(max_keyframes=4, kept_points=500)
    occupancy = OccupancyMap(config)
    points = room_points(boxes=[TABLE])
    for _ in range(6):
        occupancy.update(points, camera_pose())
    kept = [keyframe.points for keyframe in occupancy._keyframes]
    assert len(kept) <= 4
    assert max(map(len, kept)) <= 500


@pytest.mark.parametrize("settings", [{"cell": 0.0}, {"max_cells": 10}, {"max_keyframes": 1}])
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        OccupancyConfig(**settings)


def seen_with_errors(index, camera_height=1.4):
    """A room as learned depth has it: as a whole too near or far, and in parts of it as well."""
    random = np.random.default_rng(index)
    camera = np.array([0.0, 0.0, camera_height])
    points = room_points(boxes=[TABLE])
    x, y, z = np.floor(points / 0.3).astype(int).T
    error = random.normal(0, 0.1) + random.normal(0, 0.05, (40, 40, 20))[x, y, z]
    return camera + np.exp(error)[:, None] * (points - camera)


def test_a_floor_of_learned_depth_is_found_from_each_keyframe():
    floor = FloorEstimator()
    sightings = [floor.add(seen_with_errors(i).astype(np.float32), 1.4) for i in range(12)]
    assert floor.height == pytest.approx(0, abs=0.1)
    assert 0.02 < floor.spread < 0.1
    # Each keyframe is brought to the height that all of them agree on.
    for sighting in sightings:
        assert sighting.depth * floor.scale(sighting, 1.4) == pytest.approx(1.4 - floor.height)


def test_a_surface_right_below_the_camera_is_sighted():
    floor = FloorEstimator()
    sighting = floor.add(floor_points((0, 0), (2, 2)).astype(np.float32), 0.153)
    assert sighting.depth == pytest.approx(0.153, abs=0.001)


def test_a_bed_that_was_looked_at_for_longer_is_not_the_floor():
    floor = FloorEstimator()
    for index in range(10):
        bed = floor_points((0, 0), (2, 2), z=0.5)
        seen = bed if index < 7 else floor_points((0, -1), (2, 1))
        floor.add(seen.astype(np.float32), 1.4)
    assert floor.height == pytest.approx(0, abs=0.02)


def test_a_table_top_is_not_brought_to_the_floor():
    floor = FloorEstimator()
    for _ in range(5):
        floor.add(floor_points((-1, -2), (5, 2)).astype(np.float32), 1.4)
    table = floor.add(floor_points((0, 0), (2, 2), z=0.5).astype(np.float32), 1.4)
    assert table.depth == pytest.approx(0.9, abs=0.01)
    assert floor.scale(table, 1.4) == 1.0
    assert floor.scale(None, 1.4) == 1.0


def test_depth_that_scatters_makes_no_obstacles_of_the_floor_and_doubtful_ones_of_little():
    occupancy = OccupancyMap()
    for index in range(12):
        occupancy.update(seen_with_errors(index), camera_pose())
    grid = occupancy.grid()
    # Away from walls and table, and from them.
    rows, columns = np.mgrid[0.5:1.5:0.05, -1.4:1.4:0.05]
    middle = np.array(states(grid, np.stack([rows, columns], -1).reshape(-1, 2)))
    assert (middle == FREE).mean() > 0.95
    wall = np.array(states(grid, [[x, y] for x in np.arange(0, 4, 0.05) for y in (1.8, 1.9, 2.0)]))
    assert (wall == DOUBTFUL).any()
    top = np.array(states(grid, [[x, 0.0] for x in np.arange(2.3, 2.7, 0.05)]))
    assert (top >= DOUBTFUL).all()
    assert (top == OCCUPIED).any()


@pytest.mark.parametrize("height", [-0.2, 0.0, 0.03, 0.1])
def test_a_camera_on_the_floor_or_below_it_spoils_nothing(height):
    occupancy = OccupancyMap()
    occupancy.update(floor_points((-1, -2), (5, 2)), camera_pose())
    before = occupancy.grid().state.shape
    spread = np.random.default_rng(0).normal(0, 0.05, (2400, 1)) * [0, 0, 1]
    seen = floor_points((-1, -2), (5, 2), step=0.1) + spread
    occupancy.update(seen, camera_pose(height=height))
    grid = occupancy.grid()
    assert max(grid.state.shape) < 3 * max(before)
    assert states(grid, [[1, 0], [3, 1]]) == [FREE, FREE]
