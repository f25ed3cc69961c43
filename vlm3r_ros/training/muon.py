"""Muon for matrices, AdamW for the rest: what a matrix learns in a step goes all ways alike.

Adam's update of a weight matrix is close to low rank: few directions learn, rare ones wait. Muon
(Jordan et al., 2024) orthogonalizes the momentum of each matrix, so that all its directions learn
at one pace. PyTorch's own Muon multiplies in bfloat16, which CPUs without such instructions take a
hundred times as long for; here it is float32, and matrices of one shape go together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MUON = "muon"
"""Key of the parameter groups whose matrices are orthogonalized."""

_MOMENTUM = 0.95
_ITERATIONS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic by Jordan et al.
_LIKE_ADAM = 0.2  # root mean square of an update, in learning rates: about that of AdamW


class MuonAdamW(torch.optim.AdamW):
    """An optimizer whose groups with `muon` set hold matrices, and whose others are AdamW's."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Adam's own looks for its step counter in the state of every parameter.
        torch.optim.Optimizer.__setstate__(self, state)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step; both kinds of groups follow their own `lr` and `weight_decay`."""
        groups = self.param_groups
        try:
            self.param_groups = [group for group in groups if not group.get(MUON)]
            loss = super().step(closure)
        finally:
            self.param_groups = groups
        for group in groups:
            if group.get(MUON):
                self._step_matrices(group)
        return loss

    def _step_matrices(self, group: dict[str, Any]) -> None:
        alike: defaultdict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for matrix in group["params"]:
            if matrix.grad is not None:
                alike[matrix.shape].append((matrix, matrix.grad))
        for shape, pairs in alike.items():
            matrices, gradients = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
            momenta = [self._momentum(matrix) for matrix in matrices]
            torch._foreach_lerp_(momenta, gradients, 1 - _MOMENTUM)
            # Nesterov's: as if the next gradient were like this one.
            ahead = torch._foreach_lerp(gradients, momenta, _MOMENTUM)
            updates = orthogonalize(torch.stack(list(ahead)))
            rate = group["lr"] * _LIKE_ADAM * math.sqrt(max(shape))
            torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(matrices, list(updates), alpha=-rate)

    def _momentum(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if MUON not in state:
            state[MUON] = torch.zeros_like(matrix)
        momentum: Tensor = state[MUON]
        return momentum


def orthogonalize(matrices: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrices to `[B, M, N]`, roughly: singular values near 1.

    Newton and Schulz's iteration with Muon's coefficients, which hurry small singular values.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
