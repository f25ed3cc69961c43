"""Attention of a few new tokens to a long cache, without a copy of the cache.

In grouped-query attention several query heads share a key/value head. Where a mask is needed,
transformers repeats keys and values for each query head: with a long visual prefix that copies
the whole cache in every layer for a question of forty tokens. Here the query heads of a group
are laid one below the other instead, so that keys and values are read where they lie.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

GROUPED_SDPA = "grouped_sdpa"
_SHORT = 512
"""Rows up to which two plain matrix products beat the fused CPU kernel, which works in blocks."""


def grouped_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """An attention function for transformers' interface, of the name `GROUPED_SDPA`.

    Args:
        module: the attention layer.
        query: `[B, heads, L, D]`
        key: `[B, key_value_heads, S, D]`
        value: likewise.
        attention_mask: bool `[B, 1, L, S]`, or None for plain causal attention.
        dropout: of the attention weights.
        scaling: of the scores; 1 / sqrt(D) if absent.
        **kwargs: for the function of transformers.

    Returns:
        `[B, L, heads, D]` and, in place of the attention weights, None.
    """
    groups = query.shape[1] // key.shape[1]
    if attention_mask is None or groups == 1 or attention_mask.shape[1] != 1:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
    rows = query.unflatten(1, (-1, groups)).flatten(2, 3)  # [B, key_value_heads, groups * L, D]
    if rows.device.type == "cpu" and rows.shape[2] <= _SHORT and not dropout:
        scale = rows.shape[-1] ** -0.5 if scaling is None else scaling
        scores = (rows * scale) @ key.transpose(-1, -2)
        _hide(scores.unflatten(2, (groups, -1)), attention_mask[:, :, None])
        out = scores.softmax(-1) @ value
    else:
        mask = attention_mask.repeat(1, 1, groups, 1)  # [B, 1, groups * L, S]
        out = F.scaled_dot_product_attention(
            rows, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    return out.unflatten(2, (groups, -1)).flatten(1, 2).transpose(1, 2).contiguous(), None


def _hide(scores: Tensor, mask: Tensor) -> None:
    """Take masked keys out of `scores` `[..., L, S]`, in place; `mask` says which are visible."""
    cached = mask.shape[-1] - mask.shape[-2]
    if cached > 0 and bool(mask[..., :cached].all()):
        # Without padding every cached token is visible: only the new ones hide each other.
        scores, mask = scores[..., cached:], mask[..., cached:]
    scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)


AttentionInterface.register(GROUPED_SDPA, grouped_attention_forward)
AttentionMaskInterface.register(GROUPED_SDPA, sdpa_mask)
