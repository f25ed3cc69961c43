"""Whether the camera came closer to a thing from one frame to another, or went farther from it."""

from __future__ import annotations

from random import Random

import numpy as np

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    DISTANCE_CHANGE_FRAME_GAP,
    DISTANCE_CHANGE_MIN,
    DISTANCE_CHANGE_SHARE,
)
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView

CLOSER, FARTHER = "Closer", "Farther"


def camera_obj_dist_change(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Things that both frames show and name without doubt, whose distance changed clearly."""
    distances, named = view.camera_distances, view.is_named
    first, second = distances[:, None], distances[None]
    change = second - first
    enough = np.maximum(DISTANCE_CHANGE_MIN, DISTANCE_CHANGE_SHARE * np.maximum(first, second))
    good = named[:, None] & named[None] & (np.abs(change) >= enough)
    # A camera within a box is at no distance from the thing.
    good &= np.minimum(first, second) > 0
    numbers = view.frame_numbers
    good &= (numbers - numbers[:, None] >= DISTANCE_CHANGE_FRAME_GAP)[..., None]
    candidates = np.argwhere(good)
    words = np.where(change[good] < 0, CLOSER, FARTHER).tolist()
    drafts = []
    for k in spread(words, wanted, random):
        i, j, index = candidates[k].tolist()
        name, frames = view.category(index), (view.frames[i], view.frames[j])
        drafts.append(
            Draft(
                QuestionType.CAMERA_OBJ_DIST_CHANGE,
                truth=words[k],
                answer=words[k],
                distractors=(FARTHER if words[k] == CLOSER else CLOSER,),
                fields={"object_name": name, **view.two_frames(*frames)},
                frames=tuple(frame.frame.frame_id for frame in frames),
                categories={"category": name},
                subject=name,
            )
        )
    return drafts
