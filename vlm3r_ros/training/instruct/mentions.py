"""Finds among a question's tokens what it names, and what it gives to choose from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from transformers import PreTrainedTokenizerBase

from vlm3r_ros.models.prompts import OPTION_LETTERS
from vlm3r_ros.questions.wording import plural
from vlm3r_ros.training.instruct.corpus import FRAMES_WITH_NAMES
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES


class MentionFinder:
    """Finds names of things and of frames among a question's tokens.

    Args:
        tokenizer: that wrote them.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._frames: dict[int, int] = {}
        for number in range(1, FRAMES_WITH_NAMES + 1):
            ids = tokenizer.encode(f"frame {number}")
            if len(ids) == 1:
                self._frames[ids[0]] = number - 1
        self._names: dict[int, list[tuple[tuple[int, ...], str]]] = {}
        spelled = {
            tuple(tokenizer.encode(space + word)): name
            for name in CATEGORIES
            for word in (name, plural(name))
            for space in ("", " ")
        }
        # The longest first: a name may begin with another one.
        for ids, name in sorted(spelled.items(), key=lambda item: -len(item[0])):
            self._names.setdefault(ids[0], []).append((ids, name))

    def find(self, ids: Sequence[int]) -> Iterator[tuple[int, str | int]]:
        """Last token of each mention, with the name of the thing or the number of the frame."""
        start = 0
        while start < len(ids):
            token, count = ids[start], 1
            if token in self._frames:
                yield start, self._frames[token]
            for spelled, name in self._names.get(token, ()):
                if tuple(ids[start : start + len(spelled)]) == spelled:
                    count = len(spelled)
                    yield start + count - 1, name
                    break
            start += count


class OptionFinder:
    """Finds options among a question's tokens: a line each, `A. chair`.

    Args:
        tokenizer: that wrote them.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        (self._dot,) = tokenizer.encode(".")
        self._letters = {token for letter in OPTION_LETTERS for token in tokenizer.encode(letter)}
        # A line's end is often a token of its own, but not always.
        self._line_ends = {
            token
            for token, text in enumerate(
                tokenizer.batch_decode([[n] for n in range(len(tokenizer))])
            )
            if text.startswith("\n")
        }

    def find(self, ids: Sequence[int]) -> dict[int, int]:
        """Where each option ends, its last token, by the token of its letter."""
        ends = [place for place, token in enumerate(ids) if token in self._line_ends]
        return {
            ids[start + 1]: end - 1
            for start, end in pairwise(ends)
            if end - start > 3 and ids[start + 1] in self._letters and ids[start + 2] == self._dot
        }
