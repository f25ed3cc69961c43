"""Which way to turn on a walk from one object to another; nobody published a generator.

A walk goes straight from object to object over floor on which a body fits, and turns beside each.
The turns are what is asked for. The first one is from facing a given object.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    ROUTE_BODY_RADIUS,
    ROUTE_LEG_MIN,
    ROUTE_LEGS,
    ROUTE_OPTIONS,
    ROUTE_REACH,
    TURN_BACK_MIN,
    TURN_SIDE,
)
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.free_space import HEADROOM, FreeSpace

TURNS = ("turn left", "turn right", "turn back")
BLANK = "[please fill in]"
_UNCLEAR = -1
# Stops touch what they are beside: leaving one at an angle comes a little nearer to it.
_SQUEEZE = 0.7
# Routes looked at for each number of legs; enough to find most of those that a room has.
_TRIES = 2048


@dataclass(frozen=True, eq=False)
class Stops:
    """Unique objects that one can stand beside, and the straight ways between them.

    Attributes:
        objects: their numbers, `[S]`.
        places: where one stands, world x and y `[S, 2]`.
        centroids: of the objects, world x and y `[S, 2]`.
        clear: whether a straight way from one place to another is free and long enough, `[S, S]`.
    """

    objects: NDArray[np.intp]
    places: FloatArray
    centroids: FloatArray
    clear: NDArray[np.bool_]

    @classmethod
    def of(cls, view: SceneView) -> Stops:
        """Of a scene.

        Raises:
            SceneError: nothing tells where the floor is.
        """
        free = FreeSpace.of(view.scene, radius=ROUTE_BODY_RADIUS)
        beside = [
            (index, place)
            for index in view.unique
            # Nobody goes "until the ceiling light".
            if view.objects[index].box.low[2] < HEADROOM
            and (place := free.nearest(view.objects[index].box.centroid[:2])) is not None
        ]
        objects = np.array([index for index, _ in beside], np.intp)
        places = np.reshape([place for _, place in beside], (-1, 2))
        centroids = view.boxes.centroids[objects, :2]
        # As seen from above: a clock on the wall is not far because it hangs high.
        feet = np.concatenate([places, view.boxes.centroids[objects, 2:]], 1)
        reach = np.array(
            [
                view.objects[index].box.distance(point)
                for index, point in zip(objects, feet, strict=True)
            ]
        )
        near = reach <= ROUTE_REACH
        objects, places, centroids = objects[near], places[near], centroids[near]
        legs = places - places[:, None]
        length = np.linalg.norm(legs, axis=-1)
        steps = int(np.ceil(length.max(initial=0.0) / free.cell)) + 1
        shares = np.linspace(0, 1, steps)[:, None]
        on_the_way = places[:, None, None] + shares * legs[:, :, None]
        clearance = free.distance[free.cells(on_the_way)].min(-1)
        clear = (length >= ROUTE_LEG_MIN) & (clearance >= _SQUEEZE * ROUTE_BODY_RADIUS)
        return cls(objects, places, centroids, clear)


def route_planning(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Walks of two or three legs, whose turns are clear both on the floor and between objects."""
    stops = view.once(Stops.of)
    routes: list[tuple[list[int], tuple[int, ...]]] = []
    for legs in ROUTE_LEGS:
        routes += _routes(stops, legs, random)
    chosen = spread([turns for _, turns in routes], wanted, random)
    return [_draft(view, stops, *routes[k], random) for k in chosen]


def _routes(stops: Stops, legs: int, random: Random) -> list[tuple[list[int], tuple[int, ...]]]:
    """Random walks: stops (start, faced, then the goal of each leg), and the turn before each."""
    count = len(stops.objects)
    if count < legs + 2:
        return []
    chance = np.random.default_rng(random.getrandbits(64))
    picks = chance.random((_TRIES, count)).argsort(1)[:, : legs + 2]
    walked = np.delete(picks, 1, axis=1)
    picks = np.unique(picks[stops.clear[walked[:, :-1], walked[:, 1:]].all(1)], axis=0)
    turns = _turns(stops.places, stops, picks)
    as_imagined = _turns(stops.centroids, stops, picks)
    clear = ((turns == as_imagined) & (turns != _UNCLEAR)).all(1)
    return list(zip(picks[clear].tolist(), map(tuple, turns[clear].tolist()), strict=True))


def _turns(points: FloatArray, stops: Stops, picks: NDArray[np.intp]) -> NDArray[np.intp]:
    """The turn before each leg, as a number in `TURNS` `[R, legs]`, between points of stops."""
    walked = np.delete(picks, 1, axis=1)
    facing = stops.centroids[picks[:, 1]] - points[picks[:, 0]]
    legs = np.diff(points[walked], axis=1)
    before = np.concatenate([facing[:, None], legs[:, :-1]], 1)
    cross = before[..., 0] * legs[..., 1] - before[..., 1] * legs[..., 0]
    angle = np.degrees(np.arctan2(cross, (before * legs).sum(-1)))
    low, high = TURN_SIDE
    left = (angle >= low) & (angle <= high)
    right = (angle <= -low) & (angle >= -high)
    back = np.abs(angle) >= TURN_BACK_MIN
    return np.select([left, right, back], [0, 1, 2], _UNCLEAR)


def _draft(
    view: SceneView, stops: Stops, route: list[int], turns: tuple[int, ...], random: Random
) -> Draft:
    names = [view.category(int(stops.objects[stop])) for stop in route]
    start, faced, *goals = names
    actions: list[str] = []
    for goal in goals:
        actions += [BLANK, f"Go forward until the {goal}"]
    others = [other for other in product(range(len(TURNS)), repeat=len(turns)) if other != turns]
    truth = _words(turns)
    return Draft(
        QuestionType.ROUTE_PLANNING,
        truth=truth,
        answer=truth,
        distractors=tuple(map(_words, random.sample(others, ROUTE_OPTIONS - 1))),
        fields={
            "start_object": start,
            "facing_object": faced,
            "destination_object": goals[-1],
            "actions": " ".join(f"{n}. {action}" for n, action in enumerate(actions, start=1)),
        },
        categories={"categories_involved": names},
        subject=goals[-1],
    )


def _words(turns: tuple[int, ...]) -> str:
    return ", ".join(TURNS[turn].title() for turn in turns)
