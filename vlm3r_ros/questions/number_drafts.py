"""Questions whose answer is a number: which of many candidates are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from vlm3r_ros.questions.distractors import number_distractors
from vlm3r_ros.questions.draft import Draft, number_class
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import DISTRACTOR_RANGE
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView


def number_drafts(
    view: SceneView,
    task: QuestionType,
    values: Sequence[float],
    describe: Callable[[int], Mapping[str, Any]],
    random: Random,
    wanted: int,
    *,
    span: tuple[float, float] = DISTRACTOR_RANGE,
    decimals: int = 1,
) -> list[Draft]:
    """Draft up to `wanted` of the candidates.

    By the exact rules answers of all sizes come up alike; by the published ones chance alone
    decides, and candidates without distractors are dropped (see `number_distractors`).

    Args:
        view: the scene.
        task: of all of them.
        values: the true answers, rounded, above 0.
        describe: what else `Draft` takes of a candidate, by its number.
        random: source of chance.
        wanted: how many drafts at the most.
        span: see `number_distractors`.
        decimals: of the numbers.
    """
    classes = [number_class(value) for value in values]
    if view.published:
        order = spread([""] * len(classes), len(classes), random)
    else:
        order = spread(classes, wanted, random)
    drafts: list[Draft] = []
    for i in order:
        if len(drafts) == wanted:
            break
        value = values[i]
        distractors = number_distractors(value, random, view.rules, span=span, decimals=decimals)
        if distractors is not None:
            drafts.append(
                Draft(
                    task,
                    truth=value,
                    answer=classes[i],
                    distractors=distractors,
                    **describe(i),
                )
            )
    return drafts
