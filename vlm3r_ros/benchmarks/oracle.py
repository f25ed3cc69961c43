"""The baseline that knows: it tests the scorer, and the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion, option_words
from vlm3r_ros.benchmarks.errors import BenchmarkError
from vlm3r_ros.benchmarks.responders import Response, Responses
from vlm3r_ros.benchmarks.tasks import is_choice
from vlm3r_ros.models.prompts import OPTION_LETTERS
from vlm3r_ros.worlds.metadata import read_metadata
from vlm3r_ros.worlds.scene import Scene
from vlm3r_ros.worlds.skipping import SceneError, SkipLog


class OracleResponder:
    """Answers with the truth, in the form in which a model is to answer.

    Of a choice it looks for the true words among the options and gives that option's letter, so
    that a file whose letter and words disagree does not reach 100.
    """

    needs_video = False

    def __init__(self, scenes: Mapping[str, Scene]) -> None:
        self._scenes = scenes

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Answer each from its true words or number."""
        for asked in questions:
            question = asked.question
            truth = str(question.ground_truth)
            words = option_words(question.options)
            if not is_choice(question.question_type):
                yield asked, Response(truth)
            elif truth in words:
                yield asked, Response(OPTION_LETTERS[words.index(truth)])
            else:
                problem = f"'{truth}' is none of the options of question {asked.id}"
                yield asked, SceneError(question.scene_name, "ground_truth", problem)


def read_scenes(folder: Path | None, skips: SkipLog) -> dict[str, Scene]:
    """Scenes by name from a folder of metadata; none without one.

    Raises:
        BenchmarkError: the folder holds no metadata.
    """
    if folder is None:
        return {}
    try:
        return {scene.name: scene for scene in read_metadata(folder, skips=skips)}
    except SceneError as error:
        raise BenchmarkError(str(error)) from error
