"""Numbers and units in the words of an answer."""

import math
import re
from dataclasses import dataclass

_NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?|[-+]?\.\d+")
_NUMBER_WORDS = {
    word: float(value)
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
            *("seventeen", "eighteen", "nineteen", "twenty"),
        )
    )
}
# Areas come before lengths: "square meters" contains "meters".
_UNITS = (
    ("m^2", r"square\s+met(?:er|re)s?|sq\.?\s*m\b|m\^2|m2\b|m²"),
    ("cm^2", r"square\s+centimet(?:er|re)s?|cm\^2|cm2\b|cm²"),
    ("mm", r"millimet(?:er|re)s?|mm\b"),
    ("cm", r"centimet(?:er|re)s?|cm\b"),
    ("km", r"kilomet(?:er|re)s?|km\b"),
    ("m", r"met(?:er|re)s?\b|m\b"),
    ("ft", r"feet\b|foot\b|ft\b"),
    ("in", r"inch(?:es)?\b"),
    ("deg", r"degrees?\b|deg\b|°"),
    ("rad", r"radians?\b|rad\b"),
    ("s", r"seconds?\b|sec\b|s\b"),
    ("%", r"per\s?cent\b|%"),
)
_UNIT_AT_START = tuple((unit, re.compile(rf"\s*-?\s*(?:{words})", re.I)) for unit, words in _UNITS)
# A question may hold "5 m" or "3 s" that are not what is asked for: here the unit must be spelled
# as one asks.
_ASKED_UNIT = re.compile(
    r"(?:\bin|\bhow many|\bnumber of)\s+(?P<unit>[a-z²^0-9]+(?:\s+(?:centi)?met(?:er|re)s)?)",
    re.I,
)
_COUNT_QUESTION = re.compile(r"\bhow many\b|\bnumber of\b|\bcount\b", re.I)


@dataclass(frozen=True)
class Quantity:
    """A number with its unit.

    Attributes:
        value: The number; NaN where there is none.
        unit: `m`, `cm`, `mm`, `km`, `ft`, `in`, `m^2`, `cm^2`, `deg`, `rad`, `s`, `%`, `count`,
            or empty where neither the answer nor the question names one.
    """

    value: float = math.nan
    unit: str = ""


def read_quantity(answer: str, question: str = "") -> Quantity:
    """Finds the first number of an answer, and its unit there or else in the question.

    The value stays in that unit: "85 cm" is 85 `cm`, not 0.85 `m`.
    """
    match = _NUMBER.search(answer)
    if match is not None:
        value = float(match.group().replace(",", ""))
        for unit, pattern in _UNIT_AT_START:
            if pattern.match(answer, match.end()):
                return Quantity(value, unit)
        return Quantity(value, asked_unit(question))
    words = re.findall(r"[a-z]+", answer.lower())
    for index, word in enumerate(words):
        # "one" inside a sentence is more often a pronoun than a number.
        if word in _NUMBER_WORDS and (index == 0 or word != "one"):
            rest = " ".join(words[index + 1 :])
            for unit, pattern in _UNIT_AT_START:
                if pattern.match(rest):
                    return Quantity(_NUMBER_WORDS[word], unit)
            return Quantity(_NUMBER_WORDS[word], asked_unit(question))
    return Quantity()


def asked_unit(question: str) -> str:
    """The unit in which a question wants its answer; empty where it does not say."""
    for match in _ASKED_UNIT.finditer(question):
        for unit, pattern in _UNIT_AT_START:
            if pattern.fullmatch(match.group("unit")):
                return unit
    return "count" if _COUNT_QUESTION.search(question) else ""
