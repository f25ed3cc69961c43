import math

import numpy as np
import pytest
from simple_rooms import camera_pose, room_points

from vlm3r_ros.navigation.guidance import Guidance, GuidanceConfig
from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.navigation.occupancy import OccupancyMap
from vlm3r_ros.navigation.target import Target, TargetStatus

SESSION = "first"
SOFA = Target("sofa", TargetStatus.FOUND, np.array([4.0, 0.0, 0.4]), 0.5, 0.9, 1)


@pytest.fixture(scope="module")
def grid():
    occupancy = OccupancyMap()
    boxes = [((3.5, -0.5), (4.5, 0.5), 0.8), ((1.0, -1.0), (2.0, 2.0), 1.0)]
    occupancy.update(room_points(boxes=boxes), camera_pose())
    return occupancy.grid()


def test_whoever_obeys_the_hints_gets_there(grid):
    guidance = Guidance(SOFA, SESSION)
    x, y, yaw, left = 0.0, 1.0, 2.0, []
    for step in range(60):
        hint = guidance.update(camera_pose(x, y, yaw), grid, SESSION, step * 0.5)
        if guidance.finished:
            break
        left.append(hint.distance)
        yaw += hint.bearing
        x += min(0.3, hint.leg) * math.cos(yaw)
        y += min(0.3, hint.leg) * math.sin(yaw)
    assert hint.status is HintStatus.ARRIVED
    assert math.hypot(x - 4, y) < 1.2
    assert (np.diff(left) < 0.1).all()


def test_guidance_stays_cancelled(grid):
    guidance = Guidance(SOFA, SESSION)
    assert guidance.cancel().status is HintStatus.CANCELLED
    assert guidance.finished
    assert guidance.update(camera_pose(), grid, SESSION, 1.0).status is HintStatus.CANCELLED


def test_another_session_ends_it_for_good(grid):
    guidance = Guidance(SOFA, SESSION)
    guidance.update(camera_pose(), grid, SESSION, 0.0)
    hint = guidance.update(camera_pose(), grid, "second", 0.5)
    assert hint.status is HintStatus.SESSION_RESET
    assert "ask for the sofa again" in hint.instruction
    assert guidance.finished
    assert guidance.update(camera_pose(), grid, SESSION, 1.0).status is HintStatus.SESSION_RESET


def test_a_jump_of_the_pose_is_said_once_and_guidance_goes_on(grid):
    guidance = Guidance(SOFA, SESSION, GuidanceConfig(max_speed=2.0))
    assert guidance.update(camera_pose(0, 0), grid, SESSION, 0.0).status is HintStatus.ON_THE_WAY
    assert guidance.update(camera_pose(0.9, 0), grid, SESSION, 0.5).status is HintStatus.ON_THE_WAY
    jumped = guidance.update(camera_pose(0.5, -1.8), grid, SESSION, 0.6)
    assert jumped.status is HintStatus.POSE_JUMP
    assert not guidance.finished
    assert guidance.update(camera_pose(0.5, -1.7), grid, SESSION, 1.1).status is not jumped.status


def test_a_pose_that_is_none_is_said_and_forgotten(grid):
    guidance = Guidance(SOFA, SESSION)
    guidance.update(camera_pose(), grid, SESSION, 0.0)
    lost = guidance.update(np.full((4, 4), np.nan), grid, SESSION, 0.5)
    assert lost.status is HintStatus.BAD_POSE
    assert guidance.update(camera_pose(), grid, SESSION, 1.0).status is HintStatus.ON_THE_WAY


def test_a_target_that_turns_out_elsewhere_is_followed_and_one_without_place_is_not(grid):
    guidance = Guidance(SOFA, SESSION)
    elsewhere = Target("sofa", TargetStatus.FOUND, np.array([0.5, -1.5, 0.4]), 0.2, 0.9, 1)
    guidance.retarget(Target("sofa", TargetStatus.UNSURE))
    assert guidance.target is SOFA
    guidance.retarget(elsewhere)
    assert guidance.update(camera_pose(), grid, SESSION, 0.0).distance < 2
