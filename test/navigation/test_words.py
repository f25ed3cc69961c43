import math

import pytest

from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.navigation.words import (
    Leg,
    failure_sentence,
    spoken_degrees,
    spoken_distance,
    way_sentence,
)

LIMITS = {"ahead": math.radians(7.5), "back": math.radians(150)}


@pytest.mark.parametrize(
    ("degrees", "spoken"), [(8, 10), (-12.6, 15), (33, 30), (-47, 50), (92, 90), (128, 130)]
)
def test_angles_are_rounded_as_people_say_them(degrees, spoken):
    assert spoken_degrees(math.radians(degrees)) == spoken


@pytest.mark.parametrize(
    ("metres", "spoken"),
    [
        (0.02, "0.1 m"),
        (0.44, "0.4 m"),
        (2.13, "2.1 m"),
        (6.6, "6.5 m"),
        (7.1, "7 m"),
        (12.4, "12 m"),
    ],
)
def test_distances_are_rounded_as_people_say_them(metres, spoken):
    assert spoken_distance(metres) == spoken


def test_a_way_is_told_as_in_the_example():
    sentence = way_sentence("sofa", [Leg(0.7, 2.1)], side=-1.5, **LIMITS)
    assert sentence == "Turn left about 40 degrees and walk 2.1 m; the sofa is on your right."


def test_turning_around_and_what_is_on_the_left():
    sentence = way_sentence("door", [Leg(3.0, 3.0)], side=1.0, **LIMITS)
    assert sentence == "Turn around and walk 3.0 m; the door is on your left."


def test_long_ways_tell_two_legs_and_the_whole():
    legs = [Leg(0, 2), Leg(-1.57, 1.5), Leg(1.57, 3), Leg(0.5, 1)]
    sentence = way_sentence("door", legs, side=0, **LIMITS)
    assert sentence == (
        "Walk straight ahead 2.0 m, then turn right about 90 degrees and walk 1.5 m; "
        "it is 7.5 m in all, and the door is straight ahead of you at the end."
    )


def test_slight_bends_are_not_told_until_they_add_up():
    bend = math.radians(9)
    once = way_sentence("door", [Leg(0, 1), Leg(bend, 1), Leg(-bend, 1)], side=0, **LIMITS)
    assert once.startswith("Walk straight ahead 3.0 m;")
    curve = way_sentence("door", [Leg(0, 1), *[Leg(bend, 1)] * 3], side=0, **LIMITS)
    assert curve.startswith("Walk straight ahead 3.0 m, then turn left about 25 degrees")


def test_every_status_without_a_way_has_a_sentence():
    with_way = {HintStatus.ON_THE_WAY, HintStatus.ARRIVED, HintStatus.INSIDE_TARGET}
    for status in set(HintStatus) - with_way:
        sentence = failure_sentence(status, "sofa")
        assert sentence.endswith((".", "?"))
        assert "{" not in sentence
