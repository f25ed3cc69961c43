"""Questions of many scenes: in memory, or from metadata files to a file of questions."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import vlm3r_ros
from vlm3r_ros.questions.assembly import Assembler
from vlm3r_ros.questions.drafting import DraftPlan, SceneDrafts, draft_scene
from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.questions.execution import in_order
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.wording import Wording
from vlm3r_ros.questions.writers import Format, write_questions
from vlm3r_ros.worlds.metadata import metadata_files, read_metadata
from vlm3r_ros.worlds.scene import Scene
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

CHUNK = 16
"""Scenes that a worker takes at once."""


@dataclass(frozen=True)
class GenerateSettings:
    """How a file of questions is made.

    Attributes:
        plan: what is asked of each scene.
        wording: which wordings are used.
        form: of the file.
        split: of the scenes; empty takes all.
        workers: processes.
        ray: work on a Ray cluster instead.
    """

    plan: DraftPlan
    wording: Wording = Wording.PUBLISHED
    form: Format = Format.RECORDS
    split: str = ""
    workers: int = 1
    ray: bool = False


@dataclass
class GenerateReport:
    """What a run did.

    Attributes:
        scenes: that questions were looked for in.
        resumed: of them, those drafted by a run before.
        pairs: questions by task.
        asked: scenes with a question, by task.
        seconds: that it took.
        skips: scenes, and parts of scenes, that could not be used.
    """

    scenes: int = 0
    resumed: int = 0
    pairs: Counter[QuestionType] = field(default_factory=Counter)
    asked: Counter[QuestionType] = field(default_factory=Counter)
    seconds: float = 0.0
    skips: SkipLog = field(default_factory=SkipLog)


Progress = Callable[[Iterator[SceneDrafts]], Iterable[SceneDrafts]]
"""Takes the iterator that yields as each scene is done."""


def make_questions(
    scenes: Iterable[Scene], plan: DraftPlan, wording: Wording = Wording.PUBLISHED
) -> Iterator[Question]:
    """Questions of scenes in memory, balanced over all of them; for training on the fly."""
    assembler = Assembler(plan, wording)
    for scene in scenes:
        yield from assembler.questions(draft_scene(scene, plan))


def generate(
    metadata: str | Path,
    out: str | Path,
    settings: GenerateSettings,
    progress: Progress = iter,
) -> GenerateReport:
    """Make a file of questions from metadata files.

    A run that was cut short leaves its drafts beside the file, and the next one with the same
    settings and metadata goes on with them. The file is the same for any number of workers.

    Args:
        metadata: folder that `read_metadata` takes.
        out: the file to write.
        settings: how.
        progress: goes around the iterator over scenes.

    Raises:
        QuestionsError: the file cannot be written, or no scene can be read.
    """
    began = time.monotonic()
    report = GenerateReport()
    out = Path(out)
    try:
        drafts = _Drafts(out.with_name(f".{out.name}.drafts"), _fingerprint(metadata, settings))
        drafts.open()
        scenes = progress(_drafted(metadata, settings, drafts, report))
        questions = _assembled(scenes, settings, report)
        write_questions(out, questions, settings.form, settings.plan.seed)
        drafts.remove()
    except SceneError as error:
        raise QuestionsError(str(error)) from error
    except OSError as error:
        raise QuestionsError(f"cannot write {out}: {error}") from error
    report.seconds = time.monotonic() - began
    return report


def _drafted(
    metadata: str | Path, settings: GenerateSettings, drafts: _Drafts, report: GenerateReport
) -> Iterator[SceneDrafts]:
    """Drafts of all scenes in their order; those of finished chunks come from disk."""
    finished: set[int] = set()

    def pieces() -> Iterator[_Piece]:
        scenes = read_metadata(metadata, split=settings.split, skips=report.skips)
        number = 0
        while chunk := list(islice(scenes, CHUNK)):
            found = drafts.load(number, [scene.name for scene in chunk])
            if found is not None:
                finished.add(number)
            yield found or chunk
            number += 1

    work = partial(_draft_piece, plan=settings.plan)
    made = in_order(work, pieces(), workers=settings.workers, ray=settings.ray)
    for number, chunk in enumerate(made):
        if number in finished:
            report.resumed += len(chunk)
        else:
            drafts.save(number, chunk)
        yield from chunk


_Piece = Sequence[Scene] | Sequence[SceneDrafts]


def _draft_piece(piece: _Piece, plan: DraftPlan) -> list[SceneDrafts]:
    """Draft scenes; drafts that are there already pass through, so that they keep their place."""
    return [
        scene if isinstance(scene, SceneDrafts) else draft_scene(scene, plan) for scene in piece
    ]


def _assembled(
    scenes: Iterable[SceneDrafts], settings: GenerateSettings, report: GenerateReport
) -> Iterator[Question]:
    assembler = Assembler(settings.plan, settings.wording)
    for scene in scenes:
        report.scenes += 1
        for error in scene.problems:
            report.skips.add(error)
        tasks: set[QuestionType] = set()
        for question in assembler.questions(scene):
            report.pairs[question.question_type] += 1
            tasks.add(question.question_type)
            yield question
        report.asked.update(tasks)


def _fingerprint(metadata: str | Path, settings: GenerateSettings) -> str:
    """Changes with whatever drafts depend on."""
    parts: list[object] = [vlm3r_ros.__version__, settings.split, settings.plan]
    for path in metadata_files(metadata, settings.split):
        for file in sorted(path.parent.glob("*.json")):
            status = file.stat()
            parts += [str(file), status.st_size, status.st_mtime_ns]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Drafts:
    """Drafts of finished chunks on disk."""

    root: Path
    fingerprint: str

    def open(self) -> None:
        """Make the folder, and remove what other settings or other metadata left."""
        mark = self.root / "fingerprint"
        if self.root.exists() and not (mark.exists() and mark.read_text() == self.fingerprint):
            shutil.rmtree(self.root)
        self.root.mkdir(parents=True, exist_ok=True)
        mark.write_text(self.fingerprint)

    def save(self, number: int, scenes: list[SceneDrafts]) -> None:
        """Note a chunk."""
        content = json.dumps([scene.to_json() for scene in scenes]).encode()
        unfinished = self.root / ".part"
        unfinished.write_bytes(gzip.compress(content, compresslevel=1))
        unfinished.replace(self._path(number))

    def load(self, number: int, names: list[str]) -> list[SceneDrafts] | None:
        """A chunk of these scenes; None where it is not there."""
        path = self._path(number)
        if not path.exists():
            return None
        try:
            records = json.loads(gzip.decompress(path.read_bytes()))
            scenes = [SceneDrafts.from_json(record) for record in records]
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return scenes if [scene.name for scene in scenes] == names else None

    def remove(self) -> None:
        """All of them."""
        shutil.rmtree(self.root)

    def _path(self, number: int) -> Path:
        return self.root / f"{number:06d}.json.gz"
