import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.metadata import (
    SceneRecords,
    metadata_path,
    read_metadata,
    scene_from_records,
    scene_records,
    write_metadata,
)
from vlm3r_ros.worlds.scene import (
    FloorPlan,
    Intrinsics,
    Scene,
    SceneFrame,
    SceneObject,
    VisibleObject,
)
from vlm3r_ros.worlds.skipping import SceneError, SkipLog

BOX_KEYS = {"centroid", "axesLengths", "normalizedAxes", "min", "max", "instance_id"}
SCENE_KEYS = {
    *("video_path", "dataset", "scene_name", "split", "room_size", "room_center"),
    *("object_counts", "object_bboxes"),
}
FRAME_KEYS = {
    *("frame_id", "file_path_color", "file_path_depth"),
    *("camera_pose_camera_to_world", "bboxes_2d"),
}


def a_scene(name: str = "room_val_0_000001") -> Scene:
    objects = (
        SceneObject("chair", OrientedBox.upright([1, 2, 0.5], [0.4, 0.5, 1.0], 0.3), 0),
        SceneObject("chair", OrientedBox.upright([2, 2, 0.5], [0.4, 0.5, 1.0]), 1),
        SceneObject("table", OrientedBox.upright([3, 1, 0.4], [1.2, 0.8, 0.8], -1.0), 2),
    )
    pose = np.eye(4)
    pose[:3, 3] = [1.0, -2.0, 1.5]
    lost = np.full((4, 4), -np.inf)
    frames = (
        SceneFrame(0, pose, (VisibleObject(2, (3, 4, 20, 30), 250, 0.75),), 0.0, "c/0", "d/0"),
        SceneFrame(7, lost, (), 0.7, "c/7", "d/7"),
    )
    outline = np.array([[0, 0], [5, 0], [5, 4], [0, 4]], float)
    return Scene(
        name,
        "rooms",
        "val",
        f"videos/{name}.mp4",
        20.0,
        np.array([2.5, 2.0, 1.2]),
        objects,
        {"chair": 2, "table": 1},
        frames,
        Intrinsics(80.0, 81.0, 63.5, 47.5, 128, 96),
        FloorPlan((outline,), (outline[:, ::-1].copy(),)),
    )


def write(folder: Path, *scenes: Scene) -> None:
    write_metadata(folder, "rooms", "val", ((scene.name, scene_records(scene)) for scene in scenes))


def assert_same(first: Scene, second: Scene) -> None:
    assert (first.name, first.dataset, first.split) == (second.name, second.dataset, second.split)
    assert first.video_path == second.video_path
    assert first.object_counts == second.object_counts
    assert first.intrinsics == second.intrinsics
    for mine, other in zip(first.objects, second.objects, strict=True):
        assert (mine.category, mine.instance_id) == (other.category, other.instance_id)
        np.testing.assert_allclose(mine.box.corners(), other.box.corners())
    for one, two in zip(first.frames, second.frames, strict=True):
        assert (one.frame_id, one.visible, one.time) == (two.frame_id, two.visible, two.time)
        np.testing.assert_array_equal(one.T_world_camera, two.T_world_camera)


def test_what_is_written_is_read_back(tmp_path):
    write(tmp_path, a_scene(), a_scene("room_val_0_000002"))
    first, second = read_metadata(tmp_path)
    assert_same(first, a_scene())
    assert second.name == "room_val_0_000002"
    assert first.floor_plan is not None
    np.testing.assert_array_equal(first.floor_plan.rooms[0], a_scene().floor_plan.rooms[0])
    assert not first.frames[1].has_pose
    assert first.frames[0].has_pose


def test_files_have_the_published_names_and_keys(tmp_path):
    write(tmp_path, a_scene())
    scene = json.loads((tmp_path / "val/rooms_metadata_val.json").read_text())
    frames = json.loads((tmp_path / "val/rooms_frame_metadata_val.json").read_text())
    (record,) = scene.values()
    assert set(record) == SCENE_KEYS
    assert all(set(box) == BOX_KEYS for boxes in record["object_bboxes"].values() for box in boxes)
    (record,) = frames.values()
    assert set(record) == {"camera_intrinsics", "img_width", "img_height", "frames"}
    assert all(set(frame) == FRAME_KEYS for frame in record["frames"])
    assert set(record["frames"][0]["bboxes_2d"][0]) == {"instance_id", "bbox_2d"}


def test_normalized_axes_are_rows_that_turn_the_world_into_the_box(tmp_path):
    record = scene_records(a_scene()).scene["object_bboxes"]["chair"][0]
    first_axis = np.array(record["normalizedAxes"][:3])
    np.testing.assert_allclose(first_axis, [np.cos(0.3), np.sin(0.3), 0])
    assert (np.array(record["min"]) < record["centroid"]).all()


@pytest.mark.parametrize("place", ["", "val", "metadata"])
def test_the_folder_may_be_that_of_the_set_the_metadata_or_a_split(tmp_path, place):
    if place == "metadata":
        write(tmp_path / place, a_scene())
        assert len(list(read_metadata(tmp_path))) == 1
    else:
        write(tmp_path, a_scene())
        assert len(list(read_metadata(tmp_path / place))) == 1


def test_without_our_file_the_published_pair_suffices(tmp_path):
    write(tmp_path, a_scene())
    metadata_path(tmp_path, "rooms", "val", "world_metadata").unlink()
    (scene,) = read_metadata(tmp_path)
    assert scene.floor_plan is None
    assert scene.frames[0].visible == (VisibleObject(2, (3, 4, 20, 30)),)
    assert scene.frames[0].time is None


def test_pixels_are_kept_where_their_share_and_the_time_are_unknown(tmp_path):
    scene = a_scene()
    seen = VisibleObject(2, (3, 4, 20, 30), 250)
    frames = (replace(scene.frames[0], visible=(seen,), time=None), scene.frames[1])
    write(tmp_path, replace(scene, frames=frames))
    (read,) = read_metadata(tmp_path)
    assert read.frames[0].visible == (seen,)
    assert read.frames[0].time is None


def test_published_spellings_of_other_data_sets_are_read():
    records = scene_records(a_scene())
    box = records.scene["object_bboxes"]["table"][0]
    box = {key: box[key] for key in ("centroid", "axesLengths", "normalizedAxes")}
    record = {
        "video_path": "ARkitScenes/videos/train/1.mp4",
        "dataset": "ARkitScenes",
        "scene_name": "1",
        "split": "train",
        "room_size": 12.5,
        "room_center": [0, 0, 0],
        "object_counts": {"table": 1},
        "object_bboxes": {"table": [box | {"min_corner": [0, 0, 0], "max_corner": [1, 1, 1]}]},
    }
    scene = scene_from_records("1", SceneRecords(record, {}, {}))
    assert scene.objects[0].instance_id is None
    assert scene.frames == ()


def test_a_split_can_be_chosen_and_an_absent_one_is_told(tmp_path):
    write(tmp_path, a_scene())
    assert len(list(read_metadata(tmp_path, split="val"))) == 1
    with pytest.raises(SceneError, match="split 'train'"):
        list(read_metadata(tmp_path, split="train"))
    with pytest.raises(SceneError, match="no \\*_metadata"):
        list(read_metadata(tmp_path / "nowhere"))


def broken(change) -> SceneRecords:
    records = scene_records(a_scene())
    change(records)
    return records


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda r: r.scene.pop("object_counts"), "object_counts"),
        (lambda r: r.scene.update(room_size="large"), "room_size"),
        (lambda r: r.scene.update(room_size=float("nan")), "room_size"),
        (lambda r: r.scene["object_bboxes"]["table"][0].update(centroid=[1, 2]), "table/centroid"),
        (
            lambda r: r.scene["object_bboxes"]["table"][0].update(axesLengths=[1, -2, 1]),
            "table/axesLengths",
        ),
        (
            lambda r: r.scene["object_bboxes"]["table"][0].update(normalizedAxes=[1.0] * 9),
            "table/normalizedAxes",
        ),
        (lambda r: r.frames["frames"][0].pop("bboxes_2d"), "frames/0/bboxes_2d"),
        (lambda r: r.frames["frames"][0].update(frame_id=1.5), "frame_id"),
        (
            lambda r: r.frames["frames"][0].update(camera_pose_camera_to_world=[[1]]),
            "camera_pose_camera_to_world",
        ),
        (lambda r: r.world.update(version=99), "version"),
    ],
)
def test_what_is_wrong_is_named_with_its_scene_and_field(change, field):
    with pytest.raises(SceneError, match="room_val_0_000001") as caught:
        scene_from_records("room_val_0_000001", broken(change))
    assert field in caught.value.field


def test_a_broken_scene_is_skipped_and_the_others_go_on(tmp_path):
    write(tmp_path, a_scene(), a_scene("room_val_0_000002"))
    path = metadata_path(tmp_path, "rooms", "val")
    scenes = json.loads(path.read_text())
    scenes["room_val_0_000001"]["room_size"] = None
    path.write_text(json.dumps(scenes))
    skips = SkipLog()
    assert [scene.name for scene in read_metadata(tmp_path, skips=skips)] == ["room_val_0_000002"]
    assert "room_val_0_000001" in skips.summary()
    assert "room_size" in skips.summary()
    with pytest.raises(SceneError):
        list(read_metadata(tmp_path))


def test_a_file_that_is_no_json_is_named(tmp_path):
    write(tmp_path, a_scene())
    metadata_path(tmp_path, "rooms", "val").write_text("{")
    with pytest.raises(SceneError, match=r"rooms_metadata_val\.json"):
        list(read_metadata(tmp_path))


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    write(tmp_path, a_scene())

    def interrupted():
        yield "room_val_0_000002", scene_records(a_scene())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_metadata(tmp_path, "rooms", "val", interrupted())
    assert [scene.name for scene in read_metadata(tmp_path)] == ["room_val_0_000001"]
    assert not list(tmp_path.rglob("*.part"))


def test_no_scene_makes_an_empty_dictionary(tmp_path):
    write(tmp_path)
    assert json.loads((tmp_path / "val/rooms_metadata_val.json").read_text()) == {}
