"""From drafts to questions in words with their answers, balanced over the whole run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion, option_words, parse_question
from vlm3r_ros.benchmarks.tasks import is_choice
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import chat_prompt, split_at_image, video_question
from vlm3r_ros.questions.assembly import Assembler
from vlm3r_ros.questions.drafting import DraftPlan
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.questions.wording import PHRASINGS, Wording, fill, plural
from vlm3r_ros.training.instruct.corpus import absent_answer
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.sessions import Moment, Session
from vlm3r_ros.training.instruct.settings import DataSettings
from vlm3r_ros.worlds.skipping import SceneError

ABSENT = "absent"
"""What curves call questions about things that were not seen."""

DESCRIPTION = "description"
"""What curves call it when a frame is to be described."""

PLACE = "place"
"""What curves call it when a thing's place in a frame is asked for."""

_WHERE_IS = ("Where is the {name} in {frame}?", "Where in {frame} is the {name}?")
_SHOW_WHAT = ("What does {} show?", "What can be seen in {}?", "Describe {}.")
_SEE_WHAT = ("What do you see?", "What is in front of you?", "Describe what you see.")
_OF_NOW = 0.5  # share of the descriptions of the newest frame that speak of no frame
_ASKED_OF_ABSENT = (QuestionType.OBJECT_LOCATION, QuestionType.OBJECT_COUNTING)


@dataclass(frozen=True)
class Inquiry:
    """A question as it is asked at a moment.

    Attributes:
        task: a task's name, `ABSENT`, `DESCRIPTION` or `PLACE`.
        text: the question alone.
        options: with their letters; empty where there are none to choose from.
        answer: what is right.
        frames: keyframes seen by then.
        asked: the same as a benchmark scores it; None where no benchmark asks so.
    """

    task: str
    text: str
    options: tuple[str, ...]
    answer: str
    frames: int
    asked: BenchmarkQuestion | None = None

    @property
    def prompt(self) -> str:
        """The user text, as in evaluation and on a robot."""
        return video_question(self.text, self.options)


class Interviewer:
    """Asks about session after session.

    What it chooses depends on all sessions before; `state_dict` holds what that comes down to.

    Args:
        data: shares of the kinds of questions.
        wordings: which wordings are used, with their shares.
    """

    def __init__(self, data: DataSettings, wordings: Sequence[tuple[Wording, float]]) -> None:
        plan = DraftPlan({})
        self._data = data
        self._shares = [share for _, share in wordings]
        # Each is balanced by itself, so that all together are.
        self._assemblers = [Assembler(plan, wording) for wording, _ in wordings]
        self._wordings = [wording for wording, _ in wordings]

    @classmethod
    def for_training(cls, data: DataSettings) -> Interviewer:
        """Published, natural and all words by their shares."""
        shares = (
            (Wording.PUBLISHED, data.published),
            (Wording.NATURAL, data.natural),
            (Wording.VARIED, 1 - data.published - data.natural),
        )
        return cls(data, [(wording, share) for wording, share in shares if share])

    @classmethod
    def for_evaluation(cls, wording: Wording) -> Interviewer:
        """As a benchmark asks: no absent things, no early moments, all options shown."""
        return cls(DataSettings(early=0, spoken=0, absent=0), [(wording, 1.0)])

    def ask(self, session: Session) -> list[Inquiry]:
        """The questions of the next session."""
        inquiries: list[Inquiry] = []
        for moment in session.moments:
            random = Random(moment.drafts.name)
            (kind,) = random.choices(range(len(self._shares)), self._shares)
            questions = self._assemblers[kind].questions(moment.drafts, moment.limits)
            published = self._wordings[kind] is Wording.PUBLISHED
            for question in questions:
                inquiry = self._inquiry(question, moment, random, published)
                if inquiry is not None:
                    inquiries.append(inquiry)
            inquiries += self._about_absent(moment, random)
        inquiries += self._descriptions(session)
        inquiries += self._places(session)
        return inquiries

    def state_dict(self) -> dict[str, Any]:
        """What the next session's questions depend on, in plain types."""
        return {
            str(wording): assembler.state_dict()
            for wording, assembler in zip(self._wordings, self._assemblers, strict=True)
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for wording, assembler in zip(self._wordings, self._assemblers, strict=True):
            assembler.load_state_dict(state[str(wording)])

    def _inquiry(
        self, question: Question, moment: Moment, random: Random, published: bool
    ) -> Inquiry | None:
        try:
            asked = parse_question(0, question.to_json(0))
        except SceneError:
            return None  # a number that rounds to 0, which no score is relative to
        frames = moment.frames
        numbers = [number for number in question.frame_indices if isinstance(number, int)]
        speaks_of_frames = "frame" in question.question and numbers
        if speaks_of_frames and random.random() < self._data.early:
            # Words count all frames, though not all have been seen: so does a benchmark's stream.
            frames = min(frames, max(2, max(numbers) + 1))
        task, text = str(question.question_type), question.question
        spoken = not published and random.random() < self._data.spoken
        if spoken and _speaks_for_itself(asked):
            return Inquiry(task, text, (), str(asked.question.ground_truth), frames)
        return Inquiry(task, text, asked.question.options, asked.truth, frames, asked)

    def _descriptions(self, session: Session) -> Iterator[Inquiry]:
        total = len(session.keyframes)
        random = Random(session.name)
        for one in session.descriptions:
            text = random.choice(_SHOW_WHAT).format(f"frame {one.number} of {total}")
            frames = self._moment_of(one.number, total, random)
            if frames == one.number and random.random() < _OF_NOW:
                text = random.choice(_SEE_WHAT)
            yield Inquiry(DESCRIPTION, text, (), one.text, frames)

    def _places(self, session: Session) -> Iterator[Inquiry]:
        total = len(session.keyframes)
        random = Random(f"{session.name}/places")
        for number, name, place in session.located:
            words = random.choice(_WHERE_IS)
            text = words.format(name=name, frame=f"frame {number} of {total}")
            frames = self._moment_of(number, total, random)
            yield Inquiry(PLACE, text, (), place, frames)

    def _moment_of(self, number: int, total: int, random: Random) -> int:
        """Frames seen when a frame is asked about: it is the newest one, or it is the end."""
        return max(2, number) if random.random() < self._data.early else total

    def _about_absent(self, moment: Moment, random: Random) -> Iterator[Inquiry]:
        wanted = self._data.absent * sum(moment.limits.values())
        count = int(wanted) + (random.random() < wanted % 1)
        for name in random.sample(moment.absent, min(count, len(moment.absent))):
            task = random.choice(_ASKED_OF_ABSENT)
            phrasing = PHRASINGS[task, ""]
            words = random.choice(phrasing.shown)
            fields = {"object_name": name, "category": name, "categories": plural(name)}
            number = task is QuestionType.OBJECT_COUNTING
            answer = "0" if number else absent_answer(name)
            yield Inquiry(ABSENT, fill(words, fields, ()), (), answer, moment.frames)


def turn(inquiry: Inquiry, processor: Vlm3rProcessor, *, answered: bool = True) -> Turn:
    """A question in tokens, cut where evaluation cuts it.

    Args:
        inquiry: the question.
        processor: whose tokenizer is used.
        answered: whether the answer is there to be learned.
    """
    _, behind = split_at_image(chat_prompt(inquiry.prompt))
    answer: list[int] = []
    if answered:
        answer = [*processor.tokenize(inquiry.answer).tolist(), processor.tokenizer.eos_token_id]
    return Turn(tuple(processor.tokenize(behind).tolist()), tuple(answer), inquiry.frames)


def _speaks_for_itself(asked: BenchmarkQuestion) -> bool:
    """Whether a choice can be answered in words by who does not see the options."""
    question = asked.question
    if not is_choice(question.question_type):
        return False
    if TASKS[question.question_type].answers:
        return True
    words = question.question.lower()
    return all(
        re.search(rf"\b{re.escape(option.lower())}\b", words)
        for option in option_words(question.options)
    )
