"""Questions of many scenes: in memory, or from metadata files to a file of questions."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import vlm3r_ros
from vlm3r_ros.questions.assembly import Assembler
from vlm3r_ros.questions.draft_files import DraftFiles
from vlm3r_ros.questions.drafting import DraftPlan, SceneDrafts, draft_scene
from vlm3r_ros.questions.errors import QuestionsError
from vlm3r_ros.questions.execution import in_order
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.wording import Wording
from vlm3r_ros.questions.writers import Format, write_questions
from vlm3r_ros.worlds.metadata import count_scenes, metadata_files, read_metadata
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


Progress = Callable[[Iterator[SceneDrafts], int], Iterable[SceneDrafts]]
"""Takes the iterator that yields as each scene is done, and how many scenes there are."""


def _no_progress(scenes: Iterator[SceneDrafts], total: int) -> Iterable[SceneDrafts]:
    return scenes


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
    progress: Progress = _no_progress,
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
        QuestionsError: there is no metadata, the file cannot be written, or a worker was killed.
    """
    began = time.monotonic()
    report = GenerateReport()
    out = Path(out)
    try:
        drafts = DraftFiles(out.with_name(f".{out.name}.drafts"), _fingerprint(metadata, settings))
        drafts.open()
        total = count_scenes(metadata, split=settings.split)
        scenes = progress(_drafted(metadata, settings, drafts, report), total)
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
    metadata: str | Path, settings: GenerateSettings, drafts: DraftFiles, report: GenerateReport
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
        if scene.drafts:
            # Told at the end: whole data sets lack what some tasks need.
            report.skips.errors += scene.problems
        else:
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
