"""Transformer layers of the geometry encoder: attention, MLP and the three kinds of block."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .rotary import RotaryTable


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between them."""

    def __init__(self, dim: int, hidden_dim: int, out_dim: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, out_dim or dim)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., dim]` -> `[..., out_dim]`."""
        return self.fc2(F.gelu(self.fc1(x)))


class SelfAttention(nn.Module):
    """Multi-head self-attention; queries and keys are rotated when a table is given."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, rotary: RotaryTable | None = None) -> Tensor:
        """`[B, N, D]` -> `[B, N, D]`."""
        # [B, 3, N, heads, head_dim]; queries and keys are neighbours, so one call rotates both.
        qkv = self.qkv(x).unflatten(-1, (3, self.heads, -1)).transpose(1, 2)
        query_key, value = qkv[:, :2], qkv[:, 2]
        key_mask = None
        if rotary is not None:
            query_key, key_mask = rotary.rotate(query_key), rotary.key_mask
        return self.proj(_attend(query_key[:, 0], query_key[:, 1], value, key_mask))


class CrossAttention(nn.Module):
    """Multi-head attention of tokens to a context, each rotated by its own positions."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self,
        x: Tensor,
        context: Tensor,
        rotary: RotaryTable | None = None,
        context_rotary: RotaryTable | None = None,
        score_sink: list[Tensor] | None = None,
    ) -> Tensor:
        """Attend from `x` `[B, N, D]` to `context` `[B, M, D]`.

        Args:
            x: the tokens that ask.
            context: the tokens that are asked.
            rotary: rotations of `x`; both or neither.
            context_rotary: rotations of `context`.
            score_sink: if given, the mean attention logit of each token of `x`, over heads and
                context tokens, is appended to it: `[B, N]`, float32.

        Returns:
            `[B, N, D]`
        """
        query = self.query(x).unflatten(-1, (self.heads, -1))
        key = self.key(context).unflatten(-1, (self.heads, -1))
        value = self.value(context).unflatten(-1, (self.heads, -1))
        key_mask = None
        if rotary is not None and context_rotary is not None:
            query, key = rotary.rotate(query), context_rotary.rotate(key)
            key_mask = context_rotary.key_mask
        if score_sink is not None:
            score_sink.append(_mean_logit(query, key, key_mask))
        return self.proj(_attend(query, key, value, key_mask))


def _attend(query: Tensor, key: Tensor, value: Tensor, key_mask: Tensor | None) -> Tensor:
    """Scaled dot-product attention of `[B, N, heads, head_dim]` tensors -> `[B, N, D]`."""
    out = F.scaled_dot_product_attention(
        query.transpose(1, 2),
        key.transpose(1, 2),
        value.transpose(1, 2),
        attn_mask=None if key_mask is None else key_mask.expand(-1, -1, query.shape[1], -1),
    )
    return out.transpose(1, 2).flatten(2)


def _mean_logit(query: Tensor, key: Tensor, key_mask: Tensor | None) -> Tensor:
    """Mean over heads and visible keys of q.k / sqrt(d): `[B, N]`.

    The mean over keys of a dot product is the dot product with the mean key, so that the N x M
    logits are never formed.
    """
    weight = key.new_ones(key.shape[1]) if key_mask is None else key_mask.exp().flatten()
    mean_key = torch.einsum("bmhd,m->bhd", key.float(), weight.float() / weight.sum())
    return (query.float() * mean_key[:, None]).sum(-1).mean(-1) / query.shape[-1] ** 0.5


class EncoderBlock(nn.Module):
    """Pre-norm self-attention and MLP."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, norm_eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attention = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor, rotary: RotaryTable) -> Tensor:
        """`[B, N, D]` -> `[B, N, D]`."""
        x = x + self.attention(self.norm1(x), rotary)
        return x + self.mlp(self.norm2(x))


class DecoderBlock(nn.Module):
    """Pre-norm self-attention, cross-attention to a context, and MLP."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, norm_eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attention = SelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.norm_context = nn.LayerNorm(dim, eps=norm_eps)
        self.cross_attention = CrossAttention(dim, heads)
        self.norm3 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(
        self,
        x: Tensor,
        context: Tensor,
        rotary: RotaryTable | None = None,
        context_rotary: RotaryTable | None = None,
        score_sink: list[Tensor] | None = None,
    ) -> Tensor:
        """`x` `[B, N, D]`, `context` `[B, M, D]` -> `[B, N, D]`; see `CrossAttention`."""
        x = x + self.attention(self.norm1(x), rotary)
        x = x + self.cross_attention(
            self.norm2(x), self.norm_context(context), rotary, context_rotary, score_sink
        )
        return x + self.mlp(self.norm3(x))


class ModulatedNorm(nn.Module):
    """Layer norm whose scale and shift come from a condition (adaLN)."""

    def __init__(self, dim: int, norm_eps: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=norm_eps)
        self.modulation = nn.Linear(dim, 2 * dim)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """`x` `[B, N, D]`, `condition` `[B, 1, D]` -> `[B, N, D]`."""
        shift, scale = self.modulation(F.silu(condition)).chunk(2, dim=-1)
        return torch.addcmul(shift, self.norm(x), 1 + scale)


class ModulatedBlock(nn.Module):
    """Self-attention and MLP behind norms that a condition modulates."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, norm_eps: float) -> None:
        super().__init__()
        self.norm1 = ModulatedNorm(dim, norm_eps)
        self.attention = SelfAttention(dim, heads)
        self.norm2 = ModulatedNorm(dim, norm_eps)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor, condition: Tensor, rotary: RotaryTable) -> Tensor:
        """`x` `[B, N, D]`, `condition` `[B, 1, D]` -> `[B, N, D]`."""
        x = x + self.attention(self.norm1(x, condition), rotary)
        return x + self.mlp(self.norm2(x, condition))
