"""Which drafts become questions and which letter is right: balanced over a set or as published."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import MutableMapping, Sequence
from random import Random
from typing import Any, Protocol

from vlm3r_ros.questions.counts import dump_counts, load_counts
from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.tasks import TASKS

# Questions of a task before shares are looked at: shares of a few mean nothing.
_SHARE_SLACK = 3
# Tasks whose letter counter has four letters in the published code, however many options there
# are: the letters that never come up keep the smallest count, and nothing is balanced.
_FOUR_LETTERS = frozenset(
    {
        QuestionType.CAMERA_OBJ_REL_DIST_V2,
        QuestionType.CAMERA_OBJ_REL_DIST_V3,
        QuestionType.CAMERA_MOVEMENT_DIRECTION,
    }
)
_SHUFFLED = frozenset(
    {
        QuestionType.OBJ_OBJ_RELATIVE_POS_NF,
        QuestionType.OBJ_OBJ_RELATIVE_POS_LR,
        QuestionType.OBJ_OBJ_RELATIVE_POS_UD,
    }
)

State = dict[str, list[list[Any]]]
"""Counts by name: lists of a key's parts with what is counted for it at their end."""


class Balance(Protocol):
    """Chooses among a scene's drafts, and orders options."""

    def start_scene(self) -> None:
        """Drafts of another scene follow."""

    def choose(self, task: QuestionType, drafts: Sequence[Draft], limit: int) -> list[Draft]:
        """The drafts of a task that become questions, at most `limit`."""

    def place(self, draft: Draft, random: Random) -> int:
        """Which option, from 0, is to be the true one."""

    def state_dict(self) -> State:
        """What is counted so far, in plain types."""

    def load_state_dict(self, state: State) -> None:
        """Go on from what `state_dict` gave."""


class WholeSetBalance:
    """Gives every answer, every letter and every option its share over all scenes.

    What was used least so far comes first. An answer that has more than its share already waits
    until the others have caught up.
    """

    def __init__(self) -> None:
        self._answers: defaultdict[tuple[QuestionType, str, str], float] = defaultdict(float)
        self._totals: Counter[tuple[QuestionType, str]] = Counter()
        self._of_subject: Counter[tuple[QuestionType, str, str]] = Counter()
        self._letters: Counter[tuple[QuestionType, str, int, int]] = Counter()

    def start_scene(self) -> None:
        """Counts go on."""

    def choose(self, task: QuestionType, drafts: Sequence[Draft], limit: int) -> list[Draft]:
        """See `Balance`; variants and subjects of a task take turns within a scene."""
        left = list(drafts)
        chosen: list[Draft] = []
        variants: Counter[str] = Counter()
        subjects: Counter[str] = Counter()

        def cost(draft: Draft) -> tuple[int, float, int, int]:
            return (
                variants[draft.variant],
                self._use(draft),
                self._lean(draft),
                subjects[draft.subject],
            )

        while left and len(chosen) < limit:
            left = [draft for draft in left if self._has_share(draft)]
            if not left:
                break
            best = min(left, key=cost)
            left.remove(best)
            chosen.append(best)
            variants[best.variant] += 1
            subjects[best.subject] += 1
            self._count(best)
        return chosen

    def place(self, draft: Draft, random: Random) -> int:
        """The letter used least, of tasks with few answers for each answer by itself."""
        answer = draft.answer if TASKS[draft.task].answers else ""
        options = range(len(draft.distractors) + 1)
        keys = [(draft.task, draft.variant + answer, len(options), i) for i in options]
        least = min(self._letters[key] for key in keys)
        place = random.choice([i for i in options if self._letters[keys[i]] == least])
        self._letters[keys[place]] += 1
        return place

    def state_dict(self) -> State:
        """See `Balance`."""
        return {name: dump_counts(counts) for name, counts in self._counts().items()}

    def load_state_dict(self, state: State) -> None:
        """See `Balance`."""
        for name, counts in self._counts().items():
            load_counts(counts, state[name])

    def _counts(self) -> dict[str, MutableMapping[Any, Any]]:
        return {
            "answers": self._answers,
            "totals": self._totals,
            "of_subject": self._of_subject,
            "letters": self._letters,
        }

    def _use(self, draft: Draft) -> float:
        """How much the draft's answer has been used.

        Of named options, "bed" should be right as often as any other name that is shown, however
        many beds there are: a name counts up where it is right and down where it is wrong.
        """
        used = self._answers[self._key(draft, draft.answer)]
        if TASKS[draft.task].named:
            others = [self._answers[self._key(draft, name)] for name in draft.distractors]
            used -= sum(others) / len(others)
        return used

    def _lean(self, draft: Draft) -> int:
        """How much more often than other answers this one was right of the same subject.

        Pictures are up and stools are down: the fewer pictures that are up, the less there is to
        know without looking.
        """
        answers = TASKS[draft.task].answers
        counts = [self._of_subject[draft.task, draft.subject, answer] for answer in answers]
        return len(answers) * self._of_subject[draft.task, draft.subject, draft.answer] - sum(
            counts
        )

    def _count(self, draft: Draft) -> None:
        self._of_subject[draft.task, draft.subject, draft.answer] += 1
        self._totals[draft.task, draft.variant] += 1
        self._answers[self._key(draft, draft.answer)] += 1
        if TASKS[draft.task].named:
            for name in draft.distractors:
                self._answers[self._key(draft, name)] -= 1 / len(draft.distractors)

    @staticmethod
    def _key(draft: Draft, answer: str) -> tuple[QuestionType, str, str]:
        return draft.task, draft.variant, answer

    def _has_share(self, draft: Draft) -> bool:
        used = self._answers[self._key(draft, draft.answer)]
        total = self._totals[draft.task, draft.variant]
        return used < TASKS[draft.task].max_share * total + _SHARE_SLACK


class PublishedBalance:
    """As published: chance decides, and letters are counted within a scene."""

    def __init__(self) -> None:
        self._letters: dict[tuple[QuestionType, str], list[int]] = {}

    def start_scene(self) -> None:
        """Forget the letters: the published counter restarts with every scene."""
        self._letters.clear()

    def choose(self, task: QuestionType, drafts: Sequence[Draft], limit: int) -> list[Draft]:
        """The first ones; they come in random order."""
        return list(drafts[:limit])

    def place(self, draft: Draft, random: Random) -> int:
        """One of the letters with the smallest count, where the options have such a letter."""
        options = len(draft.distractors) + 1
        if draft.task in _SHUFFLED:
            return random.randrange(options)
        letters = 4 if draft.task in _FOUR_LETTERS else options
        counts = self._letters.setdefault((draft.task, draft.variant), [0] * letters)
        least = [i for i in range(options) if counts[i] == min(counts)]
        if not least:
            return random.randrange(options)
        place = random.choice(least)
        counts[place] += 1
        return place

    def state_dict(self) -> State:
        """Nothing: every scene starts anew."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Nothing to go on from."""
