import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.box_distance import BoxArrays, box_distances
from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.lattice_distance import (
    lattice_box_distances,
    lattice_counts,
    lattice_point_distances,
)


def lattice(box: OrientedBox) -> np.ndarray:
    """Its points one by one, world frame `[K, 3]`."""
    sides = []
    for side in box.sides:
        count = int(np.ceil(side / 0.05))
        sides.append(np.linspace(-side / 2, side / 2, count) if count > 1 else [-side / 2])
    points = np.stack(np.meshgrid(*sides, indexing="ij"), -1).reshape(-1, 3)
    return points[(np.abs(points) > box.sides / 4).any(1)] @ box.axes + box.centroid


def random_boxes(count: int) -> list[OrientedBox]:
    generator = np.random.default_rng(8)
    return [
        OrientedBox(
            generator.uniform(-0.8, 0.8, 3),
            generator.uniform(0.02, 0.9, 3),
            Rotation.random(rng=generator).as_matrix(),
        )
        for _ in range(count)
    ]


def test_a_side_carries_a_point_every_5_cm_at_the_least():
    np.testing.assert_array_equal(lattice_counts(np.array([0.10, 0.05, 0.04, 0.101])), [2, 1, 1, 3])


def test_the_core_is_left_out_at_a_quarter_of_the_side():
    cube = BoxArrays.of([OrientedBox.upright([0, 0, 0], [0.25, 0.25, 0.25])])
    # Coordinates are -0.125, -0.0625, 0, 0.0625, 0.125; 0.0625 is a quarter of the side, and goes.
    (distance,) = lattice_point_distances(np.zeros((1, 3)), cube)[0]
    assert distance == pytest.approx(0.125)


def test_one_point_of_a_thin_side_sits_at_its_lower_end():
    sheet = BoxArrays.of([OrientedBox.upright([0, 0, 0], [0.5, 0.5, 0.04])])
    above, below = lattice_point_distances(np.array([[0.25, 0.25, 1], [0.25, 0.25, -1]]), sheet)
    assert above[0] == pytest.approx(1.02)
    assert below[0] == pytest.approx(0.98)


def test_boxes_side_by_side_are_as_far_as_their_faces():
    boxes = BoxArrays.of(
        [OrientedBox.upright([0, 0, 0], [0.5] * 3), OrientedBox.upright([1, 0, 0], [0.5] * 3)]
    )
    (distance,) = lattice_box_distances(boxes, np.array([0]), np.array([1]))
    assert distance == pytest.approx(0.5)


def test_distances_are_those_of_the_points_one_by_one():
    boxes = random_boxes(16)
    arrays = BoxArrays.of(boxes)
    trees = [cKDTree(lattice(box)) for box in boxes]
    first, second = np.triu_indices(len(boxes), 1)
    expected = [
        trees[i].query(lattice(boxes[j]))[0].min() for i, j in zip(first, second, strict=True)
    ]
    found = lattice_box_distances(arrays, first, second)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    exact = box_distances(arrays, first, second)
    assert (found >= exact - 1e-12).all()
    assert (exact == 0).any()
    points = np.random.default_rng(9).uniform(-1, 1, (10, 3))
    np.testing.assert_allclose(
        lattice_point_distances(points, arrays),
        np.stack([tree.query(points)[0] for tree in trees], 1),
        atol=1e-12,
    )
