"""Sessions filmed in rooms, and what can be asked at moments of them; deterministic by their task.

This is what worker processes do. Which drafts become questions is decided where the results are
taken in, in their order, so that answers are balanced over the whole run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.questions.drafting import DraftPlan, SceneDrafts, draft_scene
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.training.geometry.augmentation import change_colors
from vlm3r_ros.training.instruct.descriptions import Description, describe_frames
from vlm3r_ros.training.instruct.grounding import (
    ShownThings,
    cell_shares,
    mean_log_depths,
)
from vlm3r_ros.training.instruct.odometry import wander
from vlm3r_ros.training.rooms import RoomWalk, walk_through_room
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES
from vlm3r_ros.worlds.rendering import View, render
from vlm3r_ros.worlds.scene import Intrinsics, Scene, SceneFrame
from vlm3r_ros.worlds.visibility import visible_objects
from vlm3r_ros.worlds.world import Split

_RATE = 20.0  # Hz at which a camera's way is worked out
_FILMING = 5  # what a world's random numbers are drawn for
_MOST_BETWEEN = 3  # frames between two keyframes that the geometry encoder sees
_ABSENT = 8  # things that were not seen, of which questions choose


@dataclass(frozen=True)
class SessionTask:
    """A session in a room.

    Attributes:
        split, seed, index: of the room.
        image_size: side of the square frames, pixels.
        frames: least and greatest number of keyframes.
        interval: least and greatest seconds from keyframe to keyframe.
        between: chance that the geometry encoder sees frames between keyframes.
        placed: chance that camera tokens are told poses.
        moments: the most moments at which is asked.
        questions: about so many in all.
        weights: how often each task is asked, relative to the others.
        described: share of the keyframes that are to be described.
        located: share of the keyframes in which one thing's place is asked for.
        colors, noise: how much colours change; 0 for not at all.
        cells: along each side of a frame, of which is told what they show; 0 for not at all.
    """

    split: Split
    seed: int
    index: int
    image_size: int
    frames: tuple[int, int]
    interval: tuple[float, float]
    between: float
    placed: float
    moments: int
    questions: int
    weights: Mapping[QuestionType, float]
    described: float
    located: float
    colors: float
    noise: float
    cells: int = 0


@dataclass(frozen=True)
class Moment:
    """What can be asked at a moment of a session.

    Attributes:
        frames: keyframes seen so far.
        drafts: of the scene as these frames show it.
        limits: how many questions of each task are wanted.
        absent: names of things that none of these frames shows, those of the room first.
    """

    frames: int
    drafts: SceneDrafts
    limits: Mapping[QuestionType, int]
    absent: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Session:
    """Frames, and what can be asked about them.

    Attributes:
        name: of the room.
        color: uint8 `[T, S, S, 3]`, RGB; all that the geometry encoder sees.
        stride: every so many of them is a keyframe, from the first to the last.
        moments: in the order of time.
        descriptions: of some of the keyframes.
        located: things in some of the keyframes: the frame's number from 1, name and place.
        shown: by the cells of the keyframes; None where the task does not want it.
        odometry: float32 `[F, 4, 4]`, where visual odometry takes the keyframes' cameras to be in
            the frame of the first; None where camera tokens are not told.
    """

    name: str
    color: NDArray[np.uint8]
    stride: int
    moments: tuple[Moment, ...]
    descriptions: tuple[Description, ...] = ()
    located: tuple[tuple[int, str, str], ...] = ()
    shown: ShownThings | None = None
    odometry: NDArray[np.float32] | None = None

    @property
    def keyframes(self) -> NDArray[np.uint8]:
        """uint8 `[F, S, S, 3]`."""
        return self.color[:: self.stride]


def film_session(task: SessionTask) -> Session:
    """Build a room, walk through it, and draft questions.

    Raises:
        TrainingError: neither this room nor several others can be walked through.
    """
    walk = walk_through_room(
        task.split,
        task.seed,
        task.index,
        frames=_longest(task),
        rate=_RATE,
        purpose=_FILMING,
    )
    generator = walk.generator
    count = int(generator.integers(task.frames[0], task.frames[1] + 1))
    ticks, stride = _pace(task, len(walk.path.T_world_camera), count, generator)
    lens = walk.path.intrinsics.resized(task.image_size, task.image_size)
    poses = walk.path.T_world_camera[ticks]
    views = [render(walk.world, lens, pose) for pose in poses]
    color = np.stack([view.color for view in views if view.color is not None])
    if task.colors or task.noise:
        color = change_colors(color, generator, task.colors, task.noise)
    frames = [
        _scene_frame(walk, number, views[tick], lens, poses[tick])
        for number, tick in enumerate(range(0, len(ticks), stride))
    ]
    scene = replace(walk.world.scene(frames), intrinsics=lens)
    moments = _moments(task, scene, generator)
    found = describe_frames(scene) if task.described or task.located else ()
    described = tuple(one for one in found if generator.random() < task.described)
    located = tuple(_choose(one, generator) for one in found if generator.random() < task.located)
    shown = _shown(walk, views[::stride], poses[::stride], task.cells) if task.cells else None
    odometry = None
    if generator.random() < task.placed:
        odometry = wander(poses[::stride], generator)
    return Session(scene.name, color, stride, moments, described, located, shown, odometry)


def _longest(task: SessionTask) -> int:
    """Frames of a camera's way that is long enough for every session."""
    return int(np.ceil((task.frames[1] - 1) * task.interval[1] * _RATE)) + 2


def _pace(
    task: SessionTask, length: int, count: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], int]:
    """Numbers of the frames that are filmed, and how many of them go from keyframe to keyframe."""
    least, greatest = task.interval
    interval = least * (greatest / least) ** generator.random()
    stride = 1
    if generator.random() < task.between:
        # Not more frames than the camera's way has.
        most = min(_MOST_BETWEEN + 1, max(1, int(interval * _RATE)))
        stride = int(generator.integers(1, most + 1))
    span = min(round(interval * _RATE * (count - 1)), length - 1)
    span = max(span, (count - 1) * stride)
    begin = int(generator.integers(length - span))
    return begin + np.linspace(0, span, (count - 1) * stride + 1).astype(np.int64), stride


def _scene_frame(
    walk: RoomWalk, number: int, view: View, lens: Intrinsics, pose: NDArray[np.float64]
) -> SceneFrame:
    return SceneFrame(number, pose, visible_objects(walk.world, view, lens, pose))


def _shown(
    walk: RoomWalk, views: Sequence[View], poses: NDArray[np.float64], cells: int
) -> ShownThings:
    # Instance ids are places in the list of things.
    names = tuple(item.category for item in walk.world.objects)
    shares = np.stack([cell_shares(view.instance, len(names), cells) for view in views])
    depths = np.stack([mean_log_depths(view.instance, view.depth, len(names)) for view in views])
    return ShownThings(names, shares, depths, (np.linalg.inv(poses[0]) @ poses).astype(np.float32))


def _moments(task: SessionTask, scene: Scene, generator: np.random.Generator) -> tuple[Moment, ...]:
    """The end of a session and some moments before, with questions spread over them."""
    count = len(scene.frames)
    before = int(generator.integers(min(task.moments, count - 1)))
    seen = sorted({count, *(generator.permutation(np.arange(2, count))[:before]).tolist()})
    names = [name for name, weight in task.weights.items() if weight]
    odds = np.array([task.weights[name] for name in names])
    asked = generator.choice(len(names), task.questions, p=odds / odds.sum())
    # The end sees most, and is what benchmarks ask about.
    at = np.where(
        generator.random(task.questions) < 0.5,
        len(seen) - 1,
        generator.integers(len(seen), size=task.questions),
    )
    moments = []
    for number, frames in enumerate(seen):
        counts = Counter(names[k] for k in asked[at == number])
        limits = {name: counts[name] for name in names if counts[name]}
        part = replace(scene, name=f"{scene.name}/{frames}", frames=scene.frames[:frames])
        drafts = draft_scene(part, DraftPlan(limits, seed=task.seed))
        moments.append(Moment(frames, drafts, limits, _absent(part, generator)))
    return tuple(moments)


def _choose(one: Description, generator: np.random.Generator) -> tuple[int, str, str]:
    return one.number, *one.things[int(generator.integers(len(one.things)))]


def _absent(scene: Scene, generator: np.random.Generator) -> tuple[str, ...]:
    """Names of things of which not a single pixel was seen; those of the room come first."""
    shown = {item.instance_id for frame in scene.frames for item in frame.visible}
    seen = {item.category for item in scene.objects if item.instance_id in shown}
    # "Chair" is also what an office chair is called.
    unseen = [
        name for name in CATEGORIES if not any(s.endswith(name) or name.endswith(s) for s in seen)
    ]
    generator.shuffle(unseen)
    here = [name for name in unseen if name in scene.object_counts]
    elsewhere = [name for name in unseen if name not in scene.object_counts]
    return (*here[: _ABSENT // 2], *elsewhere[: _ABSENT // 2])
