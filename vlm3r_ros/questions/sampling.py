"""Choosing a few of many candidates, so that different answers stay on offer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain, islice, zip_longest
from random import Random


def spread(classes: Sequence[Hashable], count: int, random: Random) -> list[int]:
    """Choose candidates at random, in turn of every class one.

    Args:
        classes: what each candidate's answer counts as.
        count: how many to choose at the most.
        random: source of chance.

    Returns:
        Numbers of the chosen ones.
    """
    groups: dict[Hashable, list[int]] = {}
    for index, name in enumerate(classes):
        groups.setdefault(name, []).append(index)
    queues = [random.sample(group, min(count, len(group))) for group in groups.values()]
    random.shuffle(queues)
    turns = chain.from_iterable(zip_longest(*queues))
    return list(islice((index for index in turns if index is not None), count))


def closest_of(
    distances: Sequence[float], options: int, gap: float, count: int, random: Random
) -> list[tuple[int, ...]]:
    """Choose sets of things of which one is closest without doubt.

    Whatever may be the closest of some set comes up as often as any other, also where other
    things, which are no options then, are closer still.

    Args:
        distances: of the things, metres.
        options: how many make a set.
        gap: by which the closest one must be closer than the next, at the least.
        count: how many sets at the most.
        random: source of chance.

    Returns:
        Numbers of the things of each set, the closest first.
    """
    order = sorted(range(len(distances)), key=distances.__getitem__)
    beyond = []
    for rank, index in enumerate(order):
        farther = [i for i in order[rank + 1 :] if distances[i] >= distances[index] + gap]
        if len(farther) >= options - 1:
            beyond.append((index, farther))
    random.shuffle(beyond)
    chosen: list[tuple[int, ...]] = []
    seen: set[tuple[int, ...]] = set()
    # A second set of the same closest thing may repeat one: that many tries are few.
    for turn in range(min(count, 2 * len(beyond))):
        index, farther = beyond[turn % len(beyond)]
        others = random.sample(farther, options - 1)
        key = (index, *sorted(others))
        if key not in seen:
            seen.add(key)
            chosen.append((index, *others))
    return chosen
