import math

import numpy as np
import pytest
from simple_rooms import camera_pose

from vlm3r_ros.navigation.asked import COUNT_QUESTION, LOCATION_QUESTIONS, AskedLocator, Reply
from vlm3r_ros.navigation.target import TargetStatus, heading
from vlm3r_ros.questions.phrasings_vsi import VSI_PHRASINGS
from vlm3r_ros.questions.phrasings_vsti import VSTI_PHRASINGS
from vlm3r_ros.questions.question import QuestionType


def replies(*given):
    answers = iter(given)
    return lambda question: next(answers)


def test_replies_are_places_in_the_map_and_the_radius_is_their_spread():
    ask = replies(*(Reply(math.pi / 2, d, 0.8) for d in (2.0, 2.1, 1.9)))
    target = AskedLocator(ask).locate("sofa", camera_pose(1, 1, yaw=math.pi / 2))
    assert target.status is TargetStatus.FOUND
    assert target.position[:2] == pytest.approx([-1, 1])
    assert math.isnan(target.position[2])
    assert target.radius == pytest.approx(np.std([2.0, 2.1, 1.9]))
    assert target.confidence == pytest.approx(0.8)


def test_one_reply_that_differs_is_outvoted_and_costs_confidence():
    ask = replies(Reply(0, 2), Reply(0.05, 2.2), Reply(math.pi, 3))
    target = AskedLocator(ask).locate("sofa", camera_pose())
    assert target.position[0] == pytest.approx(2.1, abs=0.05)
    assert target.confidence == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "given",
    [
        (None, None, None),
        (Reply(0, 2), None, None),
        (Reply(0, 2), Reply(2, 2), Reply(-2, 2)),
        (Reply(math.nan, 2), Reply(0, math.inf), None),
        (Reply(0, 2, 0.1),) * 3,
    ],
)
def test_without_agreement_or_confidence_no_place_is_invented(given):
    target = AskedLocator(replies(*given)).locate("sofa", camera_pose())
    assert target.status is TargetStatus.UNSURE
    assert not target.has_place
    assert np.isnan(target.position).all()


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (0, TargetStatus.NOT_SEEN),
        (1, TargetStatus.FOUND),
        (3, TargetStatus.NEAREST_OF_SEVERAL),
        (None, TargetStatus.FOUND),
    ],
)
def test_the_number_of_objects_is_asked_for_first(number, status):
    locator = AskedLocator(lambda question: Reply(0, 2), lambda question: number)
    assert locator.locate("chair", camera_pose()).status is status


def test_the_questions_are_ones_that_models_are_tuned_on():
    places = VSTI_PHRASINGS[QuestionType.OBJECT_LOCATION, ""]
    tuned = {places.published, *places.training}
    assert {question.format(name="{object_name}") for question in LOCATION_QUESTIONS} <= tuned
    counts = VSI_PHRASINGS[QuestionType.OBJECT_COUNTING, ""]
    assert COUNT_QUESTION.format(name="{category}") == counts.published


@pytest.mark.parametrize("yaw", [0.0, 1.0, -2.5])
def test_a_camera_s_heading_is_told_from_where_it_looks_or_its_picture_s_edge(yaw):
    pose = camera_pose(yaw=yaw)
    assert heading(pose) == pytest.approx(yaw)
    for tilt in (math.pi / 2, -math.pi / 2):  # about the camera's x axis: up, down
        cos, sin = math.cos(tilt), math.sin(tilt)
        tilted = pose[:3, :3] @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        straight = np.eye(4)
        straight[:3, :3] = tilted
        assert heading(straight) == pytest.approx(yaw)
