"""Numbers and units in answers."""

import math

import pytest

from vlm3r_ros.assistant.answering import named_letter
from vlm3r_ros.assistant.quantities import read_quantity

DISTANCE = "Measuring from the closest point of each object, what is the distance (in meters)?"
SIZE = "What is the length of the longest dimension of the chair, measured in centimeters?"
ROOM = "What is the size of this room (in square meters)?\nIf multiple rooms are shown, add them."
COUNT = "How many chair(s) are in this room?"


@pytest.mark.parametrize(
    ("answer", "question", "value", "unit"),
    [
        ("1.7", DISTANCE, 1.7, "m"),
        ("85", SIZE, 85.0, "cm"),
        ("21.5", ROOM, 21.5, "m^2"),
        ("3", COUNT, 3.0, "count"),
        ("three", COUNT, 3.0, "count"),
        ("2.5 m", COUNT, 2.5, "m"),
        ("about 2.5 metres ahead", "", 2.5, "m"),
        ("85cm", DISTANCE, 85.0, "cm"),
        ("12 square meters", "", 12.0, "m^2"),
        ("12 m²", "", 12.0, "m^2"),
        ("90 degrees", "", 90.0, "deg"),
        ("-30°", "", -30.0, "deg"),
        ("1,250 mm", "", 1250.0, "mm"),
        (".5", DISTANCE, 0.5, "m"),
        ("two meters", "", 2.0, "m"),
        ("4", "How many seconds did it take?", 4.0, "s"),
        ("4", "How many meters is it?", 4.0, "m"),
        ("4 more", "", 4.0, ""),
        ("7", "Which frame is it, within 3 m of the door?", 7.0, ""),
    ],
)
def test_number_and_unit_are_read(answer, question, value, unit):
    quantity = read_quantity(answer, question)
    assert quantity.value == pytest.approx(value)
    assert quantity.unit == unit


@pytest.mark.parametrize("answer", ["", "on the table", "the other one", "left"])
def test_words_without_a_number_have_no_value(answer):
    quantity = read_quantity(answer, DISTANCE)
    assert math.isnan(quantity.value)
    assert quantity.unit == ""


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("B", 1),
        (" b. ", 1),
        ("(C)", 2),
        ("A. the chair", 0),
        ("C, I think", 2),
        ("The answer is B.", 1),
        ("option (D)", 3),
        ("E", -1),
        ("a chair", -1),
        ("Bed", -1),
        ("", -1),
    ],
)
def test_letter_of_an_answer_is_recognised(text, index):
    assert named_letter(text, 4) == index
