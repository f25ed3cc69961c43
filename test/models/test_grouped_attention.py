import pytest
import torch
from torch import nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from vlm3r_ros.models.grouped_attention import grouped_attention_forward, new_tokens_mask
from vlm3r_ros.models.registry import build_model


class Layer(nn.Module):
    """What the attention function looks at in an attention layer."""

    num_key_value_groups = 3
    is_causal = True


def attention_inputs(new: int, cached: int, groups: int = 3) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    total = new + cached
    query = torch.randn(1, 2 * groups, new, 16, generator=generator)
    key, value = (torch.randn(1, 2, total, 16, generator=generator) for _ in range(2))
    mask = torch.ones(new, total, dtype=torch.bool).tril(cached)[None, None]
    return query, key, value, mask


@pytest.mark.parametrize(("new", "cached"), [(5, 40), (1, 40), (300, 20), (7, 0)])
def test_grouped_attention_equals_attention_with_repeated_keys(new, cached):
    query, key, value, mask = attention_inputs(new, cached)
    expected, _ = sdpa_attention_forward(Layer(), query, key, value, mask)
    out, _ = grouped_attention_forward(Layer(), query, key, value, mask)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    of_new_tokens = mask[..., cached:]
    out, _ = grouped_attention_forward(Layer(), query, key, value, of_new_tokens)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)


def test_the_mask_of_an_unpadded_cache_has_columns_for_new_tokens_only():
    mask = new_tokens_mask(batch_size=1, q_length=3, kv_length=10, q_offset=7)
    assert mask[0, 0].tolist() == [[True, False, False], [True, True, False], [True] * 3]


def test_padding_makes_the_mask_a_full_one():
    padding = torch.ones(1, 10, dtype=torch.bool)
    padding[0, 0] = False
    mask = new_tokens_mask(
        batch_size=1, q_length=3, kv_length=10, q_offset=7, attention_mask=padding
    )
    assert mask.shape == (1, 1, 3, 10)
    assert not mask[..., 0].any()


def test_padding_in_the_cache_stays_hidden():
    query, key, value, mask = attention_inputs(new=4, cached=6)
    mask[..., 0] = False
    expected, _ = sdpa_attention_forward(Layer(), query, key, value, mask)
    out, _ = grouped_attention_forward(Layer(), query, key, value, mask)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)


def test_a_new_token_does_not_see_the_ones_behind_it():
    query, key, value, mask = attention_inputs(new=4, cached=6)
    before, _ = grouped_attention_forward(Layer(), query, key, value, mask)
    key[:, :, -1] += 1
    value[:, :, -1] += 1
    after, _ = grouped_attention_forward(Layer(), query, key, value, mask)
    assert torch.equal(before[:, :-1], after[:, :-1])
    assert not torch.equal(before[:, -1], after[:, -1])


def test_the_language_model_gives_the_same_logits_with_it():
    model, processor = build_model("tiny")
    ids = processor.tokenize("Where is the sofa?")[None]
    with torch.inference_mode():
        grouped = model.language_model(input_ids=ids).logits
        model.language_model.set_attn_implementation("eager")
        eager = model.language_model(input_ids=ids).logits
    torch.testing.assert_close(grouped, eager, rtol=1e-4, atol=1e-4)
