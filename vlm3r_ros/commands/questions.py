"""`vlm3r questions`: questions about space and time with their true answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

questions_app = typer.Typer(
    help="Make questions about space and time, with their true answers.", no_args_is_help=True
)


@questions_app.command()
def generate(
    metadata: Annotated[
        Path, typer.Option(help="Folder of a data set, of its metadata, or of one split of it.")
    ],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    tasks: Annotated[
        str, typer.Option(help="all, vsi, vsti, live, or names of tasks, joined by commas.")
    ] = "all",
    per_scene: Annotated[
        str,
        typer.Option(
            help="Questions of a scene: a number for every task, or task=number,... "
            "Default: about 40 in all."
        ),
    ] = "",
    rules: Annotated[
        Literal["exact", "published"],
        typer.Option(help="True and unambiguous, or as the generators of June 2025."),
    ] = "exact",
    wording: Annotated[
        Literal["published", "varied", "unseen"],
        typer.Option(
            help="The benchmarks' words; those and other ways to ask; other ones that varied "
            "keeps for test scenes."
        ),
    ] = "published",
    form: Annotated[
        Literal["records", "llava"],
        typer.Option("--format", help="As published, or conversations to train with."),
    ] = "records",
    split: Annotated[str, typer.Option(help="Only scenes of this split.")] = "",
    seed: Annotated[int, typer.Option(help="Of chance.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one a core.")] = 0,
    ray: Annotated[bool, typer.Option("--ray", help="Work on a Ray cluster.")] = False,
) -> None:
    """Make questions of scenes from their metadata; a run cut short goes on."""
    from vlm3r_ros.commands.questions_generate import generate as run
    from vlm3r_ros.questions.drafting import DraftPlan
    from vlm3r_ros.questions.generate import GenerateSettings
    from vlm3r_ros.questions.rules import RuleSet
    from vlm3r_ros.questions.tasks import select_tasks, task_limits
    from vlm3r_ros.questions.wording import Wording
    from vlm3r_ros.questions.writers import Format

    chosen, left_out = select_tasks(tasks, RuleSet(rules))
    settings = GenerateSettings(
        plan=DraftPlan(task_limits(per_scene, chosen), RuleSet(rules), seed),
        wording=Wording(wording),
        form=Format(form),
        split=split,
        workers=workers or len(os.sched_getaffinity(0)),
        ray=ray,
    )
    run(metadata, out, settings, left_out)
