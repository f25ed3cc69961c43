"""Wordings of the tasks about given frames of a video, and of those for a live robot."""

from __future__ import annotations

from collections.abc import Mapping

from vlm3r_ros.questions.phrasing import Phrasing
from vlm3r_ros.questions.question import QuestionType

_CLOSEST = "Measuring from the closest point of each object, which of these objects"
_MOVEMENT = (
    "During the sequence between {start_frame_description} and {end_frame_description}, what was "
    "the primary consistent direction of the camera's movement relative to its orientation at the "
    "start? The options are "
)

_CLOSEST_TRAINING = (
    "In {frame_description}, which of these is closest to the camera: {choices_or}?",
    "What is nearest to the camera in {frame_description}, the {choices_or}?",
    "Of {choices_and}, which one is closest to the camera in {frame_description}?",
    "At {frame_description}, which of these objects is the closest to you?",
    "Which of {choices_and} is the nearest to the person filming in {frame_description}?",
    "Look at {frame_description}: which of {choices_and} is closest?",
    "Which thing is nearest in {frame_description}: {choices_or}?",
    "Which object is the least far from the camera in {frame_description}?",
)
_CLOSEST_HELD_OUT = (
    "Among {choices_and}, what is the shortest distance away from the lens in {frame_description}?",
    "Standing where the camera is in {frame_description}, which of {choices_and} is within "
    "closest reach?",
    "Which of these has the smallest distance to the viewpoint of {frame_description}?",
)
_MOVEMENT_TRAINING = (
    "In which direction did the camera mainly move from {start_frame_description} to "
    "{end_frame_description}, as seen from where it looked at the start?",
    "Between {start_frame_description} and {end_frame_description}, did the camera go "
    "{directions_or}?",
    "Which way did the camera move between {start_frame_description} and {end_frame_description}?",
    "From {start_frame_description} to {end_frame_description}, where did the person filming go: "
    "{directions_or}?",
    "What was the main direction of motion from {start_frame_description} to "
    "{end_frame_description}, relative to the view in the first of them?",
    "How did the camera move from {start_frame_description} to {end_frame_description}: "
    "{directions_or}?",
    "Taking the view at the start as forward, which way did you move between "
    "{start_frame_description} and {end_frame_description}?",
    "Direction of travel between {start_frame_description} and {end_frame_description}?",
)
_MOVEMENT_HELD_OUT = (
    "Relative to its first view, whereto was the camera carried from {start_frame_description} to "
    "{end_frame_description}?",
    "The stretch from {start_frame_description} to {end_frame_description} took the camera which "
    "way: {directions_or}?",
    "Describe the camera's travel from {start_frame_description} to {end_frame_description} in one "
    "word.",
)

VSTI_PHRASINGS: Mapping[tuple[QuestionType, str], Phrasing] = {
    (QuestionType.CAMERA_OBJ_ABS_DIST, ""): Phrasing(
        "What is the approximate distance (in meters) between the camera (or the person filming) "
        "and the nearest point of the {object_name} in {frame_description}?",
        (
            "How far is the {object_name} from the camera in {frame_description}?",
            "In {frame_description}, how many meters away is the {object_name}?",
            "How far away is the {object_name} in {frame_description}, in meters?",
            "What is the distance from the camera to the {object_name} in {frame_description}?",
            "How close is the camera to the {object_name} in {frame_description}, in meters?",
            "At {frame_description}, how far are you from the {object_name}?",
            "Estimate the distance to the nearest part of the {object_name} in "
            "{frame_description}, in meters.",
            "Distance to the {object_name} in {frame_description}?",
        ),
        (
            "How many meters separate the lens from the {object_name} in {frame_description}?",
            "Standing where {frame_description} was taken, how far off is the {object_name} in "
            "meters?",
            "In {frame_description}, what is the range to the {object_name}, in meters?",
        ),
    ),
    (QuestionType.CAMERA_OBJ_REL_DIST_V1, ""): Phrasing(
        _CLOSEST + " ({choice_a}, {choice_b}, {choice_c}, {choice_d}) is the closest to the camera "
        "in {frame_description}?",
        _CLOSEST_TRAINING,
        _CLOSEST_HELD_OUT,
    ),
    (QuestionType.CAMERA_OBJ_REL_DIST_V2, ""): Phrasing(
        _CLOSEST + " ({choice_a}, {choice_b}, {choice_c}) is the closest to the camera in "
        "{frame_description}?",
        _CLOSEST_TRAINING,
        _CLOSEST_HELD_OUT,
    ),
    (QuestionType.CAMERA_OBJ_REL_DIST_V3, ""): Phrasing(
        _CLOSEST + " ({choice_a}, {choice_b}) is the closest to the camera in {frame_description}?",
        (
            "In {frame_description}, which is closer to the camera, the {choice_a} or the "
            "{choice_b}?",
            "Is the {choice_a} or the {choice_b} closer to the camera in {frame_description}?",
            "What is nearer in {frame_description}: the {choice_a} or the {choice_b}?",
            "Of the {choice_a} and the {choice_b}, which is nearer to you in {frame_description}?",
            "At {frame_description}, is the camera closer to the {choice_a} or to the {choice_b}?",
            "The {choice_a} or the {choice_b}: which is closest in {frame_description}?",
            "Which one is less far from the camera in {frame_description}?",
            "Which has the smaller distance to the person filming in {frame_description}, the "
            "{choice_a} or the {choice_b}?",
        ),
        (
            "Standing where the camera is in {frame_description}, is it a shorter way to the "
            "{choice_a} or to the {choice_b}?",
            "Which of the two, {choice_a} and {choice_b}, lies nearer the lens in "
            "{frame_description}?",
            "In {frame_description}, does the {choice_a} or the {choice_b} have the smaller "
            "distance to the viewpoint?",
        ),
    ),
    (QuestionType.OBJ_OBJ_RELATIVE_POS_NF, ""): Phrasing(
        "In {frame_description}, relative to the camera, is {obj_A_name} [Near/Far] compared to "
        "{obj_B_name}?",
        (
            "In {frame_description}, is the {obj_A_name} near or far compared to the {obj_B_name}?",
            "Seen from the camera in {frame_description}, is the {obj_A_name} nearer or farther "
            "than the {obj_B_name}?",
            "Compared to the {obj_B_name}, is the {obj_A_name} near or far in {frame_description}?",
            "Is the {obj_A_name} closer to the camera than the {obj_B_name} in "
            "{frame_description}, or farther away?",
            "At {frame_description}, how does the {obj_A_name} lie against the {obj_B_name}: near "
            "or far?",
            "Look at {frame_description}. Near or far, compared to the {obj_B_name}: how does the "
            "camera see the {obj_A_name}?",
            "In {frame_description}, does the camera see the {obj_A_name} nearer or farther than "
            "the {obj_B_name}?",
            "Near or far: the {obj_A_name} against the {obj_B_name} in {frame_description}?",
        ),
        (
            "From the viewpoint of {frame_description}, which holds for the {obj_A_name} next to "
            "the {obj_B_name}: near or far?",
            "Judging depth in {frame_description}, is the {obj_A_name} nearer or farther than the "
            "{obj_B_name}?",
            "In {frame_description}, taking the {obj_B_name} as reference, is the {obj_A_name} "
            "near or far?",
        ),
    ),
    (QuestionType.OBJ_OBJ_RELATIVE_POS_LR, ""): Phrasing(
        "In {frame_description}, relative to {obj_B_name}, is {obj_A_name} to the [Left/Right]?",
        (
            "In {frame_description}, is the {obj_A_name} to the left or to the right of the "
            "{obj_B_name}?",
            "Is the {obj_A_name} left or right of the {obj_B_name} in {frame_description}?",
            "On which side of the {obj_B_name} is the {obj_A_name} in {frame_description}?",
            "Seen from the camera in {frame_description}, does the {obj_A_name} lie left or right "
            "of the {obj_B_name}?",
            "Relative to the {obj_B_name}, where is the {obj_A_name} in {frame_description}: left "
            "or right?",
            "Look at {frame_description}. Left or right of the {obj_B_name}: where is the "
            "{obj_A_name}?",
            "At {frame_description}, do you look left or right from the {obj_B_name} to find the "
            "{obj_A_name}?",
            "Left or right: the {obj_A_name} against the {obj_B_name} in {frame_description}?",
        ),
        (
            "Coming from the {obj_B_name} in {frame_description}, which way would your eyes go to "
            "the {obj_A_name}, left or right?",
            "In {frame_description}, taking the {obj_B_name} as reference, is the {obj_A_name} "
            "left or right?",
            "Which side is the {obj_A_name} on in {frame_description}, as against the "
            "{obj_B_name}?",
        ),
    ),
    (QuestionType.OBJ_OBJ_RELATIVE_POS_UD, ""): Phrasing(
        "In {frame_description}, relative to {obj_B_name}, is {obj_A_name} to the [Up/Down]?",
        (
            "In {frame_description}, is the {obj_A_name} above or below the {obj_B_name}?",
            "Is the {obj_A_name} higher or lower than the {obj_B_name} in {frame_description}?",
            "Relative to the {obj_B_name}, is the {obj_A_name} up or down in {frame_description}?",
            "Seen from the camera in {frame_description}, does the {obj_A_name} lie above or "
            "below the {obj_B_name}?",
            "Where is the {obj_A_name} in {frame_description}, higher up than the {obj_B_name} or "
            "lower down?",
            "Look at {frame_description}. Up or down from the {obj_B_name}: where is the "
            "{obj_A_name}?",
            "At {frame_description}, do you look up or down from the {obj_B_name} to find the "
            "{obj_A_name}?",
            "Up or down: the {obj_A_name} against the {obj_B_name} in {frame_description}?",
        ),
        (
            "Coming from the {obj_B_name} in {frame_description}, would your eyes go up or down to "
            "the {obj_A_name}?",
            "In {frame_description}, taking the {obj_B_name} as reference, is the {obj_A_name} up "
            "or down?",
            "Which is it in {frame_description}: the {obj_A_name} over the {obj_B_name}, or under "
            "its level?",
        ),
    ),
    (QuestionType.CAMERA_DISPLACEMENT, ""): Phrasing(
        "Approximately how far (in meters) did the camera move between {start_frame_description} "
        "and {end_frame_description}?",
        (
            "How far did the camera move from {start_frame_description} to "
            "{end_frame_description}?",
            "How many meters lie between the places of the camera in {start_frame_description} "
            "and {end_frame_description}?",
            "What is the distance between where {start_frame_description} and "
            "{end_frame_description} were taken, in meters?",
            "How far apart are the camera positions of {start_frame_description} and "
            "{end_frame_description}?",
            "How far did you get between {start_frame_description} and {end_frame_description}, "
            "in meters?",
            "In a straight line, how many meters did the camera move between "
            "{start_frame_description} and {end_frame_description}?",
            "Estimate how far the camera went from {start_frame_description} to "
            "{end_frame_description}, in meters.",
            "Camera displacement between {start_frame_description} and {end_frame_description}?",
        ),
        (
            "By how many meters did the viewpoint shift from {start_frame_description} to "
            "{end_frame_description}?",
            "As the crow flies, how far is the camera in {end_frame_description} from where it was "
            "in {start_frame_description}?",
            "What distance in meters separates the viewpoints of {start_frame_description} and "
            "{end_frame_description}?",
        ),
    ),
    (QuestionType.CAMERA_MOVEMENT_DIRECTION, "V1"): Phrasing(
        _MOVEMENT + "{choice_a}, {choice_b}, {choice_c}, and {choice_d}.",
        _MOVEMENT_TRAINING,
        _MOVEMENT_HELD_OUT,
    ),
    (QuestionType.CAMERA_MOVEMENT_DIRECTION, "V2"): Phrasing(
        _MOVEMENT + "{choice_a}, {choice_b}, and {choice_c}.",
        _MOVEMENT_TRAINING,
        _MOVEMENT_HELD_OUT,
    ),
    (QuestionType.CAMERA_MOVEMENT_DIRECTION, "V3"): Phrasing(
        _MOVEMENT + "{choice_a} and {choice_b}.",
        _MOVEMENT_TRAINING,
        _MOVEMENT_HELD_OUT,
    ),
    (QuestionType.CAMERA_OBJ_DIST_CHANGE, ""): Phrasing(
        "Between {start_frame_description} and {end_frame_description}, did the camera get closer "
        "to the {object_name} or farther from it?",
        (
            "Is the camera closer to the {object_name} or farther from it in "
            "{end_frame_description} than in {start_frame_description}?",
            "From {start_frame_description} to {end_frame_description}, does the {object_name} "
            "come closer or move farther away?",
            "Did you approach the {object_name} between {start_frame_description} and "
            "{end_frame_description}, or move away from it?",
            "Compared to {start_frame_description}, is the {object_name} closer or farther in "
            "{end_frame_description}?",
            "Between {start_frame_description} and {end_frame_description}, did the distance to "
            "the {object_name} get smaller or larger?",
            "Was the person filming getting closer to the {object_name} from "
            "{start_frame_description} to {end_frame_description}, or farther from it?",
            "Closer or farther: the {object_name} from {start_frame_description} to "
            "{end_frame_description}?",
            "How did the distance to the {object_name} change between {start_frame_description} "
            "and {end_frame_description}?",
        ),
        (
            "Going from {start_frame_description} to {end_frame_description}, were we heading "
            "towards the {object_name} or leaving it?",
            "Which is true of the {object_name} in {end_frame_description}, as against "
            "{start_frame_description}: closer or farther?",
            "Did the gap to the {object_name} shrink or grow from {start_frame_description} to "
            "{end_frame_description}?",
        ),
    ),
    (QuestionType.OBJECT_LOCATION, ""): Phrasing(
        "Where is the {object_name} now?",
        (
            "Where is the {object_name}?",
            "In which direction and how far is the {object_name} from here?",
            "From where you are now, where is the {object_name}?",
            "Which way is the {object_name}, and how far?",
            "Give the bearing and distance of the {object_name} from the camera.",
            "Where do I find the {object_name} from here?",
            "How must I turn to face the {object_name}, and how far away is it?",
            "Point me to the {object_name}.",
            "Tell me the direction and the distance to the {object_name}.",
        ),
        (
            "Where would you look for the {object_name} at this moment?",
            "What are the direction and range of the {object_name} right now?",
            "I need the {object_name}. Where is it from here?",
        ),
    ),
}
