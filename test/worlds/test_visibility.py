import numpy as np
import pytest

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.primitives import Material, Placed, Primitive, Shape, build_table
from vlm3r_ros.worlds.rendering import render
from vlm3r_ros.worlds.scene import FloorPlan, Intrinsics, SceneObject, VisibleObject
from vlm3r_ros.worlds.visibility import visible_objects
from vlm3r_ros.worlds.world import Lighting, Split, World, WorldId

# One metre at two metres is 50 pixels.
CAMERA = Intrinsics(100.0, 100.0, 79.5, 59.5, 160, 120)


def pose(place=(0.0, 0.0, 1.0)) -> np.ndarray:
    """Looking along world x."""
    T_world_camera = np.eye(4)
    T_world_camera[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    T_world_camera[:3, 3] = place
    return T_world_camera


def world(*boxes: tuple[tuple[float, float, float], tuple[float, float, float]]) -> World:
    """A world of nothing but boxes: middle and sides of each."""
    placed = [
        Placed(
            [Primitive(Shape.BOX, (0, 0, 0), tuple(np.array(sides) / 2), Material())],
            middle,
            instance=number,
        )
        for number, (middle, sides) in enumerate(boxes)
    ]
    objects = tuple(
        SceneObject("crate", OrientedBox.upright(middle, sides), number)
        for number, (middle, sides) in enumerate(boxes)
    )
    light = np.ones((1, 3), np.float32)
    return World(
        WorldId(Split.TRAIN, 0, 0), "hall", objects, build_table(placed),
        Lighting(light, light, light[0]), FloorPlan((np.array([[0, 0], [9, 0], [9, 9.0]]),)), 2.5,
    )  # fmt: skip


def seen(place: World, at: np.ndarray | None = None) -> dict[int, VisibleObject]:
    at = pose() if at is None else at
    view = render(place, CAMERA, at, color=False)
    return {item.instance_id: item for item in visible_objects(place, view, CAMERA, at)}


def test_all_of_a_thing_in_the_open_is_seen():
    (crate,) = seen(world(((2.5, 0, 1), (1, 1, 1)))).values()
    assert crate == VisibleObject(0, (55, 35, 104, 84), 50 * 50, 1.0)


def test_what_hides_a_half_leaves_a_half():
    # A plate before the left half, seen edge to edge.
    found = seen(world(((2.5, 0, 1), (1, 1, 1)), ((1.0, 1.0, 1), (0.01, 2.0, 3))))
    assert found[0].fraction == pytest.approx(0.5, abs=0.03)
    assert found[0].bbox[0] == pytest.approx(80, abs=1)


def test_what_the_edge_of_the_image_cuts_off_is_not_seen():
    # Its middle lies on the image's left edge.
    left = 2.0 * 80 / 100
    (crate,) = seen(world(((2.5, left, 1), (1, 1, 1)))).values()
    assert crate.bbox[0] == 0
    # Its right side is seen at a slant as well, all of it inside the image.
    assert 0.5 < crate.fraction < 0.7
    (flat,) = seen(world(((2.0, left, 1), (0.01, 1, 1)))).values()
    assert flat.fraction == pytest.approx(0.5, abs=0.03)


def test_what_reaches_behind_the_camera_is_seen_in_part():
    (wall,) = seen(world(((0, 1.0, 1), (8, 0.2, 2)))).values()
    assert 0 < wall.fraction < 0.6


def test_a_thing_near_enough_to_fill_the_image_is_counted_on_a_coarser_grid():
    (near,) = seen(world(((0.6, 0, 1), (0.2, 3, 3)))).values()
    assert near.pixels == 160 * 120
    # Of the 120 degrees that count, the plate fills what its 1.5 m at 0.5 m take up.
    whole = (2 * np.tan(np.radians(60)) * 100) ** 2
    assert near.fraction == pytest.approx(160 * 120 / whole, rel=0.05)


def test_ids_come_in_order_and_hidden_things_do_not_come():
    place = world(((3, 0.5, 1), (0.2, 0.2, 0.2)), ((1, 0, 1), (0.2, 4, 4)), ((5, 0, 1), (1, 1, 1)))
    assert list(seen(place)) == [1]
    in_order = world(((5, 0.5, 1), (1, 0.4, 1)), ((3, -0.5, 1), (1, 0.4, 1)))
    assert list(seen(in_order)) == [0, 1]


def test_nothing_there_is_nothing_seen():
    place = world(((-3, 0, 1), (1, 1, 1)))
    assert seen(place) == {}


def test_a_pose_that_is_not_finite_is_refused():
    place = world(((3, 0, 1), (1, 1, 1)))
    view = render(place, CAMERA, pose(), color=False)
    with pytest.raises(ValueError, match="NaN or inf"):
        visible_objects(place, view, CAMERA, np.full((4, 4), np.nan))
