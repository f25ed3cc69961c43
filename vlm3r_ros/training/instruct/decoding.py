"""Answers to all questions of a session at once, token by token, from one reading of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.packing import Packing, Turn


@torch.no_grad()
def write_answers(
    network: InstructNetwork,
    prefix: Tensor,
    turns: Sequence[Turn],
    frames: int,
    max_new_tokens: int = 16,
) -> list[list[int]]:
    """Greedily chosen tokens of each answer, without the end of the turn.

    Args:
        network: with the model.
        prefix: of the session `[P, H]`.
        turns: questions; what they have of an answer is left out.
        frames: keyframes of the session.
        max_new_tokens: an answer ends here at the latest.
    """
    language_model = network.model.language_model
    end = network.processor.tokenizer.eos_token_id
    cache = DynamicCache()
    language_model.model(
        inputs_embeds=prefix[None],
        position_ids=torch.arange(len(prefix), device=prefix.device)[None],
        packing=Packing(len(prefix), ()),
        past_key_values=cache,
        use_cache=True,
    )
    written: list[list[int]] = [[] for _ in turns]
    going_on = list(range(len(turns)))
    for _ in range(max_new_tokens):
        packed = network.pack(
            [
                replace(turns[k], question=(*turns[k].question, *written[k]), answer=())
                for k in going_on
            ],
            frames,
        )
        output = language_model.model(
            inputs_embeds=network.model.embed_text(packed.ids).to(prefix.dtype)[None],
            position_ids=packed.positions[None],
            packing=packed.packing,
            past_key_values=cache,
            use_cache=True,
        )
        cache.crop(-len(packed.ids))
        logits = language_model.lm_head(output.last_hidden_state[0, packed.ends])
        chosen = logits.float().argmax(-1).tolist()
        left = []
        for place, token in zip(packed.order, chosen, strict=True):
            number = going_on[place]
            if token != end:
                written[number].append(token)
                left.append(number)
        going_on = sorted(left)
        if not going_on:
            break
    return written
