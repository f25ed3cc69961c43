"""What a frame shows, in words: many tokens to learn from where a question's answer has one.

A letter tells a network next to nothing about which of a thousand visual tokens it should have
looked at. A list of what a frame shows, where and how far away, tells it token by token; questions
build on what was learned from it. Published models are aligned with captions first, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlm3r_ros.questions.rules import RuleSet
from vlm3r_ros.questions.scene_view import FrameView, SceneView
from vlm3r_ros.worlds.scene import Scene

_MOST = 8
"""Things that are told of a frame; the nearest where it shows more."""

_STEP = 0.5  # m: what is finer cannot be seen yet when descriptions teach most, and is but noise

COLUMNS = ("left", "center", "right")
ROWS = ("top", "middle", "bottom")


@dataclass(frozen=True)
class Description:
    """What a frame shows.

    Attributes:
        number: of the frame, from 1.
        things: names and places, such as `table` and `bottom left 1.5 m`, from left to right.
    """

    number: int
    things: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """Such as `table bottom left 1.5 m, window top right 3.0 m`."""
        return ", ".join(f"{name} {place}" for name, place in self.things)


def place_in_words(column: int, row: int, distance: float) -> str:
    """Where in a ninth of the image something is, metres away."""
    rounded = round(distance / _STEP) * _STEP
    return f"{ROWS[row]} {COLUMNS[column]} {rounded:.1f} m"


def describe_frames(scene: Scene) -> tuple[Description, ...]:
    """Descriptions of a scene's frames; none of those in which nothing can be named."""
    view = SceneView(scene, RuleSet.EXACT)
    described = [_describe(view, frame) for frame in view.frames]
    return tuple(one for one in described if one is not None)


def _describe(view: SceneView, frame: FrameView) -> Description | None:
    things = np.flatnonzero(view.is_named[frame.row])
    distances = view.camera_distances[frame.row]
    things = things[np.argsort(distances[things], kind="stable")][:_MOST]
    if not len(things):
        return None
    middles = view.image_middles[frame.row]
    cells = (middles / view.image_size * len(COLUMNS)).astype(int).clip(0, len(COLUMNS) - 1)
    order = things[np.argsort(middles[things, 0], kind="stable")]
    return Description(
        frame.number,
        tuple(
            (
                view.category(thing),
                place_in_words(cells[thing, 0], cells[thing, 1], distances[thing]),
            )
            for thing in order.tolist()
        ),
    )
