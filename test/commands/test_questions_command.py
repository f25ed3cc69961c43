import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from vlm3r_ros.cli import app
from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.metadata import scene_records, write_metadata
from vlm3r_ros.worlds.scene import Scene, SceneObject


@pytest.fixture
def metadata(tmp_path):
    """Two rooms of four things in a row, without frames, and one with a broken box."""
    places = {"bed": 0.0, "tv": 1.0, "sofa": 2.2, "desk": 4.0}

    def room(number, sides):
        objects = tuple(
            SceneObject(name, OrientedBox.upright([x, 0, 0.5], sides)) for name, x in places.items()
        )
        counts = dict.fromkeys(places, 1)
        name = f"room_train_0_00000{number}"
        video = f"videos/{name}.mp4"
        return Scene(name, "rooms", "train", video, 20.0, np.zeros(3), objects, counts)

    rooms = [room(0, [0.5, 0.5, 1.0]), room(1, [0.4, 0.2, 0.8]), room(2, [0.4, 0.0, 0.8])]
    folder = tmp_path / "data"
    write_metadata(folder, "rooms", "train", ((room.name, scene_records(room)) for room in rooms))
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["questions", "generate", *map(str, arguments)])


def test_questions_are_written_and_counted(tmp_path, metadata):
    out = tmp_path / "questions.json"
    done = run("--metadata", metadata, "--out", out, "--workers", 1, "--tasks", "vsi")
    assert done.exit_code == 0, done.output
    records = json.loads(out.read_text())
    assert re.search(rf"{len(records)} pairs of 3 scenes in .*: \d+ pairs/s", done.output)
    row = next(line for line in done.output.splitlines() if "object_abs_distance" in line)
    assert re.findall(r"\d+", row) == ["9", "3", "0"]
    assert "3 skipped: 3 bboxes_2d/instance_id" in done.output


def test_what_was_left_out_and_skipped_is_told(tmp_path, metadata):
    out = tmp_path / "questions.json"
    done = run(
        *("--metadata", metadata, "--out", out, "--workers", 1, "--rules", "published"),
        *("--per-scene", "1,object_counting=0", "--format", "llava", "--wording", "varied"),
    )
    assert done.exit_code == 0, done.output
    assert "no camera_obj_dist_change: the published code" in done.output
    assert "object_bboxes/bed/axesLengths (room_train_0_000002)" in done.output
    records = json.loads(out.read_text())
    assert {record["scene_name"][-1] for record in records} == {"0", "1"}
    assert "object_counting" not in {record["question_type"] for record in records}
    assert set(records[0]["conversations"][0]) == {"from", "value"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tasks", "vsi,count"), "no task is called 'count'"),
        (("--tasks", "object_location", "--rules", "published"), "has no published rules"),
        (("--per-scene", "some"), "--per-scene some"),
        (("--split", "val"), "split 'val'"),
    ],
)
def test_what_a_user_can_mend_is_said(tmp_path, metadata, arguments, words):
    done = run("--metadata", metadata, "--out", tmp_path / "q.json", "--workers", 1, *arguments)
    # The command line turns it into one line; the test runner bypasses that.
    assert words in f"{done.output}{done.exception}"
    assert done.exit_code != 0
    assert isinstance(done.exception, QuestionsError | SystemExit)
