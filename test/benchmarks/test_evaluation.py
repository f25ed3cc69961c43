"""Runs over several videos: resumed, incomplete, reported."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vlm3r_ros.benchmarks.baselines import ChanceResponder
from vlm3r_ros.benchmarks.chart import draw_chart
from vlm3r_ros.benchmarks.errors import BenchmarkError
from vlm3r_ros.benchmarks.evaluation import evaluate, select_questions, select_tasks
from vlm3r_ros.benchmarks.model_responders import OfflineResponder, StreamResponder
from vlm3r_ros.benchmarks.oracle import OracleResponder
from vlm3r_ros.benchmarks.report import build_report
from vlm3r_ros.benchmarks.responders import Response
from vlm3r_ros.benchmarks.results import Result, ResultsFile
from vlm3r_ros.questions.question import QuestionType, Suite
from vlm3r_ros.worlds.skipping import SkipLog

SETTINGS = {"model": "test", "seed": 0}
LETTERED = ["A. left", "B. right"]


class KilledError(Exception):
    pass


class Counting:
    """Answers "A", notes what it was asked, and breaks off when told to."""

    needs_video = False

    def __init__(self, stop_after: int = 10**9) -> None:
        self.asked: list[int] = []
        self._stop_after = stop_after

    def respond(self, questions, video):
        for asked in questions:
            if len(self.asked) == self._stop_after:
                raise KilledError
            self.asked.append(asked.number)
            yield asked, Response("A", timings={"total": 0.5})


@pytest.fixture
def questions(ask):
    made = []
    for number in range(12):
        scene = f"scene{number % 3}"
        if number % 2:
            made.append(ask("object_counting", 4, number=number, id=100, scene_name=scene))
        else:
            made.append(
                ask(
                    "object_rel_direction_easy",
                    "AB"[number % 4 // 2],
                    LETTERED,
                    number=number,
                    id=100,
                    scene_name=scene,
                )
            )
    return made


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_every_answer_has_its_line(tmp_path: Path, questions):
    with ResultsFile(tmp_path / "out", SETTINGS) as results:
        evaluate(questions, Counting(), results, skips=SkipLog())
    written = lines(tmp_path / "out")
    assert sorted(line["number"] for line in written) == list(range(12))
    first = next(line for line in written if line["number"] == 0)
    assert first == {
        "number": 0,
        "id": 100,
        "dataset": "scannet",
        "scene": "scene0",
        "type": "object_rel_direction_easy",
        "prompt": questions[0].prompt,
        "text": "A",
        "cleaned": "A",
        "truth": "A",
        "score": 1.0,
        "timings": {"total": 0.5},
        "confidence": None,
    }


@pytest.mark.parametrize("torn", ["", '{"number": 3, "id": 100, "scen', '{"number": 3}'])
def test_a_run_that_was_killed_goes_on_without_asking_twice(tmp_path: Path, questions, torn):
    first = Counting(stop_after=5)
    with pytest.raises(KilledError), ResultsFile(tmp_path, SETTINGS) as results:
        evaluate(questions, first, results, skips=SkipLog())
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write(torn)
    second = Counting()
    done: list[int] = []
    with ResultsFile(tmp_path, SETTINGS) as results:
        evaluate(questions, second, results, skips=SkipLog(), advance=done.append)
    assert sorted(first.asked + second.asked) == list(range(12))
    assert sorted(line["number"] for line in lines(tmp_path)) == list(range(12))
    assert sum(done) == 12


def test_a_folder_of_another_run_is_refused(tmp_path: Path, questions):
    with ResultsFile(tmp_path, SETTINGS | {"seed": 7}):
        pass  # no answers: the folder is free
    with ResultsFile(tmp_path, SETTINGS) as results:
        evaluate(questions[:1], Counting(), results, skips=SkipLog())
    with pytest.raises(BenchmarkError, match=r"seed 0, now 1.*choose another --out"):
        ResultsFile(tmp_path, SETTINGS | {"seed": 1})
    (tmp_path / "run.json").write_text(json.dumps(SETTINGS | {"limit": 5}))
    with pytest.raises(BenchmarkError, match="limit 5, now None"):
        ResultsFile(tmp_path, SETTINGS)
    (tmp_path / "run.json").unlink()
    with pytest.raises(BenchmarkError, match=r"no run\.json"):
        ResultsFile(tmp_path, SETTINGS)


def test_a_damaged_line_is_told_by_its_number(tmp_path: Path, questions):
    with ResultsFile(tmp_path, SETTINGS) as results:
        evaluate(questions[:2], Counting(), results, skips=SkipLog())
    path = tmp_path / "results.jsonl"
    path.write_text(path.read_text().replace('"score"', '"scare"', 1))
    with pytest.raises(BenchmarkError, match="line 1 is damaged"):
        ResultsFile(tmp_path, SETTINGS)


@pytest.mark.parametrize("kind", [OfflineResponder, StreamResponder])
def test_absent_and_broken_videos_are_left_out_and_the_run_goes_on(
    tmp_path: Path, questions, write_video, network, kind
):
    videos = tmp_path / "videos"
    write_video(videos / "scannet" / "scene0.mp4", 3)
    (videos / "scene1.mp4").write_text("hello")
    skips = SkipLog()
    done: list[int] = []
    with ResultsFile(tmp_path / "out", SETTINGS) as results:
        responder = kind(*network, num_frames=2)
        evaluate(questions, responder, results, videos=videos, skips=skips, advance=done.append)
        assert {result.scene for result in results} == {"scene0"}
        assert len(results) == 4
    assert sum(done) == 12
    broken, absent = skips.errors
    assert (broken.scene, absent.scene) == ("scene1", "scene2")
    assert "not a video" in str(broken)
    assert str(videos / "scannet" / "scene2.mp4") in str(absent)
    assert str(absent).endswith("its questions are left out: 4")


def test_tasks_are_chosen_by_name_or_suite(questions):
    assert select_tasks(["object_rel_direction_easy"]) == {QuestionType.OBJECT_REL_DIRECTION_V3}
    assert select_tasks(["vsti", "object_counting"]) == {
        QuestionType.OBJECT_COUNTING,
        *(task for task in QuestionType if task.suite is Suite.VSTI),
    }
    with pytest.raises(BenchmarkError, match="no task is called 'counting'"):
        select_tasks(["counting"])
    counting = select_questions(questions, tasks=select_tasks(["object_counting"]))
    assert [asked.number for asked in counting] == [1, 3, 5, 7, 9, 11]


def test_a_limit_draws_by_the_seed_and_keeps_the_order(questions):
    some = select_questions(questions, limit=5, seed=1)
    assert len(some) == 5
    assert some == select_questions(questions, limit=5, seed=1)
    assert some != select_questions(questions, limit=5, seed=2)
    numbers = [asked.number for asked in some]
    assert numbers == sorted(numbers)
    assert select_questions(questions, limit=100) == questions


def result(asked, score: float, text: str = "A") -> Result:
    return Result(asked.number, 0, "", "", "", "", text, text, "", score, {})


@pytest.fixture
def scored(ask):
    """Questions with scores: counting 0.5, directions 1 and 0, a VSTI pair, one of ours."""
    four = [f"{letter}. x" for letter in "ABCD"]
    given = [
        (ask("object_counting", 4, number=0), 0.4, "3"),
        (ask("object_counting", 4, number=1), 0.6, "many"),
        (ask("object_rel_direction_easy", "A", LETTERED, number=2), 1.0, "A"),
        (ask("object_rel_direction_hard", "A", four, number=3), 0.0, "B"),
        (ask("object_rel_direction_hard", "A", four, number=4), 0.0, "no"),
        (ask("obj_obj_relative_pos_nf", "A", LETTERED, number=5), 1.0, "A"),
        (ask("obj_obj_relative_pos_lr", "A", LETTERED, number=6), 0.0, "B"),
        (ask("camera_displacement", 2.0, number=7), 0.2, "1"),
        (ask("object_rel_distance_v3", "A", LETTERED, number=8), 1.0, "A"),
    ]
    asked = [question for question, _, _ in given]
    return asked, [result(question, score, text) for question, score, text in given]


def test_the_report_averages_as_the_benchmarks_do(scored):
    figures = build_report(*scored).to_json()
    assert figures["tasks"]["object_counting"]["score"] == pytest.approx(50)
    assert figures["tasks"]["object_counting"]["malformed"] == 1
    assert figures["tasks"]["object_rel_direction_hard"]["chance"] == 25
    assert figures["tasks"]["object_rel_direction_hard"]["malformed"] == 1
    # Direction is (100 + 0) / 2 whatever the number of questions; with counting: 50.
    assert figures["vsi_bench"]["categories"]["Relative direction"] == pytest.approx(50)
    assert figures["vsi_bench"]["overall"] == pytest.approx(50)
    # All tasks: 100, 0, 20; by category: (100 + 0) / 2, 20.
    assert figures["vsti_bench"]["overall"] == pytest.approx(40)
    assert figures["vsti_bench"]["five_category_mean"] == pytest.approx(35)
    assert figures["vsti_bench"]["categories"]["Camera movement direction"] is None


def test_the_report_tells_how_far_confidence_in_choices_can_be_trusted(scored):
    asked, results = scored
    assert build_report(asked, results).to_json()["calibration"] is None
    sure = [replace(result, confidence=0.9) for result in results]
    calibration = build_report(asked, sure).to_json()["calibration"]
    # Six of the questions are choices, three of them answered right.
    assert calibration["answers"] == 6
    assert calibration["error"] == pytest.approx(0.4)
    assert "calibration error 0.400 (6 answers)" in build_report(asked, sure).markdown("Title")


def test_the_table_sets_published_figures_beside_ours(scored):
    text = build_report(*scored).markdown("Title")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = {row.split("|")[1].replace("&nbsp;", "").strip(" *"): row for row in rows}
    # Guessing: 24 on a count of 4, (50 + 25) / 2 on directions.
    assert cells["Overall"].endswith("| 50.0 | 30.8 | 34.0 | 60.9 | 79.2 |")
    assert "| 2 | 50.0 |" in cells["Object count"]
    assert "| 62.1 | 70.2 | 94.3 |" in cells["Object count"]
    assert cells["Mean of five categories"].endswith("| 27.4 | 58.8 | 77.0 |")
    assert cells["Mean of all tasks"].endswith("| - | - | - |")
    assert cells["object_rel_distance_v3"].endswith("| 100.0 | 50.0 | - | - | - |")
    assert "Room size" not in cells


def test_the_oracle_reaches_100_in_every_row(tmp_path: Path, scored):
    asked, _ = scored
    with ResultsFile(tmp_path, SETTINGS) as results:
        evaluate(asked, OracleResponder(), results, skips=SkipLog())
        report = build_report(asked, results)
    rows = [row for section in report.sections.values() for row in section]
    assert len(rows) == 12
    assert {row.ours for row in rows} == {100.0}


def test_the_report_tells_what_a_video_and_an_answer_took(scored):
    asked, results = scored
    assert build_report(asked, results).speed is None
    timed = [
        replace(results[0], scene="a", timings={"video": 2.0, "first_token": 0.1, "total": 0.3}),
        replace(results[1], scene="a", timings={"video": 3.0, "first_token": 0.1, "total": 0.3}),
        replace(results[2], scene="b", timings={"video": 1.0, "first_token": 0.4, "total": 0.9}),
    ]
    speed = build_report(asked, timed).speed
    assert (speed.video, speed.first_token, speed.answer) == pytest.approx((2.0, 0.2, 0.5))


def test_a_report_on_nothing_is_empty_and_one_on_ours_alone_has_no_means(scored):
    asked, results = scored
    assert build_report(asked, []).sections == {}
    assert list(build_report(asked, results[-1:]).sections) == ["Beside the benchmarks"]


def test_chance_does_not_depend_on_where_a_run_was_broken_off(tmp_path: Path, questions):
    texts = []
    for name, parts in (("once", [questions]), ("twice", [questions[:7], questions])):
        for part in parts:
            with ResultsFile(tmp_path / name, SETTINGS) as results:
                evaluate(part, ChanceResponder(5), results, skips=SkipLog())
        texts.append({line["number"]: line["text"] for line in lines(tmp_path / name)})
    assert texts[0] == texts[1]


def test_the_chart_is_a_picture(tmp_path: Path, scored):
    from PIL import Image

    draw_chart(tmp_path / "chart.png", build_report(*scored), "Title")
    with Image.open(tmp_path / "chart.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 400
