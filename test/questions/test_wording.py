import string
from collections import Counter
from random import Random

import pytest

from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.questions.wording import (
    PHRASINGS,
    Wording,
    WordingChooser,
    choice_fields,
    fill,
    plural,
)

Q = QuestionType
# As printed in the description of the published generators, with \n for their line breaks.
PUBLISHED = {
    (Q.OBJECT_COUNTING, ""): "How many {category}(s) are in this room?",
    (Q.OBJECT_ABS_DISTANCE, ""): (
        "Measuring from the closest point of each object, what is the direct distance between the "
        "{object1} and the {object2} (in meters)?"
    ),
    (Q.OBJECT_SIZE_ESTIMATION, ""): (
        "What is the length of the longest dimension (length, width, or height) of the {category}, "
        "measured in centimeters?"
    ),
    (Q.ROOM_SIZE_ESTIMATION, ""): (
        "What is the size of this room (in square meters)? \nIf multiple rooms are shown, estimate "
        "the size of the combined space."
    ),
    (Q.OBJECT_REL_DISTANCE_V1, ""): (
        "Measuring from the closest point of each object, which of these objects ({choice_a}, "
        "{choice_b}, {choice_c}, {choice_d}) is the closest to the {category}?\nIf there are "
        "multiple instances of an object category, measure to the closest."
    ),
    (Q.OBJECT_REL_DISTANCE_V2, ""): (
        "Measuring from the closest point of each object, which of these objects ({choice_a}, "
        "{choice_b}, {choice_c}) is the closest to the {category}?\nIf there are multiple "
        "instances of an object category, measure to the closest."
    ),
    (Q.OBJECT_REL_DISTANCE_V3, ""): (
        "Measuring from the closest point of each object, which of these objects ({choice_a}, "
        "{choice_b}) is the closest to the {category}?\nIf there are multiple instances of an "
        "object category, measure to the closest."
    ),
    (Q.OBJECT_REL_DIRECTION_V1, ""): (
        "If I am standing by the {positioning_object} and facing the {orienting_object}, is the "
        "{querying_object} to my front-left, front-right, back-left, or back-right?\nThe "
        "directions refer to the quadrants of a Cartesian plane (if I am standing at the origin "
        "and facing along the positive y-axis)."
    ),
    (Q.OBJECT_REL_DIRECTION_V2, ""): (
        "If I am standing by the {positioning_object} and facing the {orienting_object}, is the "
        "{querying_object} to my left, right, or back?\nAn object is to my back if I would have "
        "to turn at least 135 degrees in order to face it."
    ),
    (Q.OBJECT_REL_DIRECTION_V3, ""): (
        "If I am standing by the {positioning_object} and facing the {orienting_object}, is the "
        "{querying_object} to the left or the right of the {orienting_object}?"
    ),
    (Q.OBJ_APPEARANCE_ORDER, ""): (
        "What will be the first-time appearance order of the following categories in the video: "
        "{choice_a}, {choice_b}, {choice_c}, {choice_d}?"
    ),
    (Q.CAMERA_OBJ_ABS_DIST, ""): (
        "What is the approximate distance (in meters) between the camera (or the person filming) "
        "and the nearest point of the {object_name} in {frame_description}?"
    ),
    (Q.CAMERA_OBJ_REL_DIST_V1, ""): (
        "Measuring from the closest point of each object, which of these objects ({choice_a}, "
        "{choice_b}, {choice_c}, {choice_d}) is the closest to the camera in {frame_description}?"
    ),
    (Q.CAMERA_OBJ_REL_DIST_V2, ""): (
        "Measuring from the closest point of each object, which of these objects ({choice_a}, "
        "{choice_b}, {choice_c}) is the closest to the camera in {frame_description}?"
    ),
    (Q.CAMERA_OBJ_REL_DIST_V3, ""): (
        "Measuring from the closest point of each object, which of these objects ({choice_a}, "
        "{choice_b}) is the closest to the camera in {frame_description}?"
    ),
    (Q.OBJ_OBJ_RELATIVE_POS_NF, ""): (
        "In {frame_description}, relative to the camera, is {obj_A_name} [Near/Far] compared to "
        "{obj_B_name}?"
    ),
    (Q.OBJ_OBJ_RELATIVE_POS_LR, ""): (
        "In {frame_description}, relative to {obj_B_name}, is {obj_A_name} to the [Left/Right]?"
    ),
    (Q.OBJ_OBJ_RELATIVE_POS_UD, ""): (
        "In {frame_description}, relative to {obj_B_name}, is {obj_A_name} to the [Up/Down]?"
    ),
    (Q.CAMERA_DISPLACEMENT, ""): (
        "Approximately how far (in meters) did the camera move between {start_frame_description} "
        "and {end_frame_description}?"
    ),
    (Q.CAMERA_MOVEMENT_DIRECTION, "V1"): (
        "During the sequence between {start_frame_description} and {end_frame_description}, what "
        "was the primary consistent direction of the camera's movement relative to its "
        "orientation at the start? The options are {choice_a}, {choice_b}, {choice_c}, and "
        "{choice_d}."
    ),
    (Q.CAMERA_MOVEMENT_DIRECTION, "V2"): (
        "During the sequence between {start_frame_description} and {end_frame_description}, what "
        "was the primary consistent direction of the camera's movement relative to its "
        "orientation at the start? The options are {choice_a}, {choice_b}, and {choice_c}."
    ),
    (Q.CAMERA_MOVEMENT_DIRECTION, "V3"): (
        "During the sequence between {start_frame_description} and {end_frame_description}, what "
        "was the primary consistent direction of the camera's movement relative to its "
        "orientation at the start? The options are {choice_a} and {choice_b}."
    ),
}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", list(PUBLISHED), ids=str)
def test_published_wordings_are_those_of_the_benchmarks(key):
    assert PHRASINGS[key].published == PUBLISHED[key]


def test_every_task_has_wordings_to_train_with_and_others_to_test_with():
    assert {task for task, _ in PHRASINGS} == set(TASKS)
    for key, phrasing in PHRASINGS.items():
        texts = phrasing.all
        assert len(set(texts)) == len(texts), key
        assert len(phrasing.training) >= 6, key
        assert len(phrasing.held_out) >= 2, key


@pytest.mark.parametrize("key", list(PHRASINGS), ids=str)
def test_every_wording_names_what_it_is_about(key):
    phrasing = PHRASINGS[key]
    listed = {f"choice_{letter}" for letter in "abcd"} | {
        "choices_or",
        "choices_and",
        "directions_or",
    }
    needed = placeholders(phrasing.published) - listed
    if key[0] is not Q.OBJ_APPEARANCE_ORDER:
        for text in phrasing.all:
            names = {"category" if n == "categories" else n for n in placeholders(text)}
            assert names - listed == needed, text
    else:
        for text in (*phrasing.training, *phrasing.held_out):
            assert placeholders(text) == placeholders(phrasing.published), text


def test_wordings_get_equal_shares_and_held_out_ones_stay_out_of_training():
    task = Q.CAMERA_DISPLACEMENT
    phrasing = PHRASINGS[task, ""]
    chooser, random = WordingChooser(Wording.VARIED), Random(0)
    texts = set(phrasing.shown)
    used = Counter(chooser.choose(task, "", "train", random) for _ in range(3 * len(texts)))
    assert set(used) == texts
    assert set(used.values()) == {3}
    tested = {chooser.choose(task, "", "test", random) for _ in range(30)}
    assert tested == set(phrasing.held_out)
    unseen = WordingChooser(Wording.UNSEEN)
    assert {unseen.choose(task, "", "train", random) for _ in range(30)} == set(phrasing.held_out)
    natural = WordingChooser(Wording.NATURAL)
    assert {natural.choose(task, "", "train", random) for _ in range(60)} == set(phrasing.natural)
    published = WordingChooser(Wording.PUBLISHED)
    assert {published.choose(task, "", "test", random) for _ in range(3)} == {phrasing.published}


def test_tasks_without_natural_wordings_are_asked_in_all():
    task = Q.ROUTE_PLANNING
    assert not PHRASINGS[task, ""].natural
    chooser, random = WordingChooser(Wording.NATURAL), Random(0)
    asked = {chooser.choose(task, "", "train", random) for _ in range(20)}
    assert asked == set(PHRASINGS[task, ""].shown)


def test_options_are_named_in_their_order():
    text = "Is it ({choice_a}, {choice_b}, {choice_c}), {choices_or}, of {choices_and}?"
    assert fill(text, {}, ["bed", "tv", "sofa"]) == (
        "Is it (bed, tv, sofa), bed, tv or sofa, of bed, tv and sofa?"
    )
    assert choice_fields(["Left", "Right"])["directions_or"] == "left or right"


def test_a_task_may_list_things_in_another_order_than_its_options():
    fields = {f"choice_{letter}": name for letter, name in zip("abcd", "wxyz", strict=True)}
    asked = fill(PHRASINGS[Q.OBJ_APPEARANCE_ORDER, ""].published, fields, ["w, x, y, z"] * 4)
    assert asked.endswith("in the video: w, x, y, z?")


@pytest.mark.parametrize(
    ("name", "many"),
    [
        ("chair", "chairs"),
        ("bookshelf", "bookshelves"),
        ("toilet brush", "toilet brushes"),
        ("computer mouse", "computer mice"),
        ("box", "boxes"),
        ("toy", "toys"),
        ("battery", "batteries"),
        ("shoes", "shoes"),
    ],
)
def test_categories_have_plurals(name, many):
    assert plural(name) == many
