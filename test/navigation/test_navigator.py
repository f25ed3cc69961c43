import math

import numpy as np
import pytest
from simple_rooms import camera_pose, room_points

from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.navigation.navigator import Navigator, NavigatorConfig
from vlm3r_ros.navigation.occupancy import UpdateStatus
from vlm3r_ros.navigation.target import Target, TargetStatus

SOFA = Target("sofa", TargetStatus.FOUND, np.array([4.0, 0.0, 0.4]), 0.5, 0.9, 1)
ROOM = room_points(boxes=[((3.5, -0.5), (4.5, 0.5), 0.8)])


@pytest.fixture
def navigator():
    navigator = Navigator()
    navigator.observe("first", 1.0, camera_pose(), ROOM)
    return navigator


def test_hints_start_from_the_newest_pose(navigator):
    far = navigator.hint(SOFA)
    navigator.observe("first", 1.1, camera_pose(1.5))
    near = navigator.hint(SOFA)
    assert far.status is near.status is HintStatus.ON_THE_WAY
    assert far.distance - near.distance == pytest.approx(1.5, abs=0.1)
    assert near.stamp == 1.1


def test_a_late_pose_does_not_take_the_camera_back(navigator):
    navigator.observe("first", 3.0, camera_pose(1.0))
    navigator.observe("first", 2.0, camera_pose(0.5))
    assert navigator.stamp == 3.0
    assert navigator.T_map_camera[0, 3] == 1.0


def test_before_the_first_frame_there_is_no_hint():
    assert Navigator().hint(SOFA).status is HintStatus.NO_FRAMES


def test_another_session_is_another_map(navigator):
    guidance = navigator.follow(SOFA)
    assert navigator.lead(guidance).status is HintStatus.ON_THE_WAY
    navigator.observe("second", 0.5, camera_pose())
    assert navigator.grid().all_unknown
    assert not navigator.pointmaps
    assert navigator.lead(guidance).status is HintStatus.SESSION_RESET
    assert guidance.finished


def test_after_a_reset_guidance_ends_before_any_new_frame(navigator):
    guidance = navigator.follow(SOFA)
    navigator.clear()
    assert navigator.lead(guidance).status is HintStatus.SESSION_RESET


def test_what_is_seen_twice_from_one_place_is_taken_in_once(navigator):
    assert navigator.observe("first", 1.1, camera_pose(0.05), ROOM) is None
    assert navigator.observe("first", 1.2, camera_pose(0.15), ROOM) is UpdateStatus.UPDATED
    turned = camera_pose(0.15, yaw=math.radians(11))
    assert navigator.observe("first", 1.3, turned, ROOM) is UpdateStatus.UPDATED
    assert navigator.observe("first", 2.5, turned, ROOM) is UpdateStatus.UPDATED


def test_a_pose_that_is_none_is_dropped(navigator):
    bad = np.full((4, 4), np.nan)
    assert navigator.observe("first", 2.0, bad, ROOM) is UpdateStatus.BAD_POSE
    assert navigator.stamp == 1.0
    assert navigator.hint(SOFA).status is HintStatus.ON_THE_WAY


@pytest.mark.parametrize("points", [np.empty((0, 0, 3)), np.full((4, 4, 3), np.nan)])
def test_a_pointmap_without_points_leaves_the_map_as_it_is(navigator, points):
    known = (navigator.grid().state >= 0).sum()
    assert navigator.observe("first", 3.0, camera_pose(1.0), points) is UpdateStatus.NO_POINTS
    assert (navigator.grid().state >= 0).sum() == known


def test_a_jump_of_the_pose_is_said_once(navigator):
    guidance = navigator.follow(SOFA)
    navigator.lead(guidance)
    navigator.observe("first", 1.1, camera_pose(1.0, 1.0))
    assert navigator.lead(guidance).status is HintStatus.POSE_JUMP
    navigator.observe("first", 1.2, camera_pose(1.0, 1.0))
    assert navigator.lead(guidance).status is HintStatus.ON_THE_WAY


def test_pointmaps_of_dropped_keyframes_go():
    navigator = Navigator(NavigatorConfig(max_pointmaps=4))
    for stamp in range(6):
        navigator.observe("first", float(stamp), camera_pose(), ROOM[None])
    assert list(navigator.pointmaps) == [2.0, 3.0, 4.0, 5.0]
    navigator.keep_only({2.0, 4.0})
    assert list(navigator.pointmaps) == [2.0, 4.0, 5.0]  # the newest may still become a keyframe
