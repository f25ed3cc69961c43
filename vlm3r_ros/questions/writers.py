"""Files of questions: the published records, or conversations to train with."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

from vlm3r_ros.models.prompts import video_question
from vlm3r_ros.questions.question import Question


class Format(StrEnum):
    """What a file of questions looks like."""

    RECORDS = "records"
    """As the published generators write them."""
    LLAVA = "llava"
    """As the published training reads them."""


def write_questions(
    path: str | Path, questions: Iterable[Question], form: Format = Format.RECORDS, seed: int = 0
) -> int:
    """Write a JSON list with a question a line; the file is there as a whole or not at all.

    Args:
        path: the file.
        questions: taken one by one.
        form: of the file.
        seed: of the ids of conversations.

    Returns:
        How many there were.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for record in _records(questions, form, seed):
                line = json.dumps(record, ensure_ascii=False)
                file.write(f"{',' if count else '['}\n{line}")
                count += 1
            file.write("\n]\n" if count else "[]\n")
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return count


def conversation(question: Question, identity: str) -> dict[str, Any]:
    """A question and its answer as training reads them.

    Args:
        question: the question.
        identity: of the record, a UUID.
    """
    choice = bool(question.mc_answer) and not question.question_type.is_numeric
    asked = video_question(question.question, question.options if choice else ())
    answered = question.mc_answer if choice else str(question.ground_truth)
    return {
        "id": identity,
        "data_source": question.dataset,
        "scene_name": question.scene_name,
        "question_type": str(question.question_type),
        "video": question.video_path,
        "conversations": [
            {"from": "human", "value": asked},
            {"from": "gpt", "value": answered},
        ],
    }


def _records(questions: Iterable[Question], form: Format, seed: int) -> Iterator[dict[str, Any]]:
    if form is Format.RECORDS:
        for number, question in enumerate(questions):
            yield question.to_json(number)
        return
    random = Random(seed)
    for question in questions:
        yield conversation(question, str(uuid.UUID(int=random.getrandbits(128), version=4)))
