"""The file of answers: a line per question, and a run that was killed goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from vlm3r_ros.benchmarks.errors import BenchmarkError

RESULTS_FILE = "results.jsonl"
SETTINGS_FILE = "run.json"


@dataclass(frozen=True)
class Result:
    """An answer and its score.

    Attributes:
        number: of the question's record in its file, from 0.
        id: of the question, as its file has it.
        dataset, scene: where the video is from.
        type: the task, in the benchmark's name.
        prompt: what was asked, as a user's text.
        text: what was answered.
        cleaned: what of it was scored.
        truth: the letter, number or words that would have been right.
        score: in [0, 1].
        timings: seconds by part, see `Response.timings`.
        confidence: see `Response.confidence`.
    """

    number: int
    id: int | str
    dataset: str
    scene: str
    type: str
    prompt: str
    text: str
    cleaned: str
    truth: str
    score: float
    timings: Mapping[str, float]
    confidence: float | None = None


class ResultsFile:
    """Answers of one run in its folder, written as they come.

    Args:
        folder: of the run; made if it is not there.
        settings: what the answers depend on, as JSON has it.

    Raises:
        BenchmarkError: the folder holds answers of other settings, or damaged ones.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._path = folder / RESULTS_FILE
        _claim(folder, settings)
        self._results = {result.number: result for result in read_results(self._path)}
        self._file: TextIO = self._path.open("a", encoding="utf-8")

    def __contains__(self, number: int) -> bool:
        return number in self._results

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results.values())

    def __len__(self) -> int:
        return len(self._results)

    def __enter__(self) -> ResultsFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, result: Result) -> None:
        """Write one answer; it survives whatever comes after."""
        self._results[result.number] = result
        self._file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
        self._file.flush()


def _claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """Note the settings in the folder, or make sure that its answers are of those noted."""
    folder.mkdir(parents=True, exist_ok=True)
    path, answers = folder / SETTINGS_FILE, folder / RESULTS_FILE
    if not (answers.exists() and answers.stat().st_size):
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        return
    if not path.exists():
        raise BenchmarkError(
            f"{folder}: holds {RESULTS_FILE} but no {SETTINGS_FILE} to tell what it is of; "
            "choose another --out"
        )
    try:
        noted = dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise BenchmarkError(f"{path}: damaged ({error}); choose another --out") from error
    differing = [
        f"{name} {noted.get(name)!r}, now {settings.get(name)!r}"
        for name in dict.fromkeys((*noted, *settings))
        if noted.get(name) != settings.get(name)
    ]
    if differing:
        raise BenchmarkError(
            f"{folder}: holds answers of another run ({'; '.join(differing)}); choose another "
            "--out, or delete the folder"
        )


def read_results(path: Path) -> list[Result]:
    """The answers so far; what a kill left of a last line is cut off.

    Raises:
        BenchmarkError: a line is damaged.
    """
    if not path.exists():
        return []
    data = path.read_bytes()
    complete = data[: data.rfind(b"\n") + 1]
    if len(complete) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(complete))
    results = []
    for number, line in enumerate(complete.splitlines(), start=1):
        try:
            results.append(Result(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise BenchmarkError(
                f"{path}: line {number} is damaged ({error}); delete that line, or choose another "
                "--out"
            ) from error
    return results
