import numpy as np
import pytest

from vlm3r_ros.assistant.locator import Locator
from vlm3r_ros.benchmarks.navigation import NavigationSettings, on_true_floor, run_episode
from vlm3r_ros.benchmarks.navigation_kinds import SourceKind
from vlm3r_ros.benchmarks.navigation_learned import (
    POINTS_EVERY,
    GeometrySource,
    ModelSource,
    source_makers,
)
from vlm3r_ros.benchmarks.navigation_motion import small_motions
from vlm3r_ros.benchmarks.navigation_sources import TruthSource, Witness
from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.navigation.target import TargetStatus
from vlm3r_ros.worlds.camera_motion import camera_poses
from vlm3r_ros.worlds.filming import Film, FilmSettings
from vlm3r_ros.worlds.world import Split, WorldId

WORLD = WorldId(Split.TEST, 0, 1)
SHORT = NavigationSettings(frames=12, keyframes=6, width=96, height=72, most_steps=3)


@pytest.fixture(scope="module")
def film():
    return Film.of(WORLD, FilmSettings(frames=12, width=96, height=72))


@pytest.fixture
def witness(film):
    witness = Witness(film.world, film.path.intrinsics)
    for pose in film.path.T_world_camera:
        witness.look(pose)
    return witness


def watched(source, film):
    for time, pose in zip(film.path.times, film.path.T_world_camera, strict=True):
        source.look(pose, float(time))
    return source


def test_the_witness_knows_only_what_was_seen(film):
    witness = Witness(film.world, film.path.intrinsics)
    pose = film.path.T_world_camera[0]
    name = film.world.objects[0].category
    assert witness.locate(name, pose).status is TargetStatus.NOT_SEEN
    points = witness.look(pose)
    finite = np.isfinite(points).all(-1)
    assert points[finite][:, 2].min() == pytest.approx(0, abs=0.02)
    assert len(witness.seen)
    for index in witness.seen.tolist():
        target = witness.locate(film.world.objects[index].category, pose)
        assert target.has_place
        assert np.isfinite(target.position).all()
    assert witness.locate("unicorn", pose).status is TargetStatus.NOT_SEEN


def test_the_truths_map_is_the_world(film, witness):
    source = watched(TruthSource(witness), film)
    np.testing.assert_allclose(source.navigator.T_map_camera, film.path.T_world_camera[-1])
    assert not source.navigator.grid().all_unknown
    name = film.world.objects[witness.seen[0]].category
    expected = witness.locate(name, film.path.T_world_camera[-1]).position
    assert source.locate(name).position.tolist() == expected.tolist()


@pytest.mark.parametrize("make", [GeometrySource, ModelSource])
def test_learned_sources_look_at_every_frame_and_take_the_map_from_the_first(
    make, film, witness, network
):
    source = watched(make(witness, *network), film)
    assert source.every_frame
    navigator = source.navigator
    assert np.isfinite(navigator.T_map_camera).all()
    assert navigator.stamp == pytest.approx(film.path.times[-1])
    pointmaps = list(navigator.pointmaps.values())
    assert 0 < len(pointmaps) <= -(-len(film.path.times) // POINTS_EVERY)
    assert all(np.isfinite(each.points).all() for each in pointmaps)


def test_the_encoders_map_is_the_world_moved_and_turned_about_the_vertical(film, witness, network):
    source = watched(GeometrySource(witness, *network), film)
    first = film.path.T_world_camera[0]
    T = source.T_map_world
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(T[2, :3], [0, 0, 1], atol=1e-6)  # gravity is known
    np.testing.assert_allclose(T @ [*first[:3, 3], 1], [0, 0, 0, 1], atol=1e-6)
    ahead = T[:3, :3] @ first[:3, 2]
    assert ahead[1] == pytest.approx(0, abs=1e-6)  # map x is where the first camera looks
    assert ahead[0] > 0


def test_true_places_are_brought_into_the_encoders_map(film, witness, network):
    source = watched(GeometrySource(witness, *network), film)
    first = film.path.T_world_camera[0]
    for index in witness.seen.tolist():
        name = film.world.objects[index].category
        target, truth = source.locate(name), witness.locate(name, film.path.T_world_camera[-1])
        # As far from the first camera as it truly is, and as high.
        away = np.linalg.norm(truth.position - first[:3, 3])
        assert np.linalg.norm(target.position) == pytest.approx(away)
        assert target.position[2] == pytest.approx(truth.position[2] - first[2, 3])
        back = on_true_floor(source.T_map_world, target.position[None])[0]
        np.testing.assert_allclose(back, truth.position[:2], atol=1e-6)
    assert source.locate("unicorn").status is TargetStatus.NOT_SEEN


def test_a_new_session_is_tied_to_the_world_anew(film, witness, network):
    source = watched(GeometrySource(witness, *network), film)
    before = source.T_map_world
    source._tracker.reset()
    source.look(film.path.T_world_camera[7], 2.0)
    np.testing.assert_allclose(
        source.T_map_world @ [*film.path.T_world_camera[7][:3, 3], 1], [0, 0, 0, 1], atol=1e-6
    )
    assert not np.allclose(source.T_map_world, before)


@pytest.mark.parametrize("locator", Locator)
def test_a_model_that_learned_nothing_claims_no_place(locator, film, witness, network):
    source = watched(ModelSource(witness, *network, locator=locator), film)
    target = source.locate(film.world.objects[witness.seen[0]].category)
    assert target.status in (TargetStatus.UNSURE, TargetStatus.NOT_SEEN)
    assert not target.has_place


@pytest.mark.parametrize("kind", [SourceKind.GEOMETRY, SourceKind.MODEL])
def test_who_relies_on_a_model_that_learned_nothing_does_not_succeed(kind):
    with pytest.warns(UserWarning, match="random weights"):
        maker = source_makers([kind], "tiny", "cpu")[kind]
    episode = run_episode(WORLD, SHORT, maker)
    assert not episode.success
    assert episode.status not in (HintStatus.ARRIVED, HintStatus.INSIDE_TARGET)
    assert np.isfinite(episode.pose_error)
    assert np.isnan(episode.place_error) == (kind is SourceKind.MODEL)


def test_the_target_does_not_depend_on_the_source(network):
    truth = run_episode(WORLD, SHORT)
    learned = run_episode(WORLD, SHORT, lambda witness: GeometrySource(witness, *network))
    assert learned.target == truth.target
    assert learned.shortest == truth.shortest
    assert truth.place_error == pytest.approx(0, abs=1e-6)
    assert truth.pose_error == pytest.approx(0, abs=1e-6)


def test_motions_are_small_and_end_where_they_should():
    position, none = np.array([[1.0, 2.0, 1.4], [1.2, 2.2, 1.4]]), np.zeros(2)
    start, end = camera_poses(position, np.array([0.1, 1.5]), np.full(2, -0.2), none)
    poses = small_motions(start, end)
    assert np.array_equal(poses[-1], end)
    for before, after in zip([start, *poses[:-1]], poses, strict=True):
        turn = before[:3, :3].T @ after[:3, :3]
        assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) <= 6.001
        assert np.linalg.norm(after[:3, 3] - before[:3, 3]) <= 0.0801
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert len(small_motions(end, end)) == 1


def test_places_of_unknown_height_are_found_on_the_floor():
    T_map_world = np.eye(4)
    cos, sin = np.cos(0.7), np.sin(0.7)
    T_map_world[:3] = [[cos, -sin, 0, 3.0], [sin, cos, 0, -1.0], [0, 0, 1, -1.4]]
    place = np.array([2.0, 5.0, 0.3, 1.0])
    in_map = (T_map_world @ place)[None, :3]
    in_map[0, 2] = np.nan
    np.testing.assert_allclose(on_true_floor(T_map_world, in_map)[0], place[:2], atol=1e-9)
