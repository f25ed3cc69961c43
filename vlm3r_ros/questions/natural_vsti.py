"""Wordings of the tasks about given frames, by someone who had read none of ours.

See `natural_vsi`.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlm3r_ros.questions.question import QuestionType

_CLOSEST = (
    "Which of these was nearest to the camera in {frame_description}?",
    "In {frame_description}, which one is closest to you?",
    "Tell me which of these things was the closest to the camera at {frame_description}.",
    "Closest to camera in {frame_description}?",
    "Out of these, what was nearest to you when you took {frame_description}?",
    "Could you say which of the following sat closest to your lens in {frame_description}?",
    "At the moment of {frame_description}, which of these objects was the least distance "
    "from the camera?",
    "I'd like to know which of these you were nearest to in {frame_description}.",
    "Pick the one that's closest to the camera in {frame_description}.",
    "Name whichever of these is nearest to the camera in {frame_description}.",
    "Looking at {frame_description}, what's the nearest thing to the camera among these?",
    "Which of these would you have reached first, going straight at each from your spot in "
    "{frame_description}?",
    "{frame_description}: which of these is the nearest to you?",
    "Of all of these, which had the shortest distance to the camera at {frame_description}?",
    "Identify the object from this list that's closest to the camera in "
    "{frame_description}, please.",
    "Hey, back in {frame_description}, which of these was right nearest you?",
    "From where the camera was in {frame_description}, which of these is the closest?",
    "Give me the item with the smallest camera distance in {frame_description}.",
    "What were you closest to at {frame_description}, out of the things listed?",
    "When {frame_description} was captured, which of these stood nearest to the camera?",
    "Can you work out which of these things is the least far from you in {frame_description}?",
    "One of these is closer to the camera than all the rest in {frame_description}. Which is it?",
    "Which of these did you have nearest you in {frame_description}, would you say?",
    "Suppose you're standing where you were in {frame_description}; which of these things "
    "is closest to your camera?",
    "Please choose the thing nearest to the camera at {frame_description}.",
)

NATURAL_VSTI: Mapping[QuestionType, tuple[str, ...]] = {
    QuestionType.CAMERA_OBJ_ABS_DIST: (
        "How far were you from the nearest point of the {object_name} in {frame_description}?",
        "In {frame_description}, how many metres are there between the camera and the closest "
        "part of the {object_name}?",
        "Tell me the distance to the {object_name} at {frame_description}, measured from the "
        "camera to its nearest point.",
        "Distance from camera to {object_name}, {frame_description}, nearest point, in meters?",
        "Could you estimate how close the {object_name} is to your lens in {frame_description},"
        " in meters?",
        "I'd like to know how far off the nearest bit of the {object_name} was when you were at"
        " {frame_description}.",
        "Give me the gap in metres between you and the {object_name} at the moment of "
        "{frame_description}.",
        "Looking at {frame_description}, what's the shortest distance from the camera to the "
        "{object_name}?",
        "Right, {frame_description}: how far away is the {object_name}, going by its closest edge?",
        "Estimate the range to the closest point on the {object_name} in {frame_description}.",
        "If I ran a tape measure from your camera to the nearest spot on the {object_name} in "
        "{frame_description}, what would it read in meters?",
        "When {frame_description} was taken, how many meters separated the camera from the "
        "{object_name} at its closest point?",
        "Measure the camera-to-{object_name} distance for {frame_description}, nearest surface,"
        " please.",
        "How much room was there between your camera and the {object_name} in "
        "{frame_description}, in metres?",
        "Hey, at {frame_description}, about how many meters off was the near side of the "
        "{object_name}?",
        "What is the minimum distance, in meters, from the camera to the {object_name} as of "
        "{frame_description}?",
        "Please work out how near the {object_name} was to the camera in {frame_description}; "
        "metres will do.",
        "So you can see the {object_name} here somewhere. At {frame_description}, how far is "
        "its nearest point from where the camera is?",
        "Report the clearance between camera and {object_name} at {frame_description} in meters.",
        "Can you tell how far the camera was from the part of the {object_name} closest to it "
        "in {frame_description}?",
        "The {object_name} in {frame_description}: how many metres from you to its nearest point?",
        "I need a number in meters: camera to closest point of the {object_name}, at "
        "{frame_description}.",
        "Roughly how far would the camera have had to travel from its spot in "
        "{frame_description} to just touch the {object_name}?",
        "From where you were in {frame_description}, what's the distance to the closest bit of "
        "the {object_name}?",
        "Any idea how far the {object_name} is from the camera in {frame_description}? Count "
        "from its nearest point, in metres.",
    ),
    QuestionType.CAMERA_OBJ_REL_DIST_V1: _CLOSEST,
    QuestionType.CAMERA_OBJ_REL_DIST_V2: _CLOSEST,
    QuestionType.CAMERA_OBJ_REL_DIST_V3: (
        "Which was nearer to the camera in {frame_description}, the {choice_a} or the {choice_b}?",
        "In {frame_description}, is the {choice_a} or the {choice_b} closer to you?",
        "The {choice_b} and the {choice_a}: which one is nearest to the camera in "
        "{frame_description}?",
        "{choice_a} or {choice_b}, which is closer to the camera at {frame_description}?",
        "Tell me which you were closer to in {frame_description}, the {choice_b} or the "
        "{choice_a}.",
        "Could you tell me whether it's the {choice_a} or the {choice_b} that's nearer to your "
        "camera in {frame_description}?",
        "I'd like to know which one was closer when you took {frame_description}: the "
        "{choice_b} or the {choice_a}?",
        "Between the {choice_a} and the {choice_b}, what's closest to you at the moment of "
        "{frame_description}?",
        "From where you were in {frame_description}, which is the shorter distance away, the "
        "{choice_a} or the {choice_b}?",
        "At {frame_description}, what's nearer, the {choice_b} or the {choice_a}?",
        "Pick the closer one to the camera in {frame_description}: {choice_a} or {choice_b}.",
        "Compare the {choice_b} with the {choice_a} in {frame_description} and say which of "
        "them is nearer to the camera.",
        "Hey, were you nearer the {choice_a} or nearer the {choice_b} in {frame_description}?",
        "Of the {choice_a} and the {choice_b}, name the one that has the smaller distance to "
        "the camera in {frame_description}.",
        "Look at {frame_description} for me. Which is closer to you, the {choice_b} or the "
        "{choice_a}?",
        "Going straight from the camera's spot in {frame_description}, which would you get to "
        "first, the {choice_a} or the {choice_b}?",
        "{frame_description}: {choice_b} or {choice_a}, which one's nearer to the camera?",
        "Which of these two was the camera closer to at {frame_description}, please: the "
        "{choice_a} or the {choice_b}?",
        "Work out which is less far from the camera in {frame_description}, the {choice_b} or "
        "the {choice_a}.",
        "I can't tell which is nearer to the camera in {frame_description}, the {choice_a} or "
        "the {choice_b}. Can you?",
        "Is it the {choice_b} that's nearest you in {frame_description}, or is it the {choice_a}?",
        "When {frame_description} was shot, which stood nearer to the camera, the {choice_a} or"
        " the {choice_b}?",
        "Give me the nearer of the two, {choice_b} and {choice_a}, as measured from the camera "
        "in {frame_description}.",
        "Say you're back at {frame_description}. Is the {choice_a} or the {choice_b} the closer"
        " one to your lens?",
        "The {choice_a} and the {choice_b} can't both be the closest. Which one is closer to "
        "the camera in {frame_description}?",
    ),
    QuestionType.OBJ_OBJ_RELATIVE_POS_NF: (
        "Is the {obj_A_name} nearer to the camera or farther from it than the {obj_B_name} in "
        "{frame_description}?",
        "Compared with the {obj_B_name}, is the {obj_A_name} near or far from the camera in "
        "{frame_description}?",
        "In {frame_description}, would you say the {obj_A_name} is closer to you or further "
        "away than the {obj_B_name}?",
        "Taking the {obj_B_name} as the reference, is the {obj_A_name} closer to or farther "
        "from the camera at {frame_description}?",
        "Tell me if the {obj_A_name} is nearer or further than the {obj_B_name}, seen from the "
        "camera in {frame_description}.",
        "Next to the {obj_B_name}, how does the {obj_A_name} compare in {frame_description}: "
        "nearer to the camera or farther off?",
        "{obj_A_name} versus {obj_B_name} in {frame_description}: is the first one nearer to or"
        " farther from the camera?",
        "Relative to the {obj_B_name}, is the {obj_A_name} nearer or farther from you in "
        "{frame_description}?",
        "Could you say whether the {obj_A_name} is closer to the camera than the {obj_B_name} "
        "in {frame_description}, or farther away?",
        "You can see the {obj_B_name} in {frame_description}. Is the {obj_A_name} nearer to you"
        " than that, or further away?",
        "At the moment of {frame_description}, was the {obj_A_name} at a shorter or a longer "
        "distance from the camera than the {obj_B_name}?",
        "With the {obj_B_name} for comparison, was the {obj_A_name} near or far from your "
        "camera at {frame_description}?",
        "I'd like to know if the {obj_A_name} was nearer to you or farther from you than the "
        "{obj_B_name} in {frame_description}.",
        "Start from the {obj_B_name} in {frame_description}; does the {obj_A_name} lie closer "
        "to the camera or further from it?",
        "Near or far: where's the {obj_A_name} in {frame_description}, compared to the "
        "{obj_B_name}, as far as distance from the camera goes?",
        "If you compare it to the {obj_B_name}, is the {obj_A_name} further from the camera in "
        "{frame_description}, or nearer?",
        "Looking at {frame_description}, does the {obj_A_name} sit farther from you than the "
        "{obj_B_name}, or nearer?",
        "Measured against the {obj_B_name}, is the {obj_A_name} nearer to the lens or farther "
        "from it in {frame_description}?",
        "Is the {obj_A_name} farther away from you than the {obj_B_name} in "
        "{frame_description}, or is it closer?",
        "In {frame_description}, think about how far the {obj_B_name} is from you. Is the "
        "{obj_A_name} nearer or farther?",
        "Hey, that {obj_A_name} in {frame_description}, is it closer to the camera or further "
        "off than the {obj_B_name}?",
        "As against the {obj_B_name}, does the {obj_A_name} count as near or far from the "
        "camera at {frame_description}?",
        "Check {frame_description}, please: {obj_A_name} closer to the camera or farther from "
        "it than the {obj_B_name}?",
        "Given how far off the {obj_B_name} is in {frame_description}, is the {obj_A_name} less"
        " far from the camera, or farther?",
        "With respect to the {obj_B_name}, how far off was the {obj_A_name} from the camera in "
        "{frame_description}: nearer, or farther?",
    ),
    QuestionType.OBJ_OBJ_RELATIVE_POS_LR: (
        "Tell me if the {obj_A_name} is left or right of the {obj_B_name} in {frame_description}.",
        "Relative to the {obj_B_name}, is the {obj_A_name} on the left or on the right in "
        "{frame_description}?",
        "In {frame_description}, does the {obj_A_name} appear on the left-hand or the "
        "right-hand side of the {obj_B_name}?",
        "Compared to the {obj_B_name}, is the {obj_A_name} further left or further right in "
        "{frame_description}?",
        "{frame_description}: {obj_A_name} left or right of the {obj_B_name}?",
        "Find the {obj_B_name} in {frame_description}. Is the {obj_A_name} to its left or its "
        "right?",
        "Could you tell me whether the {obj_A_name} sits to the right or the left of the "
        "{obj_B_name} at {frame_description}?",
        "Starting from the {obj_B_name}, would I look left or right to find the {obj_A_name} in"
        " {frame_description}?",
        "At the moment of {frame_description}, was the {obj_A_name} over to the right of the "
        "{obj_B_name}, or over to the left?",
        "With the {obj_B_name} as reference, say whether the {obj_A_name} lies left or right in"
        " {frame_description}.",
        "I'd like to know which side the {obj_A_name} is on in {frame_description}, left or "
        "right, as compared with the {obj_B_name}.",
        "As you see the {obj_B_name} in {frame_description}, is the {obj_A_name} off to the "
        "left of it or off to the right?",
        "Looking at {frame_description}, is the {obj_A_name} further to the right than the "
        "{obj_B_name}, or further to the left?",
        "Hey, the {obj_A_name} in {frame_description}, is that left of the {obj_B_name} or "
        "right of it?",
        "If I point at the {obj_B_name} in {frame_description}, do I move my finger left or "
        "right to get to the {obj_A_name}?",
        "Left or right? I mean where the {obj_A_name} is in {frame_description} with respect to"
        " the {obj_B_name}.",
        "From your point of view in {frame_description}, was the {obj_A_name} on the right or "
        "the left of the {obj_B_name}?",
        "Next to the {obj_B_name} in {frame_description}, does the {obj_A_name} come out on the"
        " right or on the left?",
        "Please say whether you had the {obj_A_name} to the left or to the right of the "
        "{obj_B_name} in {frame_description}.",
        "Going from the {obj_B_name} across to the {obj_A_name} in {frame_description}, am I "
        "heading left or right?",
        "Where's the {obj_A_name} in {frame_description}, on the left or the right of the "
        "{obj_B_name}?",
    ),
    QuestionType.OBJ_OBJ_RELATIVE_POS_UD: (
        "Is the {obj_A_name} higher up or lower down than the {obj_B_name} in {frame_description}?",
        "Compared with the {obj_B_name}, is the {obj_A_name} up or down in {frame_description}?",
        "In {frame_description}, is the {obj_A_name} above or below the level of the {obj_B_name}?",
        "Relative to the {obj_B_name}, is the {obj_A_name} higher or lower in {frame_description}?",
        "Take the {obj_B_name} in {frame_description}: is the {obj_A_name} further up or "
        "further down?",
        "{frame_description}: {obj_A_name} higher or lower than the {obj_B_name}?",
        "Starting at the {obj_B_name} in {frame_description}, would I look up or down to get to"
        " the height of the {obj_A_name}?",
        "Could you say whether the {obj_A_name} is positioned higher or lower than the "
        "{obj_B_name} at {frame_description}?",
        "With the {obj_B_name} as reference, does the {obj_A_name} sit higher up or lower down "
        "in {frame_description}?",
        "At the moment of {frame_description}, was the {obj_A_name} lower down than the "
        "{obj_B_name}, or higher up?",
        "Next to the {obj_B_name}, is the {obj_A_name} at a greater or a lesser height in "
        "{frame_description}?",
        "I'd like to know if the {obj_A_name} is up higher or down lower than the {obj_B_name} "
        "in {frame_description}.",
        "How does the height of the {obj_B_name} compare in {frame_description}: is the "
        "{obj_A_name} above that level or below it?",
        "Looking at {frame_description}, does the {obj_A_name} come out higher than the "
        "{obj_B_name} or lower?",
        "Hey, the {obj_A_name} in {frame_description}, is it further down or further up than "
        "the {obj_B_name}?",
        "Against the {obj_B_name}, is the {obj_A_name} placed lower or higher in "
        "{frame_description}?",
        "Up or down: where is the {obj_A_name} in {frame_description} with respect to the "
        "{obj_B_name}?",
        "You've got the {obj_B_name} in {frame_description}. Is the {obj_A_name} higher than "
        "that or lower than that?",
        "Please check whether the {obj_A_name} is at a lower or a higher level than the "
        "{obj_B_name} in {frame_description}.",
        "As compared to the {obj_B_name}, do you find the {obj_A_name} lower down or higher up "
        "at {frame_description}?",
        "Does the {obj_A_name} stand higher up than the {obj_B_name} in {frame_description}, or"
        " lower down?",
        "If the {obj_B_name} marks the level in {frame_description}, is the {obj_A_name} up "
        "from there or down from there?",
        "Which is it in {frame_description}: is the {obj_A_name} lower than the {obj_B_name}, "
        "or is it higher?",
    ),
    QuestionType.CAMERA_DISPLACEMENT: (
        "How far did the camera move between {start_frame_description} and "
        "{end_frame_description}, in a straight line?",
        "From {start_frame_description} to {end_frame_description}, how many metres did you end"
        " up from where you began?",
        "By {end_frame_description}, how far were you from where you stood in "
        "{start_frame_description}?",
        "What's the straight-line distance in meters between the camera's positions at "
        "{start_frame_description} and {end_frame_description}?",
        "Tell me how far apart your positions in {start_frame_description} and "
        "{end_frame_description} are, as the crow flies.",
        "In {end_frame_description}, how many meters is the camera from where it was in "
        "{start_frame_description}?",
        "Camera displacement, {start_frame_description} to {end_frame_description}, in meters?",
        "Could you estimate how far you got, in a straight line, from {start_frame_description}"
        " to {end_frame_description}?",
        "How far from its spot at {end_frame_description} had the camera been back in "
        "{start_frame_description}, in metres, measured straight?",
        "I'd like to know the net distance the camera travelled from {start_frame_description} "
        "to {end_frame_description}.",
        "Give me the straight distance in metres from your place in {start_frame_description} "
        "to your place in {end_frame_description}.",
        "When you reached {end_frame_description}, how far away was the spot you'd been at in "
        "{start_frame_description}?",
        "Going from {start_frame_description} to {end_frame_description}, by how many meters "
        "did your position change?",
        "Ignoring any detours, how far did you travel between {start_frame_description} and "
        "{end_frame_description}?",
        "At the time of {end_frame_description}, what was the straight-line distance back to "
        "your position in {start_frame_description}?",
        "Hey robot, how many metres is it, straight, from where you were at "
        "{start_frame_description} to where you were at {end_frame_description}?",
        "Estimate how far the camera shifted from {start_frame_description} to "
        "{end_frame_description}, point to point, in meters.",
        "If you'd flown straight back from {end_frame_description} to "
        "{start_frame_description}, how many meters would that have been?",
        "Between {start_frame_description} and {end_frame_description} you moved. How far, "
        "measured in a straight line?",
        "Work out the distance between the two places the camera was at "
        "{start_frame_description} and at {end_frame_description}, please.",
        "Come {end_frame_description}, how far had you got from your position at "
        "{start_frame_description}, as the crow flies?",
        "Suppose I marked where the camera was in {start_frame_description} and again in "
        "{end_frame_description}; how many metres apart are the marks?",
        "How much did the camera's position differ in {end_frame_description} from what it was "
        "in {start_frame_description}, in meters?",
        "You were in one spot at {start_frame_description} and another at "
        "{end_frame_description}. What's the straight-line distance between them?",
        "Looking at {end_frame_description} now, how many metres are you from your "
        "{start_frame_description} location?",
    ),
    QuestionType.CAMERA_MOVEMENT_DIRECTION: (
        "Which way did the camera mainly move between {start_frame_description} and "
        "{end_frame_description}, as seen from where it started?",
        "From {start_frame_description} to {end_frame_description}, which direction did you "
        "mostly move in, going by your view at the start?",
        "By {end_frame_description}, which way had you mainly moved, relative to how you were "
        "facing in {start_frame_description}?",
        "In what direction did the camera chiefly travel from {start_frame_description} until "
        "{end_frame_description}, in terms of its starting view?",
        "Tell me which way you went, mostly, between {start_frame_description} and "
        "{end_frame_description}, judged from the first of those views.",
        "In {end_frame_description}, the camera is in a new spot: which way is that, mainly, "
        "from its viewpoint in {start_frame_description}?",
        "Main direction of camera movement, {start_frame_description} to "
        "{end_frame_description}, relative to the starting pose?",
        "Could you say what your main direction of travel was from {start_frame_description} to"
        " {end_frame_description}, using the way you faced at the outset?",
        "When you got to {end_frame_description}, in which direction, for the most part, had "
        "you gone from the standpoint of {start_frame_description}?",
        "Standing as you were in {start_frame_description}, which way would you mainly have to "
        "move to get to where you were in {end_frame_description}?",
        "I'd like to know which direction the camera moved in, mainly, from "
        "{start_frame_description} to {end_frame_description}, from the earlier camera's "
        "perspective.",
        "To be where you were in {end_frame_description}, which way did you mostly have to go, "
        "as you'd see it from {start_frame_description}?",
        "Between {start_frame_description} and {end_frame_description}, where did you chiefly "
        "head, with the view at the beginning as the reference?",
        "Give me the main direction the camera moved in from {start_frame_description} to "
        "{end_frame_description}, with respect to its initial facing.",
        "Up to {end_frame_description}, what was the camera's dominant direction of motion, "
        "taking the view in {start_frame_description} as the starting point?",
        "Facing the way you did in {start_frame_description}, in which direction does your "
        "position in {end_frame_description} mainly lie?",
        "Hey, which way did you move, for the most part, from {start_frame_description} to "
        "{end_frame_description}? Go by where you were looking at the start.",
        "How would you describe your position at {end_frame_description} as seen from "
        "{start_frame_description}: which direction had you mainly moved in?",
        "Work out the camera's main movement direction from {start_frame_description} to "
        "{end_frame_description}, in the frame of reference of the earlier view.",
        "Say you're looking through the camera at {start_frame_description}. Which way does it "
        "mainly move to get to {end_frame_description}?",
        "Once at {end_frame_description}, you had mostly gone which way, seen with the eyes you"
        " had in {start_frame_description}?",
        "Starting from your view in {start_frame_description}, in what direction did you "
        "principally move until {end_frame_description}?",
        "Please name the direction in which you mostly moved from {start_frame_description} to "
        "{end_frame_description}, as it looked from where you started.",
        "The camera in {end_frame_description} isn't where it used to be. Judging from its view"
        " in {start_frame_description}, which way did it mainly go?",
        "Between {start_frame_description} and {end_frame_description}, what was the camera's "
        "main direction of movement, from its own viewpoint at the start?",
    ),
    QuestionType.OBJECT_LOCATION: (
        "Where is the {object_name} relative to the camera? Give direction and distance.",
        "Where's the {object_name} from where you are now: which way, and how many meters?",
        "Tell me which direction the {object_name} is in and how far away it is now.",
        "Direction and distance to the {object_name}, in meters?",
        "Where do you have the {object_name} now, and how far off is it?",
        "Could you tell me which way the {object_name} lies from the camera, and the distance "
        "in meters?",
        "How far away is the {object_name}, and in which direction from you?",
        "At this moment, in what direction and at what distance is the {object_name}?",
        "I'd like to know where the {object_name} is with respect to your camera: direction, "
        "plus how many meters.",
        "Locate the {object_name}: which way from the camera, and how far?",
        "How would I get straight from the camera to the {object_name}? Which way, and what "
        "distance?",
        "Give me the position of the {object_name} relative to the camera: the direction, and "
        "the range in meters.",
        "From your spot, which way is the {object_name}, and how far is it?",
        "Whereabouts is the {object_name} from you? Direction and distance, please.",
        "Describe where the {object_name} is as seen from the camera, with the distance in meters.",
        "Hey, I'm after the {object_name}. Which direction is it from you, and how far?",
        "Estimate how many meters off the {object_name} is, and in what direction from the camera.",
        "Right now, which way and how far from the camera is the {object_name}?",
        "From where you are, where do you find the {object_name}: in which direction, and how "
        "many meters away?",
        "Please give the bearing of the {object_name} from the camera in plain words, and its "
        "distance.",
        "Whereabouts is the {object_name}, going by your camera: what direction, what distance?",
        "Can you point me to the {object_name}? Say which way it is from you and how far.",
        "In which direction from the camera is the {object_name}, and what's the distance in "
        "meters?",
        "Where does the {object_name} sit relative to you? I need a direction and a distance.",
        "So where's the {object_name}? Tell me the direction from the camera and how many "
        "meters there are in between.",
    ),
}
