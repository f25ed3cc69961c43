"""How badly attention heads look at what words speak of: a loss of training alone (`grounding`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm3r_ros.training.instruct.grounding import Looks, VectorKind
from vlm3r_ros.training.instruct.packing import Turn, question_order

_HIDDEN = -1e4
"""Score of a token that is not seen."""


@dataclass(frozen=True, eq=False)
class LookingSession:
    """Tokens of a session that should look somewhere, in the sequence that is read.

    Attributes:
        rows: int64 `[R]`, where they are.
        first: int64 `[R]`, where their questions begin.
        longest: the most words up to one of them, from where its question begins.
        visible: int64 `[R]`, tokens of the prefix that their questions see.
        start: where the prefix begins.
        shares: float32 `[R, P]`, of a token's attention that each token of the prefix should have.
        vectors: of each kind, tokens at which something can be known, int64 `[V]`, and that,
            float32 `[V, 3]`.
    """

    rows: Tensor
    first: Tensor
    longest: int
    visible: Tensor
    start: int
    shares: Tensor
    vectors: Mapping[VectorKind, tuple[Tensor, Tensor]]

    @classmethod
    def of(
        cls,
        turns: Sequence[Turn],
        looks: Looks,
        *,
        header: int,
        tokens_per_frame: int,
        frames: int,
        start: int,
        asked: int,
        device: torch.device,
    ) -> LookingSession:
        """Put tokens of a session where they are in the sequence.

        Args:
            turns: the session's questions.
            looks: where their tokens should look.
            header: tokens before the frames.
            tokens_per_frame: visual tokens of a frame.
            frames: of the session.
            start: where the session's prefix begins.
            asked: where its packed questions begin.
            device: where the tensors are put.
        """
        order = question_order(turns)
        lengths = np.array([len(turns[number]) for number in order])
        begin = np.empty(len(turns), np.int64)
        begin[order] = asked + np.cumsum(lengths) - lengths
        visible = header + tokens_per_frame * np.array([turn.frames for turn in turns])
        first = begin[looks.turn]

        def put(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(array).to(device)

        rows, owner = put(first + looks.token), put(looks.owner)
        # Laid out where it is used: it is far larger than what tells it.
        shares = torch.zeros(len(rows), header + tokens_per_frame * frames, device=device)
        shares[owner, header + put(looks.target)] = put(looks.share)
        return cls(
            rows,
            put(first),
            int(looks.token.max()) + 1,
            put(visible[looks.turn]),
            start,
            shares,
            {
                kind: (put(begin[own.turn] + own.token), put(own.vector))
                for kind, own in looks.vectors.items()
            },
        )


class Looking:
    """Watches attention heads while questions are read.

    The loss of a token is the divergence of where a head looks from where it should, in nats: all
    that it sees counts, the prefix as well as the question's own words.

    Args:
        heads: layer and head of each that is watched.
        sessions: at least one, in which something should be looked at.
    """

    def __init__(
        self, heads: Sequence[tuple[int, int]], sessions: Sequence[LookingSession]
    ) -> None:
        self._heads = heads
        self._sessions = sessions
        self._losses: dict[tuple[int, int], Tensor] = {}
        self._found: dict[tuple[int, int], Tensor] = {}
        self.hidden: tuple[Tensor, ...] = ()
        """What goes into each layer, and comes out of the last one `[L, H]`."""

    def see(self, layer: int, query: Tensor, key: Tensor, scale: float) -> None:
        """Take in what a layer compares.

        Args:
            layer: its number.
            query: `[heads, L, D]`, of the whole sequence.
            key: `[key_value_heads, L, D]`
            scale: of the scores.
        """
        groups = len(query) // len(key)
        for own, head in self._heads:
            if own == layer:
                # A layer that is computed again for its gradient says the same again.
                self._losses[own, head], self._found[own, head] = self._compare(
                    query[head].float() * scale, key[head // groups].float()
                )

    def vectors(self, kind: VectorKind) -> tuple[Tensor, Tensor]:
        """Tokens of the sequence at which something can be known `[V]`, and that `[V, 3]`."""
        places, vectors = zip(*(one.vectors[kind] for one in self._sessions), strict=True)
        return torch.cat(places), torch.cat(vectors)

    def loss(self) -> Tensor:
        """Mean over tokens and heads."""
        return torch.stack(list(self._losses.values())).mean()

    def found(self) -> Tensor:
        """Share of the attention that is on what is spoken of, of the head that finds it best."""
        return torch.stack(list(self._found.values())).max()

    def _compare(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        losses, found = [], []
        for one in self._sessions:
            asking = query[one.rows]
            prefix = key[one.start : one.start + one.shares.shape[1]]
            at = torch.arange(len(prefix), device=key.device)
            seen = at < one.visible[:, None]
            before = (asking @ prefix.T).masked_fill(~seen, _HIDDEN)
            words = one.first[:, None] + torch.arange(one.longest, device=key.device)
            later = words > one.rows[:, None]
            own_keys = key[words.clamp(max=len(key) - 1)]
            own = torch.einsum("rd,rwd->rw", asking, own_keys).masked_fill(later, _HIDDEN)
            looks = torch.cat((before, own), 1).log_softmax(1)[:, : len(prefix)]
            wanted = torch.xlogy(one.shares, one.shares) - one.shares * looks
            losses.append(wanted.sum(1))
            found.append((looks.detach().exp() * (one.shares > 0)).sum(1))
        return torch.cat(losses).mean(), torch.cat(found).mean()
