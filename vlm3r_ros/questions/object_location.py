"""Where a thing is from where the camera is now: for a live robot."""

from __future__ import annotations

import math
from random import Random

from vlm3r_ros.location_answer import format_location
from vlm3r_ros.questions.camera_motion import headings
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import LOCATION_PLAN_DISTANCE_MIN
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView

_SECTORS = 8


def object_location(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Bearing and distance of unique objects from the camera in the last frame.

    The bearing is that of the box's middle from where the camera looks, seen from above, positive
    to the left; the distance that of the box's nearest point. The object has been seen, in whatever
    frame, and need not be in view any more.
    """
    frames = view.scene.frames
    if not frames or not frames[-1].has_pose or not view.knows_instances:
        return []
    last = view.frames[-1]
    (forward,), (level,) = headings(view.poses[-1:])
    if not level:
        return []
    candidates: list[tuple[str, float, float]] = []
    for index in view.unique:
        distance = float(view.camera_distances[last.row, index])
        x, y = view.boxes.centroids[index, :2] - view.camera_centers[last.row, :2]
        if distance > 0 and math.hypot(x, y) >= LOCATION_PLAN_DISTANCE_MIN:
            bearing = math.atan2(forward[0] * y - forward[1] * x, forward[0] * x + forward[1] * y)
            candidates.append((view.category(index), bearing, distance))
    sectors = [_sector(bearing) for _, bearing, _ in candidates]
    return [
        Draft(
            QuestionType.OBJECT_LOCATION,
            truth=format_location(bearing, distance),
            answer=sectors[k],
            fields={"object_name": name},
            frames=(last.frame.frame_id,),
            categories={"category": name},
            subject=name,
        )
        for k in spread(sectors, wanted, random)
        for name, bearing, distance in [candidates[k]]
    ]


def _sector(bearing: float) -> str:
    return str(round(bearing / math.tau * _SECTORS) % _SECTORS)
