import numpy as np
import pytest
from scipy.optimize import lsq_linear
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.box_distance import BoxArrays, box_distances, point_distances
from vlm3r_ros.worlds.boxes import OrientedBox


def distance(first: OrientedBox, second: OrientedBox) -> float:
    (value,) = box_distances(BoxArrays.of([first, second]), np.array([0]), np.array([1]))
    return float(value)


def random_boxes(generator: np.random.Generator, count: int) -> list[OrientedBox]:
    """Of any orientation; some of them flat or thin as a line."""
    boxes = []
    for number in range(count):
        sides = generator.uniform(0.1, 1.5, 3)
        sides[: number % 3] = 0.0 if number % 4 == 0 else sides[: number % 3]
        turn = Rotation.random(rng=generator).as_matrix()
        boxes.append(OrientedBox(generator.uniform(-1.5, 1.5, 3), sides, turn))
    return boxes


def searched_distance(first: OrientedBox, second: OrientedBox) -> float:
    """By search over all points of both solids: a bounded least-squares problem."""
    halves = np.concatenate([first.sides, second.sides]) / 2 + 1e-9
    found = lsq_linear(
        np.hstack([first.axes.T, -second.axes.T]),
        second.centroid - first.centroid,
        bounds=(-halves, halves),
        tol=1e-12,
    )
    return float(np.sqrt(2 * found.cost))


def test_boxes_side_by_side():
    table = OrientedBox.upright([0, 0, 0.4], [1.2, 0.8, 0.8])
    assert distance(table, OrientedBox.upright([1.6, 0, 0.4], [1.0, 1.0, 0.8])) == pytest.approx(
        0.5
    )


def test_corner_to_corner():
    cube = OrientedBox.upright([0, 0, 0], [1, 1, 1])
    other = OrientedBox.upright([2, 3, 1.5], [1, 1, 1])
    assert distance(cube, other) == pytest.approx(np.sqrt(1 + 4 + 0.25))


def test_crossed_edges_are_nearest_between_their_ends():
    # Two square bars, each with an edge towards the other: sqrt(1/2) from axis to edge.
    tilt = Rotation.from_rotvec([np.pi / 4, 0, 0]).as_matrix()
    along_x = OrientedBox(np.zeros(3), np.array([4.0, 1, 1]), tilt)
    turn = tilt @ Rotation.from_rotvec([0, 0, -np.pi / 2]).as_matrix()
    across = OrientedBox(np.array([0, 0, 3.0]), np.array([4.0, 1, 1]), turn)
    assert distance(along_x, across) == pytest.approx(3 - np.sqrt(2))


def test_boxes_that_cross_without_a_vertex_inside_have_no_distance():
    plank = OrientedBox.upright([0, 0, 0], [4, 0.2, 0.2])
    assert distance(plank, OrientedBox.upright([0, 0, 0], [0.2, 4, 0.1])) == 0
    assert distance(plank, OrientedBox.upright([1, 0, 0], [0.1, 0.1, 0.1])) == 0


def test_a_flat_box_has_exact_distances():
    picture = OrientedBox.upright([0, 0, 1.5], [0.6, 0.0, 0.4])
    assert distance(picture, OrientedBox.upright([0, 1, 1.5], [0.2, 0.2, 0.2])) == pytest.approx(
        0.9
    )
    assert distance(picture, OrientedBox.upright([0, 0, 1.5], [0.2, 0.2, 0.2])) == 0


def test_random_boxes_agree_with_a_search_over_both_solids():
    boxes = random_boxes(np.random.default_rng(3), 22)
    first, second = np.triu_indices(len(boxes), 1)
    found = box_distances(BoxArrays.of(boxes), first, second)
    searched = [searched_distance(boxes[i], boxes[j]) for i, j in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, searched, atol=1e-6)
    assert 0.03 < (found == 0).mean() < 0.5


def test_distances_do_not_depend_on_order_or_on_the_world():
    generator = np.random.default_rng(4)
    boxes = random_boxes(generator, 12)
    turn = Rotation.random(rng=generator).as_matrix()
    moved = [
        OrientedBox(turn @ box.centroid + [1, 2, 3], box.sides, box.axes @ turn.T) for box in boxes
    ]
    first, second = np.triu_indices(len(boxes), 1)
    found = box_distances(BoxArrays.of(boxes), first, second)
    np.testing.assert_allclose(box_distances(BoxArrays.of(boxes), second, first), found, atol=1e-9)
    np.testing.assert_allclose(box_distances(BoxArrays.of(moved), first, second), found, atol=1e-9)


def test_points_are_measured_to_every_box_and_are_at_0_inside():
    boxes = random_boxes(np.random.default_rng(5), 6)
    points = np.random.default_rng(6).uniform(-2, 2, (9, 3))
    expected = np.stack([box.distance(points) for box in boxes], 1)
    np.testing.assert_allclose(point_distances(points, BoxArrays.of(boxes)), expected, atol=1e-12)
    np.testing.assert_allclose(
        point_distances(boxes[1].centroid[None], BoxArrays.of(boxes))[0, 1], 0, atol=1e-12
    )


def test_corners_are_those_of_single_boxes():
    boxes = random_boxes(np.random.default_rng(7), 4)
    expected = np.stack([box.corners() for box in boxes])
    np.testing.assert_allclose(BoxArrays.of(boxes).corners(), expected)


def test_no_box_and_no_pair_give_nothing():
    nothing = BoxArrays.of([])
    none = np.array([], int)
    assert box_distances(nothing, none, none).shape == (0,)
    assert point_distances(np.zeros((2, 3)), nothing).shape == (2, 0)
