"""Where the vision tower starts from: a patch embedding that sees more than a patch's mean colour.

Of the pixels of rendered patches, the mean colour has ten thousand times the variance of the
details that tell a shelf from a door, and random filters pass on little else. So the filters begin
as the patches' principal components, each scaled to about the same variance: ordinary weights,
which training may keep or undo.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import SiglipVisionModel

_FLOOR = 0.02
"""Variance, of pixels in [-1, 1], below which a component is not raised any more: noise."""


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
