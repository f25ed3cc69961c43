"""The tasks of VSI-Bench and VSTI-Bench: their names, and what is averaged into what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vlm3r_ros.questions.question import BENCHMARK_NAMES, QuestionType, Suite

_NAMES_IN_BENCHMARK = {task: name for name, task in BENCHMARK_NAMES.items()}


def parse_task(name: str) -> QuestionType:
    """The task of a `question_type`, in the names of the benchmark or of the generators.

    Raises:
        ValueError: no task is called so.
    """
    return BENCHMARK_NAMES[name] if name in BENCHMARK_NAMES else QuestionType(name)


def task_name(task: QuestionType) -> str:
    """What reports call a task: the benchmark's own name where it has one."""
    return _NAMES_IN_BENCHMARK.get(task, str(task))


def is_choice(task: QuestionType) -> bool:
    """Whether the answer is one of the options, given by its letter."""
    return not task.is_numeric and task is not QuestionType.OBJECT_LOCATION


@dataclass(frozen=True)
class Category:
    """A column of a benchmark's table.

    Attributes:
        name: as tables head it.
        tasks: whose scores are averaged, each task weighing the same.
    """

    name: str
    tasks: tuple[QuestionType, ...]

    def mean(self, scores: Mapping[QuestionType, float]) -> float | None:
        """Unweighted mean over those of its tasks that were asked; None if none was."""
        return mean([scores[task] for task in self.tasks if task in scores])


VSI_CATEGORIES = (
    Category("Object count", (QuestionType.OBJECT_COUNTING,)),
    Category("Absolute distance", (QuestionType.OBJECT_ABS_DISTANCE,)),
    Category("Object size", (QuestionType.OBJECT_SIZE_ESTIMATION,)),
    Category("Room size", (QuestionType.ROOM_SIZE_ESTIMATION,)),
    Category("Relative distance", (QuestionType.OBJECT_REL_DISTANCE_V1,)),
    Category(
        "Relative direction",
        (
            QuestionType.OBJECT_REL_DIRECTION_V3,
            QuestionType.OBJECT_REL_DIRECTION_V2,
            QuestionType.OBJECT_REL_DIRECTION_V1,
        ),
    ),
    Category("Route planning", (QuestionType.ROUTE_PLANNING,)),
    Category("Appearance order", (QuestionType.OBJ_APPEARANCE_ORDER,)),
)
"""The eight values that VSI-Bench averages; relative direction is easy, medium and hard."""

VSTI_CATEGORIES = (
    Category("Camera-object absolute distance", (QuestionType.CAMERA_OBJ_ABS_DIST,)),
    Category("Camera displacement", (QuestionType.CAMERA_DISPLACEMENT,)),
    Category("Camera movement direction", (QuestionType.CAMERA_MOVEMENT_DIRECTION,)),
    Category(
        "Object-object position",
        (
            QuestionType.OBJ_OBJ_RELATIVE_POS_NF,
            QuestionType.OBJ_OBJ_RELATIVE_POS_LR,
            QuestionType.OBJ_OBJ_RELATIVE_POS_UD,
        ),
    ),
    Category(
        "Camera-object relative distance",
        (
            QuestionType.CAMERA_OBJ_REL_DIST_V1,
            QuestionType.CAMERA_OBJ_REL_DIST_V2,
            QuestionType.CAMERA_OBJ_REL_DIST_V3,
        ),
    ),
)
"""The five columns of the paper's VSTI-Bench table."""

CATEGORIES: Mapping[Suite, tuple[Category, ...]] = {
    Suite.VSI: VSI_CATEGORIES,
    Suite.VSTI: VSTI_CATEGORIES,
}

UNPUBLISHED = tuple(
    task
    for task in QuestionType
    if not any(task in category.tasks for rows in CATEGORIES.values() for category in rows)
)
"""In no published mean: ours, and the variants that exist for training only."""


def vsi_overall(scores: Mapping[QuestionType, float]) -> float | None:
    """Unweighted mean over the eight categories; a missing one shortens it."""
    return _category_mean(VSI_CATEGORIES, scores)


def vsti_overall(scores: Mapping[QuestionType, float]) -> float | None:
    """As the published scorer has it: unweighted mean over every task that was asked, up to nine.

    Object-object position and relative distance thus weigh three times as much as the others.
    """
    tasks = [task for category in VSTI_CATEGORIES for task in category.tasks]
    return mean([scores[task] for task in tasks if task in scores])


def vsti_five_categories(scores: Mapping[QuestionType, float]) -> float | None:
    """As the paper's table has it: unweighted mean over the five categories."""
    return _category_mean(VSTI_CATEGORIES, scores)


def mean(values: list[float]) -> float | None:
    """Unweighted mean; None of nothing."""
    return float(np.mean(values)) if values else None


def _category_mean(
    categories: tuple[Category, ...], scores: Mapping[QuestionType, float]
) -> float | None:
    means = [category.mean(scores) for category in categories]
    return mean([value for value in means if value is not None])
