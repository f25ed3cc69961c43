"""Attention of a few new tokens to a long cache, without a copy of the cache.

In grouped-query attention several query heads share a key/value head. Where a mask is needed,
transformers repeats keys and values for each query head: with a long visual prefix that copies
the whole cache in every layer for a question of forty tokens. Here the query heads of a group
are laid one below the other instead, so that keys and values are read where they lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import causal_mask_function, sdpa_mask

GROUPED_SDPA = "grouped_sdpa"
_SHORT = 512
"""Rows up to which two plain matrix products beat the fused CPU kernel, which works in blocks."""


def new_tokens_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    mask_function: Callable[..., Any] = causal_mask_function,
    attention_mask: Tensor | None = None,
    device: torch.device | str = "cpu",
    **kwargs: Any,
) -> Tensor | None:
    """A mask function for transformers' interface that leaves out what hides nothing.

    Where a few new tokens follow an unpadded cache, every cached token is visible to all of them;
    the mask then has columns for the new tokens only.

    Returns:
        Bool `[1, 1, L, L]`, or what `sdpa_mask` returns where that case is not given.
    """
    unpadded = attention_mask is None and mask_function is causal_mask_function
    if unpadded and q_length > 1 and 0 < q_offset == kv_length - q_length and not kv_offset:
        return torch.ones(1, 1, q_length, q_length, dtype=torch.bool, device=device).tril()
    return sdpa_mask(
        batch_size=batch_size,
        q_length=q_length,
        kv_length=kv_length,
        q_offset=q_offset,
        kv_offset=kv_offset,
        mask_function=mask_function,
        attention_mask=attention_mask,
        device=device,
        **kwargs,
    )


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
        attention_mask: bool `[B, 1, L, S]`, or of the last columns only, where all before them are
            visible; None for plain causal attention.
        dropout: of the attention weights.
        scaling: of the scores; 1 / sqrt(D) if absent.
        **kwargs: for the function of transformers.

    Returns:
        `[B, L, heads, D]` and, in place of the attention weights, None.
    """
    groups = query.shape[1] // key.shape[1]
    if attention_mask is None:
        return sdpa_attention_forward(
            module, query, key, value, None, dropout=dropout, scaling=scaling, **kwargs
        )
    rows = query.unflatten(1, (-1, groups)).flatten(2, 3)  # [B, key_value_heads, groups * L, D]
    if rows.device.type == "cpu" and rows.shape[2] <= _SHORT and not dropout:
        scale = rows.shape[-1] ** -0.5 if scaling is None else scaling
        scores = (rows * scale) @ key.transpose(-1, -2)
        hidden = ~attention_mask[:, :, None]  # [B, 1, 1, L, columns]
        last = scores.unflatten(2, (groups, -1))[..., -hidden.shape[-1] :]
        last.masked_fill_(hidden, torch.finfo(scores.dtype).min)
        out = scores.softmax(-1) @ value
    else:
        cached = key.shape[2] - attention_mask.shape[-1]
        mask = F.pad(attention_mask, (cached, 0), value=True).repeat(1, 1, groups, 1)
        out = F.scaled_dot_product_attention(
            rows, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
        )
    return out.unflatten(2, (groups, -1)).flatten(1, 2).transpose(1, 2).contiguous(), None


AttentionInterface.register(GROUPED_SDPA, grouped_attention_forward)
AttentionMaskInterface.register(GROUPED_SDPA, new_tokens_mask)
