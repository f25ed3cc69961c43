"""A tower's tokens brought to mean 0 and variance 1, by its weights alone.

Every layer reads the residual stream through a norm, so that the stream may be scaled as a whole
without changing what any layer reads. What is common to all tokens tells nothing, and large tokens
drown what fusion and language model add to them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import SiglipVisionModel


@torch.no_grad()
def standardize_tokens(tower: SiglipVisionModel, images: Tensor) -> None:
    """Rescale a tower so that its patch tokens of these images have mean 0 and variance 1.

    Args:
        tower: changed in place; the norm behind its last layer is left alone.
        images: `[B, 3, S, S]` in [-1, 1].
    """
    tokens = tower.encoder(inputs_embeds=tower.embeddings(images)).last_hidden_state
    mean = tokens.flatten(0, 1).mean(0)
    scale = 1 / (tokens - mean).square().mean().sqrt()
    embeddings, layers = tower.embeddings, [_writers(layer) for layer in tower.encoder.layers]
    writers: list[nn.Module] = [embeddings.patch_embedding, embeddings.position_embedding]
    writers += [writer for layer in layers for writer in layer]
    for writer in writers:
        for parameter in writer.parameters():
            parameter.mul_(scale)
    _, last = layers[-1]
    last.bias.sub_(mean * scale)


def _writers(layer: Any) -> tuple[nn.Linear, nn.Linear]:
    """What adds to the residual stream in an encoder layer."""
    return layer.self_attn.out_proj, layer.mlp.fc2
