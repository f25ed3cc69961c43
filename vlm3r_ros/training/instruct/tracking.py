"""A step of the geometry encoder recorded as a CUDA graph, for sequences of one length."""

from __future__ import annotations

import torch
from torch import Tensor

from vlm3r_ros.models.geometry import GeometryEncoder, GeometryState

_WARM_UP = 3
"""Steps before recording, in which libraries choose kernels and take their memory."""


class StepGraph:
    """Runs sequences through an encoder without the launch of a kernel from Python.

    Args:
        encoder: on CUDA; its weights may change later, but not where they lie.
        images: `[B, 3, H, W]`, of the shape that all calls have.
    """

    def __init__(self, encoder: GeometryEncoder, images: Tensor) -> None:
        self._images = images.clone()
        self._first = encoder.initial_state(len(images))
        self._state = [part.clone() for part in _parts(self._first)]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                encoder.step(self._images, GeometryState(*self._state))
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            output, state = encoder.step(self._images, GeometryState(*self._state))
            self._camera, self._patches = output.camera_token, output.patch_tokens
            for kept, new in zip(self._state, _parts(state), strict=True):
                kept.copy_(new)

    @property
    def batch(self) -> int:
        """Sequences that are run side by side."""
        return len(self._images)

    def run(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of sequences `[B, T, 3, H, W]`: of cameras `[B, T, 1, D]`, patches `[B, T, M, D]`.

        Begins with the initial state of the encoder as it was recorded.
        """
        for kept, first in zip(self._state, _parts(self._first), strict=True):
            kept.copy_(first)
        cameras, patches = [], []
        for frame in images.unbind(1):
            self._images.copy_(frame)
            self._graph.replay()
            cameras.append(self._camera.clone())
            patches.append(self._patches.clone())
        return torch.stack(cameras, 1), torch.stack(patches, 1)


def _parts(state: GeometryState) -> tuple[Tensor, ...]:
    return state.tokens, state.memory, state.step, state.fresh
