"""Wordings of the tasks about given frames of a video, and of those for a live robot."""

from __future__ import annotations

from collections.abc import Mapping

from vlm3r_ros.questions.composition import about_one_frame, about_two_frames
from vlm3r_ros.questions.phrasing import Phrasing
from vlm3r_ros.questions.question import QuestionType

_CLOSEST = "Measuring from the closest point of each object, which of these objects"
_MOVEMENT = (
    "During the sequence between {start_frame_description} and {end_frame_description}, what was "
    "the primary consistent direction of the camera's movement relative to its orientation at the "
    "start? The options are "
)

_CLOSEST_TRAINING = (
    "What is nearest to the camera in {frame_description}, the {choices_or}?",
    "Of {choices_and}, which one is closest to the camera in {frame_description}?",
    "Look at {frame_description}: which of {choices_and} is closest?",
    "Which thing is nearest in {frame_description}: {choices_or}?",
    *about_one_frame(
        "which of these is closest to the camera: {choices_or}",
        "what is nearest to the camera, the {choices_or}",
        "which of {choices_and} is closest to the camera",
        "to which of {choices_and} is the camera closest",
        "which of these objects is the closest to you",
        "which of {choices_and} is the nearest to the person filming",
        "which thing is nearest: {choices_or}",
        "which object is the least far from the camera",
        "of {choices_and}, which one is the nearest",
        "which thing are you next to: {choices_or}",
        "what does the camera see nearest, the {choices_or}",
    ),
)
_CLOSEST_HELD_OUT = (
    "Among {choices_and}, what is the shortest distance away from the lens in {frame_description}?",
    "Standing where the camera is in {frame_description}, which of {choices_and} is within "
    "closest reach?",
    "Which of these has the smallest distance to the viewpoint of {frame_description}?",
    "Of {choices_and}, tell me which has the shortest distance to the camera in "
    "{frame_description}.",
    "When {frame_description} was captured, what was the camera nearest to: {choices_or}?",
    "Please compare {choices_and} as they appear in {frame_description}. Which one is least far "
    "from the camera?",
)
_MOVEMENT_TRAINING = (
    "In which direction did the camera mainly move from {start_frame_description} to "
    "{end_frame_description}, as seen from where it looked at the start?",
    "What was the main direction of motion from {start_frame_description} to "
    "{end_frame_description}, relative to the view in the first of them?",
    "How did the camera move from {start_frame_description} to {end_frame_description}: "
    "{directions_or}?",
    "Taking the view at the start as forward, which way did you move between "
    "{start_frame_description} and {end_frame_description}?",
    "Direction of travel between {start_frame_description} and {end_frame_description}?",
    "To reach {end_frame_description} from {start_frame_description}, which way did the camera go?",
    "Tell me which way the camera went from {start_frame_description} to {end_frame_description}.",
    "Name the direction of the camera from {start_frame_description} to {end_frame_description}.",
    "In {end_frame_description}, where is the camera as seen from its place in "
    "{start_frame_description}: {directions_or}?",
    *about_two_frames(
        "in which direction did the camera mainly move, as seen from where it looked at the start",
        "did the camera go {directions_or}",
        "which way did the camera move",
        "where did the person filming go: {directions_or}",
        "what was the main direction of motion, for who looks as the camera did at first",
        "how did the camera move: {directions_or}",
        "taking the first look as forward, which way did you move",
        "what was the direction of travel",
        "which way did you mostly go",
        "was it {directions_or} that the camera moved",
        "to which side did the camera go: {directions_or}",
        "in which direction was the camera moving",
    ),
)
_MOVEMENT_HELD_OUT = (
    "Relative to its first view, whereto was the camera carried from {start_frame_description} to "
    "{end_frame_description}?",
    "The stretch from {start_frame_description} to {end_frame_description} took the camera which "
    "way: {directions_or}?",
    "Describe the camera's travel from {start_frame_description} to {end_frame_description} in one "
    "word.",
    "Imagine you're facing the way the camera faced in {start_frame_description}. From there up "
    "to {end_frame_description}, which way did it mainly travel: {directions_or}?",
    "Name the dominant direction of camera travel from {start_frame_description} to "
    "{end_frame_description}, expressed with respect to its initial heading.",
    "Which way did the camera mostly go before reaching {end_frame_description}, if we start at "
    "{start_frame_description} and judge by the way it was pointing back then?",
)

VSTI_PHRASINGS: Mapping[tuple[QuestionType, str], Phrasing] = {
    (QuestionType.CAMERA_OBJ_ABS_DIST, ""): Phrasing(
        "What is the approximate distance (in meters) between the camera (or the person filming) "
        "and the nearest point of the {object_name} in {frame_description}?",
        (
            "How far away is the {object_name} in {frame_description}, in meters?",
            "How close is the camera to the {object_name} in {frame_description}, in meters?",
            "Estimate the distance to the nearest part of the {object_name} in "
            "{frame_description}, in meters.",
            "Distance to the {object_name} in {frame_description}?",
            *about_one_frame(
                "how far is the {object_name} from the camera",
                "how many meters away is the {object_name}",
                "how far away is the {object_name}, in meters",
                "what is the distance from the camera to the {object_name}",
                "how close is the camera to the {object_name}, in meters",
                "how far are you from the {object_name}",
                "how many meters is it to the {object_name}",
                "what is the distance to the nearest part of the {object_name}, in meters",
                "at what distance do you see the {object_name}, in meters",
                "how many meters lie between the {object_name} and the camera",
                "how near is the {object_name}, in meters",
                "how much space is there between you and the {object_name}, in meters",
                "by how many meters is the person filming away from the {object_name}",
            ),
        ),
        (
            "How many meters separate the lens from the {object_name} in {frame_description}?",
            "Standing where {frame_description} was taken, how far off is the {object_name} in "
            "meters?",
            "In {frame_description}, what is the range to the {object_name}, in meters?",
            "At {frame_description}, about how many meters away from the camera is the closest "
            "part of the {object_name}?",
            "Estimate the range from the lens to the {object_name}'s nearest point, in meters, as "
            "of {frame_description}.",
            "Look at the {object_name} in {frame_description}. How far off is it from the camera, "
            "roughly, in meters, taking the bit of it that's closest?",
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
            "What is nearer in {frame_description}: the {choice_a} or the {choice_b}?",
            "Of the {choice_a} and the {choice_b}, which is nearer to you in {frame_description}?",
            "The {choice_a} or the {choice_b}: which is closest in {frame_description}?",
            "Which has the smaller distance to the person filming in {frame_description}, the "
            "{choice_a} or the {choice_b}?",
            *about_one_frame(
                "which is closer to the camera, the {choice_a} or the {choice_b}",
                "is the {choice_a} or the {choice_b} closer to the camera",
                "what is nearer: the {choice_a} or the {choice_b}",
                "which of the {choice_a} and the {choice_b} is nearer to you",
                "is the camera closer to the {choice_a} or to the {choice_b}",
                "which one is less far from the camera",
                "is it less far to the {choice_a} or to the {choice_b}",
                "do you see the {choice_a} or the {choice_b} nearer to you",
                "between the {choice_a} and the {choice_b}, which one is the nearer",
                "what is the closest, {choice_a} or {choice_b}",
                "of the two, {choice_a} and {choice_b}, which is closer to the person filming",
            ),
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
            "Seen from the camera in {frame_description}, is the {obj_A_name} nearer or farther "
            "than the {obj_B_name}?",
            "Is the {obj_A_name} closer to the camera than the {obj_B_name} in "
            "{frame_description}, or farther away?",
            "Look at {frame_description}. Near or far, compared to the {obj_B_name}: how does the "
            "camera see the {obj_A_name}?",
            "Near or far: the {obj_A_name} against the {obj_B_name} in {frame_description}?",
            *about_one_frame(
                "is the {obj_A_name} near or far compared to the {obj_B_name}",
                "is the {obj_A_name} nearer or farther than the {obj_B_name}",
                "compared to the {obj_B_name}, is the {obj_A_name} near or far",
                "compared to the {obj_B_name}, is the {obj_A_name} nearer or farther away",
                "is the {obj_A_name} closer to the camera than the {obj_B_name}, or farther away",
                "how does the {obj_A_name} lie against the {obj_B_name}: near or far",
                "against the {obj_B_name}, how does the {obj_A_name} lie: near or far",
                "does the camera see the {obj_A_name} nearer or farther than the {obj_B_name}",
                "with the {obj_B_name} to compare, is the {obj_A_name} nearer or farther",
                "is the {obj_A_name} before the {obj_B_name} or behind it",
                "going by the {obj_B_name}, would you call the {obj_A_name} near or far",
                "is the distance to the {obj_A_name} less or more than to the {obj_B_name}",
                "starting from the {obj_B_name}, is the {obj_A_name} nearer or farther",
                "near or far, the {obj_A_name} against the {obj_B_name}",
                "which is true of the {obj_A_name} against the {obj_B_name}: near or far",
                "is it near or far that the {obj_A_name} lies, as compared to the {obj_B_name}",
                "in depth, is the {obj_A_name} nearer or farther than the {obj_B_name}",
                "is the {obj_A_name} in front of the {obj_B_name} or at its back",
                "going from the {obj_B_name} to the {obj_A_name}, do you come nearer or go farther",
                "besides the {obj_B_name}, is the {obj_A_name} the near one or the far one",
            ),
        ),
        (
            "From the viewpoint of {frame_description}, which holds for the {obj_A_name} next to "
            "the {obj_B_name}: near or far?",
            "Judging depth in {frame_description}, is the {obj_A_name} nearer or farther than the "
            "{obj_B_name}?",
            "In {frame_description}, taking the {obj_B_name} as reference, is the {obj_A_name} "
            "near or far?",
            "Does the {obj_A_name} sit nearer to the camera than the {obj_B_name} in "
            "{frame_description}, or farther from it?",
            "Using the {obj_B_name} as your reference in {frame_description}, say whether the "
            "{obj_A_name} is near or far by comparison, as measured from the camera.",
            "Check {frame_description}: compared with the {obj_B_name}, is the camera's distance "
            "to the {obj_A_name} smaller (near) or larger (far)?",
        ),
    ),
    (QuestionType.OBJ_OBJ_RELATIVE_POS_LR, ""): Phrasing(
        "In {frame_description}, relative to {obj_B_name}, is {obj_A_name} to the [Left/Right]?",
        (
            "Seen from the camera in {frame_description}, does the {obj_A_name} lie left or right "
            "of the {obj_B_name}?",
            "Relative to the {obj_B_name}, where is the {obj_A_name} in {frame_description}: left "
            "or right?",
            "Left or right: the {obj_A_name} against the {obj_B_name} in {frame_description}?",
            *about_one_frame(
                "is the {obj_A_name} to the left or to the right of the {obj_B_name}",
                "is the {obj_A_name} left or right of the {obj_B_name}",
                "on which side of the {obj_B_name} is the {obj_A_name}",
                "which side of the {obj_B_name} do you see the {obj_A_name} on",
                "does the {obj_A_name} lie left or right of the {obj_B_name}",
                "relative to the {obj_B_name}, where is the {obj_A_name}: left or right",
                "compared to the {obj_B_name}, is the {obj_A_name} left or right",
                "left or right of the {obj_B_name}: where is the {obj_A_name}",
                "do you look left or right from the {obj_B_name} to find the {obj_A_name}",
                "from the {obj_B_name}, do you find the {obj_A_name} to the left or to the right",
                "starting from the {obj_B_name}, is the {obj_A_name} left or right",
                "is the {obj_A_name} farther left or farther right than the {obj_B_name}",
                "with the {obj_B_name} in the middle, is the {obj_A_name} left or right",
                "left or right, the {obj_A_name} against the {obj_B_name}",
                "which side is the {obj_A_name} on, compared to the {obj_B_name}",
                "is the {obj_A_name} on the left side or on the right side, against the "
                "{obj_B_name}",
                "to which side of the {obj_B_name} does the {obj_A_name} lie",
                "going from the {obj_B_name} to the {obj_A_name}, do you look left or right",
                "would you look left or right to get from the {obj_B_name} to the {obj_A_name}",
                "beside the {obj_B_name}, to which side do you see the {obj_A_name}",
                "which is true of the {obj_A_name} against the {obj_B_name}: left or right",
            ),
        ),
        (
            "Coming from the {obj_B_name} in {frame_description}, which way would your eyes go to "
            "the {obj_A_name}, left or right?",
            "In {frame_description}, taking the {obj_B_name} as reference, is the {obj_A_name} "
            "left or right?",
            "Which side is the {obj_A_name} on in {frame_description}, as against the "
            "{obj_B_name}?",
            "Which side of the {obj_B_name} is the {obj_A_name} on in {frame_description}, left "
            "or right?",
            "Looking at {frame_description}, would you say I'd have to glance left or right from "
            "the {obj_B_name} to see the {obj_A_name}?",
            "Left or right: where does the {obj_A_name} appear with respect to the {obj_B_name} "
            "in {frame_description}?",
        ),
    ),
    (QuestionType.OBJ_OBJ_RELATIVE_POS_UD, ""): Phrasing(
        "In {frame_description}, relative to {obj_B_name}, is {obj_A_name} to the [Up/Down]?",
        (
            "Seen from the camera in {frame_description}, does the {obj_A_name} lie above or "
            "below the {obj_B_name}?",
            "Where is the {obj_A_name} in {frame_description}, higher up than the {obj_B_name} or "
            "lower down?",
            "Up or down: the {obj_A_name} against the {obj_B_name} in {frame_description}?",
            *about_one_frame(
                "is the {obj_A_name} above or below the {obj_B_name}",
                "is the {obj_A_name} higher or lower than the {obj_B_name}",
                "relative to the {obj_B_name}, is the {obj_A_name} up or down",
                "compared to the {obj_B_name}, is the {obj_A_name} higher or lower",
                "does the {obj_A_name} lie above or below the {obj_B_name}",
                "where is the {obj_A_name}, higher up than the {obj_B_name} or lower down",
                "up or down from the {obj_B_name}: where is the {obj_A_name}",
                "do you look up or down from the {obj_B_name} to find the {obj_A_name}",
                "from the {obj_B_name}, do you find the {obj_A_name} upwards or downwards",
                "starting from the {obj_B_name}, is the {obj_A_name} up or down",
                "is the {obj_A_name} over the {obj_B_name} or under it",
                "with the {obj_B_name} in the middle, is the {obj_A_name} above or below",
                "does the {obj_A_name} have its place above the {obj_B_name} or below it",
                "up or down, the {obj_A_name} against the {obj_B_name}",
                "going from the {obj_B_name} to the {obj_A_name}, do you look up or down",
                "would you look up or down to get from the {obj_B_name} to the {obj_A_name}",
                "is it up or down from the {obj_B_name} to the {obj_A_name}",
                "with your eyes on the {obj_B_name}, is it up or down to the {obj_A_name}",
                "which is true of the {obj_A_name} against the {obj_B_name}: up or down",
                "is the {obj_A_name} the upper or the lower one, compared to the {obj_B_name}",
                "in height, is the {obj_A_name} above the {obj_B_name} or below it",
            ),
        ),
        (
            "Coming from the {obj_B_name} in {frame_description}, would your eyes go up or down to "
            "the {obj_A_name}?",
            "In {frame_description}, taking the {obj_B_name} as reference, is the {obj_A_name} up "
            "or down?",
            "Which is it in {frame_description}: the {obj_A_name} over the {obj_B_name}, or under "
            "its level?",
            "Taking the {obj_B_name} as the reference in {frame_description}, is the {obj_A_name} "
            "higher up or lower down?",
            "Tell me if the {obj_A_name} is above or below the {obj_B_name} in "
            "{frame_description}.",
            "To get from the {obj_B_name} to the {obj_A_name} in {frame_description}, do my eyes "
            "have to go up or down?",
        ),
    ),
    (QuestionType.CAMERA_DISPLACEMENT, ""): Phrasing(
        "Approximately how far (in meters) did the camera move between {start_frame_description} "
        "and {end_frame_description}?",
        (
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
            "How many meters from the place of {start_frame_description} was "
            "{end_frame_description} taken?",
            "In {end_frame_description}, how many meters is the camera away from its place in "
            "{start_frame_description}?",
            "How far is the camera of {end_frame_description} from that of "
            "{start_frame_description}, in meters?",
            "How many meters from where it stood in {start_frame_description} is the camera in "
            "{end_frame_description}?",
            "From where {end_frame_description} was taken, how many meters is it back to the place "
            "of {start_frame_description}?",
            "Give the distance in meters between the cameras of {start_frame_description} and "
            "{end_frame_description}.",
            "Tell me how far the camera went between {start_frame_description} and "
            "{end_frame_description}.",
            "What distance is there between the positions of the camera in "
            "{start_frame_description} and {end_frame_description}?",
            *about_two_frames(
                "how far did the camera move",
                "how many meters did the camera move",
                "how far did you get, in meters",
                "how many meters did the camera go in a straight line",
                "what distance did the camera cover, in a straight line",
                "by how many meters did the camera change its place",
                "how far apart are the places of the camera, in meters",
                "how long is the straight line between the camera positions, in meters",
                "how far did the person filming go",
                "how large is the displacement of the camera, in meters",
                "how much did the camera's position change, in meters",
                "how many meters did you travel",
            ),
        ),
        (
            "By how many meters did the viewpoint shift from {start_frame_description} to "
            "{end_frame_description}?",
            "As the crow flies, how far is the camera in {end_frame_description} from where it was "
            "in {start_frame_description}?",
            "What distance in meters separates the viewpoints of {start_frame_description} and "
            "{end_frame_description}?",
            "Ignoring the path taken, how many meters roughly separate where the camera was at "
            "{start_frame_description} from where it was at {end_frame_description}, in a "
            "straight line?",
            "Camera's straight-line displacement from {start_frame_description} to "
            "{end_frame_description}, in meters, approximately?",
            "By the time we get to {end_frame_description}, about how many meters, as the crow "
            "flies, is the camera from its position in {start_frame_description}?",
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
            "Did you approach the {object_name} between {start_frame_description} and "
            "{end_frame_description}, or move away from it?",
            "Compared to {start_frame_description}, is the {object_name} closer or farther in "
            "{end_frame_description}?",
            "Was the person filming getting closer to the {object_name} from "
            "{start_frame_description} to {end_frame_description}, or farther from it?",
            "Closer or farther: the {object_name} from {start_frame_description} to "
            "{end_frame_description}?",
            "In {end_frame_description}, is the {object_name} closer than in "
            "{start_frame_description}, or farther?",
            "Which is it for the {object_name} in {end_frame_description}, compared with "
            "{start_frame_description}: closer or farther?",
            "In {end_frame_description}, do we see the {object_name} closer or farther than in "
            "{start_frame_description}?",
            *about_two_frames(
                "did the camera come closer to the {object_name} or go farther from it",
                "does the {object_name} come closer or move farther away",
                "did you approach the {object_name} or move away from it",
                "did the distance to the {object_name} get smaller or larger",
                "was the person filming getting closer to the {object_name} or farther from it",
                "how did the distance to the {object_name} change",
                "is the {object_name} closer or farther afterwards",
            ),
        ),
        (
            "Going from {start_frame_description} to {end_frame_description}, were we heading "
            "towards the {object_name} or leaving it?",
            "Which is true of the {object_name} in {end_frame_description}, as against "
            "{start_frame_description}: closer or farther?",
            "Did the gap to the {object_name} shrink or grow from {start_frame_description} to "
            "{end_frame_description}?",
            "Going from {start_frame_description} to {end_frame_description}, was the camera "
            "approaching the {object_name} overall or moving away from it?",
            "Is the {object_name} nearer to the camera or more distant from it in "
            "{end_frame_description} than it was in {start_frame_description}?",
            "Please say whether the gap separating the camera and the {object_name} shrank or "
            "grew from {start_frame_description} to {end_frame_description}.",
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
            "Where is the {object_name} from here?",
            "Where do you know the {object_name} to be?",
            "Do you know where the {object_name} is?",
            "Can you tell me where the {object_name} is?",
            "Please tell me where the {object_name} is now.",
            "Which direction is the {object_name} in, and how far away?",
            "What is the direction to the {object_name}, and what is the distance?",
            "Where is the {object_name}, seen from you?",
            "Say where the {object_name} is.",
            "I am looking for the {object_name}. Which way is it?",
            "I want to go to the {object_name}. Where is it?",
            "Find the {object_name}.",
            "Show me where the {object_name} is.",
            "How far is the {object_name} from here, and in which direction?",
            "Is the {object_name} left or right of you, and how far away?",
            "The {object_name}: where is it now?",
            "On which side of you is the {object_name}, and at what distance?",
            "In what direction must I look to see the {object_name}, and how far is it?",
            "Turn which way for the {object_name}, and go how far?",
            "Where can the {object_name} be found from where you stand?",
            "Tell me the bearing of the {object_name} and how far it is.",
            "Now, where is the {object_name}?",
            "Do you remember where the {object_name} is?",
            "Where should I go for the {object_name}?",
            "Direction and distance of the {object_name}, please.",
            "Give me the direction and the range of the {object_name}.",
            "In what direction and at what range is the {object_name}?",
            "I need to get to the {object_name}. Which way is it from here?",
            "Look for the {object_name}. Where is it?",
            "Where did you see the {object_name}, as seen from where you are?",
            "Could you tell me where the {object_name} is?",
            "Where must I look to see the {object_name}?",
        ),
        (
            "Where would you look for the {object_name} at this moment?",
            "What are the direction and range of the {object_name} right now?",
            "I need the {object_name}. Where is it from here?",
            "Which way is the {object_name} from you at this moment, and how many meters off?",
            "Report the {object_name}'s current bearing and range in meters relative to yourself.",
            "I can't find the {object_name}! From where you are right now, what direction is it "
            "in and how many meters away is it?",
        ),
    ),
}
