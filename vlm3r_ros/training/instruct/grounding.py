"""What the words of a question speak of: the visual tokens that show it.

A question about "the chair" of "frame 17" is answered from a few of a thousand visual tokens. The
one letter of its answer hardly tells which; whoever made the frames knows. From there, each word
has a share of every visual token that it should look at:

* a thing's name, all that shows such a thing, in the frames that were named before it, or in all
  frames where none was;
* a frame's name, all that shows the things named before it; the whole frame where none was.

A token only knows what stands before it, hence "before". From names, what is known has to come to
where the answer begins: `LookKind` lists the ways. What can be known at some tokens is listed in
`VectorKind`. Nothing of this is there when a trained model answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.training.instruct.mentions import MentionFinder, OptionFinder
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.worlds.rendering import NO_OBJECT


class LookKind(StrEnum):
    """Between what tokens attention should go."""

    SHOWN = "shown"
    """From names to the visual tokens that show what they name."""
    RELATED = "related"
    """From the second of two things or frames to the first one: what is between them can be known
    there."""
    TOLD = "told"
    """From the end of a question to the name by which all that it is about was named."""
    CHOSEN = "chosen"
    """From the end of a question to the end of the option that is right."""


class VectorKind(StrEnum):
    """What can be known at a token, always as three numbers."""

    PLACES = "places"
    """At the name of a thing of one frame, where it is there: across and down, from -1 to 1, and
    the logarithm of its depth in metres. At the name of the frame, where but one thing was named
    before."""
    OFFSETS = "offsets"
    """There, how much that is from the place of the other thing that was named last."""
    STANDS = "stands"
    """At the name of a frame, where its camera stood: metres in the optical frame of the session's
    first."""
    FACINGS = "facings"
    """There, the direction of its view in that frame."""
    SHIFTS = "shifts"
    """At the name of a second frame, how much farther its camera stood than that of the first one,
    in the same frame: a difference of what is known at two names."""
    MOTIONS = "motions"
    """At the name of a second frame, how the camera moved from the first one to it: metres in the
    first one's optical frame."""
    TOLD_OFFSETS = "told_offsets"
    """At the end of a question about two things of one frame, the offset of the second one."""
    TOLD_MOTIONS = "told_motions"
    """At the end of a question about two frames, the motion."""
    TOLD_LENGTHS = "told_lengths"
    """There, how far that is: metres, their square root and their logarithm."""


_LEAST = 1 / 100
"""Of a cell's pixels, from which it shows a thing."""

_NEAREST = 0.05
"""Metres; what is nearer counts as this."""


@dataclass(frozen=True, eq=False)
class ShownThings:
    """What the cells of each keyframe show, and from where it was taken.

    Attributes:
        names: of the things `[I]`.
        shares: float32 `[F, I, N]`, of each cell's pixels; cells row by row.
        depths: float32 `[F, I]`, mean logarithm of the metres of a thing's pixels along the optical
            axis; 0 where there are none.
        poses: float32 `[F, 4, 4]`, of the camera in the optical frame of the first keyframe.
    """

    names: tuple[str, ...]
    shares: NDArray[np.float32]
    depths: NDArray[np.float32]
    poses: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors that can be known at tokens of a session's questions.

    Attributes:
        turn: int64 `[V]`, number of a token's question.
        token: int64 `[V]`, the token's place in question and answer.
        vector: float32 `[V, 3]`
    """

    turn: NDArray[np.int64]
    token: NDArray[np.int64]
    vector: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Looks:
    """Where tokens of a session's questions should look.

    Attributes:
        turn: int64 `[R]`, number of a token's question.
        token: int64 `[R]`, the token's place in question and answer.
        owner: int64 `[K]`, which of the R looks here.
        target: int64 `[K]`, visual token, counted from the first frame's first; behind those of all
            frames come the question's own tokens.
        share: float32 `[K]`, of the token's attention; those of each owner sum to 1.
    """

    turn: NDArray[np.int64]
    token: NDArray[np.int64]
    owner: NDArray[np.int64]
    target: NDArray[np.int64]
    share: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Grounding:
    """What tokens of a session's questions speak of.

    Attributes:
        looks: of each kind, where they should look.
        vectors: of each kind, what can be known at them.
    """

    looks: Mapping[LookKind, Looks]
    vectors: Mapping[VectorKind, WordVectors]


def mean_log_depths(
    instance: NDArray[np.int32], depth: NDArray[np.float32], things: int
) -> NDArray[np.float32]:
    """Mean logarithm of each thing's depth `[things]`; 0 where a thing is not shown.

    Args:
        instance: of each pixel `[S, S]`, `NO_OBJECT` for none.
        depth: likewise, metres.
        things: how many there are.
    """
    at = (instance - NO_OBJECT).ravel()
    logs = np.where(instance == NO_OBJECT, 0, np.log(depth.clip(_NEAREST, None)))
    sums = np.bincount(at, logs.ravel(), things + 1)[1:]
    counts = np.bincount(at, minlength=things + 1)[1:]
    return (sums / counts.clip(1)).astype(np.float32)


def cell_shares(instance: NDArray[np.int32], things: int, side: int) -> NDArray[np.float32]:
    """Of each cell's pixels, what share shows each thing.

    Args:
        instance: of each pixel `[S, S]`, `NO_OBJECT` for none.
        things: how many there are.
        side: cells along each side of the frame.

    Returns:
        `[things, side * side]`
    """
    size = len(instance)
    cell = np.arange(size) * side // size
    place = (cell[:, None] * side + cell) * (things + 1) + (instance - NO_OBJECT)
    counts = np.bincount(place.ravel(), minlength=side * side * (things + 1))
    counts = counts.reshape(side * side, things + 1)
    return (counts[:, 1:].T / counts.sum(1)).astype(np.float32)


def ground(
    turns: Sequence[Turn],
    shown: ShownThings,
    named: MentionFinder,
    offered: OptionFinder,
    positions: NDArray[np.int64],
    tokens_per_frame: int,
) -> Grounding:
    """What the tokens of questions speak of; those that speak of nothing shown are left out.

    Args:
        turns: questions about one session.
        shown: by its keyframes.
        named: finds what they name.
        offered: finds what they give to choose from.
        positions: of each cell's token among those of its frame `[N]`.
        tokens_per_frame: visual tokens of a frame.
    """
    cells = np.arange(len(shown.poses))[:, None] * tokens_per_frame + positions
    looks = {kind: _LookList() for kind in LookKind}
    words = len(cells) * tokens_per_frame
    vectors = _VectorList(shown)
    of_names = _OfNames(shown, cells)
    for number, turn in enumerate(turns):
        mentions = list(named.find((*turn.question, *turn.answer)))
        vectors.add(number, turn, mentions)
        of_names.add(number, turn, mentions, looks[LookKind.SHOWN])
        hops = list(_find_hops(turn, mentions))
        end, options = len(turn.question) - 1, offered.find(turn.question)
        if turn.answer and turn.answer[0] in options:
            hops.append((LookKind.CHOSEN, end, options[turn.answer[0]]))
        for kind, token, other in hops:
            looks[kind].add(number, token, np.array([words + other]), np.ones(1, np.float32))
    return Grounding({kind: own.collect() for kind, own in looks.items()}, vectors.collect())


class _LookList:
    """Collects where tokens look."""

    def __init__(self) -> None:
        self._tokens: list[tuple[int, int]] = []
        self._targets: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        self._shares: list[NDArray[np.float32]] = [np.empty(0, np.float32)]

    def add(
        self, number: int, token: int, target: NDArray[np.int64], share: NDArray[np.float32]
    ) -> None:
        """Take in where a token of a question looks."""
        self._tokens.append((number, token))
        self._targets.append(target)
        self._shares.append(share)

    def collect(self) -> Looks:
        """All that was found."""
        turn, token = np.array(self._tokens, np.int64).reshape(-1, 2).T
        counts = np.array([len(own) for own in self._targets[1:]], np.int64)
        return Looks(
            turn,
            token,
            np.repeat(np.arange(len(turn)), counts),
            np.concatenate(self._targets),
            np.concatenate(self._shares),
        )


class _OfNames:
    """Finds what names should look at."""

    def __init__(self, shown: ShownThings, cells: NDArray[np.int64]) -> None:
        self._cells = cells
        self._of_name = {
            name: shown.shares[:, [other == name for other in shown.names]].sum(1)
            for name in set(shown.names)
        }
        self._whole = np.ones(cells.shape, np.float32)
        self._nothing = np.zeros(cells.shape, np.float32)

    def add(
        self, number: int, turn: Turn, mentions: Sequence[tuple[int, str | int]], looks: _LookList
    ) -> None:
        """Find that of a question with its mentions, see `MentionFinder`."""
        count = len(self._cells)
        frames: list[int] = []
        names: list[str] = []
        for token, mention in mentions:
            if isinstance(mention, str):
                names.append(mention)
                said, rows = [mention], frames
            else:
                frames.append(mention)
                said, rows = names, [mention]
            wanted = self._whole
            if said:
                shown = (self._of_name.get(name, self._nothing) for name in said)
                wanted = sum(shown, self._nothing)
            seen = np.zeros(count, bool)
            seen[[row for row in rows if row < count] if rows else slice(None)] = True
            seen[turn.frames :] = False
            wanted = np.where(seen[:, None] & (wanted >= _LEAST), wanted, 0)
            total = wanted.sum()
            if total > 0:
                at = np.nonzero(wanted)
                looks.add(number, token, self._cells[at], wanted[at] / total)


def _find_hops(
    turn: Turn, mentions: Sequence[tuple[int, str | int]]
) -> Iterator[tuple[LookKind, int, int]]:
    """From which token of a question to which other one attention should go.

    A question about one frame hops between two things, where all it speaks of are two; one about
    no thing, between two frames. A thing named before its frame is found where the frame is named,
    if it is the only one. What options name again counts as said before.
    """
    first: dict[str | int, int] = {}
    for token, mention in mentions:
        if token < len(turn.question):
            first.setdefault(mention, token)
    frames = [token for mention, token in first.items() if not isinstance(mention, str)]
    things = [token for mention, token in first.items() if isinstance(mention, str)]
    if (len(frames), len(things)) not in ((1, 1), (1, 2), (2, 0)):
        return
    between = sorted(max(token, frames[0]) for token in things) or frames
    if len(set(between)) == 2:
        yield LookKind.RELATED, between[1], between[0]
    yield LookKind.TOLD, len(turn.question) - 1, max(between)


class _VectorList:
    """Collects what can be known at tokens, question by question."""

    def __init__(self, shown: ShownThings) -> None:
        self._poses = shown.poses
        self._origins = np.linalg.inv(shown.poses)
        self._places = _places(shown)
        self._found: dict[VectorKind, list[tuple[int, int, NDArray[np.float32]]]] = {
            kind: [] for kind in VectorKind
        }

    def add(self, number: int, turn: Turn, mentions: Sequence[tuple[int, str | int]]) -> None:
        """Take in a question with its mentions, see `MentionFinder`."""
        frames: list[int] = []
        before: set[str] = set()
        places: dict[str, NDArray[np.float32]] = {}
        last = ""
        end, seen = len(turn.question) - 1, min(turn.frames, len(self._poses))
        told: list[tuple[VectorKind, NDArray[np.float32]]] = []
        for token, mention in mentions:
            if isinstance(mention, str):
                name = mention
                if not frames:
                    before.add(name)
            else:
                frames += [mention] if mention not in frames else []
                if mention < seen:
                    self._put(VectorKind.STANDS, number, token, self._poses[mention][:3, 3])
                    self._put(VectorKind.FACINGS, number, token, self._poses[mention][:3, 2])
                if len(frames) == 2 and max(frames) < seen:
                    one, other = (self._poses[frame] for frame in frames)
                    self._put(VectorKind.SHIFTS, number, token, (other - one)[:3, 3])
                    motion = (self._origins[frames[0]] @ other)[:3, 3]
                    self._put(VectorKind.MOTIONS, number, token, motion)
                    told = [(VectorKind.TOLD_MOTIONS, motion)]
                    told.append((VectorKind.TOLD_LENGTHS, _sizes(motion)))
                # What was named before its frame is found here, if nothing else was.
                name = before.pop() if len(before) == 1 else ""
                before.clear()
            place = self._places.get((name, frames[0])) if len(frames) == 1 else None
            if place is None or frames[0] >= turn.frames:
                continue
            self._put(VectorKind.PLACES, number, token, place)
            places[name] = place
            if last not in ("", name):
                self._put(VectorKind.OFFSETS, number, token, place - places[last])
            last = name
            if token < end:
                told = []
                if len(places) == 2:
                    one, other = places.values()
                    told = [(VectorKind.TOLD_OFFSETS, other - one)]
        for kind, vector in told:
            self._put(kind, number, end, vector)

    def collect(self) -> dict[VectorKind, WordVectors]:
        """All that was found."""
        return {
            kind: WordVectors(
                np.array([number for number, _, _ in own], np.int64),
                np.array([token for _, token, _ in own], np.int64),
                np.array([vector for _, _, vector in own], np.float32).reshape(-1, 3),
            )
            for kind, own in self._found.items()
        }

    def _put(self, kind: VectorKind, number: int, token: int, vector: NDArray[np.float32]) -> None:
        self._found[kind].append((number, token, vector))


def _sizes(motion: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `TOLD_LENGTHS` tells of a motion in metres."""
    length = max(float(np.linalg.norm(motion)), _NEAREST)
    return np.array([length, math.sqrt(length), math.log(length)], np.float32)


def _places(shown: ShownThings) -> dict[tuple[str, int], NDArray[np.float32]]:
    """Where each name is in each frame that shows it, see `VectorKind`; several, in their middle.

    Frames are counted from 0.
    """
    side = math.isqrt(shown.shares.shape[2])
    ticks = (np.arange(side) + 0.5) / side * 2 - 1
    across, down = np.tile(ticks, side), np.repeat(ticks, side)
    places = {}
    for name in set(shown.names):
        own = [other == name for other in shown.names]
        shares = np.where(shown.shares[:, own] >= _LEAST, shown.shares[:, own], 0)
        for frame, of_frame in enumerate(shares):
            total = of_frame.sum()
            if total > 0:
                depth = of_frame.sum(1) @ shown.depths[frame, own]
                middle = of_frame.sum(0) @ np.stack((across, down), 1)
                places[name, frame] = np.array([*middle, depth], np.float32) / total
    return places
