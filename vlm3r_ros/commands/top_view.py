"""A picture of the camera's way and the points it saw, from above."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

_MAX_POINTS = 60_000
# Points beyond these percentiles would shrink everything else.
_PERCENTILES = (1.0, 99.0)
_MARGIN = 0.08
_ARROWS = 12


def draw_top_view(
    path: Path,
    poses: Sequence[np.ndarray],
    points: np.ndarray,
    colors: np.ndarray,
    title: str,
    truth: Sequence[np.ndarray] | np.ndarray = (),
) -> None:
    """Write a PNG: x to the right, y up, as seen from above the map frame (z up, metres).

    Args:
        path: file to write.
        poses: `T_map_camera` `[4, 4]` of each frame, optical frame, in order.
        points: `[N, 3]` in the map frame; may be empty.
        colors: uint8 `[N, 3]`, RGB.
        title: above the picture.
        truth: true poses in the map frame, likewise, drawn dashed; empty where they are not known.
    """
    # Without pyplot there is no window system to look for, and no figure left open.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(aspect="equal", title=title, xlabel="x (m)", ylabel="y (m)")
    way, true_way = (
        np.array([pose[:2, 3] for pose in some]).reshape(-1, 2) for some in (poses, truth)
    )
    shown = np.concatenate([way, true_way])
    if len(points):
        low, high = np.percentile(points[:, :2], _PERCENTILES, axis=0)
        inside = ((points[:, :2] >= low) & (points[:, :2] <= high)).all(1)
        points, colors = points[inside], colors[inside]
        # Low points first: what is higher covers them, as from above.
        order = np.argsort(points[:, 2])[:: max(1, len(points) // _MAX_POINTS)]
        x, y = points[order, :2].T
        axes.scatter(x, y, c=colors[order] / 255.0, s=2, linewidths=0)
        shown = np.concatenate([shown, points[:, :2]])
    else:
        axes.text(0.5, 0.02, "no points received", ha="center", transform=axes.transAxes)
    if len(true_way):
        axes.plot(*true_way.T, "--", color="black", linewidth=1.5, label="true way")
    if len(way):
        axes.plot(way[:, 0], way[:, 1], color="tab:red", linewidth=2, label="camera")
        axes.plot(*way[0], "o", color="tab:green", markersize=9, label="start")
        axes.plot(*way[-1], "s", color="tab:red", markersize=9, label="end")
        _draw_directions(axes, poses, shown)
    if len(way) or len(true_way):
        axes.legend(loc="upper right")
    if len(shown):
        _frame(axes, shown)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _draw_directions(axes: object, poses: Sequence[np.ndarray], shown: np.ndarray) -> None:
    """Arrows along the optical axis (z of the camera) of some poses."""
    some = np.array(poses[:: max(1, len(poses) // _ARROWS)])
    forward = some[:, :2, 2] * 0.06 * max(float(np.ptp(shown, axis=0).max()), 0.1)
    axes.quiver(  # type: ignore[attr-defined]
        *some[:, :2, 3].T,
        *forward.T,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.004,
        color="tab:red",
    )


def _frame(axes: object, shown: np.ndarray) -> None:
    low, high = shown.min(0), shown.max(0)
    half = max(float((high - low).max()) / 2 * (1 + 2 * _MARGIN), 0.1)
    middle = (low + high) / 2
    axes.set_xlim(middle[0] - half, middle[0] + half)  # type: ignore[attr-defined]
    axes.set_ylim(middle[1] - half, middle[1] + half)  # type: ignore[attr-defined]
