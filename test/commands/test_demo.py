import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlm3r_ros.commands import demo
from vlm3r_ros.commands.demo_clip import ClipTruth
from vlm3r_ros.commands.errors import CommandError
from vlm3r_ros.commands.top_view import draw_top_view


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # The demo sets these for itself and its nodes; here the process lives on.
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_the_demo_asks_real_nodes_while_frames_arrive(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "SHORTEST_PLAY", 4.0)
    monkeypatch.setattr(demo, "LONGEST_PLAY", 4.0)
    output = tmp_path / "out"
    assert demo.run_demo(demo.DemoOptions(output=output, model="tiny")) == 0

    summary = json.loads((output / "answers.json").read_text())
    answers = summary["answers"]
    questions = ClipTruth.read().questions
    assert [answer["question"] for answer in answers] == [q.text for q in questions]
    assert [answer["truth"] for answer in answers] == [q.truth for q in questions]
    assert {answer["status"] for answer in answers} == {"OK"}
    assert all(answer["recording_still_playing"] for answer in answers)
    # Frames went on arriving between the questions, and answers rest on newer ones. On a busy
    # machine two questions half a second apart may find the same frame to be the newest.
    processed = [answer["frames_processed"] for answer in answers]
    assert processed == sorted(processed)
    newest = [answer["newest_frame"] for answer in answers]
    assert newest == sorted(newest)
    assert len(set(newest)) > len(newest) // 2
    assert summary["frames_processed"] > processed[-1] > processed[0]
    chosen = [answer for answer in answers if answer["options"]]
    assert all(0 <= answer["option_index"] < len(answer["options"]) for answer in chosen)

    assert Image.open(output / "trajectory.png").size == (840, 840)
    assert Image.open(output / "navigation.png").size == (840, 840)
    hint = answers[-1]["hint"]
    assert hint["target"] == "whiteboard"
    assert hint["status"]
    printed = capsys.readouterr().out
    assert hint["instruction"] in printed
    assert "3 nodes active" in printed
    assert "no trained weights" in printed
    assert "truth" in printed
    assert summary["trained"] is False


def test_a_node_that_cannot_work_is_named_with_the_reason(tmp_path):
    with pytest.raises(CommandError, match=r"(geometry|spatial_query|frame_buffer).*no-such-model"):
        demo.run_demo(demo.DemoOptions(output=tmp_path, model="./no-such-model"))


def test_a_short_recording_is_played_slower_and_a_long_one_cut(tmp_path):
    for index in range(13):
        Image.new("RGB", (32, 24)).save(tmp_path / f"{index}.png")
    parameters, seconds = demo.plan_play(tmp_path)
    assert parameters["fps"] == pytest.approx(13 / demo.SHORTEST_PLAY)
    assert seconds == demo.SHORTEST_PLAY
    for index in range(13, 250):
        Image.new("RGB", (32, 24)).save(tmp_path / f"{index}.png")
    parameters, seconds = demo.plan_play(tmp_path)
    assert "fps" not in parameters
    assert seconds == demo.LONGEST_PLAY


def test_an_output_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="cannot write to"):
        demo.run_demo(demo.DemoOptions(output=tmp_path / "file" / "out"))


@pytest.mark.parametrize("truth", [{}, {"truth": "3"}])
def test_the_truth_stands_beside_the_answer_where_it_is_known(truth):
    record = {
        "question": "How many chairs?",
        "options": [],
        "status": "OK",
        "answer": "2",
        "option_index": -1,
        "asked_after": 1.0,
        "frames_processed": 4,
    }
    table = demo.answers_table([record | truth])
    headings = [str(column.header) for column in table.columns]
    assert ("truth" in headings) == bool(truth)
    if truth:
        assert list(table.columns[headings.index("truth")].cells) == ["3"]
        assert list(table.columns[headings.index("answer")].cells) == ["2"]


def test_untrained_is_a_name_without_weights(tmp_path):
    assert demo.is_untrained("tiny")
    assert not demo.is_untrained(str(tmp_path))
    assert not demo.is_untrained("organisation/model")


def test_the_true_way_is_drawn_dashed_beside_the_other(tmp_path):
    way = np.tile(np.eye(4), (30, 1, 1))
    way[:, 0, 3] = np.linspace(0, 3, 30)
    truth = way.copy()
    truth[:, 1, 3] = 1.0

    def black_pixels(*known: np.ndarray) -> int:
        empty = np.empty((0, 3))
        draw_top_view(tmp_path / "view.png", way, empty, empty.astype(np.uint8), "walk", *known)
        pixels = np.asarray(Image.open(tmp_path / "view.png").convert("L"))
        # Of the inner part, where no axes or words are.
        return int((pixels[250:650, 150:700] < 60).sum())

    assert black_pixels() == 0
    dashed = black_pixels(truth)
    assert 100 < dashed < 3000


@pytest.mark.parametrize("points", [0, 1, 500])
@pytest.mark.parametrize("poses", [0, 1, 30])
def test_a_picture_is_drawn_of_whatever_came(tmp_path: Path, points, poses):
    generator = np.random.default_rng(0)
    way = [np.eye(4) for _ in range(poses)]
    for index, pose in enumerate(way):
        pose[0, 3] = 0.1 * index
    draw_top_view(
        tmp_path / "view.png",
        way,
        generator.normal(size=(points, 3)).astype(np.float32),
        np.full((points, 3), 90, np.uint8),
        "a walk",
    )
    pixels = np.asarray(Image.open(tmp_path / "view.png").convert("RGB"))
    red = (pixels[..., 0] > 180) & (pixels[..., 1] < 80) & (pixels[..., 2] < 80)
    assert red.any() == (poses > 0)
