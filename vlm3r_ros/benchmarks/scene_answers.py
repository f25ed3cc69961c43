"""Answers to questions from a scene's metadata and the questions' words alone.

The rules are the exact ones, written once more: nothing here looks at the answers of a file or at
how they were generated. Only what is true is worked out, not whether it may be asked.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property

import numpy as np

from vlm3r_ros.benchmarks.benchmark_question import option_words
from vlm3r_ros.location_answer import format_location
from vlm3r_ros.questions.categories import clean_categories
from vlm3r_ros.questions.question import Question, QuestionType
from vlm3r_ros.questions.rules import SEEN_FRACTION, SEEN_IMAGE_SHARE
from vlm3r_ros.questions.wording import PHRASINGS, plural
from vlm3r_ros.worlds.box_distance import BoxArrays, box_distances
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.scene import Scene, SceneFrame, SceneObject

_FRAME = re.compile(r"frame (\d+)")
_GOAL = re.compile(r"Go forward until the (.+?)(?= \d+\. |$)")  # an action of a route
_BACK = 135.0  # degrees from straight ahead


class UnansweredError(ValueError):
    """The scene does not tell the answer; the text says what is missing."""


class SceneAnswers:
    """What can be said of a scene.

    Args:
        scene: with its boxes and frames.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = clean_categories(scene)

    def answer(self, question: Question) -> str:
        """The true number, option or place, as a file would hold it.

        Raises:
            UnansweredError: the words are none that are known, or speak of what the scene lacks.
        """
        try:
            rule = _RULES[question.question_type]
            return rule(self, _Asked(question))
        except (LookupError, ValueError) as error:
            problem = f"cannot be answered from metadata ({error}): {question.question}"
            raise UnansweredError(problem) from error

    # ---- numbers

    def _count(self, asked: _Asked) -> str:
        counts = self._scene.object_counts
        names = {plural(name): name for name in counts}
        return str(counts[asked.fields.get("category") or names[asked.fields["categories"]]])

    def _distance(self, asked: _Asked) -> str:
        first, second = asked.fields["object1"], asked.fields["object2"]
        return _one_decimal(self._between(first, second))

    def _size(self, asked: _Asked) -> str:
        return str(round(100 * float(self._only(asked.fields["category"]).box.sides.max())))

    def _room(self, asked: _Asked) -> str:
        return _one_decimal(self._scene.room_size)

    def _camera_distance(self, asked: _Asked) -> str:
        frame = self._frame(asked.frames[0])
        return _one_decimal(self._from_camera(frame, asked.fields["object_name"]))

    def _displacement(self, asked: _Asked) -> str:
        first, second = (self._frame(number).camera_center for number in asked.frames)
        return _one_decimal(float(np.linalg.norm(second - first)))

    # ---- choices

    def _closest(self, asked: _Asked) -> str:
        target = asked.fields["category"]
        return min(asked.options, key=lambda name: self._between(name, target))

    def _closest_to_camera(self, asked: _Asked) -> str:
        frame = self._frame(asked.frames[0])
        return min(asked.options, key=lambda name: self._from_camera(frame, name))

    def _direction(self, asked: _Asked) -> str:
        stand, face, ask = (
            self._only(asked.fields[f"{role}_object"]).box.centroid[:2]
            for role in ("positioning", "orienting", "querying")
        )
        angle = _turn(face - stand, ask - stand)
        side = "left" if angle > 0 else "right"
        if asked.type is QuestionType.OBJECT_REL_DIRECTION_V1:
            return f"{'front' if abs(angle) < 90 else 'back'}-{side}"
        return "back" if abs(angle) >= _BACK else side

    def _order(self, asked: _Asked) -> str:
        names = asked.options[0].split(", ")
        return ", ".join(sorted(names, key=self._first_seen.__getitem__))

    def _route(self, asked: _Asked) -> str:
        names = [asked.fields["start_object"], asked.fields["facing_object"]]
        names += _GOAL.findall(asked.fields["actions"])
        start, faced, *goals = (self._only(name).box.centroid[:2] for name in names)
        turns, place, ahead = [], start, faced - start
        for goal in goals:
            angle = _turn(ahead, goal - place)
            side = "Turn Left" if angle > 0 else "Turn Right"
            turns.append("Turn Back" if abs(angle) >= _BACK else side)
            place, ahead = goal, goal - place
        return ", ".join(turns)

    def _position(self, asked: _Asked, axis: int, words: tuple[str, str]) -> str:
        frame = self._frame(asked.frames[0])
        first, second = (
            float(
                (self._visible(frame, asked.fields[name]).box.centroid - frame.camera_center)
                @ frame.T_world_camera[:3, axis]
            )
            for name in ("obj_A_name", "obj_B_name")
        )
        return words[0] if first < second else words[1]

    def _movement(self, asked: _Asked) -> str:
        first, second = map(self._frame, asked.frames)
        moved = (second.camera_center - first.camera_center)[:2]
        angle = _turn(first.T_world_camera[:2, 2], moved)
        if abs(angle) <= 45:
            return "Forward"
        if abs(angle) >= 135:
            return "Backward"
        return "Left" if angle > 0 else "Right"

    def _change(self, asked: _Asked) -> str:
        before, after = (
            self._from_camera(self._frame(number), asked.fields["object_name"])
            for number in asked.frames
        )
        return "Closer" if after < before else "Farther"

    # ---- places

    def _location(self, asked: _Asked) -> str:
        item = self._only(asked.fields["object_name"])
        frame = self._scene.frames[-1]
        towards = (item.box.centroid - frame.camera_center)[:2]
        bearing = math.radians(_turn(frame.T_world_camera[:2, 2], towards))
        return format_location(bearing, float(item.box.distance(frame.camera_center)))

    # ---- the scene

    def _only(self, name: str) -> SceneObject:
        # Published files list some boxes twice.
        items = {tuple(item.box.centroid): item for item in self._scene.of_category(name)}
        if len(items) != 1:
            raise ValueError(f"there are {len(items)} of {name}")
        return next(iter(items.values()))

    def _frame(self, number: int) -> SceneFrame:
        return self._scene.frames[number - 1]

    def _visible(self, frame: SceneFrame, name: str) -> SceneObject:
        shown = {seen.instance_id for seen in frame.visible}
        items = [item for item in self._scene.of_category(name) if item.instance_id in shown]
        if len(items) != 1:
            raise ValueError(f"frame {frame.frame_id} shows {len(items)} of {name}")
        return items[0]

    def _from_camera(self, frame: SceneFrame, name: str) -> float:
        return float(self._visible(frame, name).box.distance(frame.camera_center))

    def _between(self, first: str, second: str) -> float:
        left, right = self._scene.of_category(first), self._scene.of_category(second)
        boxes = BoxArrays.of([item.box for item in (*left, *right)])
        here, there = np.indices((len(left), len(right))).reshape(2, -1)
        return float(box_distances(boxes, here, there + len(left)).min())

    @cached_property
    def _first_seen(self) -> Mapping[str, int]:
        """Number of the first frame that shows a category clearly."""
        camera = self._scene.intrinsics
        image = camera.width * camera.height if camera else 0
        names = {item.instance_id: item.category for item in self._scene.objects}
        first: dict[str, int] = {}
        for number, frame in enumerate(self._scene.frames):
            for seen in frame.visible:
                enough = (seen.pixels or math.inf) >= SEEN_IMAGE_SHARE * image
                if enough and (seen.fraction is None or seen.fraction >= SEEN_FRACTION):
                    first.setdefault(names.get(seen.instance_id, ""), number)
        return first


class _Asked:
    """A question's parts, read from its words.

    Attributes:
        type: the task.
        fields: what stands in the places of its wording.
        frames: numbers of the frames that it speaks of, from 1, ascending.
        options: in words.
    """

    def __init__(self, question: Question) -> None:
        self.type = question.question_type
        self.options = option_words(question.options)
        self.frames = sorted(map(int, _FRAME.findall(question.question)))
        self.fields = next(
            (
                match.groupdict()
                for pattern in _patterns(self.type)
                if (match := pattern.fullmatch(question.question))
            ),
            {},
        )


@cache
def _patterns(task: QuestionType) -> Sequence[re.Pattern[str]]:
    """What the wordings of a task look like, their placeholders as named groups.

    Those that say most come first: what is left open takes in as little as it can.
    """
    wordings = (
        wording for (of, _), phrasing in PHRASINGS.items() if of is task for wording in phrasing.all
    )
    return [_pattern(wording) for wording in sorted(wordings, key=_said, reverse=True)]


def _said(wording: str) -> int:
    """Letters of a wording outside its placeholders."""
    return sum(len(literal) for literal, *_ in string.Formatter().parse(wording))


def _pattern(wording: str) -> re.Pattern[str]:
    parts: list[str] = []
    named: set[str] = set()
    for literal, name, _, _ in string.Formatter().parse(wording):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P={name})" if name in named else f"(?P<{name}>.+?)")
            named.add(name)
    return re.compile("".join(parts))


def _turn(ahead: FloatArray, towards: FloatArray) -> float:
    """Angle from one direction to another as seen from above, degrees, positive to the left."""
    cross = ahead[0] * towards[1] - ahead[1] * towards[0]
    return math.degrees(math.atan2(cross, float(ahead @ towards)))


def _one_decimal(value: float) -> str:
    return str(round(float(value), 1))


_Rule = Callable[[SceneAnswers, _Asked], str]


def _along(axis: int, *words: str) -> _Rule:
    low, high = words
    return lambda scene, asked: scene._position(asked, axis, (low, high))


_RULES: Mapping[QuestionType, _Rule] = {
    QuestionType.OBJECT_COUNTING: SceneAnswers._count,
    QuestionType.OBJECT_ABS_DISTANCE: SceneAnswers._distance,
    QuestionType.OBJECT_SIZE_ESTIMATION: SceneAnswers._size,
    QuestionType.ROOM_SIZE_ESTIMATION: SceneAnswers._room,
    QuestionType.OBJECT_REL_DISTANCE_V1: SceneAnswers._closest,
    QuestionType.OBJECT_REL_DISTANCE_V2: SceneAnswers._closest,
    QuestionType.OBJECT_REL_DISTANCE_V3: SceneAnswers._closest,
    QuestionType.OBJECT_REL_DIRECTION_V1: SceneAnswers._direction,
    QuestionType.OBJECT_REL_DIRECTION_V2: SceneAnswers._direction,
    QuestionType.OBJECT_REL_DIRECTION_V3: SceneAnswers._direction,
    QuestionType.OBJ_APPEARANCE_ORDER: SceneAnswers._order,
    QuestionType.ROUTE_PLANNING: SceneAnswers._route,
    QuestionType.CAMERA_OBJ_ABS_DIST: SceneAnswers._camera_distance,
    QuestionType.CAMERA_OBJ_REL_DIST_V1: SceneAnswers._closest_to_camera,
    QuestionType.CAMERA_OBJ_REL_DIST_V2: SceneAnswers._closest_to_camera,
    QuestionType.CAMERA_OBJ_REL_DIST_V3: SceneAnswers._closest_to_camera,
    QuestionType.OBJ_OBJ_RELATIVE_POS_NF: _along(2, "Near", "Far"),
    QuestionType.OBJ_OBJ_RELATIVE_POS_LR: _along(0, "Left", "Right"),
    QuestionType.OBJ_OBJ_RELATIVE_POS_UD: _along(1, "Up", "Down"),
    QuestionType.CAMERA_DISPLACEMENT: SceneAnswers._displacement,
    QuestionType.CAMERA_MOVEMENT_DIRECTION: SceneAnswers._movement,
    QuestionType.CAMERA_OBJ_DIST_CHANGE: SceneAnswers._change,
    QuestionType.OBJECT_LOCATION: SceneAnswers._location,
}
