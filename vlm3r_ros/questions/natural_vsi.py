"""Wordings of the tasks about a whole video, by someone who had read none of ours.

Ours are put together of parts and sound like it; people chat, order, beg and leave words out. What
came close to a held-out wording is left out. For training only.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlm3r_ros.questions.question import QuestionType

NATURAL_VSI: Mapping[QuestionType, tuple[str, ...]] = {
    QuestionType.OBJECT_COUNTING: (
        "How many {categories} are in the room?",
        "How many {categories} are there in here?",
        "Count the {categories} in this room.",
        "I'd like to know how many {categories} there are in this room.",
        "What's the total number of {categories} in the room?",
        "Give me a count of all the {categories} in the room, please.",
        "In this room, how many {categories} can be found?",
        "How many {categories} have we got in this room?",
        "What's the {categories} count for this room?",
        "Hey, how many {categories} did you see in the room altogether?",
        "Work out how many {categories} are in this room in total.",
        "Please report the quantity of {categories} in the room.",
        "Having looked round the room, how many {categories} does it contain?",
        "If I went through the whole room counting {categories}, how many would I get?",
        "Can you tell me the number of {categories} in here?",
        "Just how many {categories} does this room hold?",
        "I'm making an inventory. How many {categories} are there in the room?",
        "Any idea how many {categories} there are in this room, all told?",
        "The {categories} in this room: how many are there?",
        "So what's the tally of {categories} in the room?",
        "Look over the room and say how many {categories} there are.",
        "How many {categories} would you say are in the room overall?",
    ),
    QuestionType.OBJECT_ABS_DISTANCE: (
        "How far is the {object1} from the {object2}, nearest point to nearest point?",
        "What's the distance in metres between the {object1} and the {object2}, at their closest?",
        "Tell me how many meters there are between the {object2} and the {object1}, measured "
        "from their closest points.",
        "Distance from {object1} to {object2}, closest points, in meters?",
        "Could you estimate how big the gap between the {object1} and the {object2} is, in metres?",
        "I'd like to know how far apart the {object2} and the {object1} are at their nearest "
        "points.",
        "Give me the shortest distance between the {object1} and the {object2}, in meters.",
        "How much space is there between the {object1} and the {object2}, where they come closest?",
        "Measure from the nearest part of the {object1} to the nearest part of the {object2}: "
        "how many metres?",
        "If I stretched a tape from the {object1} to the {object2} at the closest spot, how "
        "many meters would it show?",
        "Estimate the clearance between the {object2} and the {object1} in meters.",
        "What's the gap, in metres, from the {object1} across to the {object2}?",
        "Between the {object2} and the {object1}, what's the smallest distance in meters?",
        "How close does the {object1} come to the {object2}, in metres?",
        "Hey, how many meters is it from the closest bit of the {object1} to the closest bit of"
        " the {object2}?",
        "Please work out how far the {object2} is from the {object1}, taking the points that "
        "are closest to each other.",
        "How many metres separate the {object1} from the {object2} at their nearest points?",
        "What is the minimum distance between the {object2} and the {object1}?",
        "The {object1} and the {object2}: how far apart are they, edge to nearest edge?",
        "Starting at the near side of the {object1}, how far is it to the closest point of the "
        "{object2}?",
        "I need the distance in meters from the {object2} to the {object1}, going by their "
        "nearest points.",
        "Can you tell how far away the {object1} stands from the {object2}, counting the "
        "shortest stretch between them?",
        "Roughly what's the separation in metres between the closest points of the {object1} "
        "and the {object2}?",
        "Say how far it is from the {object1} to the {object2} at the narrowest point between "
        "them, in meters.",
        "What length of string, in metres, would just reach from the {object2} to the {object1}"
        " where they're closest?",
    ),
    QuestionType.OBJECT_SIZE_ESTIMATION: (
        "How big is the {category} along its longest dimension, in centimeters?",
        "What's the longest dimension of the {category} in cm?",
        "Tell me how many centimeters the {category} measures at its longest, whether that's "
        "length, width or height.",
        "Longest side of the {category}, in cm?",
        "Could you estimate the largest dimension of the {category} in centimeters?",
        "I'd like to know the {category}'s biggest measurement, be it length, width or height, "
        "in centimeters.",
        "Give me the size of the {category} in cm, taking the longest of length, width and height.",
        "Of length, width and height, take whichever is greatest for the {category}: how many "
        "centimeters is it?",
        "In centimeters, how long is the longest side of the {category}?",
        "Estimate, in cm, the greatest of the {category}'s length, width and height.",
        "How many centimeters is the {category} in its largest dimension?",
        "If I measured the {category} every way, length, width and height, what would be the "
        "biggest figure in cm?",
        "What does the {category} measure along its longest side, in centimeters?",
        "Please report the maximum dimension of the {category} in centimeters.",
        "Hey, how many cm is the {category} the way it's longest, counting height as well?",
        "I want to know if it'll fit in the van: what's the {category}'s longest dimension in "
        "centimeters?",
        "Length, width or height of the {category}, whichever's the most. How many cm?",
        "The {category}: what's its largest extent in centimeters, out of length, width and "
        "height?",
        "Can you work out in cm how much the {category} measures in its longest direction?",
        "Roughly how many centimeters would you say the {category} is along its biggest dimension?",
        "What's the top figure among the {category}'s length, width and height, in centimeters?",
        "Put a number in cm on the longest dimension of the {category}.",
        "Size up the {category} for me: longest of length, width and height, in centimeters.",
        "Say in centimeters how large the {category} is, going by its longest dimension.",
        "Any idea what the {category} comes to in cm along whichever of its length, width or "
        "height is largest?",
    ),
    QuestionType.ROOM_SIZE_ESTIMATION: (
        "How big is the room in square meters?",
        "What's the floor area of this room in square meters?",
        "Tell me how many square meters this room has.",
        "Room area in m²?",
        "Could you estimate the size of the room in square meters?",
        "I'd like to know the floor space of this room in m².",
        "Give me the room's floor area in square meters, please.",
        "In square meters, how large is this room?",
        "How many square meters of floor are there in here?",
        "Estimate how much floor area the room has, in m².",
        "If I wanted to carpet this whole room, how many square meters would I have to cover?",
        "What does the room's floor come to in square meters?",
        "Hey, about how many m² is this room?",
        "Work out the room size for me, in square meters.",
        "Please report this room's area, in m².",
        "How much floor have we got in this room? Square meters, please.",
        "Having looked around, how many square meters would you say the room is?",
        "I'm ordering new flooring for the entire room. How many m² does the floor measure?",
        "Can you tell the size of this room's floor in square meters?",
        "What's the square footage of this room, only in square meters?",
        "Any idea how spacious this room is, in m²?",
        "This room: how many square meters of floor area?",
        "Put a figure in square meters on the size of this room.",
        "How large an area does the floor of this room cover, in m²?",
        "Say roughly how many square meters the room's floor takes up.",
    ),
}
