import numpy as np
import pytest

from vlm3r_ros.worlds.world import Split, WorldId, polygon_area


@pytest.mark.parametrize("split", list(Split))
def test_a_name_gives_back_the_id(split):
    identity = WorldId(split, 3, 41)
    assert WorldId.parse(identity.name) == identity


@pytest.mark.parametrize(
    "name", ["", "scene0000_00", "room_test_0", "room_other_0_000001", "hall_test_0_000001"]
)
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match="names no world"):
        WorldId.parse(name)


def test_a_name_spelled_otherwise_is_refused_with_the_right_one():
    with pytest.raises(ValueError, match="room_test_0_000012"):
        WorldId.parse("room_test_0_12")


def test_splits_seeds_and_purposes_draw_different_numbers():
    ids = [WorldId(split, seed, 7) for split in Split for seed in (0, 1)]
    draws = [identity.generator(purpose).random() for identity in ids for purpose in (0, 1)]
    assert len(set(draws)) == len(draws)
    assert WorldId(Split.TEST, 0, 7).generator().random() == draws[2 * 4]


def test_area_of_an_l_shaped_floor():
    outline = np.array([[0, 0], [4, 0], [4, 2], [2, 2], [2, 3], [0, 3]], float)
    assert polygon_area(outline) == pytest.approx(10)
    assert polygon_area(outline[::-1]) == pytest.approx(-10)
