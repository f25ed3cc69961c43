"""Packed questions of many sessions in one pass, laid out for a device that likes large batches.

What `packing` lays out chunk by chunk is padded here to chunks of one length, so that attention is
two calls a layer: the prefixes of all sessions, and all chunks of questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vlm3r_ros.training.instruct.packing import Turn, question_groups, question_order

_ALIGNED = 8
"""Keys come in multiples of so many: fused attention wants the rows of its mask aligned."""


@dataclass(frozen=True, eq=False)
class SideBySide:
    """A sequence of the prefixes of all sessions, and then of all questions.

    Attributes:
        ids: int64 `[S]`, tokens of the questions with their answers.
        positions: int64 `[L]`, of the whole sequence.
        asking: int64 `[A]`, question tokens that an answer's token should follow.
        labels: int64 `[A]`, that token.
        turn: int64 `[A]`, number of the question that it answers, in the order given.
        prefix_rows: int64 `[B, P]`, where the tokens of each prefix are; padded with others.
        rows: int64 `[M, N]`, where those of each chunk are; likewise.
        session: int64 `[M]`, of each chunk.
        seen: bool `[M, N, P + N]`, whether a chunk's token sees one of its prefix or chunk.
        back: int64 `[L]`, where each token is among `[B * P]` and `[M * N]`.
    """

    ids: Tensor
    positions: Tensor
    asking: Tensor
    labels: Tensor
    turn: Tensor
    prefix_rows: Tensor
    rows: Tensor
    session: Tensor
    seen: Tensor
    back: Tensor

    @classmethod
    def of(
        cls,
        sessions: Sequence[Sequence[Turn]],
        header: int,
        tokens_per_frame: int,
        frames: Sequence[int],
        device: torch.device,
    ) -> SideBySide:
        """Lay out questions.

        Args:
            sessions: of each, at least one question.
            header: tokens before the frames.
            tokens_per_frame: visual tokens of a frame.
            frames: of each session.
            device: where the tensors are put.
        """
        prefixes = np.array([header + count * tokens_per_frame for count in frames])
        numbers = np.cumsum([0, *map(len, sessions)])
        orders = [question_order(turns) for turns in sessions]
        turns = [own[k] for own, order in zip(sessions, orders, strict=True) for k in order]
        number = np.concatenate([n + np.array(o) for n, o in zip(numbers, orders, strict=False)])
        asked = np.array([len(turn.question) for turn in turns])
        answered = np.array([len(turn.answer) for turn in turns])
        visible = np.array([header + turn.frames * tokens_per_frame for turn in turns])
        lengths = asked + answered
        total, owner = int(lengths.sum()), np.repeat(np.arange(len(turns)), lengths)
        starts = np.cumsum(lengths) - lengths
        within = np.arange(total) - starts[owner]
        ids = np.fromiter(
            chain.from_iterable(chain(turn.question, turn.answer) for turn in turns),
            np.int64,
            total,
        )
        taught = within >= asked[owner]

        groups = [
            (session, group)
            for session, (own, order) in enumerate(zip(sessions, orders, strict=True))
            for group in question_groups([own[k] for k in order])
        ]
        sizes = np.array([sum(map(len, group)) for _, group in groups])
        first = np.cumsum([len(group) for _, group in groups]) - [len(g) for _, g in groups]
        chunk_of = np.repeat(np.arange(len(groups)), sizes)
        chunk_starts = np.cumsum(sizes) - sizes
        longest_prefix = -(-int(prefixes.max()) // _ALIGNED) * _ALIGNED
        longest = -(-int(sizes.max()) // _ALIGNED) * _ALIGNED
        at = np.arange(longest)
        inside = at < sizes[:, None]
        places = np.where(inside, chunk_starts[:, None] + at, 0)
        session = np.array([number for number, _ in groups])
        chunk_owner = np.where(inside, owner[places], -1)
        prefix_at = np.arange(longest_prefix)
        prefix_starts = np.cumsum(prefixes) - prefixes
        within_prefix = prefix_at < prefixes[:, None]
        prefix_rows = np.where(within_prefix, prefix_starts[:, None] + prefix_at, 0)
        whole_prefix = int(prefixes.sum())
        back = np.concatenate(
            (
                (np.arange(len(prefixes))[:, None] * longest_prefix + prefix_at)[within_prefix],
                len(prefixes) * longest_prefix
                + chunk_of * longest
                + (np.arange(total) - chunk_starts[chunk_of]),
            )
        )
        positions = np.concatenate(
            (
                np.broadcast_to(prefix_at, within_prefix.shape)[within_prefix],
                visible[owner] + within,
            )
        )

        def put(array: NDArray[np.int64]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        # The mask is made where it is used: it is far larger than what tells it.
        own = put(chunk_owner)
        later = torch.ones(longest, longest, dtype=torch.bool, device=device).tril()
        among = (own[:, :, None] == own[:, None]) & later
        before = put(prefix_at) < put(visible[first])[:, None]
        seen = torch.cat((before[:, None].expand(-1, longest, -1), among), 2)
        (places_taught,) = np.nonzero(taught)
        return cls(
            put(ids),
            put(positions),
            put(places_taught - 1),
            put(ids[places_taught]),
            put(number[owner[places_taught]]),
            put(prefix_rows),
            put(whole_prefix + places),
            put(session),
            seen,
            put(back),
        )

    @property
    def prefix(self) -> int:
        """Tokens of all prefixes."""
        return len(self.positions) - len(self.ids)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """Attend from `[heads, L, D]` to `[key_value_heads, L, D]` -> `[heads, L, D]`."""
        groups = len(query) // len(key)

        def take(heads: Tensor, rows: Tensor) -> Tensor:
            """`[B, heads, n, D]` of rows `[B, n]`."""
            taken = heads.index_select(1, rows.flatten()).unflatten(1, rows.shape)
            return taken.transpose(0, 1)

        def spread(heads: Tensor) -> Tensor:
            """Keys or values for each of the heads that share them."""
            return heads.repeat_interleave(groups, 1)

        prefix_key, prefix_value = take(key, self.prefix_rows), take(value, self.prefix_rows)
        read = F.scaled_dot_product_attention(
            take(query, self.prefix_rows),
            spread(prefix_key),
            spread(prefix_value),
            is_causal=True,
            scale=scale,
        )
        keys, values = (
            torch.cat((prefix.index_select(0, self.session), take(own, self.rows)), 2)
            for prefix, own in ((prefix_key, key), (prefix_value, value))
        )
        asked = F.scaled_dot_product_attention(
            take(query, self.rows),
            spread(keys),
            spread(values),
            attn_mask=self.seen[:, None],
            scale=scale,
        )
        flat = [part.permute(1, 0, 2, 3).flatten(1, 2) for part in (read, asked)]
        return torch.cat(flat, 1).index_select(1, self.back)
