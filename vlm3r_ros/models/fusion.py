"""Cross-attention fusion of image tokens with geometry tokens (VLM-3R, section 3.2)."""

from __future__ import annotations

from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SpatialVisualFusion(nn.Module):
    """Lets every image token of a frame look at the geometry tokens of the same frame.

    The output keeps the shape and meaning of the image tokens: they are the residual, and what is
    attended to in the camera and patch tokens is normalised and added.

    Args:
        dim: width of the image tokens, and of the attention.
        spatial_dim: width of the geometry tokens.
        heads: attention heads; must divide `dim`.
        norm_eps: epsilon of the three layer norms.
        dropout: dropout on the sum, in training only.

    Raises:
        ValueError: if `heads` does not divide `dim`.
    """

    def __init__(
        self,
        dim: int,
        spatial_dim: int,
        heads: int,
        norm_eps: float = 1e-5,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"fusion width {dim} is not divisible by {heads} attention heads")
        self.heads = heads
        self.visual_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.spatial_norm = nn.LayerNorm(spatial_dim, eps=norm_eps)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(spatial_dim, dim)
        self.value = nn.Linear(spatial_dim, dim)
        # The published attention projects query, key and value once more (packed in one weight)
        # and its output twice: two linear maps in a row, kept apart so that weights map one to one.
        self.attention_in = nn.Linear(dim, 3 * dim)
        self.attention_out = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)
        self.out_norm = nn.LayerNorm(dim, eps=norm_eps)
        self.dropout = nn.Dropout(dropout)

    @overload
    def forward(
        self, visual: Tensor, spatial: Tensor, return_attention: Literal[False] = False
    ) -> Tensor: ...

    @overload
    def forward(
        self, visual: Tensor, spatial: Tensor, return_attention: Literal[True]
    ) -> tuple[Tensor, Tensor]: ...

    def forward(
        self, visual: Tensor, spatial: Tensor, return_attention: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            visual: image tokens `[B, N, D]`, one frame per batch element.
            spatial: geometry tokens `[B, M, Ds]` of the same frames.
            return_attention: also return the attention averaged over heads, `[B, N, M]`.

        Returns:
            Fused image tokens `[B, N, D]`, with the attention if asked for.
        """
        spatial = self.spatial_norm(spatial)
        weight_q, weight_k, weight_v = self.attention_in.weight.chunk(3)
        bias_q, bias_k, bias_v = self.attention_in.bias.chunk(3)
        query = self._heads(F.linear(self.query(self.visual_norm(visual)), weight_q, bias_q))
        key = self._heads(F.linear(self.key(spatial), weight_k, bias_k))
        value = self._heads(F.linear(self.value(spatial), weight_v, bias_v))

        attention: Tensor | None = None
        if return_attention:
            scores = query.float() @ key.float().transpose(-1, -2) * query.shape[-1] ** -0.5
            attention = torch.softmax(scores, dim=-1)
            context = attention.to(value.dtype) @ value
        else:
            context = F.scaled_dot_product_attention(query, key, value)

        context = context.transpose(1, 2).flatten(2)
        update = self.out_norm(self.out_proj(self.attention_out(context)))
        fused: Tensor = self.dropout(update + visual)
        return fused if attention is None else (fused, attention.mean(dim=1))

    def _heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
