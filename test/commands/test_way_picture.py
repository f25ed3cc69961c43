import numpy as np
import pytest
from PIL import Image

from vlm3r_ros.commands.way_picture import draw_way
from vlm3r_ros.navigation.occupancy import FREE, OCCUPIED, UNKNOWN, OccupancyGrid

GREEN, RED, ORANGE = (44, 160, 44), (214, 39, 40), (255, 127, 14)


@pytest.fixture
def grid():
    state = np.full((80, 100), FREE, np.int8)
    state[:, :4] = state[:4] = OCCUPIED
    state[60:] = UNKNOWN
    return OccupancyGrid(state, 0.05, np.array([-1.0, -1.0]), -1.4)


def colors_of(path) -> set:
    return {
        tuple(color)
        for color in np.unique(np.array(Image.open(path))[..., :3].reshape(-1, 3), axis=0)
    }


def test_way_goal_target_and_camera_are_in_the_picture(tmp_path, grid):
    camera, goal = np.eye(4), np.eye(4)
    goal[:2, 3] = 2.0, 1.0
    way = np.array([[0.0, 0.0], [1.5, 0.5], [2.0, 1.0]])
    path = tmp_path / "way.png"
    place = np.array([2.5, 1.0])
    draw_way(path, grid, way, goal=goal, camera=camera, target=place, name="sofa", title="Go.")
    colors = colors_of(path)
    assert {GREEN, RED, ORANGE, (64, 64, 64), (255, 255, 255)} <= colors


def test_without_a_way_the_camera_is_drawn_all_the_same(tmp_path):
    path = tmp_path / "none.png"
    nothing = np.empty((0, 2))
    draw_way(path, None, nothing, goal=None, camera=np.eye(4), target=None, name="", title="No.")
    assert RED in colors_of(path)
    assert GREEN not in colors_of(path)
