from pathlib import Path

import numpy as np
import pytest
from arkit_writer import NAME, START, ARKitWriter
from scan_world import (
    FLOOR,
    Furnished,
    assert_same_box,
    floor_points,
    look_at,
    write_ply,
)
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.datasets.arkitscenes import read_arkitscenes
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.skipping import SceneError, SkipLog


@pytest.fixture
def scan(tmp_path: Path, room: Furnished) -> ARKitWriter:
    labels = ("chair", "sink", "table", "sofa", "tv_monitor", "cabinet")
    room.objects[:] = [(new, box) for new, (_, box) in zip(labels, room.objects, strict=True)]
    return ARKitWriter(tmp_path, room).write()


def test_boxes_are_as_annotated_under_the_names_of_the_benchmark(scan, room):
    scene = scan.read()
    assert (scene.name, scene.dataset, scene.split) == (NAME, "ARkitScenes", "train")
    assert scene.video_path == f"ARkitScenes/videos/train/{NAME}.mp4"
    assert scene.object_counts == {"chair": 1, "table": 1, "sofa": 1, "tv": 1}
    assert_same_box(scene.of_category("tv")[0].box, *room.boxes("tv_monitor"), 1e-9)
    assert scene.room_size == pytest.approx(FLOOR.prod(), rel=0.02)
    assert scene.frames == ()
    assert scene.intrinsics is None


def test_the_published_mode_keeps_all_labels_and_has_no_frames(scan):
    scan.write_track()
    scan.path(".mov").touch()
    scene = scan.read(published=True)
    assert scene.categories == ("chair", "sink", "table", "sofa", "tv_monitor", "cabinet")
    assert scene.frames == ()


def test_the_path_is_turned_from_world_to_camera_into_camera_to_world(scan, room):
    scene = scan.write_track().read()
    expected = np.linspace(0, 39, 32).astype(int).tolist()
    assert [frame.frame_id for frame in scene.frames] == expected
    for frame in scene.frames:
        np.testing.assert_allclose(frame.T_world_camera, room.poses[frame.frame_id], atol=1e-7)
        assert frame.time == pytest.approx(frame.frame_id / 10)
        assert frame.visible == ()


@pytest.mark.parametrize("place", ["", f"{NAME}_frames"])
def test_images_between_poses_have_a_pose_between_theirs(scan, room, place):
    room.poses[:] = [look_at([0.1 * i, 0.3, 1.5], [0.1 * i + 1, 2 + 0.2 * i, 1]) for i in range(9)]
    times = START + np.arange(17) / 20
    scene = scan.write_track(place).write_images(times, place).read()
    assert len(scene.frames) == 17
    for frame in scene.frames[::2]:
        np.testing.assert_allclose(frame.T_world_camera, room.poses[frame.frame_id // 2], atol=1e-4)
    for before, between, after in zip(*(scene.frames[i::2] for i in range(3)), strict=False):
        middle = (before.camera_center + after.camera_center) / 2
        np.testing.assert_allclose(between.camera_center, middle, atol=1e-9)
        turns = [
            Rotation.from_matrix(one.T_world_camera[:3, :3].T @ other.T_world_camera[:3, :3])
            for one, other in ((before, between), (between, after))
        ]
        np.testing.assert_allclose(turns[0].as_matrix(), turns[1].as_matrix(), atol=1e-4)
    assert scene.frames[3].color_path == f"color/train/{NAME}/{NAME}_{times[3]:.3f}.png"
    assert scene.intrinsics == Intrinsics(211.0, 212.0, 127.5, 95.5, 256, 192)


def test_images_off_the_path_have_no_pose(scan, room):
    scan.write_track()
    lines = (scan.folder / "lowres_wide.traj").read_text().splitlines(keepends=True)
    (scan.folder / "lowres_wide.traj").write_text("".join(lines[:10] + lines[20:]))
    # Before it, within 5 ms of it, on it, in its gap, on it, after it.
    offsets = [-0.1, -0.004, 0.5, 1.5, 2.0, 3.91]
    frames = scan.write_images(START + np.array(offsets)).read().frames
    assert [frame.has_pose for frame in frames] == [False, True, True, False, True, False]


def test_splits_are_the_folders_wherever_the_download_put_them(scan, room):
    ARKitWriter(scan.root, room, "41254925", "Validation").write()
    assert [scene.name for scene in read_arkitscenes(scan.root)] == [NAME, "41254925"]
    (scene,) = read_arkitscenes(scan.root, split="val")
    assert (scene.name, scene.split) == ("41254925", "val")
    (scene,) = read_arkitscenes(scan.root / "Validation")
    assert (scene.name, scene.split) == ("41254925", "val")
    (scan.root / "3dod").mkdir()
    (scan.root / "Training").rename(scan.root / "3dod/Training")
    (scene,) = read_arkitscenes(scan.root, split="train")
    assert scene.name == NAME
    with pytest.raises(SceneError, match="no ARKitScenes scans of split 'test'"):
        list(read_arkitscenes(scan.root, split="test"))


def test_as_published_one_complete_scan_of_each_visit_is_drawn(scan, room):
    names = [f"4100000{i}" for i in range(6)]
    for name in names:
        writer = ARKitWriter(scan.root, room, name).write()
        if name != names[5]:
            writer.path(".mov").touch()
    rows = [f"{name},{'a' if i < 3 else 'b'},Training" for i, name in enumerate(names)]
    (scan.root / "metadata.csv").write_text("\n".join(["video_id,visit_id,fold", *rows]))
    first, second = (scene.name for scene in read_arkitscenes(scan.root, published=True))
    assert first in names[:3]
    assert second in names[3:5]
    assert len(list(read_arkitscenes(scan.root))) == 7


def change(scan: ARKitWriter, **fields) -> None:
    data = scan.data()
    data[2] |= fields
    scan.write_data(data)


@pytest.mark.parametrize("segments", [None, {}, {"obbAligned": {"axesLengths": [1, 1, 0]}}])
def test_a_box_that_is_none_takes_its_category_out(scan, segments):
    change(scan, segments=segments)
    skips = SkipLog()
    assert scan.read(skips=skips).object_counts == {"chair": 1, "sofa": 1, "tv": 1}
    assert "obbAligned" in skips.errors[0].field


BROKEN = {
    "no annotation": (lambda s: s.path("_3dod_annotation.json").unlink(), "annotation", "no /"),
    "no data": (lambda s: s.path("_3dod_annotation.json").write_text("{}"), "data", "no list"),
    "no label": (lambda s: change(s, label=None), "annotation", "no label"),
    "no mesh": (lambda s: s.path("_3dod_mesh.ply").unlink(), "mesh.ply", "no /"),
    "flat mesh": (
        lambda s: write_ply(s.path("_3dod_mesh.ply"), floor_points()),
        "mesh.ply",
        "in a plane",
    ),
    "path cut": (
        lambda s: (s.folder / "lowres_wide.traj").write_text("1 0 0 0 1 1\n"),
        "lowres_wide.traj",
        "7 numbers",
    ),
    "one pose": (
        lambda s: (s.folder / "lowres_wide.traj").write_text("1 0 0 0 1 1 1\n"),
        "lowres_wide.traj",
        "1 poses",
    ),
    "image without time": (
        lambda s: s.write_images([START]) and (s.folder / "lowres_wide/x.png").touch(),
        "lowres_wide",
        "no time",
    ),
    "short intrinsics": (
        lambda s: (
            s.write_images([START])
            and (s.folder / f"lowres_wide_intrinsics/{NAME}_{START:.3f}.pincam").write_text("1 2")
        ),
        "lowres_wide_intrinsics",
        "6 numbers",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_scan_is_skipped_by_name_and_the_others_go_on(scan, room, how):
    breaks, field, words = BROKEN[how]
    scan.write_track()
    ARKitWriter(scan.root, room, "41254925").write()
    breaks(scan)
    skips = SkipLog()
    assert [scene.name for scene in read_arkitscenes(scan.root, skips=skips)] == ["41254925"]
    (error,) = skips.errors
    assert error.scene == NAME
    assert field in error.field
    assert words in error.problem
