import numpy as np
import pytest

from vlm3r_ros.worlds.boxes import OrientedBox


def test_corners_of_an_upright_box_are_turned_about_the_vertical():
    box = OrientedBox.upright([1, 2, 3], [2, 4, 6], np.pi / 2)
    corners = box.corners()
    # A quarter turn swaps its sides: 4 m along x, 2 m along y.
    np.testing.assert_allclose(corners.min(0), [-1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(corners.max(0), [3, 3, 6], atol=1e-12)


def test_bounds_are_those_of_the_corners_for_any_rotation():
    rng = np.random.default_rng(0)
    for _ in range(20):
        axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        box = OrientedBox(rng.normal(size=3), rng.uniform(0.1, 2, 3), axes)
        np.testing.assert_allclose(box.low, box.corners().min(0))
        np.testing.assert_allclose(box.high, box.corners().max(0))


@pytest.mark.parametrize(
    ("point", "distance"),
    [([0, 0, 0], 0), ([2, 0, 0], 1), ([0, 0, -3.5], 0.5), ([4, 6, 0], 5), ([2, 3, 4], 3**0.5)],
)
def test_distance_is_to_the_nearest_point_and_zero_inside(point, distance):
    box = OrientedBox.upright([0, 0, 0], [2, 4, 6])
    assert box.distance(point) == pytest.approx(distance)


def test_distance_follows_the_box_when_it_turns():
    box = OrientedBox.upright([0, 0, 0], [2, 4, 6], np.pi / 2)
    np.testing.assert_allclose(box.distance([[3, 0, 0], [0, 3, 0]]), [1, 2])


def test_box_coordinates_invert_the_axes():
    box = OrientedBox.upright([1, 1, 1], [1, 1, 1], 0.4)
    np.testing.assert_allclose(
        box.to_box(box.centroid + 0.3 * box.axes[1]), [0, 0.3, 0], atol=1e-12
    )
