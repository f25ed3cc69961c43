import math

import numpy as np
import pytest

from vlm3r_ros.benchmarks.navigation import (
    BODY_RADIUS,
    NavigationSettings,
    benchmark_navigation,
    navigation_table,
    run_episode,
)
from vlm3r_ros.benchmarks.navigation_floor import distances_from, path_clearance, true_floor
from vlm3r_ros.benchmarks.navigation_sources import TruthSource
from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.navigation.target import TargetStatus
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.filming import Film, FilmSettings
from vlm3r_ros.worlds.free_space import FreeSpace
from vlm3r_ros.worlds.world import Split, WorldId

WORLD = WorldId(Split.TEST, 0, 1)
FAST = NavigationSettings(frames=60, keyframes=12, width=96, height=72)


@pytest.fixture(scope="module")
def episode():
    return run_episode(WORLD, FAST)


def test_a_walker_who_obeys_gets_to_the_target(episode):
    assert episode.status is HintStatus.ARRIVED
    assert episode.success
    assert not episode.collided
    assert episode.stopped_at <= 1.0
    assert 0 < episode.spl <= 1
    assert episode.hints == len(episode.planning_ms)


def test_an_episode_is_the_same_each_time(episode):
    again = run_episode(WORLD, FAST)
    assert (again.target, again.walked, again.hints) == (
        episode.target,
        episode.walked,
        episode.hints,
    )


def test_whoever_may_take_one_step_only_does_not_arrive():
    hasty = NavigationSettings(frames=60, keyframes=12, width=96, height=72, most_steps=1)
    episode = run_episode(WORLD, hasty)
    assert not episode.success
    assert episode.spl == 0
    assert episode.walked <= hasty.step + 1e-9


def test_the_table_counts_walks(episode):
    table = navigation_table([episode], "walks")
    cells = dict(zip(*(column._cells for column in table.columns), strict=True))
    assert cells["success"] == "100.0 % (1/1)"
    assert cells["walks"] == "1"


def test_worlds_are_walked_through_one_after_the_other():
    walks = benchmark_navigation(scenes=2, seed=0, settings=FAST)
    names = [episode.scene for episode in walks]
    assert len(set(names)) == 2


def test_the_true_floor_is_what_solids_leave_and_boxes_leave_less():
    world = build_world(WORLD)
    floor = true_floor(world, BODY_RADIUS)
    boxed = FreeSpace.of(world.scene(), radius=BODY_RADIUS)
    assert floor.standable.sum() > 0.95 * boxed.standable.sum()
    start = floor.random_place(np.random.default_rng(0))
    ways = distances_from(floor, start)
    assert ways[floor.cells(start)] == 0
    assert np.isfinite(ways[floor.component == 1]).all()
    assert np.isinf(ways[~floor.standable]).all()
    wall = world.floor_plan.rooms[0][0]
    assert path_clearance(floor, [start, start]) >= BODY_RADIUS - floor.cell
    assert path_clearance(floor, [start, wall - 1]) == 0


def test_the_truth_knows_only_what_was_seen():
    film = Film.of(WORLD, FilmSettings(frames=20, width=96, height=72))
    source = TruthSource(film.world, film.path.intrinsics)
    pose = film.path.T_world_camera[0]
    name = film.world.objects[0].category
    assert source.locate(name, pose).status is TargetStatus.NOT_SEEN
    sighting = source.look(pose, 0.0)
    finite = np.isfinite(sighting.points).all(-1)
    assert sighting.points[finite][:, 2].min() == pytest.approx(0, abs=0.02)
    for index in source.seen.tolist():
        item = film.world.objects[index]
        target = source.locate(item.category, pose)
        assert target.has_place
        assert math.isfinite(target.position[2])
    assert source.locate("unicorn", pose).status is TargetStatus.NOT_SEEN
