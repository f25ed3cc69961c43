"""A run's scores as bars, beside published figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm3r_ros.benchmarks.published_scores import MODEL_NAME
from vlm3r_ros.benchmarks.report import Report, Row

_BAR_HEIGHT = 0.7
_ROW_INCHES = 0.34


def draw_chart(path: Path, report: Report, title: str) -> None:
    """Write a bar chart, PNG: a bar per row of the report, marks for what others published.

    Args:
        path: file to write.
        report: of the run.
        title: above the chart.
    """
    # Without pyplot there is no window system to look for, and no figure left open.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sections = [(name, list(rows)) for name, rows in report.sections.items()]
    heights = [len(rows) + 1 for _, rows in sections]
    figure = Figure(figsize=(9, _ROW_INCHES * sum(heights) + 1.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    panels = figure.subplots(len(sections), 1, squeeze=False, height_ratios=heights, sharex=True)
    for axes, (name, rows) in zip(panels[:, 0], sections, strict=True):
        _draw_section(axes, name, rows)
    panels[-1, 0].set_xlabel("score (%)")
    handles = {
        label: handle
        for axes in panels[:, 0]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
    )
    figure.savefig(path, dpi=120)


def _draw_section(axes: Any, name: str, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    colors = ["tab:blue" if row.level < 2 else "lightsteelblue" for row in rows]
    axes.barh(places, [row.ours for row in rows], _BAR_HEIGHT, color=colors, label="ours")
    axes.plot(
        [row.chance for row in rows], places, "|", color="black", markersize=14, label="chance here"
    )
    for label, marker, color, field in (
        ("chance, published", "x", "tab:gray", "chance"),
        (MODEL_NAME, "D", "tab:orange", "model"),
        ("human", "o", "tab:green", "human"),
    ):
        marked = [
            (getattr(row.published, field), place)
            for place, row in zip(places, rows, strict=True)
            if row.published is not None
        ]
        if marked:
            axes.plot(*zip(*marked, strict=True), marker, color=color, label=label)
    # Beside the panel, where no mark covers it.
    beside = axes.get_yaxis_transform()
    for place, row in zip(places, rows, strict=True):
        axes.text(1.01, place, f"{row.ours:.1f}", va="center", fontsize=9, transform=beside)
    axes.set_yticks(places, [row.name for row in rows])
    axes.set(xlim=(0, 102), ylim=(len(rows) - 0.5, -0.5), title=name)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
