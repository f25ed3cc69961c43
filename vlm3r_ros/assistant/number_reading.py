"""The number that a language model holds possible as a whole, not digit by digit.

The likeliest digits one after the other are the mode of what a model believes, and a mode says
little: of a distance that may be anything from 1.1 to 2.9 metres, "1.1" may be the likeliest by a
hair. Here all numbers that the model holds possible are spelled out side by side, as a tree of
digits behind the one question, and the one is taken that is expected to be least wrong, relative to
the truth: minimum Bayes risk decoding (Kumar and Byrne, 2004), for numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vlm3r_ros.assistant.prefix_cache import PrefixCache
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

_LEAST = 0.003
"""Probability down to which beginnings of numbers are followed up."""

_SETTLED = 0.02
"""Probability of all beginnings that are still open, down to which the tree grows: what is left
cannot change much, and each digit is a pass through the network."""

_LONGEST = 6
"""Tokens of a number, at most."""

_ENOUGH = 0.5
"""Probability that an answer is a number and nothing else, from which it is taken for one."""

_WORTHLESS = 0.5
"""Relative error from which a number is worth nothing; without error it is worth 1."""


@dataclass(frozen=True)
class SpelledNumber:
    """A number in tokens.

    Attributes:
        token_ids: without the end of the turn.
        log_probabilities: of each of them, and of the end of the turn.
        value: the number.
    """

    token_ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    value: float

    @property
    def log_probability(self) -> float:
        """Of the whole number with the end of the turn."""
        return sum(self.log_probabilities)


@dataclass(frozen=True)
class _Beginning:
    """Tokens of a number so far, and where they are in the tree."""

    token_ids: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    path: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        return sum(self.log_probabilities)


class NumberReader:
    """Reads numbers from a language model that has read a question.

    Args:
        model: the vision-language model.
        processor: its processor.
        end_ids: tokens that end an answer.
    """

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        end_ids: frozenset[int],
    ) -> None:
        self._model = model
        spelled = [processor.tokenize(sign).tolist() for sign in "0123456789."]
        self._signs = {ids[0]: sign for ids, sign in zip(spelled, "0123456789.", strict=True)}
        # Where a tokenizer has no token for each sign, there is no tree of them.
        self._usable = all(len(ids) == 1 for ids in spelled)
        self._end_ids = sorted(end_ids)

    def begins(self, token: int) -> bool:
        """Whether an answer that begins with this token may be a number."""
        return self._usable and self._signs.get(token, ".") != "."

    @torch.inference_mode()
    def read(self, cache: PrefixCache, logits: Tensor) -> SpelledNumber | None:
        """The number that is expected to be least wrong.

        Args:
            cache: that has read scene and question; as long as before when this is done.
            logits: of the answer's first token `[V]`.

        Returns:
            None where the answer is likelier something else than a number.
        """
        length = cache.length
        try:
            numbers = self._spell(cache, logits)
        finally:
            cache.crop(min(length, cache.length))
        weights = torch.tensor([one.log_probability for one in numbers]).exp()
        if float(weights.sum()) < _ENOUGH:
            return None
        values = torch.tensor([one.value for one in numbers], dtype=torch.float64)
        errors = (values[:, None] - values).abs() / values.clamp(min=1e-9)
        worth = (1 - errors / _WORTHLESS).clamp(min=0) @ weights.double()
        return numbers[int(worth.argmax())]

    def _spell(self, cache: PrefixCache, logits: Tensor) -> list[SpelledNumber]:
        """All numbers that are likely enough; leaves the tree in the cache.

        Ends early where what is left is likelier no number, or hardly possible.
        """
        start, position = cache.length, cache.next_position
        numbers: list[SpelledNumber] = []
        open_ones, rows = [_Beginning()], logits[None]
        for depth in range(_LONGEST + 1):
            chances = rows.float().log_softmax(-1).cpu()
            ends = chances[:, self._end_ids].logsumexp(-1).tolist()
            signs = chances[:, list(self._signs)].tolist()
            longer: list[_Beginning] = []
            first = cache.length - start
            for one, end, follow in zip(open_ones, ends, signs, strict=True):
                text = "".join(self._signs[token] for token in one.token_ids)
                if text and text[-1] != "." and one.log_probability + end > math.log(_LEAST):
                    numbers.append(
                        SpelledNumber(one.token_ids, (*one.log_probabilities, end), float(text))
                    )
                for (token, sign), chance in zip(self._signs.items(), follow, strict=True):
                    likely = one.log_probability + chance > math.log(_LEAST)
                    if likely and not (sign == "." and (not text or "." in text)):
                        longer.append(
                            _Beginning(
                                (*one.token_ids, token),
                                (*one.log_probabilities, chance),
                                (*one.path, first + len(longer)),
                            )
                        )
            whole = sum(math.exp(one.log_probability) for one in numbers)
            begun = sum(math.exp(one.log_probability) for one in longer)
            if depth == _LONGEST or begun <= _SETTLED or whole + begun < _ENOUGH:
                return numbers
            open_ones = longer
            seen = torch.zeros(len(open_ones), first + len(open_ones), dtype=torch.bool)
            for place, one in enumerate(open_ones):
                seen[place, list(one.path)] = True
            newest = torch.tensor([[one.token_ids[-1] for one in open_ones]], device=logits.device)
            rows = cache.branch(self._model.embed_text(newest), position + depth, seen)
        return numbers
