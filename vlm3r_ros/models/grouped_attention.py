"""Attention of a few new tokens to a long cache, without a copy of the cache.

In grouped-query attention several query heads share a key/value head. Where a mask is needed,
transformers repeats keys and values for each query head: with a long visual prefix that copies
the whole cache in every layer for a question of forty tokens. Here the query heads of a group
are laid one below the other instead, so that keys and values are read where they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
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


_Watch = tuple[Tensor, dict[int, Tensor]]
# Of the thread that reads: another thread's questions are not watched.
_watch: ContextVar[_Watch | None] = ContextVar("watched_attention", default=None)


@contextmanager
def watching_attention(rows: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """Keeps where new tokens look, layer by layer, while the block runs.

    The fused kernels do not tell; for the few rows that are asked for the weights are worked out
    once more. Only the last forward pass within the block is kept.

    Args:
        rows: among the new tokens of the forward pass; causal order hides nothing before a row.

    Yields:
        A dictionary that fills: layer -> `[heads, S]`, the mean weight of the rows on each of the
        S tokens of cache and new tokens, float32.

    Example:
        >>> with watching_attention([5, 6]) as seen:
        ...     cache.extend(embeds)
        >>> seen[3].shape
        torch.Size([28, 1734])
    """
    seen: dict[int, Tensor] = {}
    token = _watch.set((torch.as_tensor(list(rows), dtype=torch.int64), seen))
    try:
        yield seen
    finally:
        _watch.reset(token)


def _note(watch: _Watch, module: nn.Module, query: Tensor, key: Tensor, scale: float) -> None:
    """Works out the mean weights of the watched rows."""
    rows, seen = watch
    groups, cached = query.shape[1] // key.shape[1], key.shape[2] - query.shape[2]
    asking = query[0][:, rows.to(query.device)].unflatten(0, (-1, groups)).float()
    scores = torch.einsum("kgrd,ksd->kgrs", asking * scale, key[0].float())
    own = torch.arange(key.shape[2]) > (rows + cached)[:, None]  # [rows, S]
    weights = scores.masked_fill(own.to(scores.device), -torch.inf).softmax(-1)
    seen[int(module.layer_idx)] = weights.mean(2).flatten(0, 1)  # type: ignore[arg-type]


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
    if (watch := _watch.get()) is not None:
        _note(watch, module, query, key, query.shape[-1] ** -0.5 if scaling is None else scaling)
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
