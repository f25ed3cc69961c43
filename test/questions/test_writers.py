import json
import uuid

import pytest

from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.writers import Format, conversation, write_questions

CHOICE = Question(
    "rooms",
    "room_train_0_000001",
    "videos/room_train_0_000001.mp4",
    QuestionType.OBJECT_REL_DISTANCE_V3,
    "Which is closer to the bed?\nMeasure to the closest.",
    ("A. tv", "B. sofa"),
    "sofa",
    "B",
    categories={"category": "bed"},
)
NUMBER = Question(
    "scannet",
    "scene0000_00",
    "ScanNet/videos/train/scene0000_00.mp4",
    QuestionType.CAMERA_DISPLACEMENT,
    "Approximately how far (in meters) did the camera move between frame 1 and frame 9 of 32?",
    ("0.9", "1.7", "2.6", "0.6"),
    1.7,
    "B",
    frame_indices=(0, 88),
)
PLACE = Question(
    "rooms",
    "room_train_0_000001",
    "videos/room_train_0_000001.mp4",
    QuestionType.OBJECT_LOCATION,
    "Where is the sofa now?",
    (),
    "35 degrees left, 2.4 meters",
    frame_indices=(119,),
)


def test_records_have_the_published_fields(tmp_path):
    path = tmp_path / "questions.json"
    assert write_questions(path, [CHOICE, NUMBER]) == 2
    choice, number = json.loads(path.read_text())
    assert choice == {
        "id": 0,
        "dataset": "rooms",
        "scene_name": "room_train_0_000001",
        "question_type": "object_rel_distance_v3",
        "video_path": "videos/room_train_0_000001.mp4",
        "question": "Which is closer to the bed?\nMeasure to the closest.",
        "options": ["A. tv", "B. sofa"],
        "ground_truth": "sofa",
        "mc_answer": "B",
        "category": "bed",
    }
    assert number["id"] == 1
    assert number["options"] == ["0.9", "1.7", "2.6", "0.6"]
    assert number["frame_indices"] == [0, 88]


def test_conversations_are_those_of_training_byte_for_byte():
    human, answer = conversation(CHOICE, "x")["conversations"]
    assert human == {
        "from": "human",
        "value": (
            "<image>\nThese are frames of a video.\nWhich is closer to the bed?\nMeasure to the "
            "closest.\nOptions:\nA. tv\nB. sofa\nAnswer with the option's letter from the given "
            "choices directly."
        ),
    }
    assert answer == {"from": "gpt", "value": "B"}
    human, answer = conversation(NUMBER, "x")["conversations"]
    assert human["value"] == (
        "<image>\nThese are frames of a video.\nApproximately how far (in meters) did the camera "
        "move between frame 1 and frame 9 of 32?\nPlease answer the question using a single word "
        "or phrase."
    )
    assert answer["value"] == "1.7"
    assert conversation(PLACE, "x")["conversations"][1]["value"] == "35 degrees left, 2.4 meters"


def test_conversation_files_have_the_published_keys_and_stable_ids(tmp_path):
    paths = [tmp_path / name for name in ("first.json", "second.json", "other.json")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        write_questions(path, [CHOICE, NUMBER], Format.LLAVA, seed)
    first, second = json.loads(paths[0].read_text())
    assert list(first) == [
        *("id", "data_source", "scene_name", "question_type", "video", "conversations")
    ]
    assert first["video"] == "videos/room_train_0_000001.mp4"
    assert second["data_source"] == "scannet"
    assert uuid.UUID(first["id"]).version == 4
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert json.loads(paths[2].read_text())[0]["id"] != first["id"]


def test_no_question_makes_an_empty_list(tmp_path):
    assert write_questions(tmp_path / "questions.json", []) == 0
    assert json.loads((tmp_path / "questions.json").read_text()) == []


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "questions.json"
    write_questions(path, [CHOICE])

    def interrupted():
        yield NUMBER
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_questions(path, interrupted())
    assert json.loads(path.read_text())[0]["question_type"] == "object_rel_distance_v3"
    assert [file.name for file in tmp_path.iterdir()] == ["questions.json"]
