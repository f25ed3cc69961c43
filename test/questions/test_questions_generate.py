import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scenes import random_scene

from vlm3r_ros.questions import generate as module
from vlm3r_ros.questions.drafting import DraftPlan, SceneDrafts, draft_scene
from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.questions.generate import GenerateSettings, generate, make_questions
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.wording import Wording
from vlm3r_ros.questions.writers import Format
from vlm3r_ros.worlds.metadata import metadata_path, scene_records, write_metadata

Q = QuestionType
PLAN = DraftPlan(
    {Q.OBJECT_COUNTING: 2, Q.OBJECT_REL_DIRECTION_V2: 2, Q.CAMERA_MOVEMENT_DIRECTION: 3}
)
SCENES = 40


@pytest.fixture(scope="module")
def rooms():
    return [random_scene(number, frames=8) for number in range(SCENES)]


@pytest.fixture
def metadata(tmp_path, rooms):
    write_metadata(
        tmp_path / "data", "rooms", "train", ((room.name, scene_records(room)) for room in rooms)
    )
    return tmp_path / "data"


def test_files_hold_what_is_made_in_memory(tmp_path, metadata, rooms):
    report = generate(metadata, tmp_path / "questions.json", GenerateSettings(PLAN))
    records = json.loads((tmp_path / "questions.json").read_text())
    made = [question.to_json(i) for i, question in enumerate(make_questions(rooms, PLAN))]
    assert records == json.loads(json.dumps(made))
    assert report.scenes == SCENES
    assert report.pairs == Counter(Q(record["question_type"]) for record in records)
    assert set(report.pairs) == set(PLAN.limits)
    scenes = {
        record["scene_name"] for record in records if record["question_type"] == Q.OBJECT_COUNTING
    }
    assert report.asked[Q.OBJECT_COUNTING] == len(scenes)
    assert not (tmp_path / ".questions.json.drafts").exists()


def test_any_number_of_workers_makes_the_same_file(tmp_path, metadata):
    for workers in (1, 2):
        settings = GenerateSettings(PLAN, wording=Wording.VARIED, workers=workers)
        generate(metadata, tmp_path / f"{workers}.json", settings)
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


@pytest.fixture
def ray_cluster():
    ray = pytest.importorskip("ray", reason="the optional library ray is not installed")
    try:
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    # On a busy machine it gives up before its own processes have started.
    except Exception as error:
        pytest.skip(f"no local Ray cluster starts here: {error}")
    yield
    ray.shutdown()


def test_ray_makes_the_same_file(tmp_path, metadata, ray_cluster):
    generate(metadata, tmp_path / "ray.json", GenerateSettings(PLAN, ray=True))
    generate(metadata, tmp_path / "here.json", GenerateSettings(PLAN))
    assert (tmp_path / "ray.json").read_bytes() == (tmp_path / "here.json").read_bytes()


def test_without_ray_its_option_says_what_to_install(tmp_path, metadata, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(QuestionsError, match=r"pip install 'vlm3r-ros\[ray\]'"):
        generate(metadata, tmp_path / "ray.json", GenerateSettings(PLAN, ray=True))


def test_seeds_make_different_questions(rooms):
    def texts(seed):
        plan = replace(PLAN, seed=seed)
        return [question.question for question in make_questions(rooms[:5], plan)]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


def interrupt_after(count):
    def progress(scenes, total):
        assert total == SCENES
        for number, scene in enumerate(scenes):
            if number == count:
                raise KeyboardInterrupt
            yield scene

    return progress


def test_a_run_cut_short_goes_on_and_ends_with_the_same_file(tmp_path, metadata, monkeypatch):
    out = tmp_path / "questions.json"
    with pytest.raises(KeyboardInterrupt):
        generate(metadata, out, GenerateSettings(PLAN), interrupt_after(module.CHUNK + 2))
    assert not out.exists()
    drafted = []
    monkeypatch.setattr(
        module, "draft_scene", lambda scene, plan: drafted.append(1) or draft_scene(scene, plan)
    )
    report = generate(metadata, out, GenerateSettings(PLAN))
    assert report.resumed == 2 * module.CHUNK
    assert len(drafted) == SCENES - 2 * module.CHUNK
    generate(metadata, tmp_path / "whole.json", GenerateSettings(PLAN))
    assert out.read_bytes() == (tmp_path / "whole.json").read_bytes()


@pytest.mark.parametrize("change", ["seed", "metadata", "broken"])
def test_drafts_of_something_else_are_not_used(tmp_path, metadata, rooms, change):
    out = tmp_path / "questions.json"
    with pytest.raises(KeyboardInterrupt):
        generate(metadata, out, GenerateSettings(PLAN), interrupt_after(module.CHUNK + 2))
    plan = PLAN
    if change == "seed":
        plan = replace(PLAN, seed=9)
    elif change == "metadata":
        records = ((room.name, scene_records(room)) for room in rooms[::-1])
        write_metadata(metadata, "rooms", "train", records)
    else:
        for chunk in (tmp_path / ".questions.json.drafts").glob("*.gz"):
            chunk.write_bytes(chunk.read_bytes()[:50])
    report = generate(metadata, out, GenerateSettings(plan))
    assert report.resumed == 0
    generate(metadata, tmp_path / "whole.json", GenerateSettings(plan))
    assert out.read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_drafts_survive_being_written(rooms):
    plan = DraftPlan(dict.fromkeys(Q, 3))
    drafts = draft_scene(random_scene(1), plan)
    read = SceneDrafts.from_json(json.loads(json.dumps(drafts.to_json())))
    assert read == drafts


def test_broken_scenes_are_skipped_and_counted(tmp_path, metadata):
    path = metadata_path(metadata, "rooms", "train")
    scenes = json.loads(path.read_text())
    names = list(scenes)
    scenes[names[3]]["room_size"] = "large"
    scenes[names[4]]["object_bboxes"] = {"bed": [{"centroid": [0, 0, 0]}]}
    path.write_text(json.dumps(scenes))
    report = generate(metadata, tmp_path / "questions.json", GenerateSettings(PLAN))
    assert report.scenes == SCENES - 2
    assert names[3] in report.skips.summary()
    assert names[4] in report.skips.summary()


def test_lost_poses_are_counted_and_the_others_are_asked_about(tmp_path, rooms):
    frames = list(rooms[0].frames)
    frames[2] = replace(frames[2], T_world_camera=np.full((4, 4), -np.inf))
    room = replace(rooms[0], frames=tuple(frames))
    write_metadata(tmp_path / "data", "rooms", "train", [(room.name, scene_records(room))])
    plan = DraftPlan({Q.CAMERA_MOVEMENT_DIRECTION: 30})
    report = generate(tmp_path / "data", tmp_path / "questions.json", GenerateSettings(plan))
    assert "camera_pose_camera_to_world" in report.skips.summary()
    for record in json.loads((tmp_path / "questions.json").read_text()):
        assert frames[2].frame_id not in record["frame_indices"]


def test_test_scenes_get_wordings_that_training_never_shows(rooms):
    tested = [replace(room, split="test") for room in rooms[:10]]
    plan = DraftPlan({Q.OBJECT_COUNTING: 2})
    training = {q.question for q in make_questions(rooms[:10], plan, Wording.VARIED)}
    testing = {q.question for q in make_questions(tested, plan, Wording.VARIED)}
    assert not training & testing


def test_conversations_are_written_on_request(tmp_path, metadata):
    settings = GenerateSettings(PLAN, form=Format.LLAVA)
    report = generate(metadata, tmp_path / "train.json", settings)
    records = json.loads((tmp_path / "train.json").read_text())
    assert len(records) == report.pairs.total()
    assert all(record["conversations"][0]["value"].startswith("<image>\n") for record in records)


@pytest.mark.parametrize("rules", list(RuleSet))
def test_answers_are_true_of_the_options(rooms, rules):
    plan = DraftPlan(dict.fromkeys(Q, 4), rules)
    for question in make_questions(rooms[:12], plan):
        if question.options:
            option = question.options["ABCD".index(question.mc_answer)]
            assert option.removeprefix(f"{question.mc_answer}. ") == str(question.ground_truth)
            assert len(set(question.options)) == len(question.options)


def test_a_folder_without_metadata_and_a_place_that_cannot_be_written_are_told(tmp_path, metadata):
    with pytest.raises(QuestionsError, match="no \\*_metadata_"):
        generate(tmp_path / "nowhere", tmp_path / "q.json", GenerateSettings(PLAN))
    with pytest.raises(QuestionsError, match="split 'val'"):
        generate(metadata, tmp_path / "q.json", GenerateSettings(PLAN, split="val"))
    (tmp_path / "file").write_text("")
    with pytest.raises(QuestionsError, match="cannot write"):
        generate(metadata, tmp_path / "file" / "q.json", GenerateSettings(PLAN))
