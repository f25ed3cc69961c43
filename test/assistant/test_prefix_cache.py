"""The cache holds what the language model would compute anew, and is cut back without a trace."""

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.cache_utils import DynamicCache

from vlm3r_ros.assistant.prefix_cache import PrefixCache


@pytest.fixture(scope="module")
def language_model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,  # so that places count
    )
    return Qwen2ForCausalLM(config).eval()


def embeds(length: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, length, 32, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def uncached(language_model: Qwen2ForCausalLM, sequence: torch.Tensor) -> torch.Tensor:
    return language_model(inputs_embeds=sequence, use_cache=False).logits[:, -1]


def test_extending_in_pieces_gives_the_logits_of_the_whole(language_model):
    sequence = embeds(700)
    cache = PrefixCache(language_model)
    for piece in sequence.split([1, 5, 200, 300, 1, 193], dim=1):
        logits = cache.extend(piece)
    assert cache.length == 700
    torch.testing.assert_close(logits, uncached(language_model, sequence), rtol=1e-4, atol=1e-5)


def test_cut_back_cache_is_as_if_the_rest_had_never_been(language_model):
    prefix, question, other = embeds(40, 1), embeds(9, 2), embeds(12, 3)
    cache = PrefixCache(language_model)
    cache.extend(prefix)
    first = cache.extend(question)
    cache.crop(40)
    cache.extend(other)
    cache.crop(40)
    assert torch.equal(cache.extend(question), first)


@torch.inference_mode()
def test_what_stands_behind_a_gap_is_read_at_its_place_until_the_gap_is_cut_away(language_model):
    prefix, question = embeds(40, 1), embeds(9, 2)
    cache = PrefixCache(language_model)
    cache.extend(prefix)
    near = cache.extend(question)
    cache.crop(40)
    cache.leave_gap(25)
    with pytest.raises(ValueError, match="a gap behind token 40 already"):
        cache.leave_gap(1)
    far = torch.stack([cache.extend(piece) for piece in question.split([4, 5], dim=1)])[-1]
    assert cache.next_position == 40 + 25 + 9
    positions = torch.cat((torch.arange(40), torch.arange(65, 74)))[None]
    sequence = torch.cat((prefix, question), 1)
    # A mask keeps transformers from taking the jump for the start of another sequence.
    whole = torch.ones(49, 49, dtype=torch.bool).tril()[None, None]
    output = language_model(
        inputs_embeds=sequence, position_ids=positions, attention_mask=whole, use_cache=False
    )
    torch.testing.assert_close(far, output.logits[:, -1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(far, near, rtol=1e-4, atol=1e-5)
    cache.crop(40)
    assert torch.equal(cache.extend(question), near)


def test_cutting_back_to_nothing_starts_over(language_model):
    cache = PrefixCache(language_model)
    cache.extend(embeds(10, 1))
    cache.crop(0)
    assert cache.length == 0
    logits = cache.extend(embeds(7, 2))
    torch.testing.assert_close(logits, uncached(language_model, embeds(7, 2)), rtol=1e-4, atol=1e-5)


def test_tokens_are_written_in_place_without_copying_what_is_held(language_model):
    cache = PrefixCache(language_model)
    cache.extend(embeds(100))
    layer = cache.key_values.layers[0]
    address, capacity = layer.keys.data_ptr(), layer.capacity
    for i in range(capacity - 100):
        cache.extend(embeds(1, i))
    assert layer.keys.data_ptr() == address
    assert layer.keys.shape[-2] == capacity
    cache.extend(embeds(1))
    assert layer.capacity > capacity


def test_room_does_not_grow_over_many_questions(language_model):
    cache = PrefixCache(language_model)
    cache.extend(embeds(100))
    for i in range(50):
        cache.extend(embeds(60, i))
        cache.crop(100)
    assert cache.key_values.layers[0].capacity == 256


def test_cache_serves_generate_of_transformers(language_model):
    ids = torch.arange(3, 20)[None]
    reference = language_model.generate(ids, max_new_tokens=8, do_sample=False)
    cache = PrefixCache(language_model)
    cache.extend(language_model.get_input_embeddings()(ids[:, :-1]))
    with torch.inference_mode():
        out = language_model.generate(
            ids, past_key_values=cache.key_values, max_new_tokens=8, do_sample=False
        )
    assert torch.equal(out, reference)
    assert not isinstance(cache.key_values, DynamicCache)


def test_half_precision_is_kept(language_model):
    model = Qwen2ForCausalLM(language_model.config).to(torch.bfloat16).eval()
    cache = PrefixCache(model)
    assert cache.extend(embeds(5).bfloat16()).dtype == torch.bfloat16
    assert cache.key_values.layers[0].keys.dtype == torch.bfloat16


@pytest.mark.parametrize("length", [-1, 11])
def test_cutting_to_an_impossible_length_is_refused(language_model, length):
    cache = PrefixCache(language_model)
    cache.extend(embeds(10))
    with pytest.raises(ValueError, match="cannot cut"):
        cache.crop(length)


def test_failed_extension_leaves_an_empty_cache(language_model):
    cache = PrefixCache(language_model)
    cache.extend(embeds(10))
    with pytest.raises(RuntimeError):
        cache.extend(torch.zeros(1, 3, 31))
    assert cache.length == 0
    assert cache.extend(embeds(4)).shape == (1, 97)
