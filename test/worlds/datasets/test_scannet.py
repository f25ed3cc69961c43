from pathlib import Path

import cv2
import numpy as np
import pytest
from scan_world import (
    CAMERA,
    FLOOR,
    Furnished,
    assert_same_box,
    project,
    write_ply,
)
from scannet_writer import MASKED, NAME, ScanNetWriter, alignment
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.boxes import OrientedBox
from vlm3r_ros.worlds.datasets.scannet import read_scannet
from vlm3r_ros.worlds.skipping import SceneError, SkipLog


@pytest.fixture
def scan(tmp_path: Path, room: Furnished) -> ScanNetWriter:
    return ScanNetWriter(tmp_path, room).write()


def test_boxes_counts_and_room_are_those_of_the_world(scan, room):
    scene = scan.read()
    assert (scene.name, scene.dataset, scene.split) == (NAME, "scannet", "")
    assert scene.object_counts == {"chair": 2, "sofa": 1, "table": 1, "printer": 1}
    assert scene.categories == ("chair", "sofa", "table", "printer")
    for category, labels in (
        ("chair", ("chair", "office chair")),
        ("sofa", ("couch",)),
        ("table", ("table",)),
        ("printer", ("printer",)),
    ):
        boxes = [thing.box for thing in scene.of_category(category)]
        for found, truth in zip(boxes, room.boxes(*labels), strict=True):
            assert_same_box(found, truth)
    assert [thing.instance_id for thing in scene.objects] == [0, 1, 3, 2, 4]
    assert scene.room_size == pytest.approx(FLOOR.prod(), rel=0.02)
    np.testing.assert_allclose(scene.room_center, [2.0, 1.5, 1.2], atol=1e-5)
    assert scene.frames == ()
    assert scene.intrinsics is None


def test_frames_have_poses_in_the_world_of_the_boxes(scan, room):
    scene = scan.write_frames().read()
    assert scene.intrinsics == CAMERA
    expected = np.linspace(0, 39, 32).astype(int).tolist()
    assert [frame.frame_id for frame in scene.frames] == expected
    for frame in scene.frames:
        np.testing.assert_allclose(frame.T_world_camera, room.poses[frame.frame_id], atol=1e-9)
    assert scene.frames[1].color_path == f"color/{NAME}/000001.jpg"
    assert scene.frames[1].depth_path == f"depth/{NAME}/000001.png"


def test_what_a_mask_shows_is_where_its_box_projects_to(scan):
    scene = scan.write_frames().read()
    by_id = {thing.instance_id: thing for thing in scene.objects}
    assert [frame.frame_id for frame in scene.frames if frame.visible] == list(MASKED)
    for frame in (scene.frames[0], scene.frames[-1]):
        assert [seen.instance_id for seen in frame.visible] == [0, 1, 2, 3, 4, 5]
        for number in (0, 4):  # in front of all others, so wholly seen
            (seen,) = (item for item in frame.visible if item.instance_id == number)
            pixels = project(by_id[number].box, frame.T_world_camera)
            box = np.concatenate([pixels.min(0), pixels.max(0)])
            np.testing.assert_allclose(seen.bbox, box, atol=1.01)
            assert seen.pixels is not None


def test_a_speck_is_seen_as_published_only(scan):
    scan.write_frames()
    mask = np.zeros((480, 640), np.uint16)
    mask[20, 30] = 4
    mask[50:70, 100:116] = 300
    mask[200:210, 100:130] = 301
    cv2.imwrite(str(scan.folder / "instance-filt/0.png"), mask)
    (seen,) = scan.read().frames[0].visible
    assert (seen.instance_id, seen.bbox, seen.pixels) == (299, (100, 50, 115, 69), 320)
    speck, patch, small = scan.read(published=True).frames[0].visible
    assert (speck.instance_id, speck.bbox, speck.pixels) == (3, (30, 20, 30, 20), None)
    assert (patch.instance_id, small.instance_id) == (299, 300)


def test_lost_and_missing_poses_keep_their_frames_in_place(scan):
    scan.write_frames()
    np.savetxt(scan.folder / "pose/0.txt", np.full((4, 4), -np.inf))
    (scan.folder / "pose/1.txt").unlink()
    (scan.folder / "depth/2.png").unlink()
    (scan.folder / "pose/3.txt").write_text("1 2 three")
    frames = scan.read().frames
    assert [frame.has_pose for frame in frames[:6]] == [False, False, True, False, True, True]
    published = scan.read(published=True).frames
    assert [frame.frame_id for frame in published[:2]] == [0, 5]
    assert not published[0].has_pose
    assert len(published) == len(frames) - 3


def test_frames_exported_at_intervals_are_spread_over_what_is_there(scan):
    scan.write_frames(every=10)
    frames = scan.read().frames
    assert [frame.frame_id for frame in frames[:3]] == [0, 10, 20]
    assert frames[-1].frame_id == 390


def test_the_published_mode_calls_things_by_their_last_name(scan, room):
    scene = scan.read(published=True)
    assert scene.object_counts == {"table": 1, "printer": 1}
    assert [thing.category for thing in scene.objects] == ["table", "printer", "printer"]
    assert_same_box(scene.of_category("table")[0].box, *room.boxes("table"))
    assert 0 < scene.room_size < FLOOR.prod() * 1.01


def test_a_tilted_thing_has_a_tilted_box_as_published_and_an_upright_one_by_default(scan, room):
    axes = Rotation.from_euler("x", 0.5).as_matrix()
    room.objects[2] = ("table", OrientedBox(np.array([2, 1, 1.0]), np.array([0.8, 1.2, 0.3]), axes))
    writer = ScanNetWriter(scan.root / "other", room).write()
    published = writer.read(published=True).of_category("table")[0].box
    assert_same_box(published, *room.boxes("table"))
    upright = writer.read().of_category("table")[0].box
    assert upright.sides.prod() > 1.2 * published.sides.prod()
    assert np.abs(upright.axes[:, 2]).max() == pytest.approx(1.0)


def test_kinds_are_merged_and_bins_called_trash_bins(scan):
    groups = scan.groups()
    for group, label in zip(groups, ["trash can", "recycling bin", "coffee table"], strict=False):
        group["label"] = label
    scan.write_groups(groups)
    assert scan.read().object_counts == {"sofa": 1, "table": 1, "printer": 1, "trash bin": 2}
    assert scan.read(published=True).object_counts == {"printer": 1, "trash bin": 2}


@pytest.mark.parametrize("label", ["stack of chairs", "doors", "bookshelves"])
def test_what_names_several_makes_its_category_uncountable(scan, label):
    groups = scan.groups()
    groups[2]["label"] = label
    groups[4]["label"] = "bookshelf"
    scan.write_groups(groups)
    skips = SkipLog()
    scene = scan.read(skips=skips)
    category = {"stack of chairs": "chair", "doors": "door", "bookshelves": "bookshelf"}[label]
    assert category not in scene.object_counts
    assert scene.object_counts["sofa"] == 1
    assert "several" in skips.errors[0].problem
    assert label in skips.errors[0].problem


def test_vertices_that_two_objects_claim_are_of_the_later(scan, room):
    groups = scan.groups()
    groups[3]["segments"] += groups[2]["segments"][:1]
    scan.write_groups(groups)
    table = scan.read().of_category("table")[0].box
    assert table.sides.prod() < 0.9 * room.boxes("table")[0].sides.prod()


def test_scans_of_the_full_mesh_are_read_where_only_that_is_annotated(scan):
    scan.path("_vh_clean_2.ply").rename(scan.path("_vh_clean.ply"))
    scan.path("_vh_clean_2.0.010000.segs.json").rename(scan.path("_vh_clean.segs.json"))
    scan.path(".aggregation.json").rename(scan.path("_vh_clean.aggregation.json"))
    assert scan.read().object_counts["chair"] == 2


def test_without_an_alignment_the_mesh_is_the_world(scan, room):
    scan.path(".txt").write_text("colorHeight = 968\n")
    table = scan.read().of_category("table")[0].box
    truth = np.linalg.inv(alignment()) @ np.append(room.boxes("table")[0].centroid, 1)
    np.testing.assert_allclose(table.centroid, truth[:3], atol=1e-5)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def spoil_vertex(scan: ScanNetWriter) -> None:
    path = scan.path("_vh_clean_2.ply")
    content = bytearray(path.read_bytes())
    start = content.index(b"end_header\n") + len(b"end_header\n")
    content[start : start + 4] = np.float32(np.nan).tobytes()
    path.write_bytes(content)


def change_group(scan: ScanNetWriter, **fields) -> None:
    groups = scan.groups()
    groups[2] |= fields
    scan.write_groups(groups)


BROKEN = {
    "mesh missing": (
        lambda s: s.path("_vh_clean_2.ply").unlink(),
        "_vh_clean_2.ply",
        "there is no",
    ),
    "mesh cut": (lambda s: truncate(s.path("_vh_clean_2.ply")), "_vh_clean_2.ply", "ends after"),
    "mesh empty": (lambda s: write_ply(s.path("_vh_clean_2.ply"), []), "_vh_clean_2.ply", "no ver"),
    "vertex NaN": (spoil_vertex, "_vh_clean_2.ply", "1 of"),
    "segments missing": (
        lambda s: s.path("_vh_clean_2.0.010000.segs.json").unlink(),
        "segs.json",
        "there is no",
    ),
    "too few segments": (lambda s: s.write_segments([7, 7, 7]), "segs.json", "3 entries for"),
    "segments in words": (lambda s: s.write_segments(["a"]), "segs.json", "whole numbers"),
    "groups cut": (lambda s: truncate(s.path(".aggregation.json")), "aggregation", "no JSON"),
    "groups no list": (lambda s: s.write_groups({}), "aggregation.json: segGroups", "no list"),
    "group unlabelled": (lambda s: change_group(s, label=None), "aggregation.json", "no label"),
    "group segments": (lambda s: change_group(s, segments="x"), "aggregation.json", "segments is"),
    "text missing": (lambda s: s.path(".txt").unlink(), ".txt", "there is no"),
    "alignment short": (
        lambda s: s.path(".txt").write_text("axisAlignment = 1 0 0"),
        "axisAlignment",
        "4x4",
    ),
    "alignment stretched": (
        lambda s: s.path(".txt").write_text("axisAlignment = " + "2 0 0 0 0 " * 3 + "1"),
        "axisAlignment",
        "rotation",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_scan_is_skipped_by_name_and_the_others_go_on(scan, room, how):
    breaks, field, words = BROKEN[how]
    ScanNetWriter(scan.root, room, "scene0008_00").write()
    breaks(scan)
    skips = SkipLog()
    assert [scene.name for scene in read_scannet(scan.root, skips=skips)] == ["scene0008_00"]
    (error,) = skips.errors
    assert error.scene == NAME
    assert field in error.field
    assert words in error.problem
    with pytest.raises(SceneError, match=NAME):
        list(read_scannet(scan.root))


@pytest.mark.parametrize("segments", [[], [4242]])
def test_an_object_without_vertices_takes_its_category_out(scan, segments):
    change_group(scan, segments=segments)
    skips = SkipLog()
    scene = scan.read(skips=skips)
    assert scene.object_counts == {"chair": 2, "sofa": 1, "printer": 1}
    assert str(skips.errors[0]).startswith(f"{NAME}: .aggregation.json: table (id 2)")
    # The published procedure never sees it.
    assert scan.read(published=True).object_counts == {"printer": 1}


def test_a_flat_object_takes_out_its_category_or_as_published_the_scan(scan, room):
    room.objects[2] = ("table", OrientedBox.upright([2, 1, 0.7], [1.0, 0.6, 0.0]))
    writer = ScanNetWriter(scan.root / "other", room).write()
    skips = SkipLog()
    assert "table" not in writer.read(skips=skips).object_counts
    assert "lie in a plane" in skips.errors[0].problem
    with pytest.raises(SceneError, match="lie in a plane"):
        writer.read(published=True)


def test_a_mask_in_colour_is_told(scan):
    scan.write_frames()
    cv2.imwrite(str(scan.folder / "instance-filt/0.png"), np.zeros((480, 640, 3), np.uint8))
    with pytest.raises(SceneError, match=r"instance-filt: 0\.png"):
        scan.read()


def test_a_split_is_what_its_list_says(scan, room):
    ScanNetWriter(scan.root, room, "scene0008_00").write()
    with pytest.raises(SceneError, match=r"scannetv2_val\.txt: is missing"):
        list(read_scannet(scan.root, split="val"))
    (scan.root / "scannetv2_val.txt").write_text("scene0008_00\nscene0009_00\n")
    (scene,) = read_scannet(scan.root, split="val")
    assert (scene.name, scene.split) == ("scene0008_00", "val")
    assert scene.video_path == "ScanNet/videos/val/scene0008_00.mp4"


def test_the_folder_may_be_that_of_the_scans(scan):
    (scene,) = read_scannet(scan.root / "scans")
    assert scene.object_counts["chair"] == 2


def test_what_is_missing_of_the_data_set_is_told_with_its_remedy(scan, tmp_path):
    with pytest.raises(SceneError, match="holds no ScanNet scans"):
        list(read_scannet(tmp_path / "nowhere", skips=SkipLog()))
    labels = scan.root / "scannetv2-labels.combined.tsv"
    labels.write_text("id\traw_category\n")
    with pytest.raises(SceneError, match="has no column category"):
        list(read_scannet(scan.root))
    labels.unlink()
    with pytest.raises(SceneError, match=r"labels\.combined\.tsv: is missing; .* put it there"):
        list(read_scannet(scan.root, skips=SkipLog()))
