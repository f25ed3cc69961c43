"""Which object a question names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "backpack": ("rucksack", "bag"),
    "basket": ("laundry basket", "hamper"),
    "bathtub": ("bath", "tub", "bath tub"),
    "bed": (),
    "bicycle": ("bike", "cycle"),
    "bookshelf": ("bookcase", "book shelf", "shelf", "shelves"),
    "cabinet": ("cupboard", "sideboard", "tv stand", "dresser"),
    "ceiling light": ("ceiling lamp", "chandelier"),
    "chair": ("armchair", "office chair", "seat"),
    "clock": (),
    "closet": ("wardrobe",),
    "computer mouse": ("mouse",),
    "counter": ("kitchen counter", "worktop", "countertop"),
    "desk": ("writing desk",),
    "dishwasher": (),
    "door": ("exit", "way out", "doorway"),
    "fan": ("ventilator",),
    "fireplace": ("fire place",),
    "guitar": (),
    "keyboard": (),
    "lamp": ("floor lamp", "table lamp", "reading lamp"),
    "laptop": ("notebook computer", "laptop computer"),
    "microwave": ("microwave oven",),
    "mirror": (),
    "monitor": ("computer screen", "screen", "display"),
    "nightstand": ("night stand", "bedside table"),
    "oven": ("stove", "cooker"),
    "piano": (),
    "picture": ("painting", "poster"),
    "pillow": ("cushion",),
    "plant": ("potted plant", "house plant"),
    "printer": (),
    "radiator": ("heater", "heating"),
    "refrigerator": ("fridge", "freezer"),
    "sink": ("washbasin", "basin"),
    "sofa": ("couch", "settee"),
    "stool": ("piano bench",),
    "suitcase": ("trolley bag",),
    "table": ("dining table", "coffee table"),
    "telephone": ("phone",),
    "toilet": ("loo", "wc"),
    "towel": (),
    "trash bin": ("bin", "trash can", "waste bin", "garbage can", "dustbin"),
    "tv": ("television", "telly", "tv set"),
    "washing machine": ("washer",),
    "whiteboard": ("white board",),
    "window": (),
}
"""Other words for the categories that the models know, by the name that questions use."""

_IRREGULAR = {"bookshelf": "bookshelves", "shelf": "shelves", "loo": "loos"}
# What stands before the name of a thing in a request that knows none of the words above.
_REQUEST = re.compile(
    r"\b(?:where(?:'s| is| are)|(?:take|bring|lead|guide|show|point|walk) (?:me|us) (?:to|towards?)"
    r"|show me|how do i (?:get|go) to|(?:go|walk|navigate|the way) to|(?:find|locate|reach))\s+"
    r"(?:the |my |a |an |our |your |some )?(?:nearest |closest )?"
    r"(?P<name>[a-z][a-z -]*?)"
    r"(?=\s*(?:[?.!,;]|$|\b(?:now|from here|please|in|on|at|near|and|is|for)\b))",
    re.IGNORECASE,
)
_FILLER = {"it", "that", "this", "there", "here", "something", "anything"}
_LONGEST_NAME = 40  # characters


def target_name(target: str, question: str = "") -> str | None:
    """The object that a request is about.

    Args:
        target: the request's own field for it; goes before the question where it is not blank.
        question: in plain language.

    Returns:
        The name that questions use (`sofa` for "couch"); words that are in no category as they
        stand; None where nothing is named.

    Example:
        >>> target_name("", "Take me to the fridge, please!")
        'refrigerator'
        >>> target_name("", "Where is my umbrella?")
        'umbrella'
    """
    field = " ".join(target.split()).lower()
    if field:
        return _known(field) or _without_article(field)[:_LONGEST_NAME]
    words = " ".join(question.split()).lower()
    # What is asked for comes first: "the lamp on the desk" is a lamp.
    known = _known(words)
    if known is not None:
        return known
    match = _REQUEST.search(words)
    if match is None or match["name"] in _FILLER or len(match["name"]) > _LONGEST_NAME:
        return None
    return match["name"]


def _known(text: str) -> str | None:
    """The category whose word comes first in a text; of two at one place the longer."""
    match = _pattern().search(text)
    return None if match is None else _by_word()[match[0]]


def _without_article(name: str) -> str:
    return re.sub(r"^(?:the|a|an|my|our|your) ", "", name)


@cache
def _by_word() -> dict[str, str]:
    names = {}
    for category, others in SYNONYMS.items():
        for word in (category, *others):
            names[word] = names[_plural(word)] = category
    return names


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_by_word(), key=lambda word: (-len(word), word))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")


def _plural(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    return word + "s"
