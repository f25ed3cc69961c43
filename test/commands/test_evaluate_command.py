import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vlm3r_ros.cli import app

RECORDS = [
    {
        "id": number,
        "dataset": "scannet",
        "scene_name": f"scene{number % 2}",
        "question_type": "object_rel_direction_easy",
        "question": "Left or right?",
        "options": ["A. left", "B. right"],
        "ground_truth": "AB"[number % 2],
    }
    for number in range(6)
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.json"
    path.write_text(json.dumps([*RECORDS, RECORDS[0] | {"question_type": "nonsense"}]))
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "120"})


def test_the_oracle_scores_100_and_leaves_all_its_files(tmp_path: Path, questions):
    out = tmp_path / "out"
    done = run("-q", questions, "-o", out, "--model", "oracle")
    assert done.exit_code == 0, done.output
    assert "6 of 6 questions answered" in done.stdout
    assert "1 skipped: 1 question_type (scene0)" in done.stdout
    names = {"results.jsonl", "run.json", "summary.json", "table.md", "chart.png"}
    assert {path.name for path in out.iterdir()} == names
    summary = json.loads((out / "summary.json").read_text())
    assert summary["vsi_bench"]["overall"] == 100
    assert summary["run"]["model"] == "oracle"
    assert summary["left_out"][0]["scene"] == "scene0"
    assert "| **Overall** | 6 | 100.0 | 50.0 |" in (out / "table.md").read_text()


def test_a_second_call_goes_on_and_another_one_is_refused(tmp_path: Path, questions):
    out = tmp_path / "out"
    chance = ("-q", questions, "-o", out, "--model", "chance")
    assert run(*chance, "--seed", 3).exit_code == 0
    before = (out / "results.jsonl").read_text()
    assert run(*chance, "--seed", 3).exit_code == 0
    assert (out / "results.jsonl").read_text() == before
    refused = run(*chance, "--seed", 4)
    assert refused.exit_code == 1
    assert "seed 3, now 4" in refused.stderr
    questions.write_text(questions.read_text() + " ")
    assert "holds answers of another run (questions" in run(*chance, "--seed", 3).stderr


def test_a_model_is_asked_about_videos(tmp_path: Path, questions):
    import av
    import numpy as np

    videos = tmp_path / "videos"
    videos.mkdir()
    with av.open(str(videos / "scene0.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for value in (0, 90, 180):
            picture = np.full((48, 64, 3), value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    shared = ("-q", questions, "-v", videos, "--model", "tiny", "--frames", 2)
    for number, extra in enumerate([(), ("--stream", "--without", "both")]):
        out = tmp_path / f"out{number}"
        done = run(*shared, "-o", out, *extra)
        assert done.exit_code == 0, done.output
        assert "3 of 6 questions answered" in done.stdout
        assert "1 video (scene1)" in done.stdout
        assert len((out / "results.jsonl").read_text().splitlines()) == 3
        seconds = json.loads((out / "summary.json").read_text())["seconds"]
        assert 0 < seconds["first_token"] <= seconds["answer"]


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("--model", "chance", "--tasks", "counting"), "no task is called 'counting'", 1),
        (("--model", "chance", "--tasks", "room_size_estimation"), "has no question of", 1),
        (("--model", "chance", "--stream"), "--stream does nothing for chance", 2),
        (("--model", "chance", "--no-odometry"), "--no-odometry does nothing for chance", 2),
        (("--model", "chance", "--metadata", "m"), "--metadata does nothing for chance", 2),
        (("--model", "tiny", "--stream-fps", "2"), "--stream-fps does nothing for tiny", 2),
        (("--model", "tiny", "--without", "eyes"), "use camera or geometry or both", 2),
        (("--model", "frequency"), "needs --train-questions", 2),
        (("--model", "frequency", "--train-questions", "nowhere"), "nowhere: no such file", 1),
        (("--model", "oracle", "--metadata", "nowhere"), "nowhere", 1),
        (("--model", "tiny"), "--videos", 1),
        (("--model", "tiny", "-v", "/nowhere"), "--videos /nowhere: no such folder", 1),
        (("--model", "no-such-model"), "no-such-model", 1),
    ],
)
def test_what_a_user_can_mend_is_said(tmp_path: Path, questions, arguments, words, code):
    videos = () if words == "--videos" else ("-v", tmp_path)
    done = run("-q", questions, "-o", tmp_path / "out", *videos, *arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_frequency_counts_a_training_set(tmp_path: Path, questions):
    out = tmp_path / "out"
    train = tmp_path / "train.jsonl"
    train.write_text("\n".join(json.dumps(RECORDS[number]) for number in (0, 2, 1)))
    done = run("-q", questions, "-o", out, "--model", "frequency", "--train-questions", train)
    assert done.exit_code == 0, done.output
    answers = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert {answer["text"] for answer in answers} == {"A"}
    assert sum(answer["score"] for answer in answers) == 3
