import json

import numpy as np
import pytest

from vlm3r_ros.commands import demo
from vlm3r_ros.commands.demo_clip import CLIP, ClipTruth, asking_times
from vlm3r_ros.location_answer import parse_location
from vlm3r_ros.recordings import open_recording
from vlm3r_ros.worlds.filming import Film, FilmSettings
from vlm3r_ros.worlds.world import WorldId

AGAIN = "run scripts/render_demo_clip.py again: worlds, paths or renderer have changed"


@pytest.fixture(scope="module")
def truth() -> ClipTruth:
    return ClipTruth.read()


@pytest.fixture(scope="module")
def film(truth) -> Film:
    clip = open_recording(CLIP)
    height, width = next(iter(clip)).image.shape[:2]
    frames = len(truth.T_world_camera)
    settings = FilmSettings(frames, truth.rate, width, height, truth.samples)
    return Film.of(WorldId.parse(truth.scene), settings)


@pytest.fixture(scope="module")
def content() -> dict:
    return json.loads(CLIP.with_suffix(".json").read_text())


def test_the_packaged_clip_is_the_rendered_film(truth, film, content):
    assert CLIP.stat().st_size < 3_000_000
    clip = open_recording(CLIP)
    assert clip.frame_rate == truth.rate
    frames = [frame.image for frame in clip]
    assert len(frames) == len(truth.T_world_camera)
    np.testing.assert_allclose(
        truth.T_world_camera, film.path.T_world_camera, atol=1e-4, err_msg=AGAIN
    )
    assert content["intrinsics"] == film.path.intrinsics.matrix().tolist(), AGAIN
    for filmed in film.frames([0, len(frames) // 2]):
        difference = np.abs(filmed.view.color.astype(int) - frames[filmed.index])
        assert difference.mean() < 6, AGAIN


def test_the_clip_is_played_as_filmed_and_asked_about_when_the_truth_holds(truth, content):
    parameters, seconds = demo.plan_play(CLIP)
    assert "fps" not in parameters
    assert seconds == pytest.approx(len(truth.T_world_camera) / truth.rate)
    moments = [question["time"] for question in content["questions"]]
    assert moments == pytest.approx(asking_times(seconds, len(truth.questions)), abs=1e-3)
    assert moments[-1] < seconds - 1


def test_every_question_has_a_truth_and_a_choice_holds_it(truth):
    assert len(truth.questions) >= 5
    for question in truth.questions:
        assert question.truth
        assert not question.options or question.truth in question.options
    assert any(question.options for question in truth.questions)


def test_counts_are_those_of_the_world(film, content):
    counts = film.world.scene().object_counts
    asked = [q for q in content["questions"] if q["question_type"] == "object_counting"]
    assert asked
    for question in asked:
        name = question["question"].removeprefix("How many ").split("(s)")[0]
        assert question["truth"] == str(counts[name]), AGAIN


def test_places_are_those_seen_from_the_camera_at_the_moment(film, truth, content):
    asked = [q for q in content["questions"] if q["question_type"] == "object_location"]
    assert asked
    for question in asked:
        name = question["question"].removeprefix("Where is the ").removesuffix(" now?")
        (item,) = [item for item in film.world.objects if item.category == name]
        pose = truth.T_world_camera[round(question["time"] * truth.rate)]
        right, _, ahead = (item.box.centroid - pose[:3, 3]) @ pose[:3, :3]
        place = parse_location(question["truth"])
        assert place is not None
        # The camera is nearly level, so that its own axes will do.
        assert np.cos(place.bearing - np.arctan2(-right, ahead)) > np.cos(np.radians(15)), AGAIN
        assert place.distance == pytest.approx(float(item.box.distance(pose[:3, 3])), abs=0.06)


def test_the_true_way_begins_at_the_origin_of_the_map_with_z_up(truth):
    poses = truth.poses_in_map()
    np.testing.assert_allclose(poses[0, :3, 3], 0, atol=1e-9)
    # It looks along x, and what is up in the world is up in the map.
    assert poses[0, 0, 2] > 0.5
    assert abs(poses[0, 1, 2]) < 1e-6
    heights = truth.T_world_camera[:, 2, 3]
    np.testing.assert_allclose(poses[:, 2, 3], heights - heights[0], atol=1e-4)
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    true_steps = np.linalg.norm(np.diff(truth.T_world_camera[:, :3, 3], axis=0), axis=1)
    np.testing.assert_allclose(steps, true_steps, atol=1e-6)
