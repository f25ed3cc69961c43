"""How far two things are from each other."""

from __future__ import annotations

from random import Random
from typing import Any

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.number_drafts import number_drafts
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import DISTANCE_DECIMALS, OBJECT_DISTANCE_MIN
from vlm3r_ros.questions.scene_view import SceneView


def object_abs_distance(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Distances between unique objects; no question where they as good as touch.

    By the published rules the first of the two is the later one in key order.
    """
    names = [view.category(index) for index in view.unique]
    pairs, distances = [], []
    for later in range(len(names)):
        for earlier in range(later):
            # Published files list some boxes twice.
            members, others = view.members[names[later]], view.members[names[earlier]]
            nearest = min(float(view.object_distances[i, j]) for i in members for j in others)
            distance = round(nearest, DISTANCE_DECIMALS)
            if distance >= OBJECT_DISTANCE_MIN:
                pairs.append((names[later], names[earlier]))
                distances.append(distance)

    def describe(i: int) -> dict[str, Any]:
        first, second = pairs[i]
        if not view.published and random.random() < 0.5:
            first, second = second, first
        return {
            "fields": {"object1": first, "object2": second},
            "categories": {"category, first object": first, "category, second object": second},
            "subject": first,
        }

    task = QuestionType.OBJECT_ABS_DISTANCE
    return number_drafts(view, task, distances, describe, random, wanted)
