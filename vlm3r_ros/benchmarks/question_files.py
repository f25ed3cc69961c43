"""Files of questions: JSON, JSON lines, parquet; as published, or as our generators write them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion, parse_question
from vlm3r_ros.benchmarks.errors import BenchmarkError
from vlm3r_ros.models.prompts import (
    CHOICE_POST_PROMPT,
    IMAGE_PLACEHOLDER,
    NUMERIC_POST_PROMPT,
    OPTIONS_HEADER,
    VIDEO_NOTE,
)
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

_PARQUET_MARK = b"PAR1"


def read_questions(path: str | Path, skips: SkipLog) -> list[BenchmarkQuestion]:
    """Read a file of questions, whatever its format; it is told by the content.

    A JSON list or JSON lines of the published records or of training conversations, or a parquet
    file (which needs the optional library pyarrow).

    Args:
        path: the file.
        skips: where records that cannot be used are noted.

    Raises:
        BenchmarkError: there is no such file, it cannot be read at all, or nothing in it can be
            used.
    """
    path = Path(path).expanduser()
    questions: list[BenchmarkQuestion] = []
    for number, record in enumerate(_records(path)):
        try:
            if isinstance(record, SceneError):
                raise record
            if "conversations" in record:
                record = _from_conversation(record)
            questions.append(parse_question(number, record))
        except SceneError as error:
            skips.add(error)
    if not questions:
        raise BenchmarkError(
            f"{path}: holds no question that can be used ({len(skips)} skipped); give a file of "
            "VSI-Bench, VSTI-Bench or `vlm3r questions generate`"
        )
    return questions


def _records(path: Path) -> Iterator[dict[str, Any] | SceneError]:
    """The file's records in order; an error in the place of one that is none."""
    if not path.is_file():
        raise BenchmarkError(f"{path}: no such file; give a JSON, JSON lines or parquet file")
    with path.open("rb") as file:
        start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(_PARQUET_MARK):
        rows = _parquet_rows(path)
    elif start.startswith(b"["):
        rows = _json_list(path)
    else:
        yield from _json_lines(path)
        return
    for number, row in enumerate(rows):
        yield row if isinstance(row, dict) else SceneError(path.name, f"record {number}", "no dict")


def _json_list(path: Path) -> list[Any]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise BenchmarkError(f"{path}: no JSON ({error}); is it complete?") from error
    return list(rows)


def _json_lines(path: Path) -> Iterator[dict[str, Any] | SceneError]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    row = error
                if isinstance(row, dict):
                    yield row
                else:
                    yield SceneError(path.name, f"line {number}", "no JSON object")
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{path}: neither JSON nor parquet ({error})") from error


def _parquet_rows(path: Path) -> list[Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BenchmarkError(
            f"{path}: reading parquet needs pyarrow; run `pip install pyarrow`, or give the JSON "
            "lines that the benchmark is published as too"
        ) from error
    try:
        rows: list[Any] = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise BenchmarkError(f"{path}: no parquet file that can be read ({error})") from error
    return rows


def _from_conversation(record: Mapping[str, Any]) -> dict[str, Any]:
    """A training conversation as the record that it was made from.

    Raises:
        SceneError: not two turns, or not the layout of training.
    """
    scene = str(record.get("scene_name") or "no scene")
    try:
        asked, answered = (turn["value"] for turn in record["conversations"])
        lines = asked.removeprefix(f"{IMAGE_PLACEHOLDER}\n").removeprefix(f"{VIDEO_NOTE}\n")
        question, _, post_prompt = lines.rpartition("\n")
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise SceneError(scene, "conversations", "not a question and its answer") from error
    options: list[str] = []
    if post_prompt == CHOICE_POST_PROMPT:
        question, _, choices = question.partition(f"\n{OPTIONS_HEADER}\n")
        options = choices.split("\n")
    elif post_prompt != NUMERIC_POST_PROMPT:
        raise SceneError(scene, "conversations", f"ends in an unknown instruction: {post_prompt}")
    rest = {key: value for key, value in record.items() if key != "conversations"}
    return rest | {
        "dataset": record.get("data_source"),
        "video_path": record.get("video"),
        "question": question,
        "options": options,
        "ground_truth": answered,
    }
