"""How large the place is."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import shapely

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.number_drafts import number_drafts
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import DISTANCE_DECIMALS
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.skipping import SceneError


def room_size_estimation(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """The floor area in square metres; one question a scene.

    By the exact rules, where a floor plan is known, the camera has been in every room.

    Raises:
        SceneError: the room has no size.
    """
    scene = view.scene
    size = round(float(scene.room_size), DISTANCE_DECIMALS)
    if not (math.isfinite(size) and size > 0):
        raise SceneError(scene.name, "room_size", f"is {scene.room_size} square meters")
    if not (view.published or _was_everywhere(view)):
        return []
    return number_drafts(
        view, QuestionType.ROOM_SIZE_ESTIMATION, [size], lambda _: {}, random, wanted
    )


def _was_everywhere(view: SceneView) -> bool:
    plan = view.scene.floor_plan
    if plan is None or len(plan.rooms) < 2 or not view.frames:
        return True
    x, y = view.camera_centers[:, :2].T
    return all(np.any(shapely.contains_xy(shapely.Polygon(room), x, y)) for room in plan.rooms)
