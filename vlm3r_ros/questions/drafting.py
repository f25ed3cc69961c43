"""Drafts of one scene: what runs on every worker, and gives the same on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from vlm3r_ros.questions.categories import clean_categories
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.worlds.scene import Scene
from vlm3r_ros.worlds.skipping import SceneError

# The more drafts to choose from, the better answers can be balanced over the set.
_DRAFTS_PER_QUESTION = 4


@dataclass(frozen=True)
class DraftPlan:
    """What to draft of every scene.

    Attributes:
        limits: questions of a scene by task.
        rules: by which they are made.
        seed: of chance.
    """

    limits: Mapping[QuestionType, int]
    rules: RuleSet = RuleSet.EXACT
    seed: int = 0


@dataclass
class SceneDrafts:
    """What could be asked about a scene.

    Attributes:
        name, dataset, split, video_path: of the scene.
        drafts: of each task, at most a few times what is asked.
        problems: why something could not be asked.
    """

    name: str
    dataset: str
    split: str
    video_path: str
    drafts: dict[QuestionType, list[Draft]] = field(default_factory=dict)
    problems: list[SceneError] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As a chunk file holds it."""
        return {
            **vars(self),
            "drafts": {task: [d.to_json() for d in drafts] for task, drafts in self.drafts.items()},
            "problems": [(error.scene, error.field, error.problem) for error in self.problems],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SceneDrafts:
        """What `to_json` gave, read back."""
        drafts = {
            QuestionType(task): [Draft.from_json(draft) for draft in drafts]
            for task, drafts in record["drafts"].items()
        }
        problems = [SceneError(*parts) for parts in record["problems"]]
        return cls(**{**record, "drafts": drafts, "problems": problems})


def draft_scene(scene: Scene, plan: DraftPlan) -> SceneDrafts:
    """Draft a scene's questions; what cannot be asked is noted, and never ends a run."""
    result = SceneDrafts(scene.name, scene.dataset, scene.split, scene.video_path)
    try:
        exact = plan.rules is RuleSet.EXACT
        view = SceneView(clean_categories(scene) if exact else scene, plan.rules)
    except SceneError as error:
        result.problems.append(error)
        return result
    noted: set[str] = set()
    for task, limit in plan.limits.items():
        random = Random(f"{plan.seed}/{scene.name}/{task}")
        wanted = limit if plan.rules is RuleSet.PUBLISHED else limit * _DRAFTS_PER_QUESTION
        try:
            drafts = TASKS[task].draft(view, random, wanted) if limit else []
        except SceneError as error:
            if error.field not in noted:
                noted.add(error.field)
                result.problems.append(error)
            continue
        if drafts:
            result.drafts[task] = drafts
    result.problems += view.problems
    return result
