"""In which order things come into view."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, pairwise
from random import Random

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    APPEARANCE_FRAME_GAP,
    APPEARANCE_OPTIONS,
    PUBLISHED_APPEARANCE_GAP,
)
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.scene import SceneFrame
from vlm3r_ros.worlds.skipping import SceneError

PUBLISHED_FRAME_RATES = {"scannet": 24, "scannetpp": 30, "arkitscenes": 10}
"""By `dataset`, as the published table spells it; `ScanNetpp` and `ARkitScenes` are not in it."""

_DISTRACTORS = 3
_TRIES = 100


def obj_appearance_order(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Four categories in the order of their first appearance.

    Exact: by the frames that a model is shown. A category has appeared from the first frame that
    shows one of its instances clearly, and not before the first that shows any of it at all;
    between two of the four there are `APPEARANCE_FRAME_GAP` frames or more. Published: by whole
    seconds of the first frame with a pixel of it.
    """
    if not view.knows_instances:
        raise SceneError(
            view.scene.name,
            "bboxes_2d/instance_id",
            "frames do not tell which objects they show; no question about frames can be made",
        )
    orders = _published_orders(view, random) if view.published else _exact_orders(view, random)
    return [_draft(order, random) for order in islice(orders, wanted)]


def _exact_orders(view: SceneView, random: Random) -> Iterator[list[str]]:
    """Chains of categories in which each has appeared before the next one shows."""
    shows: dict[str, int] = {}
    clear: dict[str, int] = {}
    for rank, sightings in enumerate(view.shown):
        for sighting in sightings:
            name = view.category(sighting.index)
            shows.setdefault(name, rank)
            if sighting.clear:
                clear.setdefault(name, rank)
    names = sorted((name for name in clear if not view.is_vague(name)), key=shows.__getitem__)
    later = {
        name: [other for other in names if shows[other] >= clear[name] + APPEARANCE_FRAME_GAP]
        for name in names
    }
    longest: dict[str, int] = {}
    for name in reversed(names):
        longest[name] = 1 + max((longest[other] for other in later[name]), default=0)
    given: set[tuple[str, ...]] = set()
    for _ in range(_TRIES):
        order: list[str] = []
        for missing in range(APPEARANCE_OPTIONS, 0, -1):
            following = later[order[-1]] if order else names
            following = [name for name in following if longest[name] >= missing]
            if not following:
                return
            order.append(random.choice(following))
        if tuple(order) not in given:
            given.add(tuple(order))
            yield order


def _published_orders(view: SceneView, random: Random) -> Iterator[list[str]]:
    """Combinations whose whole seconds all differ by more than one."""
    seconds: dict[str, int] = {}
    for frame, sightings in zip(view.scene.frames, view.shown, strict=True):
        for sighting in sightings:
            name = view.category(sighting.index)
            if name not in seconds:
                seconds[name] = _published_second(view, frame)
    sets = list(combinations(seconds, APPEARANCE_OPTIONS))
    random.shuffle(sets)
    for names in sets:
        order = sorted(names, key=seconds.__getitem__)
        times = [seconds[name] for name in order]
        if all(b - a > PUBLISHED_APPEARANCE_GAP for a, b in pairwise(times)):
            yield order


def _published_second(view: SceneView, frame: SceneFrame) -> int:
    rate = PUBLISHED_FRAME_RATES.get(view.scene.dataset)
    if rate is not None and isinstance(frame.frame_id, int):
        return round(frame.frame_id / rate)
    if frame.time is None:
        raise SceneError(
            view.scene.name,
            "dataset",
            f"the published table has no frame rate of '{view.scene.dataset}', and its frames have "
            "no times; use --rules exact",
        )
    return round(frame.time)


def _draft(order: list[str], random: Random) -> Draft:
    listed = random.sample(order, len(order))
    distractors: list[str] = []
    for _ in range(_TRIES):
        other = random.sample(order, len(order))
        if other != order and ", ".join(other) not in distractors:
            distractors.append(", ".join(other))
        if len(distractors) == _DISTRACTORS:
            break
    return Draft(
        QuestionType.OBJ_APPEARANCE_ORDER,
        truth=", ".join(order),
        answer="",
        distractors=tuple(distractors),
        fields={f"choice_{letter}": name for letter, name in zip("abcd", listed, strict=True)},
        categories={"categories_involved": listed},
        subject=order[0],
    )
