"""The pose memory: what the encoder remembers of where it has been, keyed by what it saw there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .configuration import GeometryEncoderConfig
from .layers import DecoderBlock


class PoseMemory(nn.Module):
    """Tokens that pair an image's global feature with its camera token, read and written by frame.

    The memory itself is carried by the caller; this module holds its initial value and the blocks.
    """

    def __init__(self, config: GeometryEncoderConfig) -> None:
        super().__init__()
        dim = config.memory_dim

        def blocks(depth: int) -> nn.ModuleList:
            return nn.ModuleList(
                DecoderBlock(dim, config.memory_heads, config.mlp_ratio, config.norm_eps)
                for _ in range(depth)
            )

        self.tokens = nn.Parameter(torch.empty(1, config.memory_size, dim))
        self.masked_token = nn.Parameter(torch.empty(1, 1, config.decoder_dim))
        self.query = nn.Linear(config.encoder_dim, config.decoder_dim)
        self.read_blocks = blocks(config.memory_read_depth)
        self.write_blocks = blocks(config.memory_write_depth)

    def read(self, memory: Tensor, query: Tensor) -> Tensor:
        """Guess a frame's camera token from what it looks like.

        Args:
            memory: `[B, M, 2D]`
            query: `[B, 1, D]`, the frame's global feature after `self.query`.

        Returns:
            `[B, 1, D]`
        """
        x = torch.cat((query, self.masked_token.expand(query.shape[0], -1, -1)), dim=-1)
        for block in self.read_blocks:
            x = block(x, memory)
        return x[..., query.shape[-1] :]

    def write(self, memory: Tensor, query: Tensor, camera_token: Tensor) -> Tensor:
        """Store a frame's feature and decoded camera token, both `[B, 1, D]`; the new memory."""
        entry = torch.cat((query, camera_token), dim=-1)
        for block in self.write_blocks:
            memory = block(memory, entry)
        return memory
