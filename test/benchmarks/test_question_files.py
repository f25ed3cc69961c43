import json
import math
import sys

import numpy as np
import pytest
from benchmark_records import vsi_record, vsti_record

from vlm3r_ros.benchmarks.benchmark_question import parse_question
from vlm3r_ros.benchmarks.errors import BenchmarkError
from vlm3r_ros.benchmarks.question_files import read_questions
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

LETTERED = ["A. left", "B. right"]
RECORDS = [
    vsi_record("object_counting", 4, id=0),
    vsi_record("object_rel_direction_easy", "B", LETTERED, id=1),
    vsi_record("room_size_estimation", 20.1, id=2),
    vsti_record("camera_displacement", "1.3", id=3, frame_indices=[3, 11]),
    vsti_record("obj_obj_relative_pos_lr", "Right", ["A. Left", "B. Right"], id=4)
    | {"mc_answer": "B", "video_path": "ScanNet/videos/val/scene0.mp4"},
]
TRUTHS = ["4", "B", "20.1", "1.3", "B"]


def write_json(path, records):
    path.write_text(json.dumps(records))


def write_json_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def write_parquet(path, records):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    # Every row has every column, and a column one type: all truths are text.
    columns = dict.fromkeys(name for record in records for name in record)
    rows = [
        {name: record.get(name) for name in columns} | {"ground_truth": str(record["ground_truth"])}
        for record in records
    ]
    parquet.write_table(arrow.Table.from_pylist(rows), path)


@pytest.mark.parametrize("name", ["q.json", "misnamed.txt"])
@pytest.mark.parametrize("write", [write_json, write_json_lines, write_parquet])
def test_every_format_gives_the_same_questions(tmp_path, write, name):
    path = tmp_path / name
    write(path, RECORDS)
    skips = SkipLog()
    questions = read_questions(path, skips)
    assert not skips
    assert [asked.truth for asked in questions] == TRUTHS
    assert [asked.id for asked in questions] == [0, 1, 2, 3, 4]
    assert [asked.question.question_type for asked in questions] == [
        QuestionType.OBJECT_COUNTING,
        QuestionType.OBJECT_REL_DIRECTION_V3,
        QuestionType.ROOM_SIZE_ESTIMATION,
        QuestionType.CAMERA_DISPLACEMENT,
        QuestionType.OBJ_OBJ_RELATIVE_POS_LR,
    ]
    assert questions[3].question.frame_indices == (3, 11)
    assert questions[4].question.video_path == "ScanNet/videos/val/scene0.mp4"


def test_what_a_generator_writes_is_read_back(tmp_path):
    made = [
        Question(
            "rooms",
            "room_test_0_000001",
            "rooms/room_test_0_000001.mp4",
            QuestionType.OBJECT_REL_DISTANCE_V2,
            "Which is closest?",
            ("A. bed", "B. desk", "C. sofa"),
            "desk",
            "B",
            categories={"category": "lamp"},
        ),
        Question(
            "rooms",
            "room_test_0_000001",
            "rooms/room_test_0_000001.mp4",
            QuestionType.OBJECT_LOCATION,
            "Where is the sofa now?",
            (),
            "35 degrees left, 2.4 meters",
            frame_indices=(7,),
            categories={"category": "sofa"},
        ),
    ]
    write_json(tmp_path / "q.json", [one.to_json(number) for number, one in enumerate(made)])
    questions = read_questions(tmp_path / "q.json", SkipLog())
    assert [asked.question for asked in questions] == made
    assert [asked.truth for asked in questions] == ["B", "35 degrees left, 2.4 meters"]


def test_options_of_a_number_are_not_shown(tmp_path):
    asked = parse_question(0, vsi_record("object_counting", 4, ["A. 4", "B. 5", "C. 6", "D. 7"]))
    assert asked.prompt == (
        "<image>\nThese are frames of a video.\nWhat of object_counting?\n"
        "Please answer the question using a single word or phrase."
    )


def test_the_prompt_of_a_choice_is_the_published_one():
    asked = parse_question(0, vsi_record("route_planning", "A", LETTERED, question="Which?\nNow."))
    assert asked.prompt == (
        "<image>\nThese are frames of a video.\nWhich?\nNow.\nOptions:\nA. left\nB. right\n"
        "Answer with the option's letter from the given choices directly."
    )


@pytest.mark.parametrize("numeric", [True, False])
def test_training_conversations_are_questions_too(tmp_path, numeric):
    question = "How big is it? \nIf there are several, all of them."
    lines = ["<image>", "These are frames of a video.", question]
    if numeric:
        lines.append("Please answer the question using a single word or phrase.")
    else:
        lines += ["Options:", *LETTERED]
        lines.append("Answer with the option's letter from the given choices directly.")
    record = {
        "id": "4f2c",
        "data_source": "rooms",
        "scene_name": "scene0",
        "question_type": "room_size_estimation" if numeric else "object_rel_direction_v3",
        "video": "rooms/scene0.mp4",
        "conversations": [
            {"from": "human", "value": "\n".join(lines)},
            {"from": "gpt", "value": "12.5" if numeric else "B"},
        ],
    }
    write_json(tmp_path / "train.json", [record])
    (asked,) = read_questions(tmp_path / "train.json", SkipLog())
    assert asked.prompt == "\n".join(lines)
    assert asked.truth == ("12.5" if numeric else "B")
    assert (asked.question.dataset, asked.question.video_path) == ("rooms", "rooms/scene0.mp4")


@pytest.mark.parametrize(
    "options",
    [
        LETTERED,
        tuple(LETTERED),
        np.array(LETTERED, dtype=object),
        json.dumps(LETTERED),
        str(LETTERED),
        ["left", "right"],
    ],
)
def test_options_come_in_many_shapes(options):
    asked = parse_question(0, vsi_record("object_rel_direction_easy", "B", options))
    assert "\nA. left\nB. right\n" in asked.prompt
    assert (asked.truth, asked.question.ground_truth) == ("B", "right")


@pytest.mark.parametrize("nothing", [None, math.nan, "", "NaN", "null"])
def test_nothing_is_told_in_many_ways(nothing):
    record = vsti_record("camera_displacement", "1.3", nothing)
    record |= {"mc_answer": nothing, "frame_indices": nothing, "video_path": nothing, "id": nothing}
    asked = parse_question(7, record)
    assert asked.question.options == asked.question.frame_indices == ()
    assert (asked.question.video_path, asked.id) == ("", 7)


def test_the_scene_may_be_told_by_the_video_alone():
    record = vsti_record("camera_displacement", "1.3", video_path="a/b/scene7.mp4")
    assert parse_question(0, record | {"scene_name": None}).question.scene_name == "scene7"


def test_words_of_the_true_option_do_where_a_letter_is_missing():
    asked = parse_question(0, vsi_record("object_rel_direction_v3", "right", LETTERED))
    assert asked.truth == "B"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (vsi_record("nonsense", 4), "question_type"),
        (vsi_record("", 4), "question_type"),
        (vsi_record("object_counting", 4, question=None), "question"),
        (vsi_record("object_counting", 4, question="<image> what?"), "question"),
        (vsi_record("object_counting", 4, scene_name=None), "scene_name"),
        (vsi_record("object_counting", 0), "ground_truth"),
        (vsi_record("object_counting", "0.0"), "ground_truth"),
        (vsi_record("object_counting", -1), "ground_truth"),
        (vsi_record("object_counting", "many"), "ground_truth"),
        (vsi_record("object_counting", math.inf), "ground_truth"),
        (vsi_record("object_counting", None), "ground_truth"),
        (vsi_record("route_planning", "A", None), "options"),
        (vsi_record("route_planning", "A", ["A. only"]), "options"),
        (vsi_record("route_planning", "C", LETTERED), "ground_truth"),
        (vsi_record("route_planning", None, LETTERED), "ground_truth"),
        (vsi_record("route_planning", "left", LETTERED, mc_answer="C"), "mc_answer"),
        (vsi_record("object_location", "somewhere"), "ground_truth"),
        (vsi_record("object_location", "ahead, 0.0 meters"), "ground_truth"),
    ],
)
def test_a_record_that_cannot_be_used_is_named_and_the_rest_is_read(tmp_path, record, field):
    with pytest.raises(SceneError):
        parse_question(0, record)
    write_json(tmp_path / "q.json", [record, RECORDS[0]])
    skips = SkipLog()
    (asked,) = read_questions(tmp_path / "q.json", skips)
    assert asked.number == 1
    (error,) = skips.errors
    assert error.field == field
    assert error.scene == (record["scene_name"] or "no scene")


def test_a_broken_line_is_skipped_by_its_number(tmp_path):
    path = tmp_path / "q.jsonl"
    write_json_lines(path, RECORDS[:1])
    path.write_text(path.read_text() + '{"id": \n\n[1]\n' + json.dumps(RECORDS[1]) + "\n")
    skips = SkipLog()
    assert [asked.truth for asked in read_questions(path, skips)] == ["4", "B"]
    assert [error.field for error in skips.errors] == ["line 2", "line 4"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"[{", "no JSON"),
        (b"[]", "holds no question"),
        (b"", "holds no question"),
        (b"\x93NUMPY", "neither JSON nor parquet"),
        (b'[{"question_type": "nonsense", "question": "?"}]', "1 skipped"),
    ],
)
def test_a_file_that_is_of_no_use_is_said_to_be(tmp_path, content, words):
    path = tmp_path / "q.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchmarkError, match=words):
        read_questions(path, SkipLog())


def test_broken_parquet_is_said_to_be(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "q.parquet").write_bytes(b"PAR1 and nothing more PAR1")
    with pytest.raises(BenchmarkError, match="no parquet file that can be read"):
        read_questions(tmp_path / "q.parquet", SkipLog())


def test_without_pyarrow_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "q.parquet").write_bytes(b"PAR1")
    with pytest.raises(BenchmarkError, match="pip install pyarrow"):
        read_questions(tmp_path / "q.parquet", SkipLog())
