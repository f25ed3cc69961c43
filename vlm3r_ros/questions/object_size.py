"""How large a thing is."""

from __future__ import annotations

from random import Random

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.number_drafts import number_drafts
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import SIZE_DISTRACTOR_RANGE
from vlm3r_ros.questions.scene_view import SceneView


def object_size_estimation(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """The longest side of each unique object's box, whole centimetres."""
    sizes = {view.category(i): round(200 * float(view.boxes.halves[i].max())) for i in view.unique}
    names = [name for name, size in sizes.items() if size > 0]
    return number_drafts(
        view,
        QuestionType.OBJECT_SIZE_ESTIMATION,
        [sizes[name] for name in names],
        lambda i: {
            "fields": {"category": names[i]},
            "categories": {"category": names[i]},
            "subject": names[i],
        },
        random,
        wanted,
        span=SIZE_DISTRACTOR_RANGE,
        decimals=0,
    )
