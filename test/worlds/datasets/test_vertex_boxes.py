import numpy as np
import pytest
from scan_world import assert_same_box, surface_points
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.datasets.vertex_boxes import (
    DegenerateError,
    minimum_volume_box,
    upright_box,
)

# get_minimal_oriented_bounding_box of Open3D 0.18.0 on the points of the test that uses them.
OPEN3D_EXTENT = [1.2761213941070746, 1.607855105676228, 2.6391324634683535]
OPEN3D_CENTER = [-0.4519133045865943, 0.14836180170104374, -0.2973305780595678]


def tilted() -> OrientedBox:
    axes = Rotation.from_euler("xyz", [0.4, -0.3, 1.1]).as_matrix()
    return OrientedBox(np.array([1.0, -2.0, 0.7]), np.array([0.4, 1.1, 0.7]), axes)


@pytest.mark.parametrize("yaw", [0.0, 0.3, 1.0, -0.7])
@pytest.mark.parametrize("tight_box", [upright_box, minimum_volume_box])
def test_the_box_of_a_standing_box_is_itself(tight_box, yaw):
    truth = OrientedBox.upright([1.0, 2.0, 0.5], [0.8, 0.5, 1.0], yaw)
    assert_same_box(tight_box(surface_points(truth)), truth, 1e-9)


def test_a_tilted_box_is_found_tilted_or_held_upright():
    points = surface_points(tilted())
    assert_same_box(minimum_volume_box(points), tilted(), 1e-9)
    upright = upright_box(points)
    np.testing.assert_allclose(upright.axes[2], [0, 0, 1])
    assert upright.sides.prod() > 1.1 * tilted().sides.prod()
    np.testing.assert_allclose(upright.low[2], points[:, 2].min())
    np.testing.assert_allclose(upright.high[2], points[:, 2].max())


@pytest.mark.parametrize("tight_box", [upright_box, minimum_volume_box])
def test_it_holds_all_points_and_stands_on_right_handed_axes(tight_box):
    generator = np.random.default_rng(0)
    for count in (4, 5, 60, 3000):
        points = generator.normal(size=(count, 3)) * [1.0, 0.5, 0.3]
        box = tight_box(points)
        np.testing.assert_allclose(box.axes @ box.axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(box.axes) > 0
        assert (np.abs(box.to_box(points)) <= box.sides / 2 + 1e-9).all()


def test_no_other_yaw_has_a_smaller_upright_box():
    points = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 0.5, 0.3]
    yaws = np.linspace(0, np.pi / 2, 200)
    turned = Rotation.from_euler("z", yaws[:, None]).as_matrix()
    volumes = np.ptp(points @ turned, axis=1).prod(1)
    assert volumes.min() * 0.99 < upright_box(points).sides.prod() <= volumes.min()


def test_the_least_volume_is_that_of_the_best_triangle_of_the_hull():
    points = np.random.default_rng(1).normal(size=(40, 3)) * [1.0, 0.5, 0.3]
    volumes = []
    hull = ConvexHull(points)
    for triangle, normal in zip(points[hull.simplices], hull.equations[:, :3], strict=True):
        along = triangle[1] - triangle[0]
        along /= np.linalg.norm(along)
        axes = np.stack([along, np.cross(normal, along), normal])
        volumes.append(np.ptp(points @ axes.T, axis=0).prod())
    assert minimum_volume_box(points).sides.prod() == pytest.approx(min(volumes))


def test_the_published_box_is_that_of_open3d():
    points = np.random.default_rng(7).normal(size=(30, 3)) * [1.0, 0.5, 0.3]
    box = minimum_volume_box(points)
    np.testing.assert_allclose(np.sort(box.sides), OPEN3D_EXTENT, rtol=1e-9)
    np.testing.assert_allclose(box.centroid, OPEN3D_CENTER, rtol=1e-9)


@pytest.mark.parametrize("tight_box", [upright_box, minimum_volume_box])
@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.eye(3), "3 vertices"),
        (np.empty((0, 3)), "0 vertices"),
        (np.array([[0, 0, 1.0], [1, 0, 1], [0, 1, 1], [1, 1, 1], [0.5, 0.2, 1]]), "plane"),
        (np.array([[0, 0, 0.0], [1, 0, 0], [0, 0, 1], [1, 0, 1], [0.5, 0, 0.2]]), "plane"),
        (np.ones((9, 3)), "plane"),
        (np.arange(27.0).reshape(9, 3), "plane"),
    ],
)
def test_too_few_or_flat_points_have_no_box(tight_box, points, words):
    with pytest.raises(DegenerateError, match=words):
        tight_box(points)
