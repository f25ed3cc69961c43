"""Every task: what drafts its questions, how many of a scene, and which answers it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from vlm3r_ros.questions.appearance_order import obj_appearance_order
from vlm3r_ros.questions.camera_distance import (
    camera_obj_abs_dist,
    camera_obj_rel_dist_v1,
    camera_obj_rel_dist_v2,
    camera_obj_rel_dist_v3,
)
from vlm3r_ros.questions.camera_motion import (
    DIRECTIONS,
    camera_displacement,
    camera_movement_direction,
)
from vlm3r_ros.questions.counting import object_counting
from vlm3r_ros.questions.distance_change import CLOSER, FARTHER, camera_obj_dist_change
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.questions.object_distance import object_abs_distance
from vlm3r_ros.questions.object_location import object_location
from vlm3r_ros.questions.object_position import (
    LEFT_RIGHT,
    NEAR_FAR,
    UP_DOWN,
    obj_obj_relative_pos_lr,
    obj_obj_relative_pos_nf,
    obj_obj_relative_pos_ud,
)
from vlm3r_ros.questions.object_size import object_size_estimation
from vlm3r_ros.questions.question import QuestionType, Suite
from vlm3r_ros.questions.relative_direction import (
    LEFT_RIGHT as STANDING_LEFT_RIGHT,
)
from vlm3r_ros.questions.relative_direction import (
    LEFT_RIGHT_BACK,
    QUADRANTS,
    object_rel_direction_v1,
    object_rel_direction_v2,
    object_rel_direction_v3,
)
from vlm3r_ros.questions.relative_distance import (
    object_rel_distance_v1,
    object_rel_distance_v2,
    object_rel_distance_v3,
)
from vlm3r_ros.questions.room_size import room_size_estimation
from vlm3r_ros.questions.route_planning import route_planning
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.scene_view import SceneView

# By an equal share: a little more, so that a rare answer does not make all others as rare.
_WORD_SHARE = 1.1

Drafting = Callable[[SceneView, Random, int], list[Draft]]
"""Takes a scene, a source of chance and how many drafts are wanted at the most."""


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        draft: makes its drafts of a scene.
        per_scene: questions of a scene, unless another number is asked for.
        answers: all the answers it has, where these are few: they get equal shares.
        named: whether its answers are names of things, chosen from names of other things.
        max_share: no single answer gets a larger share of a set.
        unpublished: why there are no published rules for it; empty where there are.
    """

    draft: Drafting
    per_scene: int
    answers: tuple[str, ...] = ()
    named: bool = False
    max_share: float = 1.0
    unpublished: str = ""


def _of_words(
    draft: Drafting, per_scene: int, answers: Sequence[str], unpublished: str = ""
) -> Task:
    return Task(
        draft,
        per_scene,
        tuple(answers),
        max_share=_WORD_SHARE / len(answers),
        unpublished=unpublished,
    )


TASKS: Mapping[QuestionType, Task] = {
    QuestionType.OBJECT_COUNTING: Task(object_counting, 2, max_share=0.4),
    QuestionType.OBJECT_ABS_DISTANCE: Task(object_abs_distance, 3),
    QuestionType.OBJECT_SIZE_ESTIMATION: Task(object_size_estimation, 2),
    QuestionType.ROOM_SIZE_ESTIMATION: Task(room_size_estimation, 1),
    QuestionType.OBJECT_REL_DISTANCE_V1: Task(object_rel_distance_v1, 2, named=True),
    QuestionType.OBJECT_REL_DISTANCE_V2: Task(object_rel_distance_v2, 1, named=True),
    QuestionType.OBJECT_REL_DISTANCE_V3: Task(object_rel_distance_v3, 1, named=True),
    QuestionType.OBJECT_REL_DIRECTION_V1: _of_words(object_rel_direction_v1, 2, QUADRANTS.options),
    QuestionType.OBJECT_REL_DIRECTION_V2: _of_words(
        object_rel_direction_v2, 2, LEFT_RIGHT_BACK.options
    ),
    QuestionType.OBJECT_REL_DIRECTION_V3: _of_words(
        object_rel_direction_v3, 2, STANDING_LEFT_RIGHT.options
    ),
    QuestionType.OBJ_APPEARANCE_ORDER: Task(obj_appearance_order, 2),
    QuestionType.ROUTE_PLANNING: Task(
        route_planning, 1, unpublished="the published code has no generator of routes"
    ),
    QuestionType.CAMERA_OBJ_ABS_DIST: Task(camera_obj_abs_dist, 3),
    QuestionType.CAMERA_OBJ_REL_DIST_V1: Task(camera_obj_rel_dist_v1, 2, named=True),
    QuestionType.CAMERA_OBJ_REL_DIST_V2: Task(camera_obj_rel_dist_v2, 1, named=True),
    QuestionType.CAMERA_OBJ_REL_DIST_V3: Task(camera_obj_rel_dist_v3, 1, named=True),
    QuestionType.OBJ_OBJ_RELATIVE_POS_NF: _of_words(obj_obj_relative_pos_nf, 2, NEAR_FAR.words),
    QuestionType.OBJ_OBJ_RELATIVE_POS_LR: _of_words(obj_obj_relative_pos_lr, 2, LEFT_RIGHT.words),
    QuestionType.OBJ_OBJ_RELATIVE_POS_UD: _of_words(obj_obj_relative_pos_ud, 2, UP_DOWN.words),
    QuestionType.CAMERA_DISPLACEMENT: Task(camera_displacement, 2),
    QuestionType.CAMERA_MOVEMENT_DIRECTION: _of_words(camera_movement_direction, 3, DIRECTIONS),
    QuestionType.CAMERA_OBJ_DIST_CHANGE: _of_words(
        camera_obj_dist_change,
        2,
        (CLOSER, FARTHER),
        "the published code has its name and a shell script, no generator",
    ),
    QuestionType.OBJECT_LOCATION: Task(
        object_location, 2, max_share=0.2, unpublished="the task is ours, nobody published it"
    ),
}
"""In the order in which a scene's questions are made."""


def select_tasks(names: str, rules: RuleSet) -> tuple[tuple[QuestionType, ...], dict[str, str]]:
    """The tasks that a user names.

    Args:
        names: `all`, `vsi`, `vsti`, `live`, or names of tasks, joined by commas.
        rules: tasks without published rules are refused where they are named, and otherwise left
            out.

    Returns:
        The tasks in the order of `TASKS`, and what was left out with the reason.

    Raises:
        QuestionsError: no task is called so, or it has no published rules.
    """
    chosen: set[QuestionType] = set()
    left_out: dict[str, str] = {}
    suites = {str(suite): suite for suite in Suite}
    for name in filter(None, (part.strip() for part in names.split(","))):
        if name == "all" or name in suites:
            for task in TASKS:
                if name != "all" and task.suite is not suites[name]:
                    continue
                reason = TASKS[task].unpublished if rules is RuleSet.PUBLISHED else ""
                if reason:
                    left_out[str(task)] = reason
                else:
                    chosen.add(task)
            continue
        if name not in TASKS:
            known = ", ".join(["all", *suites, *map(str, TASKS)])
            raise QuestionsError(f"no task is called '{name}'; there are {known}")
        task = QuestionType(name)
        if rules is RuleSet.PUBLISHED and TASKS[task].unpublished:
            raise QuestionsError(
                f"{name} has no published rules: {TASKS[task].unpublished}; use --rules exact"
            )
        chosen.add(task)
    if not chosen:
        raise QuestionsError("no task was named; --tasks all takes all of them")
    return tuple(task for task in TASKS if task in chosen), left_out


def task_limits(text: str, tasks: Sequence[QuestionType]) -> dict[QuestionType, int]:
    """How many questions of a scene each task gets.

    Args:
        text: a number for every task, or `task=number` parts joined by commas, or both: `3` or
            `2,object_counting=1`. Empty takes the tasks' own numbers.
        tasks: those that are asked.

    Raises:
        QuestionsError: another form, a number below 0, or a task that is not asked.
    """
    limits = {task: TASKS[task].per_scene for task in tasks}
    named: dict[QuestionType, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = part.rpartition("=")
        try:
            limit = int(number)
        except ValueError:
            limit = -1
        if limit < 0:
            raise QuestionsError(
                f"--per-scene {part}: give a number, or task=number parts joined by commas"
            )
        if not equals:
            limits = dict.fromkeys(tasks, limit)
        elif name in TASKS and QuestionType(name) in limits:
            named[QuestionType(name)] = limit
        else:
            raise QuestionsError(f"--per-scene {part}: no task '{name}' is among those asked")
    return limits | named
