from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vlm3r_ros.cli import app
from vlm3r_ros.worlds.metadata import read_metadata

SMALL = ("--frames", "3", "--size", "64x48", "--workers", "1", "--split", "test", "--seed", "5")


def run(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["worlds", "generate", "--out", str(out), *arguments])


def test_scenes_are_generated_and_the_run_is_summed_up(tmp_path):
    result = run(tmp_path, "--scenes", "2", *SMALL)
    assert result.exit_code == 0, result.output
    assert "2/2" in result.output
    assert f"2 scenes in {tmp_path / 'metadata' / 'test'}" in result.output
    assert "made 2 with 6 frames" in result.output
    names = [scene.name for scene in read_metadata(tmp_path)]
    assert names == ["room_test_5_000000", "room_test_5_000001"]
    assert {path.name for path in (tmp_path / "videos").iterdir()} == {f"{n}.mp4" for n in names}

    again = run(tmp_path, "--scenes", "2", *SMALL)
    assert again.exit_code == 0
    assert "2 were finished before" in again.output
    assert "made" not in again.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--size", "320"), "'320' is no size; give WIDTHxHEIGHT"),
        (("--size", "321x240"), "321x240 pixels cannot be encoded"),
        (("--size", "0x240", "--no-videos"), "width is 0"),
        (("--fps", "0"), "fps is 0.0"),
        (("--fps", "nan"), "fps is nan"),
        (("--motion-blur", "2"), "motion_blur is 2.0"),
    ],
)
def test_arguments_of_no_sense_are_told(tmp_path, arguments, told):
    result = run(tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [("--scenes", "0"), ("--split", "dev"), ("--seed", "-1")])
def test_arguments_out_of_range_are_told(tmp_path, arguments):
    assert run(tmp_path / "out", *arguments).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "out", "--scenes", "1", *SMALL)
    assert result.exit_code == 1
    assert "cannot write to" in result.output
