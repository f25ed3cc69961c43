"""The two rule sets, and every threshold that decides whether and how a question is asked.

Lengths are metres, angles degrees, unless a name says otherwise.
"""

from __future__ import annotations

from enum import StrEnum


class RuleSet(StrEnum):
    """By which rules questions are made."""

    EXACT = "exact"
    """Answers that are true and that only one reading of the question gives."""
    PUBLISHED = "published"
    """The generators as published in June 2025, with their defects, for comparison."""


# What counts as seen in a frame. Published: any single pixel.
SEEN_IMAGE_SHARE = 1 / 1000
"""Pixels of an object by pixels of the image, at the least: 307 of 640x480, 19 of 160x120."""
SEEN_FRACTION = 0.25
"""Share of an object's silhouette that is neither hidden nor cut off, at the least."""
DEFAULT_IMAGE_SIZE = (640, 480)
"""Of frames whose metadata does not tell: that of ScanNet."""

# Numbers.
DISTANCE_DECIMALS = 1
COUNT_MIN = 1
PUBLISHED_COUNT_MIN = 2
OBJECT_DISTANCE_MIN = 0.2
"""Between two objects, after rounding."""
CAMERA_DISTANCE_MIN = 0.2
CAMERA_DISTANCE_MAX = 10.0
DISPLACEMENT_MIN = 0.2
DISPLACEMENT_MAX = 10.0
DISPLACEMENT_FRAME_GAP = 5
PUBLISHED_DISPLACEMENT_FRAME_GAP_MAX = 30
PUBLISHED_DISPLACEMENT_FRAMES = 6
"""A scene with fewer has no displacement question."""

# Wrong numbers beside a true one, as shares of it; also the published hidden filter.
DISTRACTOR_RANGE = (0.25, 1.75)
SIZE_DISTRACTOR_RANGE = (0.4, 1.8)
DISTRACTOR_SPACING = 0.20
DISTRACTOR_ROUNDS = 31
COUNT_DISTRACTOR_REACH = 3
COUNT_DISTRACTOR_REACH_MAX = 5

# Which is closest.
REL_DISTANCE_MIN = 0.15
"""From the object that is asked about to the closest choice."""
REL_DISTANCE_GAP = 0.15
REL_DISTANCE_GAP_LARGE_ROOM = 0.30
LARGE_ROOM = 40.0
"""Square metres above which a room counts as large."""
CAMERA_REL_DISTANCE_GAP = 0.15
PUBLISHED_CAMERA_REL_DISTANCE_MIN = 0.5
"""What is nearer than this silently takes no part."""

# Which way, standing by one object and facing another.
DIRECTION_DISTANCE_MIN = 0.30
DIRECTION_DISTANCE_MAX = 5.0
DIRECTION_PLAN_DISTANCE_MIN = 0.30
"""Between centroids as seen from above; what hangs over another thing is in no direction."""
DIRECTION_STAND_HEIGHT = 1.9
"""Of a box's lower end above the lowest one of all: nobody stands by what hangs higher."""
DIRECTION_MARGIN = 10.0
"""Off every boundary between sectors; the published 4-way rule has it on one side only."""
DIRECTION_STRAY_CORNERS = 2
"""Corners of the asked box that may lie in another sector than its centroid."""
BACK_ANGLE = 135.0

# In which order things appear.
APPEARANCE_OPTIONS = 4
APPEARANCE_FRAME_GAP = 2
"""Frames from where a thing is clearly seen to where the next one shows at all."""
PUBLISHED_APPEARANCE_GAP = 1
"""Whole seconds that must be exceeded."""

# Where one object is from another in a frame.
POSITION_MARGIN = 0.15
"""Of empty space between two boxes along the asked axis of the camera."""
POSITION_IMAGE_MARGIN = 0.03
"""Between the middles of their pixels, by the image's side along that axis."""

# Camera motion.
MOVEMENT_MIN = 0.5
PUBLISHED_MOVEMENT_MIN = {"V1": 1.0, "V2": 0.5, "V3": 0.5}
MOVEMENT_DOMINANCE = 2.0
"""The main direction's share by that of every other one, up and down included."""
MOVEMENT_CONSISTENCY = 0.8
"""Net way along the main direction by the way there and back along it."""
HEADING_MIN = 0.5
"""Horizontal share of the direction in which the camera looks, for it to have a heading: 60 degrees
up or down at the most."""
DISTANCE_CHANGE_MIN = 0.3
DISTANCE_CHANGE_SHARE = 0.1
"""By the larger of the two distances."""
DISTANCE_CHANGE_FRAME_GAP = 2

# Where a thing is from the last frame.
LOCATION_PLAN_DISTANCE_MIN = 0.3
"""From the camera to an object's centroid as seen from above; nearer ones have no bearing."""

# Walks from object to object.
ROUTE_BODY_RADIUS = 0.2
ROUTE_LEGS = (2, 3)
ROUTE_LEG_MIN = 1.0
ROUTE_REACH = 0.8
"""From where one stands to an object that one stands beside, as seen from above, at the most."""
ROUTE_OPTIONS = 4
TURN_SIDE = (50.0, 130.0)
"""A turn to the side, from and to; less is going on ahead, more is no clear turn."""
TURN_BACK_MIN = 155.0
