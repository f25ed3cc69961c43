"""A question with its true answer, in the field names of the published files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vlm3r_ros.worlds.scene import FrameId


class Suite(StrEnum):
    """The benchmark that a task belongs to."""

    VSI = "vsi"
    """VSI-Bench: about the whole video."""
    VSTI = "vsti"
    """VSTI-Bench: about given frames of it."""
    LIVE = "live"
    """Ours, for a live robot."""


class QuestionType(StrEnum):
    """Tasks, as `question_type` in files calls them."""

    OBJECT_COUNTING = "object_counting"
    OBJECT_ABS_DISTANCE = "object_abs_distance"
    OBJECT_SIZE_ESTIMATION = "object_size_estimation"
    ROOM_SIZE_ESTIMATION = "room_size_estimation"
    OBJECT_REL_DISTANCE_V1 = "object_rel_distance_v1"
    OBJECT_REL_DISTANCE_V2 = "object_rel_distance_v2"
    OBJECT_REL_DISTANCE_V3 = "object_rel_distance_v3"
    OBJECT_REL_DIRECTION_V1 = "object_rel_direction_v1"
    OBJECT_REL_DIRECTION_V2 = "object_rel_direction_v2"
    OBJECT_REL_DIRECTION_V3 = "object_rel_direction_v3"
    OBJ_APPEARANCE_ORDER = "obj_appearance_order"
    ROUTE_PLANNING = "route_planning"
    CAMERA_OBJ_ABS_DIST = "camera_obj_abs_dist"
    CAMERA_OBJ_REL_DIST_V1 = "camera_obj_rel_dist_v1"
    CAMERA_OBJ_REL_DIST_V2 = "camera_obj_rel_dist_v2"
    CAMERA_OBJ_REL_DIST_V3 = "camera_obj_rel_dist_v3"
    OBJ_OBJ_RELATIVE_POS_NF = "obj_obj_relative_pos_nf"
    OBJ_OBJ_RELATIVE_POS_LR = "obj_obj_relative_pos_lr"
    OBJ_OBJ_RELATIVE_POS_UD = "obj_obj_relative_pos_ud"
    CAMERA_DISPLACEMENT = "camera_displacement"
    CAMERA_MOVEMENT_DIRECTION = "camera_movement_direction"
    CAMERA_OBJ_DIST_CHANGE = "camera_obj_dist_change"
    OBJECT_LOCATION = "object_location"

    @property
    def suite(self) -> Suite:
        """The benchmark that the task belongs to."""
        if self is QuestionType.OBJECT_LOCATION:
            return Suite.LIVE
        return Suite.VSTI if self.value.startswith(("camera_", "obj_obj_")) else Suite.VSI

    @property
    def is_numeric(self) -> bool:
        """Whether the answer is a number, scored by relative accuracy, rather than a choice."""
        return self in _NUMERIC


_NUMERIC = frozenset(
    {
        QuestionType.OBJECT_COUNTING,
        QuestionType.OBJECT_ABS_DISTANCE,
        QuestionType.OBJECT_SIZE_ESTIMATION,
        QuestionType.ROOM_SIZE_ESTIMATION,
        QuestionType.CAMERA_OBJ_ABS_DIST,
        QuestionType.CAMERA_DISPLACEMENT,
    }
)

# Names of VSI-Bench's own files that differ from the generators'.
BENCHMARK_NAMES: Mapping[str, QuestionType] = {
    "object_rel_distance": QuestionType.OBJECT_REL_DISTANCE_V1,
    "object_rel_direction_hard": QuestionType.OBJECT_REL_DIRECTION_V1,
    "object_rel_direction_medium": QuestionType.OBJECT_REL_DIRECTION_V2,
    "object_rel_direction_easy": QuestionType.OBJECT_REL_DIRECTION_V3,
}


@dataclass(frozen=True)
class Question:
    """A question about a video.

    Attributes:
        dataset, scene_name, video_path: of the scene.
        question_type: the task.
        question: its words.
        options: choices as shown, `A. chair`; of numeric VSI questions the distractors in the same
            form, of numeric VSTI questions bare numbers. Shown to a model only with a choice.
        ground_truth: the true number, or the true choice in words.
        mc_answer: the letter of the true option; empty where there are no options.
        frame_indices: frame ids of the frames that it speaks of (VSTI: one or two).
        categories: the further fields of a task (`category`, `category, first object`, ...).
    """

    dataset: str
    scene_name: str
    video_path: str
    question_type: QuestionType
    question: str
    options: tuple[str, ...]
    ground_truth: str | int | float
    mc_answer: str = ""
    frame_indices: tuple[FrameId, ...] = ()
    categories: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, number: int) -> dict[str, Any]:
        """The published record, with `number` as its id."""
        record: dict[str, Any] = {
            "id": number,
            "dataset": self.dataset,
            "scene_name": self.scene_name,
            "question_type": str(self.question_type),
            "video_path": self.video_path,
            "question": self.question,
            "options": list(self.options),
            "ground_truth": self.ground_truth,
            "mc_answer": self.mc_answer,
        }
        if self.question_type.suite is not Suite.VSI:
            record["frame_indices"] = list(self.frame_indices)
        return record | dict(self.categories)
