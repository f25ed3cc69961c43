"""A scene as the metadata files hold it, and back: see `worlds.metadata` for the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlm3r_ros.worlds.boxes import FloatArray, OrientedBox
from vlm3r_ros.worlds.scene import (
    FloorPlan,
    FrameId,
    Intrinsics,
    Scene,
    SceneFrame,
    SceneObject,
    VisibleObject,
)
from vlm3r_ros.worlds.skipping import SceneError

WORLD_VERSION = 1
"""Of what only a renderer knows; another version is refused rather than misread."""

_FRACTION_DIGITS = 4
# Annotations are rounded; more than this off a rotation is no rotation.
_AXES_TOLERANCE = 0.02


@dataclass(frozen=True)
class SceneRecords:
    """One scene's entries in the three files; `frames` and `world` may be empty."""

    scene: dict[str, Any]
    frames: dict[str, Any]
    world: dict[str, Any]


def scene_records(scene: Scene) -> SceneRecords:
    """A scene as the files hold it."""
    boxes: dict[str, list[dict[str, Any]]] = {name: [] for name in scene.object_counts}
    for item in scene.objects:
        boxes.setdefault(item.category, []).append(_box_record(item))
    record: dict[str, Any] = {
        "video_path": scene.video_path,
        "dataset": scene.dataset,
        "scene_name": scene.name,
        "split": scene.split,
        "room_size": float(scene.room_size),
        "room_center": scene.room_center.tolist(),
        "object_counts": dict(scene.object_counts),
        "object_bboxes": boxes,
    }
    return SceneRecords(record, _frame_records(scene), _world_record(scene))


def scene_from_records(
    name: str, records: SceneRecords, *, dataset: str = "", split: str = ""
) -> Scene:
    """The scene of its records.

    Args:
        name: the scene's.
        records: of the files.
        dataset: of the file, for records that do not tell.
        split: of the file, likewise.

    Raises:
        SceneError: a field is missing, of another type, or not finite.
    """
    get = _Fields(name, records.scene)
    counts = get.typed("object_counts", dict)
    objects = [
        _read_object(name, category, box)
        for category, boxes in get.typed("object_bboxes", dict).items()
        for box in boxes
    ]
    frames, intrinsics = _read_frames(name, records)
    return Scene(
        name=name,
        dataset=str(records.scene.get("dataset") or dataset),
        split=str(records.scene.get("split") or split),
        video_path=str(records.scene.get("video_path", "")),
        room_size=float(get.array("room_size", ())),
        room_center=get.array("room_center", (3,)),
        objects=tuple(objects),
        object_counts={str(k): int(v) for k, v in counts.items()},
        frames=frames,
        intrinsics=intrinsics,
        floor_plan=_read_floor_plan(records.world),
    )


def _box_record(item: SceneObject) -> dict[str, Any]:
    box = item.box
    record: dict[str, Any] = {
        "centroid": box.centroid.tolist(),
        "axesLengths": box.sides.tolist(),
        "normalizedAxes": box.axes.ravel().tolist(),
        "min": box.low.tolist(),
        "max": box.high.tolist(),
    }
    if item.instance_id is not None:
        record["instance_id"] = item.instance_id
    return record


def _frame_records(scene: Scene) -> dict[str, Any]:
    if not scene.frames:
        return {}
    record: dict[str, Any] = {}
    if scene.intrinsics is not None:
        camera = scene.intrinsics
        record["camera_intrinsics"] = {
            "fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy
        }  # fmt: skip
        record["img_width"], record["img_height"] = camera.width, camera.height
    record["frames"] = [
        {
            "frame_id": frame.frame_id,
            "file_path_color": frame.color_path,
            "file_path_depth": frame.depth_path,
            "camera_pose_camera_to_world": frame.T_world_camera.tolist(),
            "bboxes_2d": [
                {"instance_id": seen.instance_id, "bbox_2d": list(seen.bbox)}
                for seen in frame.visible
            ],
        }
        for frame in scene.frames
    ]
    return record


def _world_record(scene: Scene) -> dict[str, Any]:
    frames = {str(frame.frame_id): _known_of_frame(frame) for frame in scene.frames}
    frames = {identity: known for identity, known in frames.items() if known}
    plan = scene.floor_plan
    if not frames and plan is None:
        return {}
    record: dict[str, Any] = {"version": WORLD_VERSION, "frames": frames}
    if plan is not None:
        record["rooms"] = [room.tolist() for room in plan.rooms]
        record["passages"] = [passage.tolist() for passage in plan.passages]
    return record


def _known_of_frame(frame: SceneFrame) -> dict[str, Any]:
    """What the published files have no place for; empty where nothing of it is known."""
    known: dict[str, Any] = {}
    if frame.time is not None:
        known["time"] = frame.time
    visible = {
        str(seen.instance_id): [
            seen.pixels,
            None if seen.fraction is None else round(seen.fraction, _FRACTION_DIGITS),
        ]
        for seen in frame.visible
        if seen.pixels is not None
    }
    if visible:
        known["visible"] = visible
    return known


def dictionary_of(scene: str, field: str, value: Any) -> dict[str, Any]:
    """The value, which must be a dictionary; otherwise a SceneError that names scene and field."""
    if not isinstance(value, dict):
        raise SceneError(scene, field, f"is {type(value).__name__}, not a dictionary")
    return value


class _Fields:
    """Typed access to a record, whose errors name scene and field."""

    def __init__(self, scene: str, record: Mapping[str, Any], place: str = "") -> None:
        self._scene = scene
        self._record = record
        self._place = place

    def typed(self, name: str, *kinds: type) -> Any:
        value = self._get(name)
        if not isinstance(value, kinds):
            raise self.error(
                name, f"is {type(value).__name__}, not {' or '.join(k.__name__ for k in kinds)}"
            )
        return value

    def array(self, name: str, shape: tuple[int, ...], finite: bool = True) -> FloatArray:
        value = self._get(name)
        try:
            array = np.array(value, float)
        except (TypeError, ValueError) as error:
            raise self.error(name, f"holds something that is no number ({error})") from error
        if array.shape != shape:
            raise self.error(name, f"has shape {list(array.shape)}, not {list(shape)}")
        if finite and not np.isfinite(array).all():
            raise self.error(name, "is not finite")
        return array

    def error(self, name: str, problem: str) -> SceneError:
        return SceneError(self._scene, f"{self._place}{name}", problem)

    def _get(self, name: str) -> Any:
        if name not in self._record:
            raise self.error(name, "is missing; is this metadata of another version?")
        return self._record[name]


def read_box(scene: str, place: str, record: Any) -> OrientedBox:
    """The box of a record: `centroid`, `axesLengths`, and `normalizedAxes` by rows.

    Args:
        scene: the scene's name.
        place: where the record is, as errors call it.
        record: of metadata or of an annotation.

    Raises:
        SceneError: a field is missing or not finite, a side is negative, the axes are no rotation.
    """
    get = _Fields(scene, dictionary_of(scene, place, record), f"{place}/")
    sides = get.array("axesLengths", (3,))
    if (sides < 0).any():
        raise get.error("axesLengths", f"a side is {sides.min():g} m")
    axes = get.array("normalizedAxes", (9,)).reshape(3, 3)
    if np.abs(axes @ axes.T - np.eye(3)).max() > _AXES_TOLERANCE:
        raise get.error("normalizedAxes", "the rows are no orthogonal unit vectors")
    return OrientedBox(get.array("centroid", (3,)), sides, axes)


def _read_object(scene: str, category: str, record: Any) -> SceneObject:
    box = read_box(scene, f"object_bboxes/{category}", record)
    instance = record.get("instance_id")
    return SceneObject(category, box, None if instance is None else int(instance))


def _read_frames(
    scene: str, records: SceneRecords
) -> tuple[tuple[SceneFrame, ...], Intrinsics | None]:
    if not records.frames:
        return (), None
    known = _known_of_frames(scene, records.world)
    entries = _Fields(scene, records.frames).typed("frames", list)
    frames = [_read_frame(scene, entry, known) for entry in entries]
    frames.sort(key=_frame_order)
    camera = records.frames.get("camera_intrinsics")
    if camera is None:
        return tuple(frames), None
    get = _Fields(scene, dictionary_of(scene, "camera_intrinsics", camera), "camera_intrinsics/")
    size = _Fields(scene, records.frames)
    fx, fy, cx, cy = (float(get.array(name, ())) for name in ("fx", "fy", "cx", "cy"))
    width, height = (int(size.array(name, ())) for name in ("img_width", "img_height"))
    return tuple(frames), Intrinsics(fx, fy, cx, cy, width, height)


def _frame_order(frame: SceneFrame) -> tuple[int, str]:
    """Whole numbers by value, names by spelling."""
    identity = frame.frame_id
    return (identity, "") if isinstance(identity, int) else (0, identity)


def _known_of_frames(scene: str, world: Mapping[str, Any]) -> Mapping[str, Any]:
    if not world:
        return {}
    if world.get("version") != WORLD_VERSION:
        raise SceneError(
            scene,
            "version",
            f"the world metadata is of version {world.get('version')}, this reads {WORLD_VERSION}; "
            "generate it again, or remove the *_world_metadata_*.json to do without",
        )
    return dictionary_of(scene, "frames", world.get("frames", {}))


def _read_frame(scene: str, entry: Any, known: Mapping[str, Any]) -> SceneFrame:
    place = f"frames/{entry.get('frame_id', '?') if isinstance(entry, dict) else '?'}/"
    get = _Fields(scene, dictionary_of(scene, "frames", entry), place)
    identity: FrameId = get.typed("frame_id", int, str)
    more = known.get(str(identity), {})
    seen = more.get("visible", {})
    visible = []
    for item in get.typed("bboxes_2d", list):
        inner = _Fields(
            scene, dictionary_of(scene, f"{place}bboxes_2d", item), f"{place}bboxes_2d/"
        )
        xmin, ymin, xmax, ymax = inner.array("bbox_2d", (4,)).astype(int).tolist()
        instance = int(inner.array("instance_id", ()))
        pixels, fraction = seen.get(str(instance), (None, None))
        visible.append(VisibleObject(instance, (xmin, ymin, xmax, ymax), pixels, fraction))
    return SceneFrame(
        frame_id=identity,
        # Lost poses are NaN or inf, and stay so: a frame keeps its number.
        T_world_camera=get.array("camera_pose_camera_to_world", (4, 4), finite=False),
        visible=tuple(visible),
        time=more.get("time"),
        color_path=str(entry.get("file_path_color", "")),
        depth_path=str(entry.get("file_path_depth", "")),
    )


def _read_floor_plan(world: Mapping[str, Any]) -> FloorPlan | None:
    if not world.get("rooms"):
        return None
    return FloorPlan(
        tuple(np.array(room, float) for room in world["rooms"]),
        tuple(np.array(passage, float) for passage in world.get("passages", ())),
    )
