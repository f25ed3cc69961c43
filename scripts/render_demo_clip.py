"""Render the packaged demo clip and write, beside it, the truth about it.

    python scripts/render_demo_clip.py [--scene room_val_0_000052]

Beside the clip, `demo_room.json` holds the name of the scene, intrinsics, `T_world_camera` per
frame (optical frame: x right, y down, z forward; world: z up, metres), and the questions that
`vlm3r demo` asks of it, each with its true answer at the moment of asking. They are made from the
frames up to that moment: what they speak of has been seen.

Run it again where worlds, camera paths or the renderer have changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vlm3r_ros.commands.demo_clip import CLIP, asking_times
from vlm3r_ros.location_answer import parse_location
from vlm3r_ros.questions.drafting import DraftPlan
from vlm3r_ros.questions.generate import make_questions
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.worlds.filming import Film, FilmedFrame, FilmSettings
from vlm3r_ros.worlds.video_writer import VideoWriter
from vlm3r_ros.worlds.world import WorldId

SCENE = "room_val_0_000052"
SETTINGS = FilmSettings(frames=120, fps=10, width=320, height=240, samples=2)
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "demo_clip.png"
PICTURE_FRAMES = 4

# One a moment: the first of these that can be asked by then, each once. The first ones are those
# that little need have been seen for.
TASKS = (
    QuestionType.OBJECT_LOCATION,
    QuestionType.OBJECT_SIZE_ESTIMATION,
    QuestionType.OBJECT_ABS_DISTANCE,
    QuestionType.OBJECT_REL_DIRECTION_V2,
    QuestionType.OBJECT_REL_DISTANCE_V2,
    QuestionType.OBJECT_COUNTING,
    QuestionType.OBJECT_LOCATION,
)
QUESTIONS = 6
UNITS = {
    QuestionType.OBJECT_ABS_DISTANCE: " meters",
    QuestionType.OBJECT_SIZE_ESTIMATION: " centimeters",
}
CANDIDATES = 20  # questions of a task to choose from

# A question may come this much (s) before or after its moment; the truth must hold all the while.
TOLERANCE = 0.4
BEARING_TOLERANCE = np.radians(12.0)
DISTANCE_TOLERANCE = 0.3  # m


def main() -> None:
    """Write clip, truth and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scene", default=SCENE)
    parser.add_argument("--output", type=Path, default=CLIP)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    arguments = parser.parse_args()

    film = Film.of(WorldId.parse(arguments.scene), SETTINGS)
    frames = list(film.frames())
    size = SETTINGS.width, SETTINGS.height
    with VideoWriter(
        arguments.output, *size, fps=SETTINGS.fps, quality=24, preset="slow"
    ) as writer:
        for frame in frames:
            writer.write(frame.color)
    truth = {
        "scene": arguments.scene,
        "rate": SETTINGS.fps,
        "samples": SETTINGS.samples,
        "width": SETTINGS.width,
        "height": SETTINGS.height,
        "intrinsics": film.path.intrinsics.matrix().tolist(),
        "T_world_camera": np.round(film.path.T_world_camera, 5).tolist(),
        "questions": list(choose_questions(film, frames)),
    }
    arguments.output.with_suffix(".json").write_text(json.dumps(truth) + "\n")
    some = np.linspace(0, len(frames) - 1, PICTURE_FRAMES + 2)[1:-1].astype(int)
    Image.fromarray(np.hstack([frames[i].color for i in some])).save(arguments.picture)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1000:.0f} kB")
    for question in truth["questions"]:
        print(f"{question['time']:4.1f} s  {question['question']!r} -> {question['truth']}")


def choose_questions(film: Film, frames: list[FilmedFrame]) -> Iterator[dict[str, Any]]:
    """One question a moment, about things not asked about before.

    Raises:
        SystemExit: there is nothing to ask at some moment.
    """
    described = [film.scene_frame(frame) for frame in frames]

    def ask_at(time: float, task: QuestionType) -> dict[str, Question]:
        """What can be asked of what has been seen by then."""
        index = min(round(time * SETTINGS.fps), len(described) - 1)
        scene = film.scene(described[: index + 1])
        questions = make_questions([scene], DraftPlan({task: CANDIDATES}))
        return {question.question: question for question in questions}

    def candidates(moment: float, task: QuestionType) -> list[Question]:
        """What can be asked about then, somewhat earlier and somewhat later, with one answer."""
        early, due, late = (ask_at(moment + shift, task) for shift in (-TOLERANCE, 0, TOLERANCE))
        if task is not QuestionType.OBJECT_LOCATION:
            return list(early.values())
        return [
            due[text]
            for text in due
            if text in early and text in late and is_steady([early[text], due[text], late[text]])
        ]

    left = list(TASKS)
    asked: set[str] = set()
    for moment in asking_times(SETTINGS.frames / SETTINGS.fps, QUESTIONS):
        task, chosen = next(
            (
                (task, question)
                for task in left
                for question in candidates(moment, task)
                if subjects(question).isdisjoint(asked)
            ),
            (None, None),
        )
        if task is None or chosen is None:
            raise SystemExit(f"{film.world.id.name}: nothing to ask at {moment:.1f} s")
        left.remove(task)
        asked |= subjects(chosen)
        yield {
            "time": round(moment, 3),
            "question_type": str(task),
            "question": chosen.question,
            "options": [] if task.is_numeric else [o.split(". ", 1)[1] for o in chosen.options],
            "truth": f"{chosen.ground_truth}{UNITS.get(task, '')}",
        }


def subjects(question: Question) -> set[str]:
    """Categories that a question speaks of."""
    return {str(value) for name, value in question.categories.items() if "category" in name}


def is_steady(questions: Sequence[Question]) -> bool:
    """Whether places said at several moments are the same, as near as people care."""
    places = [parse_location(str(question.ground_truth)) for question in questions]
    bearings = np.array([place.bearing for place in places if place is not None])
    distances = [place.distance for place in places if place is not None]
    turned = np.angle(np.exp(1j * (bearings - bearings[0])))
    return bool(np.ptp(turned) <= BEARING_TOLERANCE and np.ptp(distances) <= DISTANCE_TOLERANCE)


if __name__ == "__main__":
    main()
