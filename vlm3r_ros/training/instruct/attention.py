"""Attention in a packed sequence: each question sees its part of the prefix and its own words.

A dense mask over prefix and all questions would be mostly zeros. Here every chunk of questions is
multiplied with just the prefix that it sees and with its own tokens; query heads that share a
key/value head lie one below the other, so that keys and values are not repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from vlm3r_ros.training.instruct.looking import Looking
from vlm3r_ros.training.instruct.packing import Packing
from vlm3r_ros.training.instruct.side_by_side import SideBySide

PACKED = "packed"
"""Name under which transformers finds it; the model's forward takes `packing`."""

_ROWS = 448
"""Prefix tokens that are attended from at once: what lies behind them is not computed."""


def packed_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packing: Packing | Sequence[Packing] | SideBySide,
    scaling: float | None = None,
    looking: Looking | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """An attention function for transformers' interface.

    Args:
        module: the attention layer.
        query: `[1, heads, L, D]`, of the whole sequence or of the questions alone.
        key: `[1, key_value_heads, P + S, D]`, of prefix and questions.
        value: likewise.
        attention_mask: not used; `packing` tells who sees whom.
        packing: of the sequence; several for whole sequences one behind the other, none of which
            sees another; or sessions laid out side by side.
        scaling: of the scores; 1 / sqrt(D) if absent.
        looking: is shown what is compared.
        **kwargs: what other attention functions take.

    Returns:
        `[1, L, heads, D]` and, in place of the attention weights, None.
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if looking is not None:
        looking.see(module.layer_idx, query[0], key[0], scale)  # type: ignore[arg-type]
    if isinstance(packing, SideBySide):
        return packing.attend(query[0], key[0], value[0], scale).transpose(0, 1)[None], None
    groups = query.shape[1] // key.shape[1]
    rows = (query[0] * scale).unflatten(0, (-1, groups))  # [key_value_heads, groups, L, D]
    keys, values = key[0], value[0]
    if isinstance(packing, Packing):
        pieces = _attend_in_packing(rows, keys, values, packing)
    else:
        lengths = [len(one) for one in packing]
        split = (
            rows.split(lengths, 2),
            keys.split(lengths, 1),
            values.split(lengths, 1),
        )
        pieces = [
            piece
            for *own, one in zip(*split, packing, strict=True)
            for piece in _attend_in_packing(own[0], own[1], own[2], one)
        ]
    out = torch.cat(pieces, 2).flatten(0, 1)
    return out.transpose(0, 1)[None], None


def _attend_in_packing(
    rows: Tensor, keys: Tensor, values: Tensor, packing: Packing
) -> list[Tensor]:
    """Attend from `[K, G, L, D]` to `[K, P + S, D]`, in pieces along L."""
    prefix = packing.prefix
    questions = sum(chunk.stop - chunk.start for chunk in packing.chunks)
    offset = rows.shape[2] - questions  # 0 where the prefix was read before
    pieces = []
    for start in range(0, offset, _ROWS):
        stop = min(start + _ROWS, offset)
        count = stop - start
        later = torch.ones(count, count, dtype=torch.bool, device=rows.device).triu(1)
        piece = rows[:, :, start:stop]
        pieces.append(_attend(piece, keys[:, :stop], values[:, :stop], later))
    for chunk in packing.chunks:
        own = slice(prefix + chunk.start, prefix + chunk.stop)
        seen_keys = torch.cat((keys[:, : chunk.visible], keys[:, own]), 1)
        seen_values = torch.cat((values[:, : chunk.visible], values[:, own]), 1)
        piece = rows[:, :, offset + chunk.start : offset + chunk.stop]
        pieces.append(_attend(piece, seen_keys, seen_values, chunk.hidden))
    return pieces


def _attend(rows: Tensor, keys: Tensor, values: Tensor, hidden: Tensor) -> Tensor:
    """Attend from `[K, G, n, D]` to `[K, m, D]`, of which the last `n` hide some `[n, n]`."""
    groups, count = rows.shape[1:3]
    scores = (rows.flatten(1, 2) @ keys.transpose(-1, -2)).unflatten(1, (groups, count))
    last = scores[..., -count:]
    last.masked_fill_(hidden, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1).flatten(1, 2)
    return (weights @ values).unflatten(1, (groups, count))


def no_mask(*args: Any, **kwargs: Any) -> None:
    """A mask function for transformers' interface: there is none to make."""


AttentionInterface.register(PACKED, packed_attention_forward)
AttentionMaskInterface.register(PACKED, no_mask)
