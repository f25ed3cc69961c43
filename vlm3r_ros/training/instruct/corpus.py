"""The tokenizer of a trained model: learned from questions as training asks them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice, product
from string import Formatter

from transformers import PreTrainedTokenizerFast

from vlm3r_ros.location_answer import format_location
from vlm3r_ros.models.prompts import (
    CHOICE_POST_PROMPT,
    NUMERIC_POST_PROMPT,
    OPTION_LETTERS,
    OPTIONS_HEADER,
    VIDEO_NOTE,
)
from vlm3r_ros.models.tokenization import corpus, learn_tokenizer
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.questions.wording import PHRASINGS, fill, plural
from vlm3r_ros.training.instruct.descriptions import COLUMNS, ROWS, place_in_words
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES

PHRASES = (f"\n{VIDEO_NOTE}\n", f"\n{NUMERIC_POST_PROMPT}", f"\n{CHOICE_POST_PROMPT}")
"""What every prompt has between the frames and the answer: a token each."""

FRAMES_WITH_NAMES = 64
FRAME_NAMES = tuple(
    name
    for number in range(1, FRAMES_WITH_NAMES + 1)
    for name in (f"frame {number}", f"of {number}")
)
"""A frame of a video is addressed by a token of its own, and so is their number: which visual
tokens are meant would else have to be worked out from digits first."""

_ROUTE = "1. [please fill in] 2. Go forward until the {a} 3. [please fill in] 4. Go forward until"
_PASSES = 3
"""Times that each wording is filled with other names, so that its words outweigh the general ones
of the models' own corpus."""


def question_corpus() -> Iterator[str]:
    """Sentences of training, always the same in the same order; no held-out wording is among them.

    Besides, the models' own corpus, so that other words take few tokens too.
    """
    yield from corpus()
    names = cycle(CATEGORIES)
    for phrasing in PHRASINGS.values():
        for text in phrasing.shown:
            for _ in range(_PASSES):
                yield _filled(text, list(islice(names, 8)))
    for task in TASKS.values():
        for letter, answer in zip(OPTION_LETTERS, task.answers, strict=False):
            yield from (answer, f"\n{letter}. {answer}", f" {answer}")
    for name in CATEGORIES:
        for letter in OPTION_LETTERS[:4]:
            yield f"\n{letter}. {name}"
        yield f"the {name}, or {plural(name)}"
        yield absent_answer(name)
    for degrees in range(0, 181, 5):
        for side in (1, -1):
            yield format_location(side * degrees * 3.14159 / 180, degrees / 30)
    places = cycle(product(range(len(COLUMNS)), range(len(ROWS))))
    for number, (name, place) in enumerate(zip(CATEGORIES, places, strict=False)):
        yield ", ".join([f"{name} {place_in_words(*place, number % 60 / 10)}"] * 2)
    for number in range(100):
        yield f"\n{OPTIONS_HEADER}\nA. {number} in frame {number} of {number}, frame {number}"


def absent_answer(name: str) -> str:
    """What is answered about a thing that was not seen."""
    return f"I have not seen a {name}."


@cache
def question_tokenizer(vocab_size: int) -> PreTrainedTokenizerFast:
    """The tokenizer of the question corpus, of at most `vocab_size` tokens.

    Raises:
        ValueError: that does not leave room for all bytes.
    """
    return learn_tokenizer(question_corpus(), vocab_size, PHRASES, FRAME_NAMES)


def _filled(text: str, names: list[str]) -> str:
    fields = {name for _, name, _, _ in Formatter().parse(text) if name}
    known = {
        "frame_description": "frame 3 of 32",
        "start_frame_description": "frame 3",
        "end_frame_description": "frame 21 of 32",
        "categories": plural(names[0]),
        "actions": _ROUTE.format(a=names[1]),
    }
    values = {name: known.get(name, names[number]) for number, name in enumerate(sorted(fields))}
    return fill(text, {k: v for k, v in values.items() if not _is_choice(k)}, names[4:])


def _is_choice(field: str) -> bool:
    return field.startswith(("choice", "directions"))
