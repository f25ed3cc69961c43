"""The baseline that knows: it tests the scorer, and the questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion, option_words
from vlm3r_ros.benchmarks.errors import BenchmarkError
from vlm3r_ros.benchmarks.responders import Response, Responses
from vlm3r_ros.benchmarks.scene_answers import SceneAnswers, UnansweredError
from vlm3r_ros.benchmarks.tasks import is_choice
from vlm3r_ros.models.prompts import OPTION_LETTERS
from vlm3r_ros.questions.question import Question
from vlm3r_ros.worlds.metadata import read_metadata
from vlm3r_ros.worlds.scene import Scene
from vlm3r_ros.worlds.skipping import SceneError, SkipLog


class OracleResponder:
    """Answers with the truth, in the form in which a model is to answer.

    With scenes it works the truth out from their boxes and poses by the exact rules, without a look
    at the file's answers; without, it takes the number or words that the file has. Of a choice it
    looks for the true words among the options and gives that option's letter, so that a file whose
    letter and words disagree does not reach 100.

    Args:
        scenes: by name; None takes the answers of the file.
    """

    needs_video = False

    def __init__(self, scenes: Mapping[str, Scene] | None = None) -> None:
        self._scenes = scenes

    def respond(self, questions: Sequence[BenchmarkQuestion], video: Path | None) -> Responses:
        """Answer each; an error where metadata or options do not tell."""
        for asked in questions:
            try:
                yield asked, Response(self._answer(asked))
            except UnansweredError as error:
                yield asked, SceneError(asked.question.scene_name, "question", str(error))

    def _answer(self, asked: BenchmarkQuestion) -> str:
        question = asked.question
        truth = self._truth(question)
        if not is_choice(question.question_type):
            return truth
        words = option_words(question.options)
        if truth not in words:
            raise UnansweredError(f"'{truth}' is none of the options of question {asked.id}")
        return OPTION_LETTERS[words.index(truth)]

    def _truth(self, question: Question) -> str:
        if self._scenes is None:
            return str(question.ground_truth)
        if question.scene_name not in self._scenes:
            raise UnansweredError("--metadata has no such scene")
        return SceneAnswers(self._scenes[question.scene_name]).answer(question)


def read_scenes(folder: Path, skips: SkipLog) -> dict[str, Scene]:
    """Scenes by name from a folder of metadata.

    Raises:
        BenchmarkError: the folder holds no metadata.
    """
    try:
        return {scene.name: scene for scene in read_metadata(folder, skips=skips)}
    except SceneError as error:
        raise BenchmarkError(str(error)) from error
