"""A scene as a rule set looks at it: what may be asked about, and the geometry that answers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.questions.rules import (
    DEFAULT_IMAGE_SIZE,
    SEEN_FRACTION,
    SEEN_IMAGE_SHARE,
    RuleSet,
)
from vlm3r_ros.worlds.box_distance import BoxArrays, box_distances, point_distances
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.lattice_distance import lattice_box_distances, lattice_point_distances
from vlm3r_ros.worlds.scene import Scene, SceneFrame, SceneObject, VisibleObject
from vlm3r_ros.worlds.skipping import SceneError

T = TypeVar("T")


@dataclass(frozen=True)
class Sighting:
    """An object in a frame.

    Attributes:
        index: of the object in `SceneView.objects`.
        seen: what is seen of it.
        clear: whether that is enough to speak about it.
    """

    index: int
    seen: VisibleObject
    clear: bool


@dataclass(frozen=True, eq=False)
class FrameView:
    """A frame with a pose.

    Attributes:
        row: in the arrays by frame.
        number: as questions call it, from 1.
        frame: itself.
        named: the objects that "the chair in this frame" means without doubt.
    """

    row: int
    number: int
    frame: SceneFrame
    named: tuple[Sighting, ...]


class SceneView:
    """What a rule set sees of a scene; computed when it is first asked for.

    Args:
        scene: the scene.
        rules: how to look at it.

    Attributes:
        objects: each object once (exact), or as listed (published).
        members: numbers of the objects of each category, in key order.
        problems: what of the scene was left out, and why.

    Raises:
        SceneError: a box cannot be used.
    """

    def __init__(self, scene: Scene, rules: RuleSet) -> None:
        self.scene = scene
        self.rules = rules
        self.problems: list[SceneError] = []
        self.objects = tuple(scene.objects if self.published else _each_once(scene.objects))
        self.boxes = BoxArrays.of([item.box for item in self.objects])
        self._check_boxes()
        self.members: dict[str, list[int]] = {name: [] for name in scene.object_counts}
        for index, item in enumerate(self.objects):
            self.members.setdefault(item.category, []).append(index)
        self._by_instance = {
            item.instance_id: index
            for index, item in enumerate(self.objects)
            if item.instance_id is not None
        }
        self._once: dict[object, object] = {}

    @property
    def published(self) -> bool:
        """Whether the published rules are to be followed."""
        return self.rules is RuleSet.PUBLISHED

    def once(self, compute: Callable[[SceneView], T]) -> T:
        """What a function makes of this scene, computed once for all tasks that need it."""
        if compute not in self._once:
            self._once[compute] = compute(self)
        return self._once[compute]  # type: ignore[return-value]

    def category(self, index: int) -> str:
        """Name of an object."""
        return self.objects[index].category

    # ---- which objects may be asked about

    @cached_property
    def unique(self) -> tuple[int, ...]:
        """Objects that "the chair" means without doubt, in key order.

        Published: the only one of its category. Exact: besides, the name does not fit others
        ("chair" where there is an "office chair"), and it is seen in some frame.
        """
        counts = self.scene.object_counts
        alone = [
            members[0]
            for name, members in self.members.items()
            if members and counts.get(name, len(members)) == 1
        ]
        if self.published:
            return tuple(alone)
        return tuple(
            index
            for index in alone
            if len(self.members[self.category(index)]) == 1
            and not self.is_vague(self.category(index))
            and self.is_seen(index)
        )

    @cached_property
    def countable(self) -> tuple[str, ...]:
        """Categories whose number may be asked for, in key order.

        Exact: every one of them is seen in some frame and has a box, and the name fits no others.
        """
        counts = self.scene.object_counts
        if self.published:
            return tuple(counts)
        return tuple(
            name
            for name, members in self.members.items()
            if members
            and len(members) == counts.get(name, len(members))
            and not self.is_vague(name)
            and all(self.is_seen(index) for index in members)
        )

    def is_seen(self, index: int) -> bool:
        """Whether an object is clearly seen in some frame; true where nobody knows."""
        return self._clear is None or index in self._clear

    def is_vague(self, name: str, names: Iterable[str] | None = None) -> bool:
        """Whether a name also fits things that are called otherwise.

        Args:
            name: a category.
            names: categories of what it could be mistaken for; by default all of the scene.
        """
        fitting = self._fitting.get(name, frozenset())
        return bool(fitting) and (names is None or not fitting.isdisjoint(names))

    @cached_property
    def _fitting(self) -> dict[str, frozenset[str]]:
        """By category, other ones of the scene that its name fits, where there are any."""
        if self.published:
            return {}
        fitting = {
            name: frozenset(other for other in self.members if other.endswith(name)) - {name}
            for name in self.members
        }
        return {name: others for name, others in fitting.items() if others}

    # ---- distances

    @cached_property
    def object_distances(self) -> FloatArray:
        """Between all objects `[N, N]`, metres; 0 on the diagonal. Exact or on the lattice."""
        count = len(self.objects)
        first, second = np.triu_indices(count, 1)
        measure = lattice_box_distances if self.published else box_distances
        distances = np.zeros((count, count))
        distances[first, second] = measure(self.boxes, first, second)
        return distances + distances.T

    @cached_property
    def camera_distances(self) -> FloatArray:
        """From the camera of each frame view to each object `[F, N]`, metres."""
        measure = lattice_point_distances if self.published else point_distances
        return measure(self.camera_centers, self.boxes)

    # ---- frames

    @cached_property
    def frames(self) -> tuple[FrameView, ...]:
        """Frames with a pose.

        Their numbers are those of the frames that a model is shown, which include frames without a
        pose; in the published rules these were not counted.
        """
        frames = self.scene.frames
        ranks = [rank for rank, frame in enumerate(frames) if frame.has_pose]
        if len(ranks) < len(frames):
            self.problems.append(
                SceneError(
                    self.scene.name,
                    "camera_pose_camera_to_world",
                    f"{len(frames) - len(ranks)} of {len(frames)} frames have no finite 4x4 "
                    "pose; nothing is asked about them",
                )
            )
        return tuple(
            FrameView(
                row=row,
                number=(row if self.published else rank) + 1,
                frame=frames[rank],
                named=self._named(self.shown[rank]),
            )
            for row, rank in enumerate(ranks)
        )

    @cached_property
    def frame_numbers(self) -> NDArray[np.int64]:
        """Number of each frame view, `[F]`."""
        return np.array([frame.number for frame in self.frames], np.int64)

    @cached_property
    def is_named(self) -> NDArray[np.bool_]:
        """Whether an object's category means it without doubt in a frame view, `[F, N]`."""
        named = np.zeros((len(self.frames), len(self.objects)), bool)
        for frame in self.frames:
            named[frame.row, [sighting.index for sighting in frame.named]] = True
        return named

    @cached_property
    def image_middles(self) -> FloatArray:
        """Middle of an object's pixels in a frame view, 0 where not named, `[F, N, 2]`, pixels."""
        middles = np.zeros((len(self.frames), len(self.objects), 2))
        for frame in self.frames:
            for sighting in frame.named:
                xmin, ymin, xmax, ymax = sighting.seen.bbox
                middles[frame.row, sighting.index] = (xmin + xmax) / 2, (ymin + ymax) / 2
        return middles

    @cached_property
    def poses(self) -> FloatArray:
        """Camera to world of each frame view, `[F, 4, 4]`."""
        poses = [view.frame.T_world_camera for view in self.frames]
        return np.array(poses, float).reshape(-1, 4, 4)

    @cached_property
    def camera_centers(self) -> FloatArray:
        """Where the rules take the camera to be in each frame view, world frame `[F, 3]`.

        The published generators invert poses that are camera-to-world already: `-R^T t`.
        """
        if self.published:
            return -np.einsum("fji,fj->fi", self.poses[:, :3, :3], self.poses[:, :3, 3])
        return self.poses[:, :3, 3]

    @cached_property
    def image_size(self) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        camera = self.scene.intrinsics
        return (camera.width, camera.height) if camera is not None else DEFAULT_IMAGE_SIZE

    @property
    def knows_instances(self) -> bool:
        """Whether frames can tell which object they show."""
        return bool(self._by_instance) and bool(self.scene.frames)

    def one_frame(self, view: FrameView) -> str:
        """`frame 3 of 32`."""
        return f"frame {view.number} of {len(self.scene.frames)}"

    def two_frames(self, first: FrameView, second: FrameView) -> dict[str, str]:
        """Fields of a wording about the time from one frame to another."""
        return {
            "start_frame_description": f"frame {first.number}",
            "end_frame_description": self.one_frame(second),
        }

    @cached_property
    def shown(self) -> tuple[tuple[Sighting, ...], ...]:
        """All known objects that show at all, of every frame of the scene, pose or no pose."""
        return tuple(
            tuple(
                Sighting(self._by_instance[seen.instance_id], seen, self._is_clear(seen))
                for seen in frame.visible
                if seen.instance_id in self._by_instance
            )
            for frame in self.scene.frames
        )

    def _is_clear(self, seen: VisibleObject) -> bool:
        """Whether enough of an object is seen to speak about it.

        Where pixels were not counted, those of its rectangle are an upper bound.
        """
        if self.published:
            return True
        xmin, ymin, xmax, ymax = seen.bbox
        pixels = (xmax - xmin + 1) * (ymax - ymin + 1) if seen.pixels is None else seen.pixels
        width, height = self.image_size
        return pixels >= SEEN_IMAGE_SHARE * width * height and (
            seen.fraction is None or seen.fraction >= SEEN_FRACTION
        )

    @cached_property
    def _clear(self) -> frozenset[int] | None:
        """Objects that are clearly seen in some frame; None where nobody knows."""
        if not self.knows_instances:
            return None
        return frozenset(
            sighting.index for sightings in self.shown for sighting in sightings if sighting.clear
        )

    def _named(self, shown: tuple[Sighting, ...]) -> tuple[Sighting, ...]:
        """Of what shows in a frame, what its category's name means without doubt."""
        instances = Counter(self.category(sighting.index) for sighting in shown)
        return tuple(
            sighting
            for sighting in shown
            if instances[self.category(sighting.index)] == 1
            and sighting.clear
            and not self.is_vague(self.category(sighting.index), instances)
        )

    def _check_boxes(self) -> None:
        name = self.scene.name
        numbers = np.concatenate(
            [self.boxes.centroids, self.boxes.halves, self.boxes.axes.reshape(-1, 9)], 1
        )
        finite = np.isfinite(numbers).all(1)
        sides = 2 * self.boxes.halves.min(1, initial=np.inf)
        for index, item in enumerate(self.objects):
            field = f"object_bboxes/{item.category}"
            if not finite[index]:
                raise SceneError(name, field, "a box is not finite")
            if sides[index] < 0:
                raise SceneError(name, f"{field}/axesLengths", f"a side is {sides[index]:g} m")
            if self.published and sides[index] == 0:
                raise SceneError(
                    name,
                    f"{field}/axesLengths",
                    "a side is 0 m, which the published distance never finishes with; "
                    "use --rules exact",
                )


def _each_once(objects: Sequence[SceneObject]) -> list[SceneObject]:
    """Without boxes that are listed twice, which published files have."""
    listed: set[object] = set()
    kept = []
    for item in objects:
        box = item.box
        key: object = item.instance_id
        if key is None:
            key = (item.category, *box.centroid.tolist(), *box.sides.tolist())
        if key not in listed:
            listed.add(key)
            kept.append(item)
    return kept


def pairs_of(count: int) -> NDArray[np.int64]:
    """Numbers of all unordered pairs of `count` things, `[P, 2]`, the lower number first."""
    return np.stack(np.triu_indices(count, 1), 1)
