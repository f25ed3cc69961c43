"""Losses recorded as CUDA graphs: thousands of small kernels at the cost of one launch.

A recurrent network over a sequence starts tens of thousands of kernels a step, each done before the
next one has been launched from Python. Recorded once and replayed, they follow each other without
a pause.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from vlm3r_ros.training.loop import LOSS

_WARM_UP = 3
"""Runs before recording, in which libraries choose kernels and take their memory."""


class GraphedLosses:
    """A function from tensors to losses, recorded anew where shapes differ from the last call's.

    What it draws at random must come in with its arguments, and nothing may be copied to the host.

    Args:
        network: whose parameters get gradients.
        compare: takes tensors and returns scalars, of which `LOSS` is minimised.

    Example:
        >>> graphed = GraphedLosses(network, lambda images, depth: compare(images, depth))
        >>> graphed(images, depth)[LOSS].backward()
    """

    def __init__(self, network: nn.Module, compare: Callable[..., dict[str, Tensor]]) -> None:
        self._network, self._compare = network, compare
        self._names: list[str] = []
        self._shapes: list[torch.Size] = []
        self._recorded: Callable[..., tuple[Tensor, ...]] | None = None

    def __call__(self, *tensors: Tensor) -> dict[str, Tensor]:
        """The losses of `compare(*tensors)`; only `LOSS` has a gradient."""
        shapes = [tensor.shape for tensor in tensors]
        if self._recorded is None or shapes != self._shapes:
            self._recorded = None
            gc.collect()  # what was recorded before lies in cycles, and fills the memory
            torch.cuda.empty_cache()
            self._shapes = shapes
            comparison = _Comparison(self._network, self._compare)
            self._recorded = cast(
                "Callable[..., tuple[Tensor, ...]]",
                torch.cuda.make_graphed_callables(
                    comparison,
                    tuple(tensor.clone() for tensor in tensors),
                    num_warmup_iters=_WARM_UP,
                    allow_unused_input=True,
                ),
            )
            self._names = comparison.names
        values = self._recorded(*tensors)
        return dict(zip(self._names, values, strict=True))


class _Comparison(nn.Module):
    """The form that recording wants: a module that takes and returns tensors alone."""

    def __init__(self, network: nn.Module, compare: Callable[..., dict[str, Tensor]]) -> None:
        super().__init__()
        self.network = network
        self.compare = compare
        self.names: list[str] = []

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        losses = self.compare(*tensors)
        self.names = list(losses)
        return tuple(
            value if name == LOSS else value.detach().clone() for name, value in losses.items()
        )
