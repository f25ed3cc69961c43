from random import Random

import numpy as np
import pytest
from solid_points import surface_points

from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.furniture.furniture import Furniture, bounds
from vlm3r_ros.worlds.furniture.materials import STEEL
from vlm3r_ros.worlds.furniture.shapes import bar, pole, ring
from vlm3r_ros.worlds.primitives import Primitive, Shape

DESIGNS = [(name, mount) for name, category in CATEGORIES.items() for mount in category.builders]
# fmt: off
BENCHMARK_NAMES = {
    "bed", "chair", "sofa", "table", "window", "bookshelf", "counter", "desk", "refrigerator",
    "pillow", "monitor", "door", "lamp", "printer", "towel", "tv", "nightstand", "plant",
    "keyboard", "backpack", "closet", "microwave", "fan", "mirror", "piano", "radiator",
    "telephone", "clock", "guitar", "bicycle", "oven", "sink", "toilet", "stool", "suitcase",
    "cabinet", "washing machine", "trash bin", "computer mouse",
}
# fmt: on


def pieces(name, mount, count=12):
    return [CATEGORIES[name].make(Random(977 * seed + 5), mount) for seed in range(count)]


def points(piece):
    return np.concatenate(
        [surface_points(p.shape, p.center, p.half, p.rotation()) for p in piece.primitives]
    )


def test_the_benchmarks_categories_are_there():
    assert set(CATEGORIES) >= BENCHMARK_NAMES


@pytest.mark.parametrize(("name", "mount"), DESIGNS)
def test_the_box_touches_the_solids_on_all_sides(name, mount):
    for piece in pieces(name, mount, 3):
        cloud = points(piece)
        # Sampled rims stay inside the true ones by a part of their radius.
        assert cloud.min(0) == pytest.approx(np.array(piece.low), abs=2e-3)
        assert cloud.max(0) == pytest.approx(np.array(piece.high), abs=2e-3)


@pytest.mark.parametrize(("name", "mount"), DESIGNS)
def test_the_origin_is_below_the_middle(name, mount):
    for piece in pieces(name, mount):
        assert piece.low == pytest.approx((-piece.high[0], -piece.high[1], 0.0))
        assert piece.category == name


@pytest.mark.parametrize(("name", "mount"), DESIGNS)
def test_sizes_are_those_of_real_things(name, mount):
    category = CATEGORIES[name]
    for piece in pieces(name, mount, 25):
        assert np.all(np.array(piece.size) >= category.smallest), piece.size
        assert np.all(np.array(piece.size) <= category.largest), piece.size


@pytest.mark.parametrize(("name", "mount"), DESIGNS)
def test_a_thing_is_made_of_several_solids_and_comes_in_many_forms(name, mount):
    made = pieces(name, mount)
    assert min(len(piece.primitives) for piece in made) >= 2
    assert len({piece.size for piece in made}) > 6
    looks = {tuple(p.material.color for p in piece.primitives) for piece in made}
    assert len(looks) > 1


@pytest.mark.parametrize(("name", "mount"), DESIGNS)
def test_where_things_can_stand_there_is_a_top_and_nothing_above_it(name, mount):
    for piece in pieces(name, mount):
        for surface in piece.surfaces:
            low, high = np.array(surface.low), np.array(surface.high)
            assert np.all(low < high)
            # Not the middle, where two cushions may meet.
            place = low + 0.37 * (high - low)
            tops = []
            for primitive in piece.primitives:
                first, last = bounds([primitive])
                if np.all(np.array(first[:2]) < place) and np.all(np.array(last[:2]) > place):
                    tops.append(last[2])
                over = last[2] > surface.height + 1e-6 and first[2] < surface.height + 0.1
                apart = np.any(np.array(last[:2]) <= low) or np.any(np.array(first[:2]) >= high)
                assert apart or not over, (name, primitive)
            assert surface.height == pytest.approx(max(tops))


@pytest.mark.parametrize("shape", list(Shape))
def test_bounds_of_turned_solids_are_exact(shape):
    random = Random(3)
    for _ in range(20):
        half = tuple(random.uniform(0.1, 1.0) for _ in range(3))
        turned = Primitive(
            shape, (1.0, 2.0, 3.0), half, STEEL, random.uniform(-3, 3), random.uniform(-3, 3)
        )
        cloud = surface_points(shape, turned.center, half, turned.rotation())
        low, high = bounds([turned])
        assert cloud.min(0) == pytest.approx(np.array(low), abs=1e-3)
        assert cloud.max(0) == pytest.approx(np.array(high), abs=1e-3)


def test_a_piece_is_moved_to_its_origin_with_its_surfaces():
    solid = Primitive(Shape.BOX, (3.0, -1.0, 2.0), (0.5, 0.25, 1.0), STEEL)
    piece = Furniture.of("box", [solid])
    assert piece.primitives[0].center == (0.0, 0.0, 1.0)
    assert piece.size == (1.0, 0.5, 2.0)


@pytest.mark.parametrize("draw", [bar, pole])
def test_beams_run_from_point_to_point(draw):
    random = Random(5)
    for _ in range(20):
        start, end = (np.array([random.uniform(-1, 1) for _ in range(3)]) for _ in range(2))
        beam = draw(STEEL, 0.02, tuple(start), tuple(end))
        axis = beam.rotation()[:, 1 if draw is bar else 2]
        length = beam.half[1 if draw is bar else 2]
        assert np.array(beam.center) + length * axis == pytest.approx(end)
        assert np.array(beam.center) - length * axis == pytest.approx(start)


def test_a_ring_stands_upright_and_faces_along_y():
    low, high = bounds(ring(STEEL, 0.3, 0.02, (0.0, 0.0, 0.3), 12))
    assert high[0] - low[0] == pytest.approx(0.62, abs=0.02)
    assert high[1] - low[1] == pytest.approx(0.02)
