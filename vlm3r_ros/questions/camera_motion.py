"""How far and in which direction the camera moved."""

from __future__ import annotations

from itertools import zip_longest
from random import Random

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.number_drafts import number_drafts
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    DISPLACEMENT_FRAME_GAP,
    DISPLACEMENT_MAX,
    DISPLACEMENT_MIN,
    HEADING_MIN,
    MOVEMENT_CONSISTENCY,
    MOVEMENT_DOMINANCE,
    MOVEMENT_MIN,
    PUBLISHED_DISPLACEMENT_FRAME_GAP_MAX,
    PUBLISHED_DISPLACEMENT_FRAMES,
    PUBLISHED_MOVEMENT_MIN,
)
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView, pairs_of
from vlm3r_ros.worlds.boxes import FloatArray

FORWARD, BACKWARD, LEFT, RIGHT = "Forward", "Backward", "Left", "Right"
DIRECTIONS = (FORWARD, BACKWARD, LEFT, RIGHT)

MOVEMENT_VARIANTS = {"V1": 4, "V2": 3, "V3": 2}
"""Options of each variant of the movement task."""


def camera_displacement(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Straight-line distance between two places of the camera, metres."""
    pairs = pairs_of(len(view.frames))
    numbers = np.array([frame.number for frame in view.frames], int)
    gaps = numbers[pairs[:, 1]] - numbers[pairs[:, 0]]
    kept = gaps >= DISPLACEMENT_FRAME_GAP
    if view.published:
        kept &= gaps <= PUBLISHED_DISPLACEMENT_FRAME_GAP_MAX
        kept &= len(view.frames) >= PUBLISHED_DISPLACEMENT_FRAMES
        # So many pairs are drawn, and no more, of all pairs in any order.
        draws = max(wanted, min(20 * wanted, 200))
        drawn = random.sample(range(len(pairs)), min(draws, len(pairs)))
        kept &= np.isin(np.arange(len(pairs)), drawn)
    centers = view.camera_centers
    distances = np.linalg.norm(centers[pairs[:, 1]] - centers[pairs[:, 0]], axis=-1)
    kept &= (distances >= DISPLACEMENT_MIN) & (distances <= DISPLACEMENT_MAX)
    chosen = pairs[kept].tolist()

    def describe(k: int) -> dict[str, object]:
        first, second = view.frames[chosen[k][0]], view.frames[chosen[k][1]]
        return {
            "fields": view.two_frames(first, second),
            "frames": (first.frame.frame_id, second.frame.frame_id),
            "subject": str(first.number),
        }

    task = QuestionType.CAMERA_DISPLACEMENT
    return number_drafts(view, task, distances[kept], describe, random, wanted)


def camera_movement_direction(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """The main direction between two frames, as the camera looked at the start.

    Exact: in the horizontal plane; clearly more than in any other direction, up and down included,
    and without going back on the way. Published: along the camera's own axes, whichever is larger.
    """
    by_variant: list[list[Draft]] = []
    each = -(-wanted // len(MOVEMENT_VARIANTS))
    for variant, options in MOVEMENT_VARIANTS.items():
        if view.published:
            pairs, words = _published_moves(view, PUBLISHED_MOVEMENT_MIN[variant])
        else:
            pairs, words = view.once(_exact_moves)
        classes = [""] * len(words) if view.published else words
        drafts: list[Draft] = []
        for k in spread(classes, each, random):
            others = [word for word in DIRECTIONS if word != words[k]]
            first, second = view.frames[pairs[k][0]], view.frames[pairs[k][1]]
            drafts.append(
                Draft(
                    QuestionType.CAMERA_MOVEMENT_DIRECTION,
                    truth=words[k],
                    answer=words[k],
                    distractors=tuple(random.sample(others, options - 1)),
                    fields=view.two_frames(first, second),
                    frames=(first.frame.frame_id, second.frame.frame_id),
                    categories=view.two_frames(first, second) if variant == "V1" else {},
                    variant=variant,
                    subject=str(first.number),
                )
            )
        by_variant.append(drafts)
    return [draft for turn in zip_longest(*by_variant) for draft in turn if draft is not None]


def headings(poses: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Where cameras look, seen from above.

    Args:
        poses: camera to world `[F, 4, 4]`, optical frames.

    Returns:
        Unit vectors `[F, 2]` in world x and y, and whether a camera looks level enough to have one
        `[F]`.
    """
    forward = poses[:, :2, 2]
    length = np.linalg.norm(forward, axis=-1)
    return forward / np.maximum(length, 1e-9)[:, None], length >= HEADING_MIN


_Moves = tuple[list[list[int]], list[str]]


def _exact_moves(view: SceneView) -> _Moves:
    """Pairs of rows with an unambiguous direction, and the words."""
    centers = view.camera_centers
    forward, level = headings(view.poses)
    moved = centers[:, :2][None] - centers[:, None, :2]
    ahead = np.einsum("ijk,ik->ij", moved, forward)
    left = moved[..., 1] * forward[:, None, 0] - moved[..., 0] * forward[:, None, 1]
    up = np.abs(centers[:, 2][None] - centers[:, 2][:, None])
    along_view = np.abs(ahead) >= np.abs(left)
    main = np.where(along_view, ahead, left)
    other = np.maximum(np.abs(np.where(along_view, left, ahead)), up)
    good = (np.abs(main) >= MOVEMENT_MIN) & (np.abs(main) >= MOVEMENT_DOMINANCE * other)
    ways = np.where(along_view, _way(ahead), _way(left))
    good &= np.abs(main) >= MOVEMENT_CONSISTENCY * ways
    good &= level[:, None] & np.triu(np.ones_like(good), 1)
    sign = main > 0
    words = np.where(along_view, np.where(sign, FORWARD, BACKWARD), np.where(sign, LEFT, RIGHT))
    pairs = np.argwhere(good)
    return pairs.tolist(), words[good].tolist()


def _way(places: FloatArray) -> FloatArray:
    """Length of the way there and back from row i to row j, along the axis of row i, `[F, F]`."""
    steps = np.abs(np.diff(places, axis=1, prepend=places[:, :1]))
    walked = np.cumsum(steps, axis=1)
    return np.asarray(walked - np.diag(walked)[:, None])


def _published_moves(view: SceneView, least: float) -> _Moves:
    """All pairs that moved more than `least` metres along an axis of the camera at the start."""
    centers = view.poses[:, :3, 3]
    moved = np.einsum("ijk,ikl->ijl", centers[None] - centers[:, None], view.poses[:, :3, :3])
    x, z = moved[..., 0], moved[..., 2]
    far_x, far_z = np.abs(x) > least, np.abs(z) > least
    along_z = far_z & (~far_x | (np.abs(z) >= np.abs(x)))
    words = np.where(along_z, np.where(z > 0, FORWARD, BACKWARD), np.where(x > 0, RIGHT, LEFT))
    good = (far_x | far_z) & np.triu(np.ones_like(far_x), 1)
    return np.argwhere(good).tolist(), words[good].tolist()
