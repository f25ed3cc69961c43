"""Questions whose answer is a number: which of many candidates are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vlm3r_ros.questions.distractors import number_distractors
from vlm3r_ros.questions.draft import Draft, number_classes
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import DISTRACTOR_RANGE
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView


def number_drafts(
    view: SceneView,
    task: QuestionType,
    values: ArrayLike,
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
        values: the true answers, above 0.
        describe: what else `Draft` takes of a candidate, by its number.
        random: source of chance.
        wanted: how many drafts at the most.
        span: see `number_distractors`.
        decimals: to which answers and distractors are rounded.
    """
    values = np.asarray(values, float)
    if view.published:
        order = spread([0] * len(values), len(values), random)
    else:
        order = spread(number_classes(values).tolist(), wanted, random)
    drafts: list[Draft] = []
    for i in order:
        if len(drafts) == wanted:
            break
        value = round(float(values[i]), decimals or None)
        distractors = number_distractors(value, random, view.rules, span=span, decimals=decimals)
        if distractors is not None:
            drafts.append(
                Draft(
                    task,
                    truth=value,
                    answer=str(number_classes(value)),
                    distractors=distractors,
                    **describe(i),
                )
            )
    return drafts
