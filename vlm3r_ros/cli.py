"""The `vlm3r` command. Subcommands are imported when they run: `--help` stays quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vlm3r_ros.commands.benchmark import app as benchmark_app
from vlm3r_ros.commands.questions import questions_app
from vlm3r_ros.commands.train import train_app
from vlm3r_ros.commands.worlds import worlds_app

# Errors of a user's doing by the module they are from; one that is not loaded has not raised any.
_USER_ERRORS = {
    "vlm3r_ros.benchmarks.errors": "BenchmarkError",
    "vlm3r_ros.commands.errors": "CommandError",
    "vlm3r_ros.models.devices": "DeviceError",
    "vlm3r_ros.models.geometry.onnx_backend": "OnnxBackendError",
    "vlm3r_ros.models.model_folder": "ModelFolderError",
    "vlm3r_ros.questions.errors": "QuestionsError",
    "vlm3r_ros.recordings.recording": "RecordingError",
    "vlm3r_ros.resources": "ResourceError",
    "vlm3r_ros.training.errors": "TrainingError",
    "vlm3r_ros.worlds.dataset_folder": "DatasetError",
}


class _Commands(TyperGroup):
    """Turns errors that a user can mend into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not _is_user_error(error):
                raise
            typer.secho(f"vlm3r: {error}", fg="red", err=True)
            sys.exit(getattr(error, "exit_code", 1))


def _is_user_error(error: Exception) -> bool:
    return any(
        isinstance(error, getattr(sys.modules[module], name))
        for module, name in _USER_ERRORS.items()
        if module in sys.modules
    )


app = typer.Typer(
    cls=_Commands,
    help="VLM-3R on ROS 2: ask a robot with one ordinary camera where things are.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(questions_app, name="questions")
app.add_typer(train_app, name="train")
app.add_typer(worlds_app, name="worlds")

Model = Annotated[str, typer.Option(help="nano, vlm3r-7b, a model folder, or a name on the Hub.")]
Namespace = Annotated[str, typer.Option(help="Namespace of nodes, topics and service.")]
Timeout = Annotated[float, typer.Option(help="Seconds for the answer; 0: the node's default.")]
Topic = Annotated[str, typer.Option(help="Image topic of a bag that has several.")]


@app.command()
def demo(
    input_path: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="Folder of pictures, video or ROS bag; default: ours."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path(
        "demo_output"
    ),
    model: Model = "nano",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    topic: Topic = "",
) -> None:
    """Start the nodes, play a recording, ask questions while it plays."""
    from vlm3r_ros.commands.demo import DemoOptions, run_demo

    raise typer.Exit(run_demo(DemoOptions(input_path, output, model, device, topic)))


@app.command()
def assistant(
    model: Model = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "",
    image_topic: Annotated[str, typer.Option(help="The camera's images.")] = "camera/image_raw",
    camera_info_topic: Annotated[
        str, typer.Option(help="The camera's calibration; default: beside the images.")
    ] = "",
    image_transport: Annotated[str, typer.Option(help="raw or compressed.")] = "",
    namespace: Namespace = "",
    params_file: Annotated[str, typer.Option(help="Parameters of the nodes, YAML.")] = "",
    use_sim_time: Annotated[bool, typer.Option(help="Take the time from /clock.")] = False,
    autostart: Annotated[
        bool, typer.Option(help="Nodes configure and activate themselves.")
    ] = True,
    composed: Annotated[bool, typer.Option(help="All nodes in one process.")] = False,
    rviz: Annotated[bool, typer.Option(help="Start RViz as well.")] = False,
    rviz_config: Annotated[str, typer.Option(help="The view that RViz starts with.")] = "",
    viewer: Annotated[bool, typer.Option(help="Open a Rerun window as well.")] = False,
    record: Annotated[str, typer.Option(help="File (.rrd) to record to, for Rerun.")] = "",
    replay: Annotated[str, typer.Option(help="A recording to play as the camera.")] = "",
    log_level: Annotated[str, typer.Option(help="debug, info, warn, error or fatal.")] = "info",
) -> None:
    """Start the nodes: as the launch file does, without `ros2 launch`."""
    from vlm3r_ros.commands.assistant import AssistantOptions, run_assistant

    options = AssistantOptions(
        model=model,
        device=device,
        image_topic=image_topic,
        camera_info_topic=camera_info_topic,
        image_transport=image_transport,
        namespace=namespace,
        params_file=params_file,
        use_sim_time=use_sim_time,
        autostart=autostart,
        composed=composed,
        rviz=rviz,
        rviz_config=rviz_config,
        viewer=viewer,
        record=record,
        replay=replay,
        log_level=log_level,
    )
    raise typer.Exit(run_assistant(options))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In plain language.")],
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="A choice; give it several times.")
    ] = None,
    navigate: Annotated[bool, typer.Option(help="Ask for a navigation hint as well.")] = False,
    target: Annotated[str, typer.Option(help="Where to, in words; default: of the question.")] = "",
    timeout: Timeout = 0.0,
    picture: Annotated[
        Path, typer.Option(help="With --navigate: file for a picture of the way.")
    ] = Path("navigation.png"),
    wait: Annotated[float, typer.Option(help="Seconds to wait for the assistant.")] = 5.0,
    namespace: Namespace = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask the assistant that is running a question."""
    from vlm3r_ros.commands.ask import ask as run
    from vlm3r_ros.commands.query_client import Question

    asked = Question(question, tuple(option or ()), navigate, target, timeout)
    code = run(asked, namespace=namespace, wait=wait, as_json=as_json, picture=picture)
    raise typer.Exit(code)


@app.command()
def replay(
    path: Annotated[Path, typer.Argument(help="Folder of pictures, video or ROS bag.")],
    rate: Annotated[float, typer.Option(min=0.01, max=100, help="2: twice as fast.")] = 1.0,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, in place of the recorded times.")
    ] = None,
    loop: Annotated[bool, typer.Option(help="Start again at the end.")] = False,
    topic: Topic = "",
    frame_id: Annotated[str, typer.Option(help="Optical frame of the images.")] = "",
    image_topic: Annotated[str, typer.Option(help="Where to; default: /camera/image_raw.")] = "",
    camera_info_topic: Annotated[str, typer.Option(help="Default: beside the images.")] = "",
    namespace: Namespace = "",
) -> None:
    """Play a recording as if it were the camera."""
    from vlm3r_ros.commands.replay import ReplayOptions
    from vlm3r_ros.commands.replay import replay as run

    options = ReplayOptions(
        path=path,
        rate=rate,
        fps=fps,
        loop=loop,
        topic=topic,
        frame_id=frame_id,
        image_topic=image_topic,
        camera_info_topic=camera_info_topic,
        namespace=namespace,
    )
    raise typer.Exit(run(options))


@app.command()
def convert(
    output: Annotated[Path, typer.Argument(help="Folder to write; new or empty.")],
    geometry: Annotated[
        str, typer.Option(help="CUT3R checkpoint: a .pth file, or organisation/model/file.")
    ],
    base: Annotated[
        str | None, typer.Option(help="LLaVA-NeXT-Video base: a folder or a name on the Hub.")
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(help="VLM-3R adapter (LoRA): a folder or a name on the Hub.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "bfloat16",
) -> None:
    """Convert published checkpoints into a model folder."""
    from vlm3r_ros.commands.convert import convert as run

    raise typer.Exit(run(output, geometry, base, adapter, dtype))


@app.command("export-onnx")
def export_onnx(
    output: Annotated[Path, typer.Argument(help="Folder to write.")],
    model: Model = "nano",
) -> None:
    """Export the geometry step for ONNX Runtime (optional backend)."""
    from vlm3r_ros.commands.export_onnx import export_onnx as run

    raise typer.Exit(run(output, model))


@app.command()
def conformance(
    folder: Annotated[Path, typer.Argument(help="Folder of recorded cases.")],
) -> None:
    """Compare the networks with recorded tensors of the published ones."""
    from vlm3r_ros.commands.conformance import conformance as run

    raise typer.Exit(run(folder))


@app.command()
def evaluate(
    questions: Annotated[
        Path,
        typer.Option("--questions", "-q", help="JSON, JSON lines or parquet, as published."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write; a run that was killed goes on.")
    ],
    videos: Annotated[
        Path | None, typer.Option("--videos", "-v", help="Folder of the videos.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="nano, vlm3r-7b, a folder, a name on the Hub; or chance, frequency, oracle, blind "
            "(blind:NAME: that model's language model)."
        ),
    ] = "nano",
    stream: Annotated[
        bool,
        typer.Option(
            "--stream/--offline", help="Frames as a stream, or sampled as published (default)."
        ),
    ] = False,
    stream_fps: Annotated[
        float, typer.Option(min=0, help="Frames per second of a stream; 0: all there are.")
    ] = 0.0,
    odometry: Annotated[
        bool,
        typer.Option(help="Tell the model where visual odometry takes cameras to be, if it can."),
    ] = True,
    frames: Annotated[int, typer.Option(min=2, help="Frames of a video that are shown.")] = 32,
    tasks: Annotated[
        str, typer.Option(help="Only these: names with commas between; vsi, vsti, live: all of it.")
    ] = "",
    limit: Annotated[
        int, typer.Option(min=0, help="At most so many questions, drawn by --seed; 0: all.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of --limit and of chance.")] = 0,
    without: Annotated[
        str, typer.Option(help="Deny the model camera or geometry tokens: camera, geometry, both.")
    ] = "",
    train_questions: Annotated[
        Path | None, typer.Option(help="For frequency: the questions whose answers it counts.")
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option(help="For oracle: folder of the scenes' metadata.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
) -> None:
    """Evaluate a model or a baseline on VSI-Bench, VSTI-Bench or questions of your own."""
    from vlm3r_ros.commands.evaluate import EvaluateOptions, run_evaluate

    options = EvaluateOptions(
        questions=questions,
        out=out,
        videos=videos,
        model=model,
        stream=stream,
        stream_fps=stream_fps,
        odometry=odometry,
        frames=frames,
        tasks=tuple(name.strip() for name in tasks.split(",") if name.strip()),
        limit=limit,
        seed=seed,
        without=without,
        train_questions=train_questions,
        metadata=metadata,
        device=device,
        dtype=dtype,
    )
    raise typer.Exit(run_evaluate(options))


@app.command()
def doctor(model: Model = "nano") -> None:
    """Tell what of the installation is there, what is missing, and the remedy."""
    from vlm3r_ros.commands.doctor import doctor as run

    raise typer.Exit(run(model))


if __name__ == "__main__":
    app()
