from collections import Counter
from random import Random

import numpy as np
import pytest

from vlm3r_ros.questions.route_planning import BLANK, Stops, route_planning
from vlm3r_ros.questions.rules import ROUTE_BODY_RADIUS, ROUTE_REACH, TURN_SIDE, RuleSet
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.free_space import FreeSpace
from vlm3r_ros.worlds.scene import FloorPlan, Scene, SceneObject
from vlm3r_ros.worlds.world import Split, WorldId

# Along the walls of a room of 8 x 6 m: one in each corner, one in the middle of a long side.
PLACES = {
    "sofa": (0.3, 0.3),
    "lamp": (7.7, 0.3),
    "plant": (7.7, 5.7),
    "stool": (0.3, 5.7),
    "clock": (4.0, 0.3),
}


def room(*extra: SceneObject, places: dict[str, tuple[float, float]] = PLACES) -> SceneView:
    objects = [
        SceneObject(name, OrientedBox.upright([*place, 0.5], [0.4, 0.4, 1.0]), number)
        for number, (name, place) in enumerate(places.items())
    ]
    objects += extra
    outline = np.array([[0, 0], [8, 0], [8, 6], [0, 6]], float)
    counts = Counter(item.category for item in objects)
    scene = Scene(
        "room", "rooms", "train", "", 48.0, outline.mean(0), tuple(objects), counts,
        floor_plan=FloorPlan((outline,)),
    )  # fmt: skip
    return SceneView(scene, RuleSet.EXACT)


def walk(view: SceneView, draft, turns: list[str]) -> list[str]:
    """Where one gets who starts and faces as told, and turns and goes as the answer says."""
    stops = view.once(Stops.of)
    place = {view.category(i): p for i, p in zip(stops.objects, stops.places, strict=True)}
    center = {item.category: item.box.centroid[:2] for item in view.objects}
    here = place[draft.fields["start_object"]]
    heading = center[draft.fields["facing_object"]] - here
    reached = []
    for turn in turns:
        angle = {"Turn Left": 90, "Turn Right": -90, "Turn Back": 180}[turn]
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        wanted = np.array([[cos, -sin], [sin, cos]]) @ heading
        # The one stop in that direction, give or take what still counts as that turn.
        goals = draft.categories["categories_involved"][2:]
        goal = goals[len(reached)]
        to = place[goal] - here
        cosine = to @ wanted / np.linalg.norm(to) / np.linalg.norm(wanted)
        reached.append(goal if cosine >= np.cos(np.radians(TURN_SIDE[1] - 90)) - 1e-9 else "lost")
        heading, here = to, place[goal]
    return reached


def test_the_right_turns_lead_along_the_route_and_wrong_ones_do_not():
    view = room()
    drafts = route_planning(view, Random(0), 30)
    assert len(drafts) > 10
    for draft in drafts:
        goals = draft.categories["categories_involved"][2:]
        assert goals[-1] == draft.fields["destination_object"]
        assert walk(view, draft, draft.truth.split(", ")) == goals
        for wrong in draft.distractors:
            assert walk(view, draft, wrong.split(", ")) != goals


def test_corner_to_corner_is_a_turn_to_the_side():
    view = room(places={name: PLACES[name] for name in ("sofa", "lamp", "plant", "stool")})
    # By the sofa (origin), facing the lamp (along x); the stool lies at the left, then the plant
    # at the right, so the walk is "Turn Left, Turn Right".
    drafts = [
        draft
        for draft in route_planning(view, Random(0), 200)
        if draft.categories["categories_involved"] == ["sofa", "lamp", "stool", "plant"]
    ]
    assert [draft.truth for draft in drafts] == ["Turn Left, Turn Right"]


def test_each_turn_has_a_blank_and_every_option_fills_all_of_them():
    for draft in route_planning(room(), Random(1), 20):
        blanks = draft.fields["actions"].count(BLANK)
        options = (draft.truth, *draft.distractors)
        assert {len(option.split(", ")) for option in options} == {blanks}
        assert len(set(options)) == 4


def test_legs_do_not_go_through_furniture():
    wall = SceneObject("piano", OrientedBox.upright([4.0, 3.0, 0.5], [7.8, 0.6, 1.0]), 9)
    view = room(wall)
    stops = view.once(Stops.of)
    free = FreeSpace.of(view.scene, radius=ROUTE_BODY_RADIUS)
    names = [view.category(index) for index in stops.objects]
    for start, end in zip(*np.nonzero(stops.clear), strict=True):
        line = np.linspace(stops.places[start], stops.places[end], 300)
        assert (free.distance[free.cells(line)] > 0.1).all()
    # The piano leaves no way along its ends.
    if {"sofa", "stool"} <= set(names):
        assert not stops.clear[names.index("sofa"), names.index("stool")]


def test_only_what_one_can_stand_beside_is_a_stop():
    high = SceneObject("fan", OrientedBox.upright([4.0, 3.0, 2.3], [0.5, 0.5, 0.2]), 9)
    away = SceneObject("bed", OrientedBox.upright([12.0, 3.0, 0.3], [2.0, 1.5, 0.6]), 10)
    view = room(high, away)
    names = {view.category(index) for index in view.once(Stops.of).objects}
    assert names == set(PLACES)
    stops = view.once(Stops.of)
    reach = np.linalg.norm(stops.places - stops.centroids, axis=1)
    assert (reach <= ROUTE_REACH + 0.3).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_things_make_no_route(count):
    places = dict(list(PLACES.items())[:count])
    assert route_planning(room(places=places), Random(0), 5) == []


def test_the_same_chance_gives_the_same_routes():
    assert route_planning(room(), Random(3), 10) == route_planning(room(), Random(3), 10)


def test_furnished_rooms_have_routes_with_different_turns():
    turns: Counter[str] = Counter()
    with_routes = 0
    for index in range(12):
        view = SceneView(build_world(WorldId(Split.TRAIN, 1, index)).scene(), RuleSet.EXACT)
        drafts = route_planning(view, Random(index), 3)
        with_routes += bool(drafts)
        turns.update(turn for draft in drafts for turn in draft.truth.split(", "))
    assert with_routes >= 5
    assert set(turns) == {"Turn Left", "Turn Right", "Turn Back"}
