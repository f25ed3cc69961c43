"""`vlm3r demo`: the real nodes, a recording in place of the camera, questions while it plays."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sensor_msgs.msg import PointCloud2

import vlm3r_ros
from vlm3r_ros.commands.ask import answer_text, milliseconds, percent
from vlm3r_ros.commands.assistant import NODES, REPLAY, AssistantOptions, node_commands
from vlm3r_ros.commands.demo_clip import (
    CLIP,
    QUESTIONS,
    ClipTruth,
    DemoQuestion,
    asking_times,
)
from vlm3r_ros.commands.errors import EXIT_FAILED, CommandError
from vlm3r_ros.commands.processes import ProcessGroup
from vlm3r_ros.commands.query_client import QueryClient, Question, answer_record
from vlm3r_ros.commands.top_view import draw_top_view
from vlm3r_ros.commands.way_picture import WayWitness
from vlm3r_ros.nodes.message_conversion import cloud_to_points, pose_to_matrix
from vlm3r_ros.nodes.qos import RELIABLE
from vlm3r_ros.recordings import open_recording
from vlm3r_ros.resources import use_dds_profile

PACKAGE_FOLDER = Path(vlm3r_ros.__file__).parent

# A recording shorter than this (s) is played slower, a longer one is not played to its end.
SHORTEST_PLAY = 12.0
LONGEST_PLAY = 20.0
START_TIMEOUT = 90.0  # s for all nodes to load their models
FIRST_POSE_TIMEOUT = 30.0
ANSWER_TIMEOUT = 20.0
WAY_PICTURE = "navigation.png"
DOMAINS = range(10, 60)
# A pipe or a log has no width of its own; 80 columns would fold the table.
PLAIN_WIDTH = 120


@dataclass(frozen=True)
class DemoOptions:
    """What to play, with which model, and where to write."""

    input_path: Path | None = None
    output: Path = Path("demo_output")
    model: str = "nano"
    device: str = "auto"
    topic: str = ""


@dataclass
class Received:
    """What came in on the assistant's topics; filled on the client's thread."""

    poses: list[np.ndarray] = field(default_factory=list)
    clouds: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    first_pose: threading.Event = field(default_factory=threading.Event)

    def take_pose(self, message: PoseStamped) -> None:
        """A pose of the camera in the map."""
        self.poses.append(pose_to_matrix(message.pose))
        self.first_pose.set()

    def take_cloud(self, message: PointCloud2) -> None:
        """Points in the map frame, with their colours."""
        points, colors = cloud_to_points(message)
        known = np.isfinite(points).all(1)
        self.clouds.append((points[known], colors[known]))

    def take_diagnostics(self, message: DiagnosticArray) -> None:
        """What a node says is wrong with it."""
        for status in message.status:
            if status.level == DiagnosticStatus.ERROR:
                self.failures[status.name] = status.message


def run_demo(options: DemoOptions) -> int:
    """Run the demo.

    Returns:
        0 where every question was answered, otherwise 1.

    Raises:
        RecordingError: the input cannot be played.
        CommandError: a node did not start, or went away; with the end of its log.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    source = options.input_path or CLIP
    truth = ClipTruth.read() if source == CLIP else None
    questions = QUESTIONS if truth is None else truth.questions
    play_parameters, duration = plan_play(source, options.topic)
    output = options.output
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"cannot write to {output}: {error.strerror}") from error

    # A domain of its own on this machine: neither a running robot nor another demo is disturbed.
    domain = DOMAINS[os.getpid() % len(DOMAINS)]
    os.environ |= {"ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    use_dds_profile()
    commands = node_commands(
        AssistantOptions(model=options.model, device=options.device, replay=str(source)),
        play_parameters,
    )
    received = Received()
    started = time.monotonic()
    logs = output / "logs"
    with (
        ProcessGroup(log_folder=logs) as group,
        QueryClient("vlm3r_demo", domain_id=domain) as client,
    ):
        client.listen(PoseStamped, "/vlm3r/pose", received.take_pose, RELIABLE)
        client.listen(PointCloud2, "/vlm3r/points", received.take_cloud, RELIABLE)
        witness = WayWitness(client)
        client.listen(DiagnosticArray, "/diagnostics", received.take_diagnostics, RELIABLE)
        with console.status(f"starting {', '.join(NODES)} with model {options.model} ..."):
            for name in NODES:
                group.start(name, commands[name])
            _wait_until_active(client, group, received)
        console.print(f"{len(NODES)} nodes active after {time.monotonic() - started:.1f} s")
        if is_untrained(options.model):
            console.print(
                f"[yellow]The model '{escape(options.model)}' has no trained weights yet: poses "
                "and answers show that everything runs, and mean nothing.[/]"
            )
        group.start(REPLAY, commands[REPLAY])
        _wait_for_first_pose(group, received)
        console.print(f"playing {escape(str(source))}, asking while it plays", soft_wrap=True)
        console.print(
            f"[dim]ask too: ROS_DOMAIN_ID={domain} ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST "
            'vlm3r ask --navigate "Where is the desk?"[/]',
            soft_wrap=True,
        )
        interview = _Interview(client, group, received, witness, output / WAY_PICTURE)
        records = interview.hold(questions, duration, console)
        _wait_for_end(group, duration)
    console.print(answers_table(records))
    for hint in (record["hint"] for record in records if record.get("hint")):
        console.print(f"way to the {escape(hint['target'])}: {escape(hint['instruction'])}")
    _write(options, records, received, source, truth)
    where = ", ".join(
        str(output / name) for name in ("answers.json", "trajectory.png", WAY_PICTURE)
    )
    console.print(f"wrote {escape(where)} (logs in {escape(str(logs))})", soft_wrap=True)
    unanswered = [record for record in records if record["status"] != "OK"]
    for record in unanswered:
        console.print(f"[red]not answered: {record['status']} {escape(record['message'])}[/]")
    return EXIT_FAILED if unanswered else 0


def plan_play(source: Path, topic: str = "") -> tuple[dict[str, object], float]:
    """Parameters of the replay node and seconds to play, so that there is time for questions.

    Raises:
        RecordingError: the recording cannot be opened.
    """
    recording = open_recording(source, topic=topic or None)
    parameters: dict[str, object] = {"exit_at_end": True, "topic": topic}
    if recording.num_frames is None:
        return parameters, LONGEST_PLAY
    seconds = recording.num_frames / recording.frame_rate
    if seconds < SHORTEST_PLAY:
        parameters["fps"] = recording.num_frames / SHORTEST_PLAY
    return parameters, min(max(seconds, SHORTEST_PLAY), LONGEST_PLAY)


def is_untrained(model: str) -> bool:
    """Whether `model` is a registered size whose weights are not in the package."""
    is_name = "/" not in model and not Path(model).expanduser().exists()
    return is_name and not (PACKAGE_FOLDER / "weights" / model).is_dir()


def _wait_until_active(client: QueryClient, group: ProcessGroup, received: Received) -> None:
    end = time.monotonic() + START_TIMEOUT
    waiting = list(NODES)
    while waiting:
        name = waiting[0]
        _check_alive(group, received)
        if time.monotonic() > end:
            raise CommandError(
                f"not active after {START_TIMEOUT:.0f} s: {', '.join(waiting)}; the end of the log "
                f"of {name}:\n{group.log_tail(name)}"
            )
        response = client.call(GetState, f"/{name}/get_state", GetState.Request(), 1.0)
        if response is not None and response.current_state.id == State.PRIMARY_STATE_ACTIVE:
            waiting.remove(name)
        elif response is not None:
            time.sleep(0.1)


def _check_alive(group: ProcessGroup, received: Received) -> None:
    """Raise where a node ended or reports that it cannot work; the replay may end well."""
    for ended in group.ended():
        if ended.name != REPLAY or ended.code != 0:
            tail = group.log_tail(ended.name)
            raise CommandError(f"{ended.describe()}; the end of its log:\n{tail}")
    for name, failure in received.failures.items():
        raise CommandError(f"node {name}: {failure}")


def _wait_for_first_pose(group: ProcessGroup, received: Received) -> None:
    end = time.monotonic() + FIRST_POSE_TIMEOUT
    while not received.first_pose.wait(0.1):
        _check_alive(group, received)
        if time.monotonic() > end:
            tails = "\n".join(f"--- {name}\n{group.log_tail(name, 5)}" for name in (REPLAY, *NODES))
            raise CommandError(
                f"no camera pose {FIRST_POSE_TIMEOUT:.0f} s after the recording began; the ends of "
                f"the logs:\n{tails}"
            )


@dataclass
class _Interview:
    """Asks at even distances in time over a recording that plays."""

    client: QueryClient
    group: ProcessGroup
    received: Received
    witness: WayWitness
    picture: Path

    def hold(
        self, questions: Sequence[DemoQuestion], duration: float, console: Console
    ) -> list[dict[str, Any]]:
        """Ask all questions; the records of the answers."""
        began = time.monotonic()
        records = []
        moments = asking_times(duration, len(questions))
        for question, moment in zip(questions, moments, strict=True):
            while (left := began + moment - time.monotonic()) > 0:
                _check_alive(self.group, self.received)
                time.sleep(min(left, 0.1))
            with console.status(f"asking: {escape(question.text)}"):
                records.append(self._ask(question, time.monotonic() - began))
        return records

    def _ask(self, question: DemoQuestion, moment: float) -> dict[str, Any]:
        frames = len(self.received.poses)
        asked = Question(question.text, question.options, question.navigate, timeout=ANSWER_TIMEOUT)
        response = self.client.ask(asked)
        _check_alive(self.group, self.received)
        if question.navigate:
            self.witness.draw(self.picture, response.hint)
        return {
            "asked_after": round(moment, 2),
            "frames_processed": frames,
            "recording_still_playing": REPLAY in self.group.running,
            **answer_record(asked, response),
            **({"truth": question.truth} if question.truth else {}),
        }


def _wait_for_end(group: ProcessGroup, duration: float) -> None:
    """Let a recording that is about to end do so, for the whole of its way in the picture."""
    end = time.monotonic() + min(duration / 2, 5.0)
    while REPLAY in group.running and time.monotonic() < end:
        time.sleep(0.1)


def answers_table(records: list[dict[str, Any]]) -> Table:
    """Questions and answers, beside the truth where that is known."""
    table = Table(title="Asked over /spatial_query while the frames arrived")
    with_truth = any("truth" in record for record in records)
    for heading in ("question", "answer", "truth") if with_truth else ("question", "answer"):
        table.add_column(heading, overflow="fold")
    for heading in ("at", "frames", "confidence", "first token", "total"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in records:
        answered = record["status"] == "OK"
        cells = [record["question"], answer_text(record) if answered else record["status"]]
        if with_truth:
            cells.append(record.get("truth", ""))
        table.add_row(
            *(escape(cell) for cell in cells),
            f"{record['asked_after']:.1f} s",
            str(record["frames_processed"]),
            percent(record.get("confidence")),
            milliseconds(record.get("time_to_first_token")),
            milliseconds(record.get("total_time")),
        )
    return table


def _write(
    options: DemoOptions,
    records: list[dict[str, Any]],
    received: Received,
    source: Path,
    truth: ClipTruth | None,
) -> None:
    untrained = is_untrained(options.model)
    summary = {
        "input": str(source),
        "model": options.model,
        "trained": not untrained,
        "frames_processed": len(received.poses),
        "answers": records,
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    (options.output / "answers.json").write_text(text + "\n")
    points = [cloud[0] for cloud in received.clouds]
    colors = [cloud[1] for cloud in received.clouds]
    title = f"{source.name}: {len(received.poses)} frames"
    draw_top_view(
        options.output / "trajectory.png",
        received.poses,
        np.concatenate(points) if points else np.empty((0, 3), np.float32),
        np.concatenate(colors) if colors else np.empty((0, 3), np.uint8),
        f"{title} ({options.model}, untrained: means nothing yet)" if untrained else title,
        truth=[] if truth is None else truth.poses_in_map(),
    )
