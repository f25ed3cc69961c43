import math

import pytest

from vlm3r_ros.location_answer import format_location, parse_location


@pytest.mark.parametrize(
    ("degrees", "words"),
    [
        (0, "ahead, 2.4 meters"),
        (2.4, "ahead, 2.4 meters"),
        (-2.6, "5 degrees right, 2.4 meters"),
        (36, "35 degrees left, 2.4 meters"),
        (-90, "90 degrees right, 2.4 meters"),
        (176, "175 degrees left, 2.4 meters"),
        (178, "behind, 2.4 meters"),
        (-179, "behind, 2.4 meters"),
        (270, "90 degrees right, 2.4 meters"),
    ],
)
def test_left_is_positive_and_angles_are_rounded(degrees, words):
    assert format_location(math.radians(degrees), 2.43) == words


@pytest.mark.parametrize("place", [(math.nan, 1.0), (0.0, math.inf), (0.0, -1.0)])
def test_what_is_no_place_is_refused(place):
    with pytest.raises(ValueError, match="no place"):
        format_location(*place)


def test_what_is_written_is_read_back_up_to_rounding():
    for degrees in range(-180, 181, 3):
        place = parse_location(format_location(math.radians(degrees), 1.23))
        assert place is not None
        off = math.remainder(place.bearing - math.radians(degrees), math.tau)
        assert abs(math.degrees(off)) <= 2.5 + 1e-9
        assert place.distance == 1.2


@pytest.mark.parametrize(
    ("text", "degrees", "distance"),
    [
        ("35° to the left, 2.4 m", 35, 2.4),
        ("It is 40 degrees to your right, about 3 metres away.", -40, 3),
        ("straight ahead, 1.5 meters", 0, 1.5),
        ("In front of you, 2m", 0, 2),
        ("behind you, 0.8 meter", 180, 0.8),
        ("on your right, 3 m", -90, 3),
        ("ahead and to the left, 2 meters", 45, 2),
        ("behind to the right, 2 meters", -135, 2),
        ("-30 degrees, 2 m", -30, 2),
        ("200 degrees left, 2 m", -160, 2),
    ],
)
def test_other_words_of_people_are_read(text, degrees, distance):
    place = parse_location(text)
    assert place is not None
    assert math.degrees(place.bearing) == pytest.approx(degrees)
    assert place.distance == distance


@pytest.mark.parametrize("text", ["", "left", "2.4 meters", "35 degrees left", "the sofa"])
def test_half_an_answer_is_none(text):
    assert parse_location(text) is None
