from random import Random

import pytest
from shapely import Polygon, affinity
from shapely.geometry import box

from vlm3r_ros.worlds.footprints import Footprint


def polygon(footprint, yaw):
    square = box(-footprint.half_x, -footprint.half_y, footprint.half_x, footprint.half_y)
    turned = affinity.rotate(square, yaw, origin=(0, 0), use_radians=True)
    return Polygon(affinity.translate(turned, footprint.x, footprint.y))


def test_rectangles_meet_where_their_polygons_overlap():
    random = Random(1)
    met = 0
    for _ in range(500):
        pair = []
        for _ in range(2):
            yaw = random.uniform(-4, 4)
            footprint = Footprint.of(
                random.uniform(0, 2),
                random.uniform(0, 2),
                random.uniform(0.1, 0.8),
                random.uniform(0.1, 0.8),
                yaw,
                0.0,
                1.0,
            )
            pair.append((footprint, polygon(footprint, yaw)))
        (first, one), (second, other) = pair
        assert first.meets(second) == (one.intersection(other).area > 1e-9)
        assert first.meets(second) == second.meets(first)
        met += first.meets(second)
    assert 100 < met < 400


@pytest.mark.parametrize(("bottom", "meets"), [(0.5, True), (1.0, False), (1.2, False)])
def test_one_above_the_other_does_not_meet_it(bottom, meets):
    below = Footprint.upright((0, 0, 1, 1), 0.0, 1.0)
    assert below.meets(Footprint.upright((0.2, 0.2, 0.8, 0.8), bottom, 2.0)) == meets


def test_sides_that_touch_do_not_meet():
    left = Footprint.upright((0, 0, 1, 1), 0.0, 1.0)
    assert not left.meets(Footprint.upright((1, 0, 2, 1), 0.0, 1.0))
    assert left.meets(Footprint.upright((0.99, 0, 2, 1), 0.0, 1.0))
