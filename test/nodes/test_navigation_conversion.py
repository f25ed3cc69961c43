import math

import numpy as np
import pytest
from std_msgs.msg import Header

from vlm3r_ros.navigation.hint import Goal, HintStatus, NavigationHint, Turn, no_hint
from vlm3r_ros.navigation.occupancy import FREE, OCCUPIED, UNKNOWN, OccupancyGrid
from vlm3r_ros.nodes.message_conversion import pose_to_matrix
from vlm3r_ros.nodes.navigation_conversion import (
    grid_to_message,
    hint_to_message,
    message_to_grid,
    path_to_message,
)

HEADER = Header(frame_id="map")


def test_a_hint_travels_with_goal_and_path():
    path = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 2.0, -1.0]])
    hint = NavigationHint(
        "sofa",
        HintStatus.ON_THE_WAY,
        Turn.LEFT,
        0.5,
        1.0,
        3.0,
        Goal(path[-1], math.pi / 2),
        path,
        "Turn left.",
        0.75,
    )
    message = hint_to_message(hint, HEADER)
    assert (message.target, message.status, message.turn) == ("sofa", "on the way", message.LEFT)
    assert (message.bearing, message.distance, message.confidence) == (0.5, 3.0, 0.75)
    goal = pose_to_matrix(message.goal.pose)
    np.testing.assert_allclose(goal[:3, 3], path[-1])
    np.testing.assert_allclose(goal[:3, 0], [0, 1, 0], atol=1e-9)
    assert message.goal.header.frame_id == "map"
    # Each pose looks along the way.
    ahead = [pose_to_matrix(pose.pose)[:2, 0] for pose in message.path.poses]
    np.testing.assert_allclose(ahead, [[1, 0], [0, 1], [0, 1]], atol=1e-9)


def test_where_there_is_no_way_the_message_says_why():
    message = hint_to_message(no_hint("piano", HintStatus.NOT_SEEN), HEADER)
    assert message.status == "not seen"
    assert message.turn == message.UNKNOWN
    assert math.isnan(message.bearing)
    assert math.isnan(message.distance)
    assert not message.path.poses
    assert message.goal.header.frame_id == ""
    assert "piano" in message.instruction


def test_a_map_there_and_back_is_the_same():
    state = np.array([[UNKNOWN, FREE, OCCUPIED], [FREE, FREE, UNKNOWN]], np.int8)
    grid = OccupancyGrid(state, 0.05, np.array([-1.0, 2.0]), -1.4)
    message = grid_to_message(grid, HEADER)
    assert (message.info.height, message.info.width) == (2, 3)
    back = message_to_grid(message)
    np.testing.assert_array_equal(back.state, state)
    np.testing.assert_allclose(back.origin, grid.origin)
    assert back.cell == pytest.approx(0.05)
    assert back.floor_height == pytest.approx(-1.4)


def test_heights_that_are_not_known_are_numbers_in_messages():
    message = path_to_message(np.array([[0.0, 1.0, math.nan]]), HEADER)
    assert message.poses[0].pose.position.z == 0.0
    empty = OccupancyGrid(np.zeros((0, 0), np.int8), 0.05, np.zeros(2), math.nan)
    assert grid_to_message(empty, HEADER).info.origin.position.z == 0.0
