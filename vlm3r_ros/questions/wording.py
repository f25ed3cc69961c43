"""Words for questions: which wording is used, and what stands in its places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from random import Random
from typing import Any

from vlm3r_ros.questions.counts import dump_counts, load_counts
from vlm3r_ros.questions.natural_vsi import NATURAL_VSI
from vlm3r_ros.questions.natural_vsti import NATURAL_VSTI
from vlm3r_ros.questions.phrasings_vsi import VSI_PHRASINGS
from vlm3r_ros.questions.phrasings_vsti import VSTI_PHRASINGS
from vlm3r_ros.questions.question import QuestionType

_NATURAL = {**NATURAL_VSI, **NATURAL_VSTI}

PHRASINGS = {
    (task, variant): replace(phrasing, natural=_NATURAL.get(task, ()))
    for (task, variant), phrasing in {**VSI_PHRASINGS, **VSTI_PHRASINGS}.items()
}
"""By task and variant."""

_TEST_SPLIT = "test"
_SAME_IN_PLURAL = frozenset({"blinds", "cutlery", "headphones", "scissors", "shoes", "slippers"})


class Wording(StrEnum):
    """Which wordings are used."""

    PUBLISHED = "published"
    """The benchmarks' own."""
    VARIED = "varied"
    """The published one and our other ones in equal shares; held-out ones for test scenes."""
    NATURAL = "natural"
    """By someone who had read none of the others; as `VARIED` for tasks that have none."""
    UNSEEN = "unseen"
    """Held-out ones only."""


class WordingChooser:
    """Chooses wordings so that over all calls every wording of a task is as frequent as others."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self._used: Counter[tuple[QuestionType, str, str]] = Counter()

    def choose(self, task: QuestionType, variant: str, split: str, random: Random) -> str:
        """The next wording of a task, with its placeholders.

        Args:
            task: the task.
            variant: of it.
            split: of the scene.
            random: decides among those that were used least.
        """
        texts = self._texts(task, variant, split)
        uses = [self._used[task, variant, text] for text in texts]
        least = min(uses)
        text = random.choice([t for t, use in zip(texts, uses, strict=True) if use == least])
        self._used[task, variant, text] += 1
        return text

    def state_dict(self) -> list[list[Any]]:
        """How often each wording was used, in plain types."""
        return dump_counts(self._used)

    def load_state_dict(self, state: list[list[Any]]) -> None:
        """Go on from what `state_dict` gave."""
        load_counts(self._used, state)

    def _texts(self, task: QuestionType, variant: str, split: str) -> tuple[str, ...]:
        phrasing = PHRASINGS[task, variant]
        if self._wording is Wording.PUBLISHED:
            return (phrasing.published,)
        if self._wording is Wording.UNSEEN or split == _TEST_SPLIT:
            return phrasing.held_out
        if self._wording is Wording.NATURAL and phrasing.natural:
            return phrasing.natural
        return phrasing.shown


def choice_fields(options: Sequence[str]) -> dict[str, str]:
    """Placeholders of options, in their order: each by its letter, and lists in a sentence."""
    fields = {f"choice_{letter}": option for letter, option in zip("abcd", options, strict=False)}
    lower = [option.lower() for option in options]
    return fields | {
        "choices_or": _listed(options, "or"),
        "choices_and": _listed(options, "and"),
        "directions_or": _listed(lower, "or"),
    }


def fill(text: str, fields: Mapping[str, str], options: Sequence[str]) -> str:
    """The question of a wording."""
    return text.format_map({**choice_fields(options), **fields})


def plural(name: str) -> str:
    """A category's name for several of it: `bookshelf` -> `bookshelves`."""
    last = name.rsplit(" ", 1)[-1]
    if last in _SAME_IN_PLURAL:
        return name
    if last == "mouse":
        return name.removesuffix("mouse") + "mice"
    if last.endswith("shelf"):
        return name[:-1] + "ves"
    if last.endswith(("s", "x", "z", "ch", "sh")):
        return name + "es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def _listed(words: Sequence[str], conjunction: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
