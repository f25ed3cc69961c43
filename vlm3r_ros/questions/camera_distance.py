"""How far things are from the camera in a frame, and which is closest."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import numpy as np

from vlm3r_ros.questions.draft import Draft
from vlm3r_ros.questions.number_drafts import number_drafts
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.rules import (
    CAMERA_DISTANCE_MAX,
    CAMERA_DISTANCE_MIN,
    CAMERA_REL_DISTANCE_GAP,
    PUBLISHED_CAMERA_REL_DISTANCE_MIN,
)
from vlm3r_ros.questions.sampling import closest_of
from vlm3r_ros.questions.scene_view import FrameView, SceneView

# Decimals to which the published variants round before they compare.
_PUBLISHED_DECIMALS = {4: 2, 3: 1, 2: 1}


def camera_obj_abs_dist(view: SceneView, random: Random, wanted: int) -> list[Draft]:
    """Distance from the camera to the nearest point of a box, metres."""
    distances = view.camera_distances
    good = view.is_named & (distances >= CAMERA_DISTANCE_MIN) & (distances <= CAMERA_DISTANCE_MAX)
    candidates = np.argwhere(good)

    def describe(i: int) -> dict[str, Any]:
        row, index = candidates[i].tolist()
        frame, name = view.frames[row], view.category(index)
        return {
            "fields": {"object_name": name, "frame_description": view.one_frame(frame)},
            "frames": (frame.frame.frame_id,),
            "subject": name,
        }

    task = QuestionType.CAMERA_OBJ_ABS_DIST
    return number_drafts(view, task, distances[good], describe, random, wanted)


def camera_obj_rel_dist(
    task: QuestionType, options: int, view: SceneView, random: Random, wanted: int
) -> list[Draft]:
    """The closest to the camera of `options` things that a frame shows; at most one a frame."""
    frames = list(view.frames)
    random.shuffle(frames)
    drafts: list[Draft] = []
    for frame in frames:
        if len(drafts) == wanted:
            break
        choices = _closest_in(view, frame, options, random)
        if choices is not None:
            drafts.append(
                Draft(
                    task,
                    truth=choices[0],
                    answer=choices[0],
                    distractors=choices[1:],
                    fields={"frame_description": view.one_frame(frame)},
                    frames=(frame.frame.frame_id,),
                    subject=choices[0],
                )
            )
    return drafts


camera_obj_rel_dist_v1 = partial(camera_obj_rel_dist, QuestionType.CAMERA_OBJ_REL_DIST_V1, 4)
camera_obj_rel_dist_v2 = partial(camera_obj_rel_dist, QuestionType.CAMERA_OBJ_REL_DIST_V2, 3)
camera_obj_rel_dist_v3 = partial(camera_obj_rel_dist, QuestionType.CAMERA_OBJ_REL_DIST_V3, 2)


def _closest_in(
    view: SceneView, frame: FrameView, options: int, random: Random
) -> tuple[str, ...] | None:
    """Names of the options, the closest first; None where the frame has none without doubt."""
    names = [view.category(sighting.index) for sighting in frame.named]
    distances = [float(view.camera_distances[frame.row, s.index]) for s in frame.named]
    if view.published:
        return _published_choice(names, distances, options, random)
    # A camera within a box is at no distance from the thing.
    outside = [i for i, distance in enumerate(distances) if distance > 0]
    reachable = [distances[i] for i in outside]
    chosen = closest_of(reachable, options, CAMERA_REL_DISTANCE_GAP, 1, random)
    return tuple(names[outside[i]] for i in chosen[0]) if chosen else None


def _published_choice(
    names: list[str], distances: list[float], options: int, random: Random
) -> tuple[str, ...] | None:
    """The nearest of those farther than half a metre, and others that all differ."""
    decimals = _PUBLISHED_DECIMALS[options]
    rounded = {
        name: round(distance, decimals)
        for name, distance in zip(names, distances, strict=True)
        if distance >= PUBLISHED_CAMERA_REL_DISTANCE_MIN
    }
    if not rounded:
        return None
    chosen = [min(rounded, key=rounded.__getitem__)]
    others = [name for name in rounded if name != chosen[0]]
    for name in random.sample(others, len(others)):
        if len(chosen) == options:
            break
        if all(abs(rounded[name] - rounded[o]) >= CAMERA_REL_DISTANCE_GAP for o in chosen):
            chosen.append(name)
    return tuple(chosen) if len(chosen) == options else None
