"""What a patch shows, compared with what the network says."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PRESENT_SHARE = 1 / 16
"""Of a patch's pixels, from which a category counts as shown."""


def category_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Cross entropy between classes of pixels, said `[..., C]` and true `[..., C]`."""
    return -(shares * logits.float().log_softmax(-1)).sum(-1).mean()


def presence_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Binary cross entropy of what is shown `[..., C - 1]`, summed over categories.

    Args:
        logits: said.
        shares: true ones of all classes `[..., C]`; walls and the like are no category.
    """
    target = (shares[..., 1:] >= PRESENT_SHARE).float()
    losses = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return losses.sum(-1).mean()


def instance_loss(
    embedding: Tensor, instance: Tensor, room: Tensor, patches: int, temperature: float
) -> Tensor:
    """How badly patches of one thing find each other among the patches of their room's things.

    Args:
        embedding: of length 1 `[B, N, E]`.
        instance: which thing a patch shows `[B, N]`, -1 for none.
        room: of each image `[B]`.
        patches: of a room that are compared, drawn by PyTorch's random numbers.
        temperature: of the likeness.
    """
    losses = []
    for number in room.unique().tolist():
        of_room = room == number
        vectors, ids = embedding[of_room].flatten(0, 1), instance[of_room].flatten()
        shown = (ids >= 0).nonzero()[:, 0]
        chosen = shown[torch.randperm(len(shown), device=shown.device)[:patches]]
        vectors, ids = vectors[chosen], ids[chosen]
        alike = ids[:, None] == ids[None]
        alike.fill_diagonal_(False)
        has_other = alike.any(1)
        if not has_other.any():
            continue
        scores = vectors @ vectors.T / temperature
        itself = torch.eye(len(ids), dtype=torch.bool, device=scores.device)
        likelihood = scores.masked_fill(itself, -torch.inf).log_softmax(-1)
        # The mean over all patches of the same thing: each of them should be found.
        found = likelihood.masked_fill(~alike, 0).sum(1) / alike.sum(1).clamp(min=1)
        losses.append(-found[has_other].mean())
    return torch.stack(losses).mean() if losses else embedding.sum() * 0


def depth_loss(log_depth: Tensor, depth: Tensor) -> Tensor:
    """Mean error of the logarithm of depths `[...]`, metres."""
    return (log_depth.float() - depth.clamp(min=0.1).log()).abs().mean()
