"""Which of several things is closest to another one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, combinations, islice, zip_longest
from math import comb
from random import Random

import numpy as np

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    LARGE_ROOM,
    REL_DISTANCE_GAP,
    REL_DISTANCE_GAP_LARGE_ROOM,
    REL_DISTANCE_MIN,
)
from vlm3r_ros.questions.sampling import closest_of
from vlm3r_ros.questions.scene_view import SceneView

# Random sets are drawn, rather than all listed, above this number of sets.
_LISTED = 20_000


def object_rel_distance(
    task: QuestionType, options: int, view: SceneView, random: Random, wanted: int
) -> list[Draft]:
    """The closest of `options` categories to a unique object; of several instances the nearest."""
    make = _published if view.published else _exact
    return [
        Draft(
            task,
            truth=choices[0],
            answer=choices[0],
            distractors=choices[1:],
            fields={"category": primary},
            categories={"category": primary},
            subject=primary,
        )
        for primary, choices in make(task, options, view, random, wanted)
    ]


object_rel_distance_v1 = partial(object_rel_distance, QuestionType.OBJECT_REL_DISTANCE_V1, 4)
object_rel_distance_v2 = partial(object_rel_distance, QuestionType.OBJECT_REL_DISTANCE_V2, 3)
object_rel_distance_v3 = partial(object_rel_distance, QuestionType.OBJECT_REL_DISTANCE_V3, 2)

_Chosen = Iterator[tuple[str, tuple[str, ...]]]


def _exact(
    task: QuestionType, options: int, view: SceneView, random: Random, wanted: int
) -> _Chosen:
    """Only the closest one must be closest without doubt, in every variant by the same gap."""
    primaries = list(view.unique)
    random.shuffle(primaries)
    each = 1 + 2 * wanted // max(1, len(primaries))
    sets = [_closest_to(view, primary, options, each, random) for primary in primaries]
    turns = chain.from_iterable(zip_longest(*sets))
    return islice((chosen for chosen in turns if chosen is not None), wanted)


def _closest_to(
    view: SceneView, primary: int, options: int, count: int, random: Random
) -> list[tuple[str, tuple[str, ...]]]:
    """Up to `count` sets of categories, the one that is closest to an object first."""
    names, distances = view.once(_choices)[primary]
    sets = closest_of(distances, options, _gap(view), count, random)
    return [(view.category(primary), tuple(names[i] for i in chosen)) for chosen in sets]


def _choices(view: SceneView) -> dict[int, tuple[list[str], list[float]]]:
    """By unique object, the categories that may be compared and how far they are from it."""
    clear_names = {
        name: members
        for name, members in view.members.items()
        if members and not view.is_vague(name)
    }
    choices: dict[int, tuple[list[str], list[float]]] = {}
    for primary in view.unique:
        names, distances = [], []
        for name, members in clear_names.items():
            row = view.object_distances[primary, members]
            nearest = int(row.argmin())
            distance = float(row[nearest])
            is_other = name != view.category(primary)
            if is_other and distance >= REL_DISTANCE_MIN and view.is_seen(members[nearest]):
                names.append(name)
                distances.append(distance)
        choices[primary] = names, distances
    return choices


def _published(
    task: QuestionType, options: int, view: SceneView, random: Random, wanted: int
) -> _Chosen:
    """Sets are cut to the wanted number before they are looked at; all distances must differ."""
    # The published four-way task works out the gap of large rooms and does not use it.
    gap = REL_DISTANCE_GAP if task is QuestionType.OBJECT_REL_DISTANCE_V1 else _gap(view)
    names = [name for name, members in view.members.items() if members]
    for primary, choices in _random_sets(view, names, options, random, wanted):
        distances = {
            name: min(
                float(view.object_distances[i, j])
                for i in view.members[primary]
                for j in view.members[name]
            )
            for name in choices
        }
        ordered = sorted(choices, key=distances.__getitem__)
        values = np.array([distances[name] for name in ordered])
        if values[0] >= REL_DISTANCE_MIN and (np.diff(values) > gap).all():
            yield primary, tuple(ordered)


def _random_sets(
    view: SceneView, names: list[str], options: int, random: Random, wanted: int
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Up to `wanted` different pairs of a unique category and `options` other ones."""
    primaries = [view.category(index) for index in view.unique]
    if not primaries or len(names) <= options:
        return
    total = len(primaries) * comb(len(names) - 1, options)
    if total <= max(2 * wanted, _LISTED):
        sets = [
            (primary, choices)
            for primary in primaries
            for choices in combinations([name for name in names if name != primary], options)
        ]
        yield from random.sample(sets, min(wanted, total))
        return
    drawn: set[tuple[str, tuple[str, ...]]] = set()
    while len(drawn) < min(wanted, total):
        primary = random.choice(primaries)
        others = [name for name in names if name != primary]
        picks = sorted(random.sample(range(len(others)), options))
        chosen = primary, tuple(others[i] for i in picks)
        if chosen not in drawn:
            drawn.add(chosen)
            yield chosen


def _gap(view: SceneView) -> float:
    large = view.scene.room_size > LARGE_ROOM
    return REL_DISTANCE_GAP_LARGE_ROOM if large else REL_DISTANCE_GAP
