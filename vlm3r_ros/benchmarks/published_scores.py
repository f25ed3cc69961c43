"""Figures that others published for VSI-Bench and VSTI-Bench, in percent.

VSI-Bench: its paper (people, chance by the most frequent answer) and that of VLM-3R. VSTI-Bench:
that of VLM-3R. The questions of neither are those of our rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vlm3r_ros.questions.question import Suite

OVERALL = "Overall"
MODEL_NAME = "VLM-3R-7B"


@dataclass(frozen=True)
class PublishedScores:
    """Percent in one column of a published table."""

    chance: float
    model: float
    human: float


PUBLISHED: Mapping[Suite, Mapping[str, PublishedScores]] = {
    Suite.VSI: {
        OVERALL: PublishedScores(34.0, 60.9, 79.2),
        "Object count": PublishedScores(62.1, 70.2, 94.3),
        "Absolute distance": PublishedScores(32.0, 49.4, 47.0),
        "Object size": PublishedScores(29.9, 69.2, 60.4),
        "Room size": PublishedScores(33.1, 67.1, 45.9),
        "Relative distance": PublishedScores(25.1, 65.4, 94.7),
        "Relative direction": PublishedScores(47.9, 80.5, 95.8),
        "Route planning": PublishedScores(28.4, 45.4, 95.8),
        "Appearance order": PublishedScores(25.2, 40.1, 100.0),
    },
    Suite.VSTI: {
        OVERALL: PublishedScores(27.4, 58.8, 77.0),
        "Camera-object absolute distance": PublishedScores(5.4, 39.4, 51.4),
        "Camera displacement": PublishedScores(6.2, 39.6, 46.8),
        "Camera movement direction": PublishedScores(40.7, 60.6, 95.1),
        "Object-object position": PublishedScores(52.2, 86.5, 97.5),
        "Camera-object relative distance": PublishedScores(32.4, 68.6, 94.3),
    },
}
"""By the names of `tasks.CATEGORIES`; the overall of VSTI-Bench is the mean of five categories."""
