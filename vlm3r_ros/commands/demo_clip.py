"""The clip in the package, with the truth about it, and the questions that a demo asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import vlm3r_ros
from vlm3r_ros.assistant.gravity import map_from_camera

CLIP = Path(vlm3r_ros.__file__).parent / "assets" / "demo_room.mp4"

# The last question comes when so much of the recording has been played, while more is to come.
_LAST_QUESTION = 0.8


@dataclass(frozen=True)
class DemoQuestion:
    """What is asked, with the true answer in words where it is known.

    Attributes:
        text: the question.
        options: to choose from; empty where the answer is free.
        truth: the answer at the moment of asking; empty where nobody knows.
        navigate: ask for the way as well.
    """

    text: str
    options: tuple[str, ...] = ()
    truth: str = ""
    navigate: bool = False


# Of a recording that nothing is known about.
QUESTIONS = (
    DemoQuestion("What do you see in this room?"),
    DemoQuestion("How many chairs are in this room?"),
    DemoQuestion(
        "What kind of place is this?",
        ("a kitchen", "a living room", "a bedroom", "an office"),
    ),
    DemoQuestion("How long is the longest side of the table, in meters?"),
    DemoQuestion(
        "Which way has the camera turned since the start?", ("left", "right", "not at all")
    ),
    DemoQuestion("Where is the door?", navigate=True),
)


@dataclass(frozen=True, eq=False)
class ClipTruth:
    """What is known of the packaged clip.

    Attributes:
        scene: the world's name.
        rate: frames a second.
        samples: rays along a pixel's side that it was rendered with.
        T_world_camera: pose of every frame `[F, 4, 4]`, optical frame; world z is up, metres.
        questions: to ask at `asking_times`, when all that they speak of has been seen.
    """

    scene: str
    rate: float
    samples: int
    T_world_camera: NDArray[np.float64]
    questions: tuple[DemoQuestion, ...]

    @classmethod
    def read(cls, clip: Path = CLIP) -> ClipTruth:
        """The truth in the JSON file beside the clip."""
        content = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
        return cls(
            scene=content["scene"],
            rate=content["rate"],
            samples=content["samples"],
            T_world_camera=np.array(content["T_world_camera"]),
            questions=tuple(
                DemoQuestion(
                    item["question"],
                    tuple(item["options"]),
                    item["truth"],
                    # The way is asked for once much of the floor has been seen.
                    navigate=item is content["questions"][-1],
                )
                for item in content["questions"]
            ),
        )

    def poses_in_map(self) -> NDArray[np.float64]:
        """`T_map_camera` `[F, 4, 4]` in the assistant's map: the first camera's place, z up."""
        T_map_first = np.eye(4)
        T_map_first[:3, :3] = map_from_camera(up=self.T_world_camera[0, 2, :3])
        first = self.T_world_camera[0]
        return np.asarray(T_map_first @ np.linalg.inv(first) @ self.T_world_camera)


def asking_times(duration: float, questions: int) -> list[float]:
    """Moments at even distances over a recording of `duration` seconds."""
    return [_LAST_QUESTION * duration * number / questions for number in range(1, questions + 1)]
