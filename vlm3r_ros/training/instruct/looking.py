"""How badly attention heads look at what words speak of: a loss of training alone (`grounding`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlm3r_ros.training.instruct.grounding import Grounding, LookKind, Looks, VectorKind
from vlm3r_ros.training.instruct.packing import Turn, question_order

_HIDDEN = -1e4
"""Score of a token that is not seen."""


@dataclass(frozen=True, eq=False)
class WatchedTokens:
    """Tokens of a session that should look somewhere, in the sequence that is read.

    Attributes:
        rows: int64 `[R]`, where they are; at least one.
        first: int64 `[R]`, where their questions begin.
        visible: int64 `[R]`, tokens of the prefix that their questions see.
        shares: float32 `[R, P + W]`, of a token's attention that each token of the prefix, and then
            each one of its question, should have.
    """

    rows: Tensor
    first: Tensor
    visible: Tensor
    shares: Tensor

    def compare(self, query: Tensor, key: Tensor, start: int, prefix: int) -> tuple[Tensor, Tensor]:
        """How far looks are from where they should go, in nats, and what part goes there `[R]`.

        Args:
            query: of one head `[L, D]`, scaled.
            key: `[L, D]`
            start: where the session's prefix begins.
            prefix: its tokens.
        """
        asking, device = query[self.rows], key.device
        before = asking @ key[start : start + prefix].T
        unseen = torch.arange(prefix, device=device) >= self.visible[:, None]
        words = torch.arange(self.shares.shape[1] - prefix, device=device) + self.first[:, None]
        own = torch.einsum("rd,rwd->rw", asking, key[words.clamp(max=len(key) - 1)])
        hidden = torch.cat((unseen, words > self.rows[:, None]), 1)
        looks = torch.cat((before, own), 1).masked_fill(hidden, _HIDDEN).log_softmax(1)
        wanted = torch.xlogy(self.shares, self.shares) - self.shares * looks
        return wanted.sum(1), (looks.detach().exp() * (self.shares > 0)).sum(1)


@dataclass(frozen=True, eq=False)
class LookingSession:
    """What tokens of a session speak of, in the sequence that is read.

    Attributes:
        start: where the session's prefix begins.
        prefix: its tokens.
        watched: of each kind that there is, the tokens that should look somewhere.
        vectors: of each kind, tokens at which something can be known, int64 `[V]`, and that,
            float32 `[V, 3]`.
    """

    start: int
    prefix: int
    watched: Mapping[LookKind, WatchedTokens]
    vectors: Mapping[VectorKind, tuple[Tensor, Tensor]]

    @classmethod
    def of(
        cls,
        turns: Sequence[Turn],
        grounding: Grounding,
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
            grounding: what their tokens speak of.
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
        prefix = header + tokens_per_frame * frames

        def put(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(array).to(device)

        def watch(looks: Looks) -> WatchedTokens:
            first = begin[looks.turn]
            # Laid out where it is used: it is far larger than what tells it.
            words = int(looks.token.max()) + 1
            shares = torch.zeros(len(first), prefix + words, device=device)
            shares[put(looks.owner), header + put(looks.target)] = put(looks.share)
            rows = put(first + looks.token)
            return WatchedTokens(rows, put(first), put(visible[looks.turn]), shares)

        return cls(
            start,
            prefix,
            {kind: watch(own) for kind, own in grounding.looks.items() if len(own.turn)},
            {
                kind: (put(begin[own.turn] + own.token), put(own.vector))
                for kind, own in grounding.vectors.items()
            },
        )


class Looking:
    """Watches attention heads while questions are read.

    The loss of a token is the divergence of where a head looks from where it should, in nats: all
    that it sees counts, the prefix as well as the question's own words.

    Args:
        heads: layer and head of each that is watched, by what it should look at.
        sessions: at least one.
    """

    def __init__(
        self,
        heads: Mapping[LookKind, Sequence[tuple[int, int]]],
        sessions: Sequence[LookingSession],
    ) -> None:
        self._heads = {
            kind: own
            for kind, own in heads.items()
            if own and any(kind in one.watched for one in sessions)
        }
        self._sessions = sessions
        self._seen: dict[tuple[LookKind, int, int], tuple[Tensor, Tensor]] = {}
        self.hidden: tuple[Tensor, ...] = ()
        """What goes into each layer, and comes out of the last one `[L, H]`."""

    @property
    def kinds(self) -> Sequence[LookKind]:
        """Those for which there are heads, and tokens that should look."""
        return tuple(self._heads)

    def see(self, layer: int, query: Tensor, key: Tensor, scale: float) -> None:
        """Take in what a layer compares.

        Args:
            layer: its number.
            query: `[heads, L, D]`, of the whole sequence.
            key: `[key_value_heads, L, D]`
            scale: of the scores.
        """
        groups = len(query) // len(key)
        for kind, heads in self._heads.items():
            for own, head in heads:
                if own == layer:
                    # A layer that is computed again for its gradient says the same again.
                    self._seen[kind, own, head] = self._compare(
                        kind, query[head].float() * scale, key[head // groups].float()
                    )

    def vectors(self, kind: VectorKind) -> tuple[Tensor, Tensor]:
        """Tokens of the sequence at which something can be known `[V]`, and that `[V, 3]`."""
        places, vectors = zip(*(one.vectors[kind] for one in self._sessions), strict=True)
        return torch.cat(places), torch.cat(vectors)

    def loss(self, kind: LookKind) -> Tensor:
        """Mean over tokens and heads, of one of `kinds`."""
        return torch.stack([loss for loss, _ in self._of(kind)]).mean()

    def found(self, kind: LookKind) -> Tensor:
        """Share of the attention that goes where it should, of the head that does best."""
        return torch.stack([found for _, found in self._of(kind)]).max()

    def _of(self, kind: LookKind) -> list[tuple[Tensor, Tensor]]:
        return [self._seen[kind, layer, head] for layer, head in self._heads[kind]]

    def _compare(self, kind: LookKind, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        losses, found = zip(
            *(
                one.watched[kind].compare(query, key, one.start, one.prefix)
                for one in self._sessions
                if kind in one.watched
            ),
            strict=True,
        )
        return torch.cat(losses).mean(), torch.cat(found).mean()
