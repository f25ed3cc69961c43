"""What a run came to: means as the benchmarks define them, beside published figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.table import Table

from vlm3r_ros.benchmarks.baselines import expected_chance
from vlm3r_ros.benchmarks.benchmark_question import BenchmarkQuestion
from vlm3r_ros.benchmarks.calibration import Calibration, calibrate
from vlm3r_ros.benchmarks.published_scores import (
    MODEL_NAME,
    OVERALL,
    PUBLISHED,
    PublishedScores,
)
from vlm3r_ros.benchmarks.results import Result
from vlm3r_ros.benchmarks.scoring import is_malformed
from vlm3r_ros.benchmarks.tasks import (
    CATEGORIES,
    UNPUBLISHED,
    is_choice,
    task_name,
    vsi_overall,
    vsti_five_categories,
    vsti_overall,
)
from vlm3r_ros.questions.question import QuestionType, Suite

_TITLES = {Suite.VSI: "VSI-Bench", Suite.VSTI: "VSTI-Bench"}
_HEADINGS = ("task", "questions", "ours", "chance here", "chance", MODEL_NAME, "human")


@dataclass(frozen=True)
class TaskScore:
    """What the answers to one task came to.

    Attributes:
        questions: answered.
        score: mean, in [0, 1].
        chance: what guessing evenly would get on the same questions, on average.
        malformed: answers that are neither a letter, number nor place, as the task wants it.
    """

    questions: int
    score: float
    chance: float
    malformed: int


@dataclass(frozen=True)
class Row:
    """A line of the table; figures in percent, None where there is none.

    Attributes:
        name: of a mean, a category or a task.
        questions: that it rests on.
        ours: the score.
        chance: of guessing on the same questions.
        published: what others published for it, on the benchmark's own questions.
        level: 0 for a mean over all, 1 for a category, 2 for a task within one.
    """

    name: str
    questions: int
    ours: float
    chance: float
    published: PublishedScores | None
    level: int

    def cells(self) -> list[str]:
        """As text, in the order of the headings."""
        figures: list[float | None] = [self.ours, self.chance, None, None, None]
        if self.published is not None:
            known = self.published
            figures[2:] = [known.chance, known.model, known.human]
        shown = ["-" if figure is None else f"{figure:.1f}" for figure in figures]
        return [self.name, str(self.questions), *shown]


@dataclass(frozen=True)
class Speed:
    """Seconds on average.

    Attributes:
        video: to take in a video, once for all its questions.
        first_token: from a question to the beginning of its answer.
        answer: from a question to the end of its answer.
    """

    video: float
    first_token: float
    answer: float

    def __str__(self) -> str:
        return (
            f"{self.video:.2f} s to take in a video; {self.first_token:.3f} s to the first token "
            f"of an answer, {self.answer:.3f} s to its end"
        )


@dataclass(frozen=True)
class Report:
    """A run's scores.

    Attributes:
        tasks: by task, in the order of `QuestionType`.
        sections: rows of the table by heading; a benchmark nothing was asked of has none.
        speed: of a model that looks at videos, else None.
        calibration: of the confidence in choices, of who gives one, else None.
    """

    tasks: Mapping[QuestionType, TaskScore]
    sections: Mapping[str, Sequence[Row]]
    speed: Speed | None = None
    calibration: Calibration | None = None

    def markdown(self, title: str) -> str:
        """The table as Markdown."""
        lines = [f"# {title}", ""]
        for heading, rows in self.sections.items():
            lines += [f"## {heading}", "", _markdown_row(_HEADINGS)]
            lines.append("|" + "---|" + "---:|" * (len(_HEADINGS) - 1))
            for row in rows:
                name, *figures = row.cells()
                name = f"**{name}**" if row.level == 0 else "&nbsp;&nbsp;" * row.level + name
                lines.append(_markdown_row([name, *figures]))
            lines.append("")
        if self.speed is not None:
            lines += [f"On average {self.speed}.", ""]
        if self.calibration is not None:
            lines += [f"Of {self.calibration}.", ""]
        return "\n".join([*lines, _NOTE, ""])

    def table(self, title: str) -> Table:
        """The table for a terminal."""
        table = Table(title=title)
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading == "task" else "right")
        for heading, rows in self.sections.items():
            table.add_section()
            table.add_row(heading, style="bold")
            for row in rows:
                name, *figures = row.cells()
                table.add_row("  " * row.level + name, *figures)
        return table

    def to_json(self) -> dict[str, Any]:
        """Figures for programs, in percent."""
        scores = {task: 100 * score.score for task, score in self.tasks.items()}
        return {
            "tasks": {
                task_name(task): {
                    "questions": score.questions,
                    "score": 100 * score.score,
                    "chance": 100 * score.chance,
                    "malformed": score.malformed,
                }
                for task, score in self.tasks.items()
            },
            "vsi_bench": {"overall": vsi_overall(scores)} | _categories(Suite.VSI, scores),
            "vsti_bench": {
                "overall": vsti_overall(scores),
                "five_category_mean": vsti_five_categories(scores),
            }
            | _categories(Suite.VSTI, scores),
            "seconds": None if self.speed is None else asdict(self.speed),
            "calibration": None if self.calibration is None else asdict(self.calibration),
        }


_NOTE = (
    "Percent: accuracy of choices, mean relative accuracy of numbers. `chance here` is what even "
    "guessing gets on these very questions; `chance` (on VSI-Bench the most frequent answer), "
    f"`{MODEL_NAME}` and `human` are published figures for the benchmarks' own questions. A mean "
    "is over what was asked. That over all tasks of VSTI-Bench is what its published scorer "
    "prints; the published table prints that of the five categories."
)


def build_report(asked: Iterable[BenchmarkQuestion], results: Iterable[Result]) -> Report:
    """Averages scores by task, category and benchmark.

    Args:
        asked: the questions of the run.
        results: answers to some of them.
    """
    questions = {question.number: question for question in asked}
    answers = list(results)
    grouped: dict[QuestionType, list[Result]] = defaultdict(list)
    for result in answers:
        grouped[questions[result.number].question.question_type].append(result)
    tasks = {
        task: _task_score([(questions[one.number], one) for one in grouped[task]])
        for task in QuestionType
        if task in grouped
    }
    return Report(tasks, _sections(tasks), _speed(answers), _calibration(questions, answers))


def _speed(results: Sequence[Result]) -> Speed | None:
    seeing = [result for result in results if "video" in result.timings]
    videos: dict[tuple[str, str], float] = {}
    for result in seeing:
        video = result.dataset, result.scene
        # What comes later in a video has waited for more of it.
        videos[video] = max(videos.get(video, 0.0), result.timings["video"])
    if not videos:
        return None
    return Speed(
        fmean(videos.values()),
        fmean(result.timings["first_token"] for result in seeing),
        fmean(result.timings["total"] for result in seeing),
    )


def _calibration(
    questions: Mapping[int, BenchmarkQuestion], results: Sequence[Result]
) -> Calibration | None:
    choices = [
        (result.confidence, result.score)
        for result in results
        if result.confidence is not None
        and is_choice(questions[result.number].question.question_type)
    ]
    return calibrate(*zip(*choices, strict=True)) if choices else None


def _task_score(answered: Sequence[tuple[BenchmarkQuestion, Result]]) -> TaskScore:
    count = len(answered)
    return TaskScore(
        questions=count,
        score=sum(result.score for _, result in answered) / count,
        chance=sum(expected_chance(asked) for asked, _ in answered) / count,
        malformed=sum(is_malformed(asked, result.text) for asked, result in answered),
    )


def _sections(tasks: Mapping[QuestionType, TaskScore]) -> dict[str, list[Row]]:
    sections = {
        title: _benchmark_rows(suite, tasks)
        for suite, title in _TITLES.items()
        if any(task in tasks for category in CATEGORIES[suite] for task in category.tasks)
    }
    beside = [_task_row(task, tasks, level=1) for task in UNPUBLISHED if task in tasks]
    return sections | ({"Beside the benchmarks": beside} if beside else {})


def _benchmark_rows(suite: Suite, tasks: Mapping[QuestionType, TaskScore]) -> list[Row]:
    everything = tuple(task for category in CATEGORIES[suite] for task in category.tasks)
    overall = PUBLISHED[suite][OVERALL]
    if suite is Suite.VSI:
        rows = [_mean_row(OVERALL, everything, vsi_overall, tasks, overall)]
    else:
        rows = [
            _mean_row("Mean of five categories", everything, vsti_five_categories, tasks, overall),
            _mean_row("Mean of all tasks", everything, vsti_overall, tasks),
        ]
    for category in CATEGORIES[suite]:
        present = [task for task in category.tasks if task in tasks]
        if not present:
            continue
        published = PUBLISHED[suite][category.name]
        rows.append(_mean_row(category.name, present, category.mean, tasks, published, level=1))
        if len(category.tasks) > 1:
            rows += [_task_row(task, tasks, level=2) for task in present]
    return rows


def _mean_row(
    name: str,
    over: Sequence[QuestionType],
    average: Callable[[Mapping[QuestionType, float]], float | None],
    tasks: Mapping[QuestionType, TaskScore],
    published: PublishedScores | None = None,
    *,
    level: int = 0,
) -> Row:
    scores = {task: tasks[task] for task in over if task in tasks}
    return Row(
        name=name,
        questions=sum(score.questions for score in scores.values()),
        ours=100 * (average({task: score.score for task, score in scores.items()}) or 0.0),
        chance=100 * (average({task: score.chance for task, score in scores.items()}) or 0.0),
        published=published,
        level=level,
    )


def _task_row(task: QuestionType, tasks: Mapping[QuestionType, TaskScore], *, level: int) -> Row:
    score = tasks[task]
    return Row(task_name(task), score.questions, 100 * score.score, 100 * score.chance, None, level)


def _categories(
    suite: Suite, scores: Mapping[QuestionType, float]
) -> dict[str, dict[str, float | None]]:
    return {"categories": {item.name: item.mean(scores) for item in CATEGORIES[suite]}}


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
