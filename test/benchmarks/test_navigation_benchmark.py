import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from vlm3r_ros.benchmarks.navigation import (
    NavigationSettings,
    benchmark_navigation,
    run_episode,
)
from vlm3r_ros.benchmarks.navigation_floor import distances_from, path_clearance, true_floor
from vlm3r_ros.benchmarks.navigation_gif import draw_walk
from vlm3r_ros.benchmarks.navigation_room import BODY_RADIUS
from vlm3r_ros.benchmarks.navigation_table import navigation_table
from vlm3r_ros.benchmarks.speed_planning import planning_time
from vlm3r_ros.commands.benchmark import app
from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.worlds.build import build_world
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


def test_the_table_has_a_column_for_each_source(episode):
    lost = replace(
        episode,
        status=HintStatus.UNSURE,
        success=False,
        spl=0.0,
        place_error=math.nan,
        plan_clearance=math.nan,
        plan_ratio=math.nan,
        plan_unknown=math.nan,
    )
    table = navigation_table({"truth": [episode], "model": [episode, lost]}, "walks")
    assert [column.header for column in table.columns][1:] == ["truth", "model"]
    cells = dict(
        zip(
            table.columns[0]._cells,
            zip(*(c._cells for c in table.columns[1:]), strict=True),
            strict=True,
        )
    )
    assert cells["success"] == ("100.0 % (1/1)", "50.0 % (1/2)")
    assert cells["walks"] == ("1", "2")
    assert cells["last hint"] == ("arrived 1", "arrived 1\nunsure 1")
    assert cells["target was given a place"] == ("100.0 % (1/1)", "50.0 % (1/2)")
    assert cells["first plans"] == ("1", "1")


def test_a_source_without_any_plan_has_no_figures_of_plans(episode):
    lost = replace(episode, plan_clearance=math.nan, plan_ratio=math.nan, plan_unknown=math.nan)
    table = navigation_table({"model": [lost]}, "walks")
    cells = dict(zip(*(column._cells for column in table.columns), strict=True))
    assert cells["first plans free of collision"] == "-"
    assert cells["first plan / shortest way: median"] == "-"


def test_a_walk_is_drawn_hint_by_hint(tmp_path):
    moments = []
    settings = replace(FAST, most_steps=3)
    episode = run_episode(WORLD, settings, onlooker=moments.append)
    assert len(moments) == episode.hints == 3
    draw_walk(tmp_path / "folder" / "walk.gif", moments)
    with Image.open(tmp_path / "folder" / "walk.gif") as gif:
        assert gif.n_frames == 3
        frames = []
        for number in range(3):
            gif.seek(number)
            frames.append(np.asarray(gif.convert("RGB")))
    assert frames[0].std() > 10
    assert not np.array_equal(frames[0], frames[2])
    assert (tmp_path / "folder" / "walk.gif").stat().st_size < 1_500_000


def test_no_walk_cannot_be_drawn(tmp_path):
    with pytest.raises(ValueError, match="no walk"):
        draw_walk(tmp_path / "walk.gif", [])


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


def test_the_command_compares_sources_and_draws_the_first_walk(tmp_path):
    arguments = "navigation --scenes 1 --source truth --source geometry --model tiny --device cpu"
    with pytest.warns(UserWarning, match="random weights"):
        result = CliRunner().invoke(app, [*arguments.split(), "--gif", str(tmp_path / "walk.gif")])
    assert result.exit_code == 0, result.output
    header = next(line for line in result.output.splitlines() if "of all walks" in line)
    assert header.index("truth") < header.index("geometry")
    with Image.open(tmp_path / "walk.gif") as gif:
        assert gif.n_frames > 3


def test_the_time_of_planning_is_measured_over_a_room_with_a_way_through():
    assert 0 < planning_time(rounds=1) < 60
