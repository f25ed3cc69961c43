"""Curves of a run: a CSV that grows with it, and a picture of it."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

STEP = "step"
_COLUMNS = 4  # of the picture
_SMOOTHED = 15  # rows that the bold line is the mean of


class CurveFile:
    """A CSV with a row for every so many steps; columns may be added by later rows.

    Args:
        path: of the file; what it holds is kept.
        until: rows of later steps are dropped, so that a resumed run does not tell them twice.
    """

    def __init__(self, path: Path, until: int) -> None:
        self.path = path
        self.rows = [row for row in read_curves(path) if row[STEP] <= until]
        self._columns = list(dict.fromkeys(name for row in self.rows for name in row))
        self._rewrite()

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """Add a row."""
        row = {STEP: float(step), **values}
        self.rows.append(row)
        new = [name for name in row if name not in self._columns]
        if new:
            self._columns += new
            self._rewrite()
            return
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(self._cells(row))

    def _rewrite(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self._columns)
            writer.writerows(self._cells(row) for row in self.rows)

    def _cells(self, row: Mapping[str, float]) -> list[str]:
        return [
            "" if name not in row else f"{row[name]:.0f}" if name == STEP else f"{row[name]:.6g}"
            for name in self._columns
        ]


def read_curves(path: Path) -> list[dict[str, float]]:
    """Rows of a CSV that `CurveFile` wrote; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            {name: float(cell) for name, cell in row.items() if cell}
            for row in csv.DictReader(file)
            if row.get(STEP)
        ]


def draw_curves(path: Path, training: CurveFile, evaluation: CurveFile) -> None:
    """Draw every column of both files into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [
        (curves, name, color)
        for curves, color in ((evaluation, "tab:red"), (training, "tab:blue"))
        for name in dict.fromkeys(name for row in curves.rows for name in row if name != STEP)
    ]
    if not panels:
        return
    rows = math.ceil(len(panels) / _COLUMNS)
    figure = Figure(figsize=(4 * _COLUMNS, 2.6 * rows), dpi=80)
    figure.subplots_adjust(0.03, 0.04, 0.99, 0.97, wspace=0.2, hspace=0.4)
    FigureCanvasAgg(figure)
    for number, (curves, name, color) in enumerate(panels):
        axes = figure.add_subplot(rows, _COLUMNS, number + 1)
        points = [(row[STEP], row[name]) for row in curves.rows if name in row]
        steps, values = [point[0] for point in points], [point[1] for point in points]
        if len(points) > 2 * _SMOOTHED:
            axes.plot(steps, values, color=color, alpha=0.25, linewidth=0.7)
            values = [
                sum(values[max(0, i - _SMOOTHED + 1) : i + 1]) / min(i + 1, _SMOOTHED)
                for i in range(len(values))
            ]
        axes.plot(steps, values, color=color, marker="." if len(points) < 40 else "")
        axes.set_title(name, fontsize=9)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=7)
    figure.savefig(path)
