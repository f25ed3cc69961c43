import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vlm3r_ros.cli import app

COMMANDS = (
    "demo",
    "assistant",
    "ask",
    "replay",
    "convert",
    "conformance",
    "evaluate",
    "doctor",
    "benchmark",
)


def vlm3r(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vlm3r_ros.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_names_every_command():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert "--help" in result.output


def test_the_command_itself_imports_nothing_heavy():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, vlm3r_ros.cli\n"
            "print({'torch', 'numpy', 'rclpy', 'cv2', 'transformers'} & set(sys.modules))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("replay", "/nowhere/clip.mp4"), "/nowhere/clip.mp4: no such file or folder", 1),
        (("replay", "{empty}"), "no pictures", 1),
        (("replay", "{empty}", "--fps", "0"), "frame rate", 1),
        (("replay", "{empty}", "--rate", "0"), "--rate", 2),
        (("demo", "--input", "/nowhere"), "/nowhere: no such file or folder", 1),
        (("ask", "where?", "--timeout", "-1"), "--timeout -1", 2),
        (("ask",), "Missing argument", 2),
        (("assistant", "--replay", "/nowhere"), "/nowhere: no such file or folder", 1),
        (("assistant", "--params-file", "/nowhere.yaml"), "no parameter file /nowhere.yaml", 1),
        (("nonsense",), "nonsense", 2),
    ],
)
def test_what_a_user_can_mend_is_said_without_a_traceback(tmp_path: Path, arguments, words, code):
    done = vlm3r(*(argument.format(empty=tmp_path) for argument in arguments))
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
