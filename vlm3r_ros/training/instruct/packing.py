"""Many questions behind one video: token ids, positions, and who sees whom.

A packed sequence is the prefix that all questions share (the chat's header and the frames' visual
tokens) with the questions one behind the other. Each question sees the frames up to its moment and
its own words, at the positions that these would have right behind the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

IGNORED = -100
"""Label of a token that teaches nothing."""

_CHUNK = 192
"""Question tokens that are attended from at once: more waste work on masked scores, fewer time
between operations."""


@dataclass(frozen=True)
class Turn:
    """A question as a language model reads it, and its answer.

    Attributes:
        question: ids of everything behind the frames up to where the answer begins.
        answer: ids of the answer with the end of the turn; empty to have it written.
        frames: how many of the video's frames have been seen when it is asked.
    """

    question: tuple[int, ...]
    answer: tuple[int, ...]
    frames: int

    def __len__(self) -> int:
        return len(self.question) + len(self.answer)


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some whole questions that see the same part of the prefix.

    Attributes:
        start, stop: their tokens, counted behind the prefix.
        visible: prefix tokens that they see.
        hidden: bool `[n, n]`, the tokens among themselves (columns) that a token (row) may not see.
    """

    start: int
    stop: int
    visible: int
    hidden: Tensor

    def to(self, device: torch.device) -> Chunk:
        """The same on another device."""
        return Chunk(self.start, self.stop, self.visible, self.hidden.to(device))


@dataclass(frozen=True, eq=False)
class Packing:
    """Who sees whom in a packed sequence.

    Attributes:
        prefix: tokens that all questions share.
        chunks: of the tokens behind them, in their order.
    """

    prefix: int
    chunks: tuple[Chunk, ...]

    def __len__(self) -> int:
        return self.prefix + (self.chunks[-1].stop if self.chunks else 0)


@dataclass(frozen=True, eq=False)
class PackedTurns:
    """Questions of one video, one behind the other.

    Attributes:
        order: which of the given questions each is.
        ids: int64 `[S]`
        positions: int64 `[S]`
        labels: int64 `[S]`, the token that should follow each token; `IGNORED` where that is no
            part of an answer.
        ends: int64 `[Q]`, place of each question's last token.
        packing: who sees whom.
    """

    order: tuple[int, ...]
    ids: Tensor
    positions: Tensor
    labels: Tensor
    ends: Tensor
    packing: Packing


def pack(
    turns: Sequence[Turn], header: int, tokens_per_frame: int, frames: int, device: torch.device
) -> PackedTurns:
    """Pack questions of a video.

    Args:
        turns: at least one.
        header: tokens before the frames.
        tokens_per_frame: visual tokens of a frame.
        frames: of the video.
        device: where the tensors are put.

    Raises:
        ValueError: there is no question, or one has seen more frames than there are.
    """
    if not turns:
        raise ValueError("no questions to pack")
    order = question_order(turns)
    if turns[order[-1]].frames > frames:
        raise ValueError(f"a question has seen {turns[order[-1]].frames} frames of {frames}")
    ids: list[int] = []
    labels: list[int] = []
    positions: list[Tensor] = []
    ends: list[int] = []
    for number in order:
        turn = turns[number]
        ids += turn.question + turn.answer
        # A token's label is the one behind it.
        labels += [IGNORED] * (len(turn.question) - 1) + [*turn.answer, IGNORED]
        start = header + turn.frames * tokens_per_frame
        positions.append(torch.arange(start, start + len(turn)))
        ends.append(len(ids) - 1)
    packing = Packing(
        header + frames * tokens_per_frame,
        tuple(
            chunk.to(device)
            for chunk in _chunks([turns[number] for number in order], header, tokens_per_frame)
        ),
    )
    return PackedTurns(
        tuple(order),
        torch.tensor(ids, device=device),
        torch.cat(positions).to(device),
        torch.tensor(labels, device=device),
        torch.tensor(ends, device=device),
        packing,
    )


def split_by_turn(values: Tensor, turns: Sequence[Turn]) -> Iterator[tuple[int, Tensor]]:
    """Numbers of questions with what belongs to their answer's tokens, of values `[A]` of all."""
    order = question_order(turns)
    lengths = [len(turns[number].answer) for number in order]
    return zip(order, values.split(lengths), strict=True)


def question_order(turns: Sequence[Turn]) -> list[int]:
    """The numbers of questions in the order in which they are packed."""
    return sorted(range(len(turns)), key=lambda number: turns[number].frames)


def question_groups(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Neighbours that have seen the same frames, as many as fit into a chunk."""
    groups: list[list[Turn]] = []
    for turn in turns:
        group = groups[-1] if groups else []
        same = bool(group) and group[0].frames == turn.frames
        if same and sum(map(len, group)) + len(turn) <= _CHUNK:
            group.append(turn)
        else:
            groups.append([turn])
    return groups


def _chunks(turns: Sequence[Turn], header: int, tokens_per_frame: int) -> list[Chunk]:
    chunks = []
    start = 0
    for group in question_groups(turns):
        lengths = torch.tensor([len(turn) for turn in group])
        owner = torch.repeat_interleave(torch.arange(len(group)), lengths)
        later = torch.ones(len(owner), len(owner), dtype=torch.bool).triu(1)
        hidden = later | (owner[:, None] != owner[None])
        stop = start + len(owner)
        chunks.append(Chunk(start, stop, header + group[0].frames * tokens_per_frame, hidden))
        start = stop
    return chunks
