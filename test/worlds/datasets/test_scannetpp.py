from pathlib import Path

import numpy as np
import pytest
from scan_world import (
    CAMERA,
    FLOOR,
    Furnished,
    assert_same_box,
    project,
)
from scannetpp_writer import NAME, ScanNetppWriter, image
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.datasets.scannetpp import read_scannetpp
from vlm3r_ros.worlds.skipping import SceneError, SkipLog


@pytest.fixture
def scan(tmp_path: Path, room: Furnished) -> ScanNetppWriter:
    room.objects[3] = ("sofa", room.objects[3][1])
    room.objects[5] = ("window", room.objects[5][1])
    return ScanNetppWriter(tmp_path, room).write()


def test_boxes_are_as_annotated_under_the_names_of_the_benchmark(scan, room):
    scene = scan.read()
    assert (scene.name, scene.dataset, scene.split) == (NAME, "ScanNetpp", "")
    assert scene.object_counts == {"table": 1, "chair": 2, "sofa": 1, "printer": 1}
    chairs = scene.of_category("chair")
    assert [thing.instance_id for thing in chairs] == [1, 2]
    for found, truth in zip(chairs, room.boxes("chair", "office chair"), strict=True):
        assert_same_box(found.box, truth, 1e-9)
    assert scene.room_size == pytest.approx(FLOOR.prod(), rel=0.02)
    np.testing.assert_allclose(scene.room_center, [2.0, 1.5, 1.2], atol=1e-5)
    assert scene.frames == ()


def test_the_published_mode_keeps_labels_apart_and_has_no_ids(scan):
    scene = scan.read(published=True)
    assert scene.object_counts == {
        **{"table": 1, "chair": 1, "office chair": 1, "window": 1, "sofa": 1, "printer": 1}
    }
    assert scene.categories == ("table", "chair", "office chair", "window", "sofa", "printer")
    assert {thing.instance_id for thing in scene.objects} == {None}


def test_poses_of_both_files_are_in_the_frame_of_the_mesh(scan, room):
    scan.write_images()
    assert not scan.read().frames[0].has_pose
    for source in (scan.write_nerfstudio, scan.write_colmap):
        source()
        frames = scan.read().frames
        assert len(frames) == 32
        expected = [image(i)[:-4] for i in np.linspace(0, 39, 32).astype(int)]
        assert [frame.frame_id for frame in frames] == expected
        for frame in frames:
            truth = room.poses[int(frame.frame_id[3:]) - 2000]
            np.testing.assert_allclose(frame.T_world_camera, truth, atol=1e-9)
    assert frames[0].color_path == f"color/{NAME}/DSC02000.JPG"


def test_masks_hold_object_ids(scan):
    scene = scan.write_images().write_colmap().read()
    first = scene.frames[0]
    assert [seen.instance_id for seen in first.visible] == [1, 2, 3, 4, 5, 6]
    assert scene.frames[1].visible == ()
    (chair,) = (thing for thing in scene.objects if thing.instance_id == 1)
    pixels = project(chair.box, first.T_world_camera)
    box = np.concatenate([pixels.min(0), pixels.max(0)])
    np.testing.assert_allclose(first.visible[0].bbox, box, atol=1.01)


def test_intrinsics_are_those_of_the_undistorted_images(scan):
    scan.write_images().write_nerfstudio()
    assert scan.read().intrinsics is None
    assert scan.write_nerfstudio("transforms_undistorted.json").read().intrinsics == CAMERA


def test_images_without_a_pose_keep_their_place_or_are_dropped_as_published(scan, room):
    scan.write_images()
    del room.poses[1]
    scan.write_colmap()
    assert [frame.has_pose for frame in scan.read().frames][-2:] == [True, False]
    frames = scan.read(published=True).frames
    assert all(frame.has_pose for frame in frames)
    assert len(frames) == 31


def change(scan: ScanNetppWriter, **fields) -> None:
    groups = scan.groups()
    groups[2] |= fields
    scan.write_groups(groups)


@pytest.mark.parametrize(
    ("obb", "field", "words"),
    [
        (None, "obb", "not a dictionary"),
        ({}, "obb/axesLengths", "missing"),
        ({"axesLengths": [1, 1, 0]}, "obb/axesLengths", "a side is 0 m"),
        ({"axesLengths": [1, 1, -1]}, "obb/axesLengths", "a side is -1 m"),
        ({"normalizedAxes": [1] * 9}, "obb/normalizedAxes", "orthogonal"),
        ({"centroid": [1, 2, float("nan")]}, "obb/centroid", "not finite"),
    ],
)
def test_a_box_that_is_none_takes_its_category_out(scan, obb, field, words):
    change(scan, obb=scan.groups()[2]["obb"] | obb if obb else obb)
    skips = SkipLog()
    scene = scan.read(skips=skips)
    assert scene.object_counts == {"chair": 2, "sofa": 1, "printer": 1}
    (error,) = skips.errors
    assert field in error.field
    assert words in error.problem
    assert "no table of this scene" in error.problem


def test_the_published_mode_stores_a_flat_box_and_drops_a_scan_with_a_broken_one(scan):
    change(scan, obb=scan.groups()[2]["obb"] | {"axesLengths": [1, 1, 0]})
    assert scan.read(published=True).of_category("table")[0].box.sides.tolist() == [1, 1, 0]
    change(scan, obb={})
    with pytest.raises(SceneError, match="axesLengths"):
        scan.read(published=True)


BROKEN = {
    "no annotation": (lambda s: s.annotation.unlink(), "segments_anno.json", "there is no"),
    "annotation cut": (lambda s: s.annotation.write_text("{"), "segments_anno.json", "no JSON"),
    "no groups": (lambda s: s.annotation.write_text("{}"), "segGroups", "no list"),
    "a list": (lambda s: s.annotation.write_text("[]"), "segments_anno.json", "not a dictionary"),
    "no id": (lambda s: change(s, objectId="x"), "objectId", "no whole number"),
    "no mesh": (
        lambda s: (s.folder / "scans/mesh_aligned_0.05_semantic.ply").unlink(),
        "mesh_aligned",
        "there is no",
    ),
    "no images": (
        lambda s: (s.folder / "dslr/train_test_lists.json").write_text("{}"),
        "train_test_lists.json",
        "no list",
    ),
    "poses cut": (
        lambda s: (s.folder / "dslr/colmap/images.txt").write_text("1 1 0 0"),
        "colmap/images.txt",
        "no pose",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_scan_is_skipped_by_name_and_the_others_go_on(scan, room, how):
    breaks, field, words = BROKEN[how]
    scan.write_images().write_colmap()
    ScanNetppWriter(scan.root, room, "1b").write()
    breaks(scan)
    skips = SkipLog()
    assert [scene.name for scene in read_scannetpp(scan.root, skips=skips)] == ["1b"]
    (error,) = skips.errors
    assert error.scene == NAME
    assert field in error.field
    assert words in error.problem


def test_a_split_is_what_its_list_says(scan, room):
    ScanNetppWriter(scan.root, room, "1b").write()
    with pytest.raises(SceneError, match=r"nvs_sem_train\.txt: is missing"):
        list(read_scannetpp(scan.root, split="train"))
    (scan.root / "splits").mkdir()
    (scan.root / "splits/nvs_sem_train.txt").write_text("1b\nelsewhere\n")
    for folder in (scan.root, scan.root / "data"):
        (scene,) = read_scannetpp(folder, split="train")
        assert (scene.name, scene.split) == ("1b", "train")
    assert scene.video_path == "ScanNetpp/videos/train/1b.mp4"


def test_the_mesh_without_colours_of_labels_will_do(scan):
    mesh = scan.folder / "scans/mesh_aligned_0.05_semantic.ply"
    mesh.rename(mesh.with_name("mesh_aligned_0.05.ply"))
    assert scan.read().room_size == pytest.approx(FLOOR.prod(), rel=0.02)


def test_a_folder_without_scans_is_told(tmp_path):
    with pytest.raises(SceneError, match=r"holds no ScanNet\+\+ scans"):
        list(read_scannetpp(tmp_path))


def test_a_tilted_box_stays_tilted(scan, room):
    axes = Rotation.from_euler("xyz", [0.5, 0.2, 0.1]).as_matrix()
    box = OrientedBox(np.array([2, 1, 1.0]), np.array([0.8, 1.2, 0.3]), axes)
    room.objects[2] = ("table", box)
    scene = scan.write().read()
    assert_same_box(scene.of_category("table")[0].box, box, 1e-9)
