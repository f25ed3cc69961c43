"""Wordings of the tasks about a whole video."""

from __future__ import annotations

from collections.abc import Mapping

from vlm3r_ros.questions.composition import about_all_seen
from vlm3r_ros.questions.phrasing import Phrasing
from vlm3r_ros.questions.question import QuestionType

_ROOM_NOTE = "\nIf multiple rooms are shown, estimate the size of the combined space."
_INSTANCES_NOTE = "\nIf there are multiple instances of an object category, measure to the closest."
_CLOSEST = "Measuring from the closest point of each object, which of these objects"
_STANDING = (
    "If I am standing by the {positioning_object} and facing the {orienting_object}, is the "
    "{querying_object} to "
)
_QUADRANTS_NOTE = (
    "\nThe directions refer to the quadrants of a Cartesian plane (if I am standing at the origin "
    "and facing along the positive y-axis)."
)
_BACK_NOTE = (
    "\nAn object is to my back if I would have to turn at least 135 degrees in order to face it."
)

_REL_DISTANCE_TRAINING = (
    "Of the following things, which one stands closest to the {category}? {choices_and}",
    "Which object is the shortest distance away from the {category}?",
    "Which of the objects {choices_and} is nearest to the {category}?",
    "Compare the distances to the {category}: which of {choices_and} is the closest?",
    "Look at the {category}. Which of {choices_and} is closest to it?",
    "Which one is closer to the {category} than the others?",
    *about_all_seen(
        "which of these is closest to the {category}: {choices_or}",
        "what is nearest to the {category}, the {choices_or}",
        "which of {choices_and} is nearest to the {category}",
        "which one stands closest to the {category}",
        "to which of {choices_and} is the {category} closest",
        "which thing is next to the {category}: {choices_or}",
        "which of them is least far from the {category}: {choices_or}",
    ),
)
_REL_DISTANCE_HELD_OUT = (
    "If I wanted the thing with the smallest gap to the {category}, which of {choices_and} is it?",
    "Which among {choices_and} lies nearest the {category}?",
    "Starting at the {category}, which of these would I reach first in a straight line: "
    "{choices_or}?",
    "Suppose I'm standing at the {category}. What would I reach with the fewest steps: "
    "{choices_or}?",
    "Out of {choices_and}, pick the one with the smallest distance to the {category}.",
    "{choices_or}: which one sits nearest the {category}?",
)

VSI_PHRASINGS: Mapping[tuple[QuestionType, str], Phrasing] = {
    (QuestionType.OBJECT_COUNTING, ""): Phrasing(
        "How many {category}(s) are in this room?",
        (
            "How many {categories} can you count in this room?",
            "What is the number of {categories} in the room?",
            "Count the {categories}.",
            "Tell me how many {categories} this room has.",
            "How many {categories} does the video show?",
            "What is the total count of {categories} here?",
            "Count all the {categories} that you saw.",
            "Please count the {categories} here.",
            "Can you count the {categories} in this room?",
            "I want you to count the {categories}.",
            "Go through the video and count the {categories}.",
            "Tell me how many {categories} there are.",
            "Do you know how many {categories} there are?",
            "Say how many {categories} you have seen.",
            "How many {categories}?",
            "How many {categories} in all?",
            "The number of {categories}, please.",
            "Give me the number of {categories}.",
            "I need the number of {categories} in this room.",
            "{categories}: how many?",
            *about_all_seen(
                "how many {categories} are there",
                "how many {categories} can you count",
                "what is the number of {categories}",
                "how many {categories} do you see in total",
                "how many {categories} have you seen",
                "how many {categories} does one find",
                "what do you get when you count the {categories}",
                "are there any {categories}, and how many",
            ),
        ),
        (
            "Could you count the {categories} for me?",
            "In this place, how many {categories} are there altogether?",
            "Number of {categories}?",
            "Could you count up all the {categories} you can find in this room and tell me the "
            "total?",
            "Number of {categories} present in the room?",
            "I'm doing an inventory of this room. When it comes to {categories}, what should I "
            "write down as the count?",
        ),
    ),
    (QuestionType.OBJECT_ABS_DISTANCE, ""): Phrasing(
        "Measuring from the closest point of each object, what is the direct distance between the "
        "{object1} and the {object2} (in meters)?",
        (
            "What is the shortest distance from the {object1} to the {object2} in meters?",
            "How far away from the {object2} is the {object1}?",
            "Estimate the gap between the {object1} and the {object2} in meters.",
            "Distance from the {object1} to the {object2}?",
            *about_all_seen(
                "how far is the {object1} from the {object2}",
                "how far apart are the {object1} and the {object2}, in meters",
                "what is the distance between the {object1} and the {object2}",
                "how many meters are there between the {object1} and the {object2}",
                "how many meters is it from the {object1} to the {object2}",
                "how close is the {object1} to the {object2}, in meters",
                "how wide is the gap between the {object1} and the {object2}, in meters",
                "from the {object1}, how many meters is it to the {object2}",
            ),
        ),
        (
            "In meters, how much space separates the {object1} from the {object2}?",
            "What would a tape measure show between the {object1} and the {object2}, in meters?",
            "Is it far from the {object1} to the {object2}? Give the distance in meters.",
            "If I stretched a tape measure straight from the {object1} to the {object2}, joining "
            "the two spots where they come nearest each other, how many meters would it read?",
            "Give me the shortest straight-line gap, in meters, separating the {object2} from the "
            "{object1}, nearest point to nearest point.",
            "In meters, how far apart are the {object1} and the {object2}, going in a straight "
            "line between their closest points?",
        ),
    ),
    (QuestionType.OBJECT_SIZE_ESTIMATION, ""): Phrasing(
        "What is the length of the longest dimension (length, width, or height) of the {category}, "
        "measured in centimeters?",
        (
            "Give the largest dimension of the {category} in centimeters.",
            "In centimeters, what is the greatest of length, width and height of the {category}?",
            "Estimate the longest dimension of the {category} in centimeters.",
            "The {category}: how long is its longest side, in cm?",
            *about_all_seen(
                "how many centimeters does the {category} measure along its longest side",
                "how large is the {category} along its longest dimension, in centimeters",
                "what is the longest side of the {category} in centimeters",
                "how big is the {category} at its longest, in centimeters",
                "how long is the {category} where it is longest, in cm",
                "what is the greatest dimension of the {category}, in cm",
                "along its longest side, how many cm is the {category}",
                "how many centimeters is the {category} in its longest direction",
            ),
        ),
        (
            "Taking its longest edge, how many centimeters is the {category}?",
            "What is the maximum extent of the {category} in centimeters?",
            "If I measured the {category} along its longest side, how many cm would I read?",
            "Take the {category} and look at whichever of its sides is longest, be it height, "
            "width or depth: how many centimeters is that?",
            "I need the {category}'s largest dimension in cm, please.",
            "How many centimeters does the {category} measure along its longest extent?",
        ),
    ),
    (QuestionType.ROOM_SIZE_ESTIMATION, ""): Phrasing(
        "What is the size of this room (in square meters)? " + _ROOM_NOTE,
        (
            "What is the floor area of this place, in square meters?",
            "How large is the room shown, in square meters?",
            "Estimate the floor area in square meters." + _ROOM_NOTE,
            "What is the area of the whole space in square meters?",
            "How much floor space is there here, in square meters?",
            "How big is this place?",
            *about_all_seen(
                "how big is this room in square meters",
                "what is the floor area, in square meters",
                "how many square meters is this room",
                "how much floor is there, in square meters",
                "how large is the space, in square meters",
            ),
        ),
        (
            "What would the floor plan give as this room's area, in square meters?",
            "Roughly how spacious is this room, in square meters?",
            "Give the total area that you see, all rooms together, in square meters.",
            "Estimate the floor area here, in square meters.",
            "I'd like to order carpet for this whole room; how many square meters does it cover?",
            "Roughly how big is the room we're looking at? Answer in square meters, please.",
        ),
    ),
    (QuestionType.OBJECT_REL_DISTANCE_V1, ""): Phrasing(
        _CLOSEST + " ({choice_a}, {choice_b}, {choice_c}, {choice_d}) is the closest to the "
        "{category}?" + _INSTANCES_NOTE,
        _REL_DISTANCE_TRAINING,
        _REL_DISTANCE_HELD_OUT,
    ),
    (QuestionType.OBJECT_REL_DISTANCE_V2, ""): Phrasing(
        _CLOSEST
        + " ({choice_a}, {choice_b}, {choice_c}) is the closest to the {category}?"
        + _INSTANCES_NOTE,
        _REL_DISTANCE_TRAINING,
        _REL_DISTANCE_HELD_OUT,
    ),
    (QuestionType.OBJECT_REL_DISTANCE_V3, ""): Phrasing(
        _CLOSEST + " ({choice_a}, {choice_b}) is the closest to the {category}?" + _INSTANCES_NOTE,
        (
            "Of the {choice_a} and the {choice_b}, which is the nearer one to the {category}?",
            "Between the {choice_a} and the {choice_b}, which is less far from the {category}?",
            "The {choice_a} or the {choice_b}: which one is closest to the {category}?",
            "Which one is a shorter distance from the {category}?",
            "Which has the smaller distance to the {category}, the {choice_a} or the {choice_b}?",
            *about_all_seen(
                "which is closer to the {category}, the {choice_a} or the {choice_b}",
                "what is nearer to the {category}: the {choice_a} or the {choice_b}",
                "is the {choice_a} or the {choice_b} closer to the {category}",
                "is the {category} closer to the {choice_a} or to the {choice_b}",
                "which of the {choice_a} and the {choice_b} is nearer to the {category}",
                "is it less far from the {category} to the {choice_a} or to the {choice_b}",
            ),
        ),
        (
            "Starting at the {category}, is it a shorter way to the {choice_a} or the {choice_b}?",
            "Which of the two, {choice_a} and {choice_b}, lies nearer the {category}?",
            "Does the {choice_a} or the {choice_b} stand closer to the {category}?",
        ),
    ),
    (QuestionType.OBJECT_REL_DIRECTION_V1, ""): Phrasing(
        _STANDING + "my front-left, front-right, back-left, or back-right?" + _QUADRANTS_NOTE,
        (
            "I stand by the {positioning_object} and look at the {orienting_object}. In which "
            "direction is the {querying_object}: front-left, front-right, back-left or back-right?",
            "Standing at the {positioning_object} and facing the {orienting_object}, where is the "
            "{querying_object}?",
            "From the {positioning_object}, looking towards the {orienting_object}, in which "
            "quadrant do I find the {querying_object}?",
            "Where is the {querying_object} for someone at the {positioning_object} who faces the "
            "{orienting_object}?",
            "If you are next to the {positioning_object} and turned to the {orienting_object}, is "
            "the {querying_object} ahead or behind, and on which side?",
            "Imagine standing by the {positioning_object}, facing the {orienting_object}. Which "
            "way is the {querying_object}?",
            "At the {positioning_object}, with the {orienting_object} straight ahead, where is the "
            "{querying_object}: front-left, front-right, back-left or back-right?",
            "A robot at the {positioning_object} faces the {orienting_object}. Where is the "
            "{querying_object} relative to it?",
        ),
        (
            "Put yourself beside the {positioning_object} with your nose towards the "
            "{orienting_object}: in which quadrant is the {querying_object}?",
            "With the {positioning_object} at my side and the {orienting_object} in front of me, "
            "to which corner of my view would I turn for the {querying_object}?",
            "Seen from the {positioning_object} with the {orienting_object} as the forward "
            "direction, where does the {querying_object} lie?",
        ),
    ),
    (QuestionType.OBJECT_REL_DIRECTION_V2, ""): Phrasing(
        _STANDING + "my left, right, or back?" + _BACK_NOTE,
        (
            "I stand by the {positioning_object} and look at the {orienting_object}. Is the "
            "{querying_object} to my left, to my right or behind me?",
            "Standing at the {positioning_object} and facing the {orienting_object}, where is the "
            "{querying_object}: left, right or back?",
            "From the {positioning_object}, looking towards the {orienting_object}, is the "
            "{querying_object} on the left, on the right or at my back?",
            "On which side is the {querying_object} for someone at the {positioning_object} who "
            "faces the {orienting_object}, or is it behind?",
            "If you are next to the {positioning_object} and turned to the {orienting_object}, do "
            "you find the {querying_object} to the left, to the right or behind you?",
            "Imagine standing by the {positioning_object}, facing the {orienting_object}. Left, "
            "right or behind: where is the {querying_object}?",
            "At the {positioning_object}, with the {orienting_object} straight ahead, would you "
            "turn left, right or around for the {querying_object}?",
            "A robot at the {positioning_object} faces the {orienting_object}. Is the "
            "{querying_object} to its left, to its right or at its back?",
        ),
        (
            "Put yourself beside the {positioning_object} with your nose towards the "
            "{orienting_object}: is the {querying_object} left, right or behind?",
            "With the {positioning_object} at my side and the {orienting_object} in front of me, "
            "where is the {querying_object}, left, right or back?",
            "Seen from the {positioning_object} with the {orienting_object} as the forward "
            "direction, does the {querying_object} lie left, right or to the rear?",
        ),
    ),
    (QuestionType.OBJECT_REL_DIRECTION_V3, ""): Phrasing(
        _STANDING + "the left or the right of the {orienting_object}?",
        (
            "I stand by the {positioning_object} and look at the {orienting_object}. Is the "
            "{querying_object} left or right of it?",
            "Standing at the {positioning_object} and facing the {orienting_object}, is the "
            "{querying_object} on the left or on the right?",
            "From the {positioning_object}, looking towards the {orienting_object}, on which side "
            "is the {querying_object}?",
            "Is the {querying_object} to the left or to the right for someone at the "
            "{positioning_object} who faces the {orienting_object}?",
            "If you are next to the {positioning_object} and turned to the {orienting_object}, is "
            "the {querying_object} to your left or to your right?",
            "Imagine standing by the {positioning_object}, facing the {orienting_object}. Left or "
            "right: where is the {querying_object}?",
            "At the {positioning_object}, with the {orienting_object} straight ahead, do you turn "
            "left or right to see the {querying_object}?",
            "A robot at the {positioning_object} faces the {orienting_object}. Is the "
            "{querying_object} to its left or its right?",
        ),
        (
            "Put yourself beside the {positioning_object} with your nose towards the "
            "{orienting_object}: which hand is the {querying_object} on?",
            "With the {positioning_object} at my side and the {orienting_object} in front of me, "
            "is the {querying_object} left or right?",
            "Seen from the {positioning_object} with the {orienting_object} as the forward "
            "direction, does the {querying_object} lie left or right?",
        ),
    ),
    (QuestionType.OBJ_APPEARANCE_ORDER, ""): Phrasing(
        "What will be the first-time appearance order of the following categories in the video: "
        "{choice_a}, {choice_b}, {choice_c}, {choice_d}?",
        (
            "In which order do {choice_a}, {choice_b}, {choice_c} and {choice_d} first appear?",
            "Sort these by when they first come into view: {choice_a}, {choice_b}, {choice_c}, "
            "{choice_d}.",
            "Which comes into view first, second, third and last: {choice_a}, {choice_b}, "
            "{choice_c}, {choice_d}?",
            "What is the order in which the video first shows {choice_a}, {choice_b}, {choice_c} "
            "and {choice_d}?",
            "Put {choice_a}, {choice_b}, {choice_c} and {choice_d} in the order of their first "
            "appearance.",
            "When watching the video, in what sequence do you first see {choice_a}, {choice_b}, "
            "{choice_c} and {choice_d}?",
            "From first seen to last seen, how do {choice_a}, {choice_b}, {choice_c}, {choice_d} "
            "line up?",
            "Order of first appearance of {choice_a}, {choice_b}, {choice_c}, {choice_d}?",
        ),
        (
            "Arrange {choice_a}, {choice_b}, {choice_c} and {choice_d} by the moment the camera "
            "first catches them.",
            "Among {choice_a}, {choice_b}, {choice_c} and {choice_d}, what is the chronological "
            "order of first sightings?",
            "The camera meets {choice_a}, {choice_b}, {choice_c} and {choice_d} in which order?",
        ),
    ),
    (QuestionType.ROUTE_PLANNING, ""): Phrasing(
        "You are a robot beginning by the {start_object} and facing the {facing_object}. You want "
        "to navigate to the {destination_object}. You will perform the following actions (Note: "
        "for each [please fill in], choose either 'turn back,' 'turn left,' or 'turn right.'): "
        "{actions}. You have reached the final destination.",
        (
            "You stand by the {start_object} and face the {facing_object}. Fill in the turns on "
            "the way to the {destination_object}: {actions}.",
            "How do I get to the {destination_object} from the {start_object}, where I face the "
            "{facing_object}? Complete the steps: {actions}.",
            "Which turns are missing? Start: by the {start_object}, facing the {facing_object}. "
            "{actions}. That is the {destination_object}.",
            "Guide a robot from the {start_object}, where it looks at the {facing_object}, to the "
            "{destination_object}. Its plan has gaps: {actions}.",
            "I am next to the {start_object}, looking at the {facing_object}, and want to go to "
            "the {destination_object}. What must I fill in? {actions}.",
            "From the {start_object}, facing the {facing_object}, a walk to the "
            "{destination_object} goes like this: {actions}. Name the turns in order.",
        ),
        (
            "Someone beside the {start_object} looks towards the {facing_object} and then walks to "
            "the {destination_object}. Supply the turns: {actions}.",
            "Route to the {destination_object}, beginning at the {start_object} with the "
            "{facing_object} in front: {actions}. Which turns belong in the blanks?",
        ),
    ),
}
