"""Where one thing is from another in a frame: nearer, to the left, higher."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import POSITION_IMAGE_MARGIN, POSITION_MARGIN
from vlm3r_ros.questions.sampling import spread
from vlm3r_ros.questions.scene_view import SceneView
from vlm3r_ros.worlds.boxes import FloatArray


@dataclass(frozen=True)
class Axis:
    """What of the camera's frame a task asks about.

    Attributes:
        task: it.
        index: of the coordinate: 0 right, 1 down, 2 forward.
        words: for the lower and the higher coordinate.
    """

    task: QuestionType
    index: int
    words: tuple[str, str]


LEFT_RIGHT = Axis(QuestionType.OBJ_OBJ_RELATIVE_POS_LR, 0, ("Left", "Right"))
UP_DOWN = Axis(QuestionType.OBJ_OBJ_RELATIVE_POS_UD, 1, ("Up", "Down"))
NEAR_FAR = Axis(QuestionType.OBJ_OBJ_RELATIVE_POS_NF, 2, ("Near", "Far"))


def obj_obj_relative_pos(axis: Axis, view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Pairs of things that a frame shows, with empty space between them along an axis.

    Published: of a pair the one with the lower instance id is asked about. Exact: either, and other
    ways to read the question must agree: where their pixels are, which is closer to the camera,
    which is higher above the floor; nothing reaches behind the camera.
    """
    pairs = np.argwhere(_before(view, axis))
    if view.published:
        # The order of `bboxes_2d` is that of instance ids.
        instances = np.array([item.instance_id or 0 for item in view.objects], int)
        swapped = instances[pairs[:, 1]] > instances[pairs[:, 2]]
        pairs[swapped] = pairs[swapped][:, [0, 2, 1]]
        words = [axis.words[int(other)] for other in swapped]
        chosen = spread([""] * len(words), wanted, random)
    else:
        words = [axis.words[0]] * len(pairs) + [axis.words[1]] * len(pairs)
        pairs = np.concatenate([pairs, pairs[:, [0, 2, 1]]])
        chosen = spread(list(zip(words, pairs[:, 1].tolist(), strict=True)), wanted, random)
    return [_draft(view, axis, pairs[k].tolist(), words[k]) for k in chosen]


obj_obj_relative_pos_nf = partial(obj_obj_relative_pos, NEAR_FAR)
obj_obj_relative_pos_lr = partial(obj_obj_relative_pos, LEFT_RIGHT)
obj_obj_relative_pos_ud = partial(obj_obj_relative_pos, UP_DOWN)


def _before(view: SceneView, axis: Axis) -> NDArray[np.bool_]:
    """Whether of two objects in a frame the first has the lower coordinate, `[F, N, N]`."""
    lows, highs = view.once(_camera_bounds)
    before = _exceeds(highs[..., axis.index], lows[..., axis.index], POSITION_MARGIN)
    fit = view.is_named
    if not view.published:
        fit = fit & (lows[..., NEAR_FAR.index] > 0)
    before &= fit[:, :, None] & fit[:, None]
    if view.published:
        return before
    if axis is NEAR_FAR:
        distances = view.camera_distances
        return before & _exceeds(distances, distances, POSITION_MARGIN)
    middles = view.image_middles[..., axis.index]
    before &= _exceeds(middles, middles, POSITION_IMAGE_MARGIN * view.image_size[axis.index])
    if axis is UP_DOWN:
        heights = view.boxes.centroids[None, :, 2]
        before &= _exceeds(-heights, -heights, 0.0)
    return before


def _camera_bounds(view: SceneView) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest coordinates of every box in every frame's camera, `[F, N, 3]` each."""
    corners = view.boxes.corners()
    rotations, centers = view.poses[:, :3, :3], view.poses[:, :3, 3]
    moved = (corners.reshape(-1, 3) - centers[:, None]) @ rotations
    moved = moved.reshape(len(rotations), *corners.shape)
    return moved.min(2), moved.max(2)


def _exceeds(first: FloatArray, second: FloatArray, margin: float) -> NDArray[np.bool_]:
    """Whether the second's value `[F, N]` is larger than the first's by more, `[F, N, N]`."""
    return np.asarray(second[:, None] - first[:, :, None] > margin)


def _draft(view: SceneView, axis: Axis, pair: list[int], word: str) -> Draft:
    row, first, other = pair
    frame = view.frames[row]
    names = view.category(first), view.category(other)
    return Draft(
        axis.task,
        truth=word,
        answer=word,
        distractors=tuple(option for option in axis.words if option != word),
        fields={
            "frame_description": f"frame {_number(view, row)} of {len(view.scene.frames)}",
            "obj_A_name": names[0],
            "obj_B_name": names[1],
        },
        frames=(frame.frame.frame_id,),
        subject=names[0],
    )


def _number(view: SceneView, row: int) -> int:
    """How a frame is called; the published task counts only frames that show something."""
    if view.published:
        return sum(bool(frame.frame.visible) for frame in view.frames[: row + 1])
    return view.frames[row].number
