"""How well held-out rooms are spoken about, in the benchmarks' own scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from vlm3r_ros.benchmarks.scoring import score_answer
from vlm3r_ros.benchmarks.tasks import mean, vsi_overall, vsti_five_categories
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.wording import Wording
from vlm3r_ros.training.instruct.decoding import write_answers
from vlm3r_ros.training.instruct.interview import Inquiry, Interviewer, turn
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.sessions import Session, SessionTask
from vlm3r_ros.training.instruct.settings import DataSettings, EvaluationSettings
from vlm3r_ros.worlds.world import Split

UNSEEN = "unseen_"
"""Begins the names of metrics of words that training never shows."""


def evaluation_tasks(
    settings: EvaluationSettings, data: DataSettings, image_size: int
) -> list[SessionTask]:
    """Held-out sessions as a benchmark shows them: evenly spread frames, asked at the end."""
    interval = settings.seconds / (settings.frames - 1)
    return [
        SessionTask(
            split=Split.VAL,
            seed=settings.seed,
            index=index,
            image_size=image_size,
            frames=(settings.frames, settings.frames),
            interval=(interval, interval),
            between=0.0,
            placed=float(data.placed > 0),
            moments=1,
            questions=settings.questions,
            weights=data.weights,
            described=0.0,
            located=0.0,
            colors=0.0,
            noise=0.0,
        )
        for index in range(settings.rooms)
    ]


@dataclass(frozen=True, eq=False)
class Exam:
    """Questions about held-out sessions.

    Attributes:
        prefix: of the names of its metrics.
        sessions: with their questions.
    """

    prefix: str
    sessions: Sequence[tuple[Session, list[Inquiry]]]


def build_exams(sessions: Iterable[Session], unseen: bool) -> list[Exam]:
    """The benchmarks' own words, and held-out ones where they are wanted."""
    sessions = list(sessions)
    wordings = {"": Wording.PUBLISHED} | ({UNSEEN: Wording.UNSEEN} if unseen else {})
    exams = []
    for prefix, wording in wordings.items():
        interviewer = Interviewer.for_evaluation(wording)
        asked = [(session, interviewer.ask(session)) for session in sessions]
        exams.append(Exam(prefix, [pair for pair in asked if pair[1]]))
    return exams


@torch.no_grad()
def sit_exam(
    network: InstructNetwork, exam: Exam, computing: Callable[[], AbstractContextManager[object]]
) -> dict[str, float]:
    """Loss of true answers, and scores of written ones in percent.

    Args:
        network: in evaluation mode.
        exam: what is asked.
        computing: gives the context in which the network computes.

    Returns:
        `loss`; `vsti`, `vsi` (means of the categories that were asked) and `live`; then each task.
        Names begin with the exam's prefix.
    """
    losses: list[float] = []
    scores: dict[QuestionType, list[float]] = defaultdict(list)
    device = network.model.image_newline.device
    for session, inquiries in exam.sessions:
        turns = [turn(inquiry, network.processor) for inquiry in inquiries]
        frames = len(session.keyframes)
        with computing():
            film = torch.from_numpy(session.color).to(device)
            features = network.look(film, session.stride, odometry=session.odometry)
            prefix = network.prefix(features)
            losses += network.answer_losses(prefix, network.pack(turns, frames)).tolist()
            answers = write_answers(network, prefix, turns, frames)
        for inquiry, answer in zip(inquiries, answers, strict=True):
            assert inquiry.asked is not None
            score = score_answer(inquiry.asked, network.processor.decode(answer))
            scores[inquiry.asked.question.question_type].append(100 * score)
    by_task = {task: sum(values) / len(values) for task, values in scores.items()}
    live = by_task.get(QuestionType.OBJECT_LOCATION)
    means = {"vsti": vsti_five_categories(by_task), "vsi": vsi_overall(by_task), "live": live}
    metrics = {"loss": mean(losses), **means}
    metrics |= {str(task): by_task[task] for task in QuestionType if task in by_task}
    return {exam.prefix + name: value for name, value in metrics.items() if value is not None}
