"""Numbers are read as a whole, with the probabilities of the plain model."""

import itertools
import math

import pytest
import torch

from vlm3r_ros.assistant import number_reading
from vlm3r_ros.assistant.number_reading import NumberReader
from vlm3r_ros.assistant.prefix_cache import PrefixCache
from vlm3r_ros.models import build_model

SIGNS = "0123456789."
QUESTION = "\nHow far is the chair?\n"


@pytest.fixture(scope="module")
def counting():
    """A model with random weights that writes signs of numbers; every other token ends them."""
    model, processor = build_model("tiny")
    ids = [int(processor.tokenize(sign)[0]) for sign in SIGNS]
    with torch.no_grad():
        weight = model.language_model.lm_head.weight
        kept = weight[ids].clone()
        weight.zero_()
        weight[ids] = 4 * kept
    return model.eval(), processor, ids, frozenset(range(len(weight))) - {*ids}


def cache_and_logits(counting) -> tuple[PrefixCache, torch.Tensor]:
    model, processor, _, _ = counting
    cache = PrefixCache(model.language_model)
    return cache, cache.extend(model.embed_text(processor.tokenize(QUESTION))[None])[0]


@torch.inference_mode()
def plain_log_probabilities(counting, number: tuple[int, ...]) -> list[float]:
    """Of a number's tokens and the end, by the whole text in one pass."""
    model, processor, _, ends = counting
    question = processor.tokenize(QUESTION)
    ids = torch.cat((question, torch.tensor(number, dtype=torch.int64)))
    logits = model.language_model(inputs_embeds=model.embed_text(ids)[None]).logits[0]
    chances = logits[len(question) - 1 :].float().log_softmax(-1)
    written = [float(row[token]) for row, token in zip(chances, number, strict=False)]
    return [*written, float(chances[-1, sorted(ends)].logsumexp(0))]


def test_all_numbers_are_found_with_the_probabilities_of_the_plain_model(counting, monkeypatch):
    monkeypatch.setattr(number_reading, "_LEAST", 2e-4)
    monkeypatch.setattr(number_reading, "_ENOUGH", 0.0)
    monkeypatch.setattr(number_reading, "_SETTLED", 0.0)
    model, processor, ids, ends = counting
    cache, logits = cache_and_logits(counting)
    reader = NumberReader(model, processor, ends)
    found = {one.token_ids: one for one in reader._spell(cache, logits)}
    assert len(found) > 10
    for tokens, one in found.items():
        expected = plain_log_probabilities(counting, tokens)
        assert one.log_probabilities == pytest.approx(expected, abs=1e-3)
        assert one.value == float("".join(SIGNS[ids.index(token)] for token in tokens))
    for tokens in itertools.chain(*(itertools.product(ids[:10], repeat=n) for n in (1, 2))):
        likely = sum(plain_log_probabilities(counting, tokens)) > math.log(2.2e-4)
        assert tokens in found or not likely


def test_the_number_is_the_one_that_is_least_wrong_on_average(counting, monkeypatch):
    monkeypatch.setattr(number_reading, "_ENOUGH", 0.0)
    model, processor, _, ends = counting
    reader = NumberReader(model, processor, ends)
    cache, logits = cache_and_logits(counting)
    length = cache.length
    chosen = reader.read(cache, logits)
    assert cache.length == length
    numbers = reader._spell(cache, logits)

    def worth(value: float) -> float:
        return sum(
            math.exp(sum(one.log_probabilities))
            * max(0.0, 1 - 2 * abs(value - one.value) / max(one.value, 1e-9))
            for one in numbers
        )

    best = max(numbers, key=lambda one: worth(one.value))
    assert chosen.value == best.value
    assert worth(chosen.value) > 0


def test_what_is_likelier_no_number_is_left_to_be_spelled(counting, monkeypatch):
    monkeypatch.setattr(number_reading, "_ENOUGH", 1.1)
    model, processor, ids, ends = counting
    reader = NumberReader(model, processor, ends)
    cache, logits = cache_and_logits(counting)
    assert reader.read(cache, logits) is None
    assert reader.begins(ids[3])
    assert not reader.begins(ids[10])
    assert not reader.begins(min(ends))


def test_branches_of_a_tree_do_not_see_each_other(counting):
    model, _, ids, _ = counting
    cache, _ = cache_and_logits(counting)
    length = cache.length
    words = model.embed_text(torch.tensor([ids[:3]]))
    together = cache.branch(words, length, torch.eye(3, dtype=torch.bool))
    cache.crop(length)
    for place in range(3):
        alone = cache.extend(words[:, place : place + 1])
        cache.crop(length)
        torch.testing.assert_close(together[place], alone[0], rtol=1e-4, atol=1e-4)
