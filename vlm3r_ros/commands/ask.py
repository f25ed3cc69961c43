"""`vlm3r ask`: one question to the assistant that is running."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from vlm3r_ros.commands.errors import EXIT_FAILED, EXIT_USAGE, CommandError
from vlm3r_ros.commands.query_client import QueryClient, Question, answer_record
from vlm3r_ros.commands.way_picture import WayWitness

_POSE_PATIENCE = 2.0  # s: the picture is drawn without a camera that does not move on


def ask(
    question: Question,
    *,
    namespace: str = "",
    wait: float = 5.0,
    as_json: bool = False,
    picture: Path | None = None,
) -> int:
    """Call the service and print what comes back.

    Args:
        question: what to ask.
        namespace: that of the assistant.
        wait: seconds to wait for the service to be there.
        as_json: print one JSON object.
        picture: file for a picture of the way, where one is asked for; None for none.

    Returns:
        0 where there is an answer, 1 where the assistant has none.

    Raises:
        CommandError: a senseless time, no assistant there, or one that went away.
    """
    for name, value in (("timeout", question.timeout), ("wait", wait)):
        if not math.isfinite(value) or value < 0:
            raise CommandError(f"--{name} {value} is not a number of seconds", EXIT_USAGE)
    with QueryClient("vlm3r_ask", namespace) as client:
        client.wait_for_assistant(wait)
        witness = WayWitness(client) if question.navigate and picture is not None else None
        response = client.ask(question)
        record = answer_record(question, response)
        if witness is not None and picture is not None and record["status"] == "OK":
            witness.wait_for_pose(_POSE_PATIENCE)
            try:
                witness.draw(picture, response.hint)
            except OSError as error:
                raise CommandError(f"cannot write {picture}: {error.strerror}") from error
            record["picture"] = str(picture)
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        _print(record)
    return 0 if record["status"] == "OK" else EXIT_FAILED


def _print(record: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if record["status"] != "OK":
        console.print(f"[bold red]{record['status']}[/]  {escape(record['message'])}")
        return
    console.print(f"[bold]{escape(answer_text(record)) or '(an empty answer)'}[/]")
    seen = record["frames_used"]
    console.print(
        f"[dim]confidence {percent(record['confidence'])}, {seen} keyframe{'s' * (seen != 1)}, "
        f"first token after {milliseconds(record['time_to_first_token'])}, "
        f"all after {milliseconds(record['total_time'])}[/]"
    )
    if hint := record.get("hint"):
        console.print(f"[cyan]{hint['turn']}[/]  {escape(hint['instruction'])}")
    if "picture" in record:
        console.print(f"[dim]drawn in {escape(record['picture'])}[/]")
    if record["message"]:
        console.print(f"[yellow]{escape(record['message'])}[/]")


def answer_text(record: dict[str, Any]) -> str:
    """The answer as people read it: the chosen option in words beside its letter."""
    text = str(record["answer"])
    index = record["option_index"]
    if 0 <= index < len(record["options"]):
        return f"{chr(ord('A') + index)}. {record['options'][index]}"
    return text


def percent(share: float | None) -> str:
    """A probability in words."""
    return "-" if share is None else f"{100 * share:.0f} %"


def milliseconds(seconds: float | None) -> str:
    """A time in words."""
    return "-" if seconds is None else f"{1000 * seconds:.0f} ms"
