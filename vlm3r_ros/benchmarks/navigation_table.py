"""The figures of walks as a table, a column a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from vlm3r_ros.benchmarks.navigation_episode import Episode
from vlm3r_ros.benchmarks.navigation_room import BODY_RADIUS


def navigation_table(walks: Mapping[str, Sequence[Episode]], title: str) -> Table:
    """The figures of several sources beside each other.

    Args:
        walks: the episodes of each source.
        title: above the table.
    """
    table = Table(title=title)
    table.add_column("of all walks")
    for source in walks:
        table.add_column(source, justify="right")
    columns = [_figures(episodes) for episodes in walks.values()]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _figures(episodes: Sequence[Episode]) -> dict[str, str]:
    """What the table says of one source, by row."""
    clearances = np.array([episode.plan_clearance for episode in episodes])
    planned = np.isfinite(clearances)
    seen = np.array([episode.plan_unknown == 0 for episode in episodes])
    free = clearances >= BODY_RADIUS
    all_ratios = np.array([episode.plan_ratio for episode in episodes])
    ratios = all_ratios[np.isfinite(all_ratios)]
    seen_ratios = all_ratios[seen & np.isfinite(all_ratios)]
    times = np.concatenate([episode.planning_ms for episode in episodes])
    places = _finite([episode.place_error for episode in episodes])
    poses = _finite([episode.pose_error for episode in episodes])
    count = len(episodes)
    ends = Counter(episode.status.value for episode in episodes)
    return {
        "walks": f"{count}",
        "success": _percent(sum(e.success for e in episodes), count),
        "SPL": f"{np.mean([e.spl for e in episodes]):.3f}",
        "ran into something": _percent(sum(e.collided for e in episodes), count),
        "last hint": "\n".join(f"{status} {number}" for status, number in ends.most_common()),
        "target was given a place": _percent(len(places), count),
        "place is off by, m: median": _number(places, 0.5, 2),
        "pose is off at the end by, m: median": _number(poses, 0.5, 2),
        "first plans": f"{int(planned.sum())}",
        "first plans free of collision": _percent(int(free[planned].sum()), int(planned.sum())),
        "first plan / shortest way: median": _number(ratios, 0.5, 3),
        "first plan / shortest way: 95 % are below": _number(ratios, 0.95, 3),
        "first plans at most 10 % longer": _percent(int((ratios <= 1.1).sum()), len(ratios)),
        "first plans over seen floor alone": f"{int(seen.sum())}",
        "these free of collision": _percent(int(free[seen].sum()), int(seen.sum())),
        "these at most 10 % longer": _percent(int((seen_ratios <= 1.1).sum()), len(seen_ratios)),
        "hint, ms of processor time: median": _number(times, 0.5, 0),
        "hint, ms of processor time: 95 % are below": _number(times, 0.95, 0),
    }


def _finite(values: list[float]) -> np.ndarray:
    array = np.array(values, float)
    return array[np.isfinite(array)]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part}/{whole})" if whole else "-"


def _number(values: np.ndarray, share: float, digits: int) -> str:
    return f"{np.quantile(values, share):.{digits}f}" if len(values) else "-"
