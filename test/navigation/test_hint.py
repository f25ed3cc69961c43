import math

import numpy as np
import pytest
from simple_rooms import camera_pose, room_points

from vlm3r_ros.navigation.hint import HintConfig, HintStatus, Turn, make_hint
from vlm3r_ros.navigation.occupancy import UNKNOWN, OccupancyGrid, OccupancyMap
from vlm3r_ros.navigation.target import Target, TargetStatus

SOFA_BOX = ((3.5, -0.5), (4.5, 0.5), 0.8)


def mapped(*boxes):
    occupancy = OccupancyMap()
    occupancy.update(room_points(boxes=boxes), camera_pose())
    return occupancy.grid()


GRID = mapped(SOFA_BOX)
SOFA = Target("sofa", TargetStatus.FOUND, np.array([4.0, 0.0, 0.4]), 0.5, 0.9, 1)
NOTHING = OccupancyGrid(np.full((50, 50), UNKNOWN, np.int8), 0.05, np.zeros(2), math.nan)


@pytest.mark.parametrize(
    ("degrees", "turn"),
    [(0, Turn.AHEAD), (-40, Turn.LEFT), (70, Turn.RIGHT), (180, Turn.BACK), (-5, Turn.AHEAD)],
)
def test_the_first_turn_is_seen_from_where_the_camera_looks(degrees, turn):
    hint = make_hint(SOFA, GRID, camera_pose(0.5, 0.0, math.radians(degrees)), stamp=7.0)
    assert hint.status is HintStatus.ON_THE_WAY
    assert hint.turn is turn
    assert math.cos(hint.bearing) == pytest.approx(math.cos(math.radians(degrees)), abs=0.06)
    assert hint.distance == pytest.approx(2.7, abs=0.2)
    assert hint.stamp == 7.0


def test_the_goal_stands_beside_the_target_and_faces_it():
    hint = make_hint(SOFA, GRID, camera_pose(0.5, 0.0))
    assert hint.goal.position == pytest.approx([3.2, 0, 0], abs=0.15)
    assert hint.goal.yaw == pytest.approx(0, abs=0.2)
    assert hint.path[0] == pytest.approx([0.5, 0, 0], abs=0.02)
    assert hint.path[-1] == pytest.approx(hint.goal.position)
    assert hint.confidence == pytest.approx(0.9)
    assert hint.instruction == "Walk straight ahead 2.7 m; the sofa is straight ahead of you."


def test_a_way_round_a_corner_is_told_leg_by_leg():
    grid = mapped(SOFA_BOX, ((1.0, -1.0), (2.0, 2.0), 1.0))
    hint = make_hint(SOFA, grid, camera_pose(0.0, 1.0))
    assert hint.turn is Turn.RIGHT
    assert hint.leg < hint.distance
    assert "then turn left about" in hint.instruction


def test_one_arrives_within_the_configured_distance():
    near = camera_pose(3.1, 0.0)
    assert make_hint(SOFA, GRID, near).status is HintStatus.ARRIVED
    hint = make_hint(SOFA, GRID, near, config=HintConfig(arrival_distance=0.05))
    assert hint.status is HintStatus.ON_THE_WAY
    sideways = make_hint(SOFA, GRID, camera_pose(3.15, 0.0, math.pi / 2))
    assert sideways.turn is Turn.ARRIVED
    assert sideways.distance == 0
    assert sideways.bearing == pytest.approx(-math.pi / 2)
    assert sideways.instruction == "You have arrived: the sofa is on your right."


def test_whoever_stands_inside_the_target_s_radius_has_arrived():
    hint = make_hint(SOFA, GRID, camera_pose(3.9, 0.1))
    assert hint.status is HintStatus.INSIDE_TARGET
    assert hint.arrived
    assert "right here" in hint.instruction
    assert make_hint(SOFA, NOTHING, camera_pose(4.0, 0.0)).arrived


WALL = Target("door", TargetStatus.FOUND, np.array([1.5, 0.5, 1.0]), 0.0, 0.9, 1)


@pytest.mark.parametrize(
    ("target", "grid", "pose", "status", "words"),
    [
        (Target("", TargetStatus.NOT_NAMED), GRID, camera_pose(), "not named", "what to look for"),
        (Target("tv", TargetStatus.NOT_SEEN), GRID, camera_pose(), "not seen", "a tv yet"),
        (Target("oven", TargetStatus.NOT_SEEN), GRID, camera_pose(), "not seen", "an oven yet"),
        (Target("tv", TargetStatus.UNSURE), GRID, camera_pose(), "unsure", "not sure"),
        (Target("tv", TargetStatus.NO_FRAMES), GRID, camera_pose(), "no frames", "camera"),
        (SOFA, NOTHING, camera_pose(), "nothing known", "floor"),
        (SOFA, GRID, np.full((4, 4), np.nan), "bad pose", "where the camera is"),
        (
            SOFA,
            mapped(SOFA_BOX, ((2.5, -2.0), (2.7, 2.0), 2.0)),
            camera_pose(),
            "walled off",
            "blocked",
        ),
        (
            Target("tv", TargetStatus.FOUND, np.array([500.0, 400.0, 0.0]), 0.1, 0.5, 1),
            GRID,
            camera_pose(),
            "too far",
            "too far",
        ),
    ],
)
def test_without_a_way_the_hint_says_why(target, grid, pose, status, words):
    hint = make_hint(target, grid, pose)
    assert hint.status == status
    assert hint.turn is Turn.UNKNOWN
    assert words in hint.instruction
    assert np.isnan([hint.bearing, hint.distance, hint.leg]).all()
    assert hint.goal is None
    assert hint.path.shape == (0, 3)
    assert hint.confidence == 0


def test_of_several_the_sentence_says_so():
    chair = Target("chair", TargetStatus.NEAREST_OF_SEVERAL, SOFA.position, 0.5, 0.9, 3)
    hint = make_hint(chair, GRID, camera_pose())
    assert hint.instruction.endswith("It is the nearest of 3.")


def test_a_way_that_nobody_has_seen_is_trusted_less():
    state = GRID.state.copy()
    columns = slice(*(int((x - GRID.origin[0]) / GRID.cell) for x in (1.5, 2.5)))
    state[:, columns] = UNKNOWN
    grid = OccupancyGrid(state, GRID.cell, GRID.origin, GRID.floor_height)
    assert make_hint(SOFA, grid, camera_pose()).confidence < 0.85
