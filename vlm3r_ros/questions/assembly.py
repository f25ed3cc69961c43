"""From drafts to questions: one pass in the order of the scenes, for balance over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from vlm3r_ros.models.prompts import format_options
from vlm3r_ros.questions.balancing import PublishedBalance, WholeSetBalance
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.drafting import DraftPlan, SceneDrafts
from vlm3r_ros.questions.question import Question, QuestionType, Suite
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.wording import Wording, WordingChooser, fill


class Assembler:
    """Turns drafts of scene after scene into questions.

    What it chooses depends on all scenes before, so that the same scenes in the same order give the
    same questions, wherever they were drafted.

    Args:
        plan: by which the drafts were made.
        wording: which wordings are used.
    """

    def __init__(self, plan: DraftPlan, wording: Wording) -> None:
        self._plan = plan
        self._balance = WholeSetBalance() if plan.rules is RuleSet.EXACT else PublishedBalance()
        self._words = WordingChooser(wording)

    def questions(
        self, scene: SceneDrafts, limits: Mapping[QuestionType, int] | None = None
    ) -> Iterator[Question]:
        """The questions of the next scene, task by task.

        Args:
            scene: its drafts.
            limits: how many of each task, where they differ from the plan's.
        """
        limits = self._plan.limits if limits is None else limits
        random = Random(f"{self._plan.seed}/{scene.name}")
        self._balance.start_scene()
        for task, drafts in scene.drafts.items():
            for draft in self._balance.choose(task, drafts, limits[task]):
                yield self._question(scene, draft, random)

    def state_dict(self) -> dict[str, Any]:
        """What the next scene's questions depend on, in plain types."""
        return {"balance": self._balance.state_dict(), "words": self._words.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self._balance.load_state_dict(state["balance"])
        self._words.load_state_dict(state["words"])

    def _question(self, scene: SceneDrafts, draft: Draft, random: Random) -> Question:
        options: list[str] = []
        letter = ""
        if draft.distractors:
            options = random.sample(draft.distractors, len(draft.distractors))
            place = self._balance.place(draft, random)
            options.insert(place, str(draft.truth))
            letter = "ABCD"[place]
        text = self._words.choose(draft.task, draft.variant, scene.split, random)
        categories = dict(draft.categories)
        if draft.task is QuestionType.CAMERA_MOVEMENT_DIRECTION:
            categories["question_template"] = text
        bare = draft.task.is_numeric and draft.task.suite is Suite.VSTI
        return Question(
            dataset=scene.dataset,
            scene_name=scene.name,
            video_path=scene.video_path,
            question_type=draft.task,
            question=fill(text, draft.fields, options),
            options=tuple(options if bare else format_options(options)),
            ground_truth=draft.truth,
            mc_answer=letter,
            frame_indices=draft.frames,
            categories=categories,
        )
