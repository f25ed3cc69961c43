import math
from itertools import pairwise

import numpy as np
import pytest
from node_bench import Bench, wait_until
from visualization_msgs.msg import Marker, MarkerArray

from vlm3r_ros.navigation.hint import Goal, HintStatus, NavigationHint, Turn, no_hint
from vlm3r_ros.navigation.target import Target, TargetStatus
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.markers import DEFAULT_LIFETIMES, MarkerConfig, MarkerKind, SceneMarkers
from vlm3r_ros.nodes.qos import LATCHED

FLOOR = -1.2
SOFA = Target("sofa", TargetStatus.FOUND, np.array([2.0, 1.0, -0.8]), 0.5, 0.9, 1)
PATH = np.array([[0, 0, FLOOR], [1, 0, FLOOR], [1.5, 0.5, FLOOR]])
EVERYTHING = {("target", 0), ("target", 1)} | {
    (name, 0) for name in ("goal", "plan", "keyframes", "answer")
}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def hint(path: np.ndarray = PATH, goal: Goal | None = None) -> NavigationHint:
    goal = goal or Goal(path[-1], math.pi / 2)
    return NavigationHint("sofa", HintStatus.ON_THE_WAY, Turn.AHEAD, goal=goal, path=path)


def camera_at(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """Looking along x of the map, level."""
    T = np.eye(4)
    T[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    T[:3, 3] = (x, y, z)
    return T


def shown(scene: MarkerArray) -> dict[tuple[str, int], Marker]:
    """What a viewer shows that saw only this array; checks what RViz complains of."""
    keys = [(marker.ns, marker.id) for marker in scene.markers]
    assert len(set(keys)) == len(keys)
    assert set(keys) == EVERYTHING
    for marker in scene.markers:
        assert marker.header.frame_id == "map"
        assert marker.action in (Marker.ADD, Marker.DELETE)
    added = {(m.ns, m.id): m for m in scene.markers if m.action == Marker.ADD}
    for marker in added.values():
        assert np.isfinite(position(marker)).all()
        assert np.isfinite(points(marker)).all()
        assert marker.color.a > 0
        assert marker.scale.x > 0 or marker.scale.z > 0
    return added


def position(marker: Marker) -> np.ndarray:
    place = marker.pose.position
    return np.array([place.x, place.y, place.z])


def points(marker: Marker) -> np.ndarray:
    return np.array([[p.x, p.y, p.z] for p in marker.points]).reshape(-1, 3)


def lifetime(marker: Marker) -> float:
    return marker.lifetime.sec + marker.lifetime.nanosec * 1e-9


def test_a_hint_shows_target_goal_and_way():
    scene = shown(SceneMarkers().update_hint(hint(), SOFA, FLOOR))
    assert set(scene) == {("target", 0), ("target", 1), ("goal", 0), ("plan", 0)}

    sphere, label = scene["target", 0], scene["target", 1]
    assert sphere.type == Marker.SPHERE
    np.testing.assert_allclose(position(sphere), SOFA.position)
    assert (sphere.scale.x, sphere.scale.y, sphere.scale.z) == (1.0, 1.0, 1.0)
    assert (label.type, label.text) == (Marker.TEXT_VIEW_FACING, "sofa")
    np.testing.assert_allclose(position(label)[:2], SOFA.position[:2])
    assert position(label)[2] > SOFA.position[2] + SOFA.radius

    arrow = scene["goal", 0]
    assert arrow.type == Marker.ARROW
    np.testing.assert_allclose(position(arrow)[:2], PATH[-1, :2])
    q = arrow.pose.orientation
    np.testing.assert_allclose([q.x, q.y, q.z, q.w], [0, 0, math.sqrt(0.5), math.sqrt(0.5)])
    assert arrow.scale.x > arrow.scale.y

    line = scene["plan", 0]
    assert line.type == Marker.LINE_STRIP
    np.testing.assert_allclose(points(line)[:, :2], PATH[:, :2])
    # Above the floor, where the occupancy map is drawn, and close to it.
    above = points(line)[:, 2] - FLOOR
    assert (above > 0).all()
    assert (above < 0.1).all()


def test_a_new_scene_replaces_the_old_marker_by_marker():
    markers = SceneMarkers()
    first = markers.update_hint(hint(), SOFA, FLOOR)
    moved = Target("sofa", TargetStatus.FOUND, np.array([5.0, 1.0, 0.0]), 0.5)
    second = markers.update_hint(hint(PATH[:2]), moved, FLOOR)
    assert set(shown(first)) == set(shown(second))
    assert position(shown(second)["target", 0])[0] == 5.0
    assert len(shown(second)["plan", 0].points) == 2
    assert position(shown(first)["target", 0])[0] == 2.0


def test_the_last_array_alone_tells_everything():
    markers = SceneMarkers()
    markers.update_hint(hint(), SOFA, FLOOR)
    markers.update_keyframes([camera_at()])
    scene = markers.update_answer("on the left", camera_at())
    assert set(shown(scene)) == EVERYTHING


@pytest.mark.parametrize(
    "target",
    [
        None,
        Target("sofa", TargetStatus.NOT_SEEN),
        Target("sofa", TargetStatus.UNSURE, np.array([1.0, 1.0, 1.0])),
        Target("sofa", TargetStatus.FOUND, np.array([math.nan, 1.0, 1.0])),
        Target("sofa", TargetStatus.FOUND, np.array([1.0, math.inf, 1.0])),
    ],
)
def test_a_target_without_a_place_is_deleted(target):
    markers = SceneMarkers()
    assert ("target", 0) in shown(markers.update_hint(hint(), SOFA, FLOOR))
    scene = shown(markers.update_hint(hint(), target, FLOOR))
    assert set(scene) == {("goal", 0), ("plan", 0)}


def test_without_a_way_the_target_stays_and_the_way_goes():
    markers = SceneMarkers()
    markers.update_hint(hint(), SOFA, FLOOR)
    scene = shown(markers.update_hint(no_hint("sofa", HintStatus.WALLED_OFF), SOFA, FLOOR))
    assert set(scene) == {("target", 0), ("target", 1)}


@pytest.mark.parametrize(("floor", "height"), [(FLOOR, FLOOR), (math.nan, 0.0), (math.inf, 0.0)])
def test_what_has_no_height_sits_at_the_floor(floor, height):
    flat = Target("door", TargetStatus.FOUND, np.array([3.0, 1.0, math.nan]), 0.3)
    path = np.array([[0, 0, math.nan], [1, 0, math.nan]])
    scene = shown(SceneMarkers().update_hint(hint(path), flat, floor))
    assert len(scene) == 4
    np.testing.assert_allclose(position(scene["target", 0]), [3, 1, height])
    np.testing.assert_allclose(position(scene["goal", 0]), [1, 0, height], atol=0.1)
    np.testing.assert_allclose(points(scene["plan", 0])[:, 2], height, atol=0.1)


@pytest.mark.parametrize(
    ("radius", "diameter"), [(0.3, 0.6), (0.0, 0.2), (-1.0, 0.2), (50.0, 2.0), (math.nan, 0.2)]
)
def test_a_sphere_is_as_large_as_its_target_within_bounds(radius, diameter):
    target = Target("lamp", TargetStatus.FOUND, np.zeros(3), radius)
    scene = shown(SceneMarkers().update_hint(hint(), target, FLOOR))
    assert scene["target", 0].scale.x == pytest.approx(diameter)


def test_a_label_says_that_there_are_several():
    target = Target("chair", TargetStatus.NEAREST_OF_SEVERAL, np.zeros(3), 0.3, count=4)
    scene = shown(SceneMarkers().update_hint(hint(), target, FLOOR))
    assert scene["target", 1].text == "chair (nearest of 4)"


def test_a_way_leaves_out_what_is_no_place_and_needs_two():
    path = np.array([[0, 0, 0], [math.nan, 0, 0], [1, math.inf, 0], [2, 0, 0]], float)
    markers = SceneMarkers()
    scene = shown(markers.update_hint(hint(path), SOFA, 0.0))
    np.testing.assert_allclose(points(scene["plan", 0])[:, 0], [0, 2])
    scene = shown(markers.update_hint(hint(path[:2], Goal(path[0], 0.0)), SOFA, 0.0))
    assert ("plan", 0) not in scene
    assert ("goal", 0) in scene


@pytest.mark.parametrize(
    "goal", [Goal(np.array([math.nan, 0, 0]), 0.0), Goal(np.zeros(3), math.nan)]
)
def test_a_goal_that_is_no_pose_is_not_shown(goal):
    scene = shown(SceneMarkers().update_hint(hint(goal=goal), SOFA, FLOOR))
    assert set(scene) == {("target", 0), ("target", 1), ("plan", 0)}


def test_keyframes_are_frustums_that_open_where_the_cameras_look():
    config = MarkerConfig(fov=(math.pi / 2, math.pi / 3), frustum_depth=0.2)
    poses = [camera_at(1, 2, 0), camera_at(5, 0, 1)]
    scene = shown(SceneMarkers(config).update_keyframes(poses))
    assert set(scene) == {("keyframes", 0)}
    lines = scene["keyframes", 0]
    assert lines.type == Marker.LINE_LIST
    ends = points(lines).reshape(2, 8, 2, 3)
    for pose, edges in zip(poses, ends, strict=True):
        from_centre = edges.reshape(-1, 3) - pose[:3, 3]
        corners = from_centre[np.linalg.norm(from_centre, axis=1) > 1e-9]
        np.testing.assert_allclose(corners[:, 0], 0.2)
        np.testing.assert_allclose(np.abs(corners[:, 1]), 0.2)
        np.testing.assert_allclose(np.abs(corners[:, 2]), 0.2 * math.tan(math.pi / 6))
        # Four rays from the centre, and a closed way around the picture, none of it across.
        assert len(from_centre) - len(corners) == 4
        around = edges[4:] - pose[:3, 3]
        for before, after in pairwise([*around, around[0]]):
            np.testing.assert_allclose(before[1], after[0])
            assert np.isclose(before[0], before[1]).sum() == 2


def test_keyframes_without_a_pose_are_left_out():
    markers = SceneMarkers()
    bad = camera_at()
    bad[0, 3] = math.nan
    scene = shown(markers.update_keyframes(np.stack([camera_at(), bad, camera_at(3)])))
    assert len(scene["keyframes", 0].points) == 2 * 16
    assert not shown(markers.update_keyframes([bad]))
    markers.update_keyframes([camera_at()])
    assert not shown(markers.update_keyframes([]))


def test_poses_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\[2, 3, 4\], not \[K, 4, 4\]"):
        SceneMarkers().update_keyframes(np.zeros((2, 3, 4)))


def test_an_answer_floats_above_the_camera():
    scene = shown(SceneMarkers().update_answer("2.1 m", camera_at(1, 2, 0.5)))
    text = scene["answer", 0]
    assert (text.type, text.text) == (Marker.TEXT_VIEW_FACING, "2.1 m")
    np.testing.assert_allclose(position(text)[:2], [1, 2])
    assert 0.5 < position(text)[2] < 1.5
    assert text.scale.z > 0


def test_a_long_answer_is_broken_into_lines_and_ends():
    text = shown(SceneMarkers().update_answer("the chair " * 1000, camera_at()))["answer", 0].text
    lines = text.split("\n")
    assert 1 < len(lines) < 10
    assert max(map(len, lines)) <= 40
    assert text.endswith("...")


@pytest.mark.parametrize(
    ("text", "pose"),
    [("", camera_at()), (" \n", camera_at()), ("here", None), ("here", np.full((4, 4), math.nan))],
)
def test_an_answer_without_words_or_place_deletes_the_last(text, pose):
    markers = SceneMarkers()
    assert shown(markers.update_answer("there", camera_at()))
    assert not shown(markers.update_answer(text, pose))


def test_clear_deletes_all_and_forgets():
    markers = SceneMarkers()
    markers.update_keyframes([camera_at()])
    (marker,) = markers.clear().markers
    assert marker.action == Marker.DELETEALL
    assert marker.ns == ""
    assert marker.header.frame_id == "map"
    assert set(shown(markers.update_answer("new", camera_at()))) == {("answer", 0)}


def test_each_kind_has_its_lifetime():
    lifetimes = {kind: 1.5 + number for number, kind in enumerate(MarkerKind)}
    lifetimes[MarkerKind.KEYFRAMES] = 0.0
    markers = SceneMarkers(MarkerConfig(lifetimes=lifetimes), Clock())
    markers.update_hint(hint(), SOFA, FLOOR)
    markers.update_answer("here", camera_at())
    scene = shown(markers.update_keyframes([camera_at()]))
    assert {kind: lifetime(marker) for (kind, _), marker in scene.items()} == lifetimes


def test_sent_again_with_others_a_marker_lives_no_longer():
    clock = Clock()
    lifetimes = {**DEFAULT_LIFETIMES, MarkerKind.ANSWER: 10.0, MarkerKind.TARGET: 0.0}
    markers = SceneMarkers(MarkerConfig(lifetimes=lifetimes), clock)
    first = markers.update_answer("here", camera_at())
    clock.now += 4.0
    second = shown(markers.update_hint(hint(), SOFA, FLOOR))
    assert lifetime(second["answer", 0]) == pytest.approx(6.0)
    assert lifetime(shown(first)["answer", 0]) == pytest.approx(10.0)
    clock.now += 6.0
    third = shown(markers.update_keyframes([camera_at()]))
    assert ("answer", 0) not in third
    assert ("target", 0) in third
    clock.now -= 50.0  # a simulation that began anew
    fourth = shown(markers.update_keyframes([camera_at()]))
    assert lifetime(fourth["answer", 0]) == pytest.approx(10.0)


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_lifetime_that_is_none_is_refused(seconds):
    with pytest.raises(ValueError, match="lifetime of goal"):
        MarkerConfig(lifetimes={**DEFAULT_LIFETIMES, MarkerKind.GOAL: seconds})


def test_a_missing_lifetime_and_an_impossible_view_are_refused():
    with pytest.raises(ValueError, match="no lifetime for answer, goal, keyframes, plan"):
        MarkerConfig(lifetimes={MarkerKind.TARGET: 1.0})
    with pytest.raises(ValueError, match="field of view"):
        MarkerConfig(fov=(1.0, math.pi))


class Drawing(ManagedNode):
    def configure(self) -> None:
        self.markers = self.publish_on(MarkerArray, "vlm3r/markers", LATCHED)


def test_who_comes_late_sees_the_whole_scene(bench: Bench):
    node = bench.start(Drawing)
    markers = SceneMarkers()
    node.markers.publish(markers.update_keyframes([camera_at()] * 32))
    node.markers.publish(markers.update_hint(hint(), SOFA, FLOOR))
    node.markers.publish(markers.update_answer("behind the sofa", camera_at()))
    received = bench.collect(MarkerArray, "vlm3r/markers", LATCHED)
    assert wait_until(lambda: len(received) > 0)
    assert len(received) == 1
    scene = shown(received[0])
    assert set(scene) == EVERYTHING
    assert scene["answer", 0].text == "behind the sofa"
