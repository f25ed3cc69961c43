import cv2
import pytest
from typer.testing import CliRunner

from vlm3r_ros.cli import app

SMALL = ("--frames", "8", "--size", "64x48", "--columns", "1")


def show(*arguments):
    return CliRunner().invoke(app, ["worlds", "show", *arguments])


def test_a_sheet_is_written_beside_or_where_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert show("room_test_0_000003", *SMALL).exit_code == 0
    beside = cv2.imread(str(tmp_path / "room_test_0_000003.png"))
    asked = tmp_path / "sheet.png"
    result = show("room_test_0_000003", *SMALL, "--output", str(asked))
    assert result.output.strip() == f"{asked}: {beside.shape[1]}x{beside.shape[0]}"
    assert (cv2.imread(str(asked)) == beside).all()


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("scene0011_00",), "'scene0011_00' names no world; a name looks like room_test_0", 2),
        (("room_test_0_12",), "did you mean 'room_test_0_000012'", 2),
        (("room_test_0_000003", "--size", "64"), "'64' is no size", 2),
        (("room_test_0_000003", "--fps", "0"), "fps is 0.0", 2),
        (("room_test_0_000003", *SMALL, "-o", "/nowhere/s.png"), "/nowhere/s.png: cannot be", 1),
    ],
)
def test_mistakes_are_told_in_one_line(arguments, words, code):
    result = show(*arguments)
    assert result.exit_code == code
    assert words in result.output
    assert len(result.output.splitlines()) == 1
