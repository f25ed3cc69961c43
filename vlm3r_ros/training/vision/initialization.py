"""Where the vision tower starts from: filters that see details, places, and looking near by.

Of the pixels of rendered patches, the mean colour has ten thousand times the variance of the
details that tell a shelf from a door, and random filters pass on little else. So the filters begin
as the patches' principal components, each scaled to about the same variance: ordinary weights,
which training may keep or undo.

From scratch, a tower takes long to learn that what lies near belongs together. So positions begin
as waves along rows and columns, as strong as what the filters say, and queries and keys begin
alike: a patch looks at those near it that look like it, and takes away what they have in common
(after Trockman and Kolter, "Mimetic Initialization of Self-Attention Layers", 2023).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformers import SiglipVisionModel
from transformers.models.siglip.modeling_siglip import SiglipAttention

_FLOOR = 0.02
"""Variance, of pixels in [-1, 1], below which a component is not raised any more: noise."""
_ALIKE, _TAKEN_AWAY = 0.7, 0.4
_WAVES = (2.5, 40.0)  # patches: shortest and longest wave of a position


def initialize(tower: SiglipVisionModel, images: Tensor, seed: int) -> None:
    """Arrange a tower's random weights; the same seed arranges them alike.

    Args:
        tower: with a convolution of stride and kernel P that makes its patches.
        images: `[B, 3, S, S]` in [-1, 1], of what the tower will see.
        seed: of random numbers.
    """
    whiten_patches(tower, images)
    tell_places(tower)
    look_near_by(tower, seed)


@torch.no_grad()
def tell_places(tower: SiglipVisionModel) -> None:
    """Let position embeddings be sines and cosines of row and column, of variance 1/2 each."""
    places = tower.embeddings.position_embedding.weight  # [side * side, D]
    side, waves = math.isqrt(len(places)), places.shape[1] // 4
    shortest, longest = (math.log(wave) for wave in _WAVES)
    lengths = torch.linspace(shortest, longest, waves).exp()
    angle = torch.arange(side)[:, None] * (2 * math.pi / lengths)
    code = torch.cat((angle.sin(), angle.cos()), -1)  # [side, D / 2]
    down, across = code[:, None].expand(-1, side, -1), code[None].expand(side, -1, -1)
    places.zero_()
    places[:, : 4 * waves] = torch.cat((down, across), -1).flatten(0, 1)


@torch.no_grad()
def look_near_by(tower: SiglipVisionModel, seed: int) -> None:
    """Let every layer's attention begin with tokens that are alike."""
    random = torch.Generator().manual_seed(seed)
    for layer in tower.encoder.layers:
        attention = layer.self_attn
        assert isinstance(attention, SiglipAttention)
        query, key = attention.q_proj.weight, attention.k_proj.weight
        query.copy_(torch.randn(query.shape, generator=random) * query.shape[1] ** -0.5)
        other = torch.randn(key.shape, generator=random) * key.shape[1] ** -0.5
        key.copy_(_ALIKE * query + math.sqrt(1 - _ALIKE**2) * other)
        value, out = attention.v_proj.weight, attention.out_proj.weight
        noise = torch.randn(out.shape, generator=random) * out.shape[1] ** -0.5
        value.copy_(torch.linalg.qr(torch.randn(value.shape, generator=random)).Q)
        out.copy_(_TAKEN_AWAY * (noise - value.T))


@torch.no_grad()
def whiten_patches(tower: SiglipVisionModel, images: Tensor) -> None:
    """Set the patch embedding's filters by what images hold.

    A tower wider than a patch has components keeps its random filters for the rest.

    Args:
        tower: with a convolution of stride and kernel P that makes its patches.
        images: `[B, 3, S, S]` in [-1, 1].
    """
    filters = tower.embeddings.patch_embedding
    size = int(tower.config.patch_size)  # type: ignore[arg-type]
    patches = torch.nn.functional.unfold(images, size, stride=size)
    rows = patches.transpose(1, 2).flatten(0, 1).double()  # [B * N, 3 * P * P]
    mean = rows.mean(0)
    centred = rows - mean
    variance, components = torch.linalg.eigh(centred.T @ centred / len(rows))
    count = min(filters.out_channels, len(variance))
    strongest = components.T.flip(0)[:count] / (variance.flip(0)[:count, None] + _FLOOR).sqrt()
    filters.weight[:count] = strongest.unflatten(1, (3, size, size)).to(filters.weight.dtype)
    assert filters.bias is not None
    filters.bias[:count] = -(strongest @ mean).to(filters.bias.dtype)
