"""The oracle's own way from metadata to answers, against the generators' and against hand."""

from dataclasses import replace

import numpy as np
import pytest

from vlm3r_ros.benchmarks.benchmark_question import parse_question
from vlm3r_ros.benchmarks.oracle import OracleResponder
from vlm3r_ros.benchmarks.responders import Response
from vlm3r_ros.benchmarks.scene_answers import SceneAnswers, UnansweredError
from vlm3r_ros.benchmarks.scoring import score_answer
from vlm3r_ros.questions.drafting import DraftPlan
from vlm3r_ros.questions.generate import make_questions
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.questions.wording import Wording
from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.scene import (
    FloorPlan,
    Intrinsics,
    Scene,
    SceneFrame,
    SceneObject,
    VisibleObject,
)

NAMES = ("bed", "chair", "desk", "lamp", "mirror", "plant", "sofa", "stool", "table", "tv")
CAMERA = Intrinsics(400, 400, 320, 240, 640, 480)


def pose(place, yaw: float, pitch: float = 0.0) -> np.ndarray:
    """Camera to world, looking along `yaw` from x to y, and down by `pitch`."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    forward = np.array([np.cos(pitch) * cos, np.cos(pitch) * sin, -np.sin(pitch)])
    right = np.array([sin, -cos, 0.0])
    T = np.eye(4)
    T[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    T[:3, 3] = place
    return T


def seen(item: SceneObject, T: np.ndarray) -> VisibleObject | None:
    """What a frame shows of a box that lies in front and within the image, nothing in the way."""
    corners = (item.box.corners() - T[:3, 3]) @ T[:3, :3]
    if corners[:, 2].min() < 0.1:
        return None
    x = CAMERA.fx * corners[:, 0] / corners[:, 2] + CAMERA.cx
    y = CAMERA.fy * corners[:, 1] / corners[:, 2] + CAMERA.cy
    if x.min() < 0 or x.max() >= CAMERA.width or y.min() < 0 or y.max() >= CAMERA.height:
        return None
    low, high = (int(x.min()), int(y.min())), (int(x.max()), int(y.max()))
    pixels = (high[0] - low[0] + 1) * (high[1] - low[1] + 1)
    assert item.instance_id is not None
    return VisibleObject(item.instance_id, (*low, *high), pixels, 1.0)


def random_scene(seed: int) -> Scene:
    """A large room with small things, filmed on a walk around its middle and then along it."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1).reshape(-1, 2)[rng.permutation(16)]
    names = (*NAMES, "chair", "pillow", "pillow", "clock")
    objects = tuple(
        SceneObject(
            name,
            OrientedBox.upright(
                [*(1.0 + 1.8 * place + rng.uniform(-0.4, 0.4, 2)), rng.uniform(0.3, 1.6)],
                rng.uniform(0.15, 0.6, 3),
                rng.uniform(0, np.pi),
            ),
            number,
        )
        for number, (name, place) in enumerate(zip(names, grid, strict=False))
    )
    frames = []
    for number in range(32):
        if number < 20:
            angle = 0.3 * number
            place = [3.7 + 1.5 * np.cos(angle), 3.7 + 1.5 * np.sin(angle), 1.4]
            T = pose(place, angle + np.pi + rng.uniform(-1, 1), rng.uniform(0, 0.3))
        else:
            T = pose([0.5 + 0.5 * (number - 20), 3.6, 1.2], rng.choice([0, np.pi, np.pi / 2]), 0.1)
        shown = tuple(one for item in objects if (one := seen(item, T)) is not None)
        frames.append(SceneFrame(10 * number, T, shown, number / 3))
    outline = np.array([[0, 0], [7.4, 0], [7.4, 7.4], [0, 7.4]], float)
    counts = {name: names.count(name) for name in names}
    return Scene(
        f"scene{seed}",
        "rooms",
        "train",
        f"rooms/scene{seed}.mp4",
        54.8,
        np.array([3.7, 3.7, 1.2]),
        objects,
        counts,
        tuple(frames),
        CAMERA,
        FloorPlan((outline,)),
    )


@pytest.fixture(scope="module")
def scenes():
    return [random_scene(seed) for seed in range(3)]


@pytest.mark.parametrize("wording", Wording)
def test_what_generators_hold_for_true_is_worked_out_again(scenes, wording):
    plan = DraftPlan(dict.fromkeys(TASKS, 5), RuleSet.EXACT, seed=3)
    made = list(make_questions(scenes, plan, wording))
    asked = [parse_question(n, question.to_json(n)) for n, question in enumerate(made)]
    assert {one.question.question_type for one in asked} == set(TASKS)
    oracle = OracleResponder({scene.name: scene for scene in scenes})
    for one, response in oracle.respond(asked, None):
        assert isinstance(response, Response), response
        assert score_answer(one, response.text) == 1.0, (one.question, response)


def test_answers_of_the_file_are_not_looked_at(scenes):
    plan = DraftPlan(dict.fromkeys(TASKS, 2), RuleSet.EXACT, seed=0)
    answers = SceneAnswers(scenes[0])
    for question in make_questions(scenes[:1], plan):
        wrong = replace(question, ground_truth="nothing", mc_answer="Z", frame_indices=())
        assert answers.answer(wrong) == answers.answer(question)


@pytest.mark.parametrize(
    ("question", "options", "answer"),
    [
        ("How many chair(s) are in this room?", (), "2"),
        (
            "If I am standing by the bed and facing the desk, is the lamp to my front-left, "
            "front-right, back-left, or back-right?\nThe directions refer to the quadrants of a "
            "Cartesian plane (if I am standing at the origin and facing along the positive "
            "y-axis).",
            (),
            "front-right",
        ),
        ("Where is the lamp now?", (), "45 degrees right, 2.5 meters"),
        (
            "Approximately how far (in meters) did the camera move between frame 1 and "
            "frame 2 of 2?",
            (),
            "5.0",
        ),
        (
            "During the sequence between frame 1 and frame 2 of 2, what was the primary "
            "consistent direction of the camera's movement relative to its orientation at the "
            "start? The options are Left and Forward.",
            ("A. Left", "B. Forward"),
            "Forward",
        ),
    ],
)
def test_answers_by_hand(question, options, answer):
    # The camera starts 3 m behind the origin in x and walks to x = 2, looking along x. The desk
    # stands 2 m ahead of the bed at the origin, the lamp 2 m ahead of the end and 2 m to the right.
    def thing(name, number, x, y):
        return SceneObject(name, OrientedBox.upright([x, y, 1.0], [0.4, 0.4, 0.4]), number)

    objects = (
        thing("bed", 0, 0, 0),
        thing("desk", 1, 2, 0),
        thing("lamp", 2, 4, -2),
        thing("chair", 3, 5, 5),
        thing("chair", 4, 6, 6),
    )
    frames = tuple(SceneFrame(n, pose([x, 0, 1.0], 0.0)) for n, x in enumerate((-3, 2)))
    scene = replace(
        random_scene(0),
        objects=objects,
        object_counts={"bed": 1, "desk": 1, "lamp": 1, "chair": 2},
        frames=frames,
    )
    tasks = {
        "How many": QuestionType.OBJECT_COUNTING,
        "If I am ": QuestionType.OBJECT_REL_DIRECTION_V1,
        "Where is": QuestionType.OBJECT_LOCATION,
        "Approxim": QuestionType.CAMERA_DISPLACEMENT,
        "During t": QuestionType.CAMERA_MOVEMENT_DIRECTION,
    }
    asked = Question("rooms", "scene0", "", tasks[question[:8]], question, options, "")
    assert SceneAnswers(scene).answer(asked) == answer


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (QuestionType.OBJECT_SIZE_ESTIMATION, "How many centimeters, roughly?"),
        (QuestionType.OBJECT_COUNTING, "How many dragon(s) are in this room?"),
        (QuestionType.OBJECT_LOCATION, "Where is the chair now?"),
        (
            QuestionType.CAMERA_DISPLACEMENT,
            "Camera displacement between frame 1 and frame 99 of 99?",
        ),
    ],
)
def test_what_the_scene_does_not_tell_is_said(scenes, task, words):
    question = Question("rooms", "scene0", "", task, words, (), 1.0)
    with pytest.raises(UnansweredError, match=r"cannot be answered from metadata"):
        SceneAnswers(scenes[0]).answer(question)


def test_a_scene_that_metadata_lack_is_said(ask):
    ((_, response),) = OracleResponder({}).respond([ask("object_counting", 4)], None)
    assert "no such scene" in str(response)
