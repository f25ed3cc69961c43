"""How many there are of a thing."""

from __future__ import annotations

from random import Random

from vlm3r_ros.questions.distractors import count_distractors
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import COUNT_MIN, PUBLISHED_COUNT_MIN
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.questions.wording import plural


def object_counting(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Categories and their counts; a count of 1 is asked for by the exact rules only."""
    counts = view.scene.object_counts
    least = PUBLISHED_COUNT_MIN if view.published else COUNT_MIN
    names = [name for name in view.countable if counts.get(name, 0) >= least]
    return [
        Draft(
            QuestionType.OBJECT_COUNTING,
            truth=counts[name],
            answer=str(counts[name]),
            distractors=count_distractors(counts[name], random),
            fields={"category": name, "categories": plural(name)},
            categories={"category": name},
            subject=name,
        )
        for name in (names[i] for i in spread([counts[n] for n in names], wanted, random))
    ]
