"""Draw answers of an evaluation beside the frames that they are about: right ones, wrong ones.

    vlm3r evaluate --questions questions.json --videos worlds --model nano --out results
    python scripts/draw_answers.py --results results --videos worlds --out answers.png

A row of right answers, then a row of wrong ones, of tasks in turn, as the seed draws them. Only
questions that name a frame are drawn, since a single picture shows what they are about.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from textwrap import fill

import cv2
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlm3r_ros.benchmarks.results import RESULTS_FILE, Result, read_results
from vlm3r_ros.benchmarks.videos import read_clip
from vlm3r_ros.models.prompts import VIDEO_NOTE

COLUMNS = 4
RIGHT, WRONG = 0.9, 0.1  # scores from which, and up to which, an answer is drawn
SIDE = 224  # pixels
WRAP = 44  # letters in a line
_FRAME = re.compile(r"\bframe (\d+) of (\d+)\b")
_NOT_SHOWN = ("Please answer", "Answer with", VIDEO_NOTE)


def choose(results: Sequence[Result], random: Random) -> list[Result]:
    """`COLUMNS` answers, of as many tasks as there are."""
    named = [result for result in results if _FRAME.search(result.prompt)]
    random.shuffle(named)
    seen: dict[str, int] = {}
    order = []
    for result in named:
        seen[result.type] = seen.get(result.type, 0) + 1
        order.append((seen[result.type], len(order), result))
    return [result for _, _, result in sorted(order, key=lambda item: item[:2])[:COLUMNS]]


def draw(axes: Axes, result: Result, videos: Path) -> None:
    """One frame with what was asked, answered and true."""
    found = _FRAME.search(result.prompt)
    assert found is not None
    number, count = (int(group) for group in found.groups())
    video = videos / "videos" / f"{result.scene}.mp4"
    clip = read_clip(video, lambda image: cv2.resize(image, (SIDE, SIDE)), count)
    axes.imshow(clip.images[number - 1])
    lines = [
        line
        for line in result.prompt.splitlines()
        if line and not line.startswith((*_NOT_SHOWN, "<image>"))
    ]
    words = "\n".join(fill(line, WRAP) for line in lines)
    mark = "right" if result.score >= RIGHT else "wrong"
    axes.set_title(
        f"{words}\nnano: {result.cleaned}   truth: {result.truth}   ({mark})",
        fontsize=6,
        loc="left",
        color="black" if mark == "right" else "firebrick",
    )


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder of an evaluation")
    parser.add_argument("--videos", type=Path, required=True, help="folder of its rooms")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    results = read_results(options.results / RESULTS_FILE)
    random = Random(options.seed)
    rows = [
        choose([result for result in results if result.score >= RIGHT], random),
        choose([result for result in results if result.score <= WRONG], random),
    ]
    figure = Figure(figsize=(3 * COLUMNS, 7.6), layout="constrained")
    grid = figure.subplots(len(rows), COLUMNS, squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        for axes in axes_row:
            axes.set_axis_off()
        for axes, result in zip(axes_row, row, strict=False):
            draw(axes, result, options.videos)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out, dpi=110)
    print(options.out)


if __name__ == "__main__":
    main()
