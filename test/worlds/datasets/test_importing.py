import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from arkit_writer import ARKitWriter
from scannet_writer import ScanNetWriter
from scannetpp_writer import ScanNetppWriter
from typer.testing import CliRunner, Result

from vlm3r_ros.cli import app
from vlm3r_ros.worlds.datasets.importing import ScanFormat, import_scans
from vlm3r_ros.worlds.metadata import read_metadata
from vlm3r_ros.worlds.scene import Scene


def vlm3r(kind: str, folder: Path, out: Path, *more: str) -> Result:
    arguments = ["--format", kind, "--input", str(folder), "--out", str(out), "--workers", "1"]
    return CliRunner().invoke(app, ["worlds", "import", *arguments, *more])


@pytest.fixture
def scans(tmp_path, room) -> Path:
    """Two good scans and a broken one between them."""
    root = tmp_path / "scannet"
    names = ["scene0001_00", "scene0002_00", "scene0003_00"]
    for name in names:
        ScanNetWriter(root, room, name).write()
    (root / "scannetv2_val.txt").write_text("\n".join(names))
    ScanNetWriter(root, room, names[0]).write_frames()
    (root / f"scans/{names[1]}/{names[1]}.txt").unlink()
    return root


def assert_same(read: Scene, written: Scene) -> None:
    assert (read.name, read.dataset, read.split) == (written.name, written.dataset, written.split)
    assert read.object_counts == written.object_counts
    assert read.intrinsics == written.intrinsics
    assert read.video_path == written.video_path
    for one, other in zip(read.objects, written.objects, strict=True):
        assert (one.category, one.instance_id) == (other.category, other.instance_id)
        np.testing.assert_allclose(one.box.corners(), other.box.corners())
    for one, other in zip(read.frames, written.frames, strict=True):
        assert (one.frame_id, one.color_path) == (other.frame_id, other.color_path)
        assert [(s.instance_id, s.bbox) for s in one.visible] == [
            (s.instance_id, s.bbox) for s in other.visible
        ]
        np.testing.assert_array_equal(one.T_world_camera, other.T_world_camera)


@pytest.mark.parametrize("published", [False, True])
def test_scans_become_metadata_that_reads_the_same(scans, tmp_path, published):
    out = tmp_path / "out"
    result = vlm3r("scannet", scans, out, "--split", "val", *["--published"] * published)
    assert result.exit_code == 0, result.output
    assert "3/3" in result.output
    assert f"2 scenes in {out}/metadata/val" in result.output
    assert "1 skipped: 1 .txt (scene0002_00)" in result.output
    files = sorted(path.name for path in (out / "metadata/val").iterdir())
    assert "scannet_metadata_val.json" in files
    assert "scannet_frame_metadata_val.json" in files
    scenes = list(read_metadata(out, split="val"))
    from_scans = [
        scene
        for name in ("scene0001_00", "scene0003_00")
        for scene in [ScanFormat.SCANNET.open(scans, "val", published).read(name, None)]
    ]
    assert len(scenes) == 2
    for read, written in zip(scenes, from_scans, strict=True):
        assert_same(read, written)
    assert len(scenes[0].frames) == 32
    assert not (out / "unfinished").exists()


def test_published_files_hold_the_published_keys_and_the_printer_twice(scans, tmp_path):
    vlm3r("scannet", scans, tmp_path, "--split", "val", "--published")
    path = tmp_path / "metadata/val/scannet_metadata_val.json"
    record = json.loads(path.read_text())["scene0001_00"]
    assert record["object_counts"] == {"table": 1, "printer": 1}
    first, second = record["object_bboxes"]["printer"]
    assert first == second
    assert set(first) == {
        *("centroid", "axesLengths", "normalizedAxes", "min", "max", "instance_id")
    }


def test_scannetpp_and_arkitscenes_are_imported(tmp_path, room):
    room.objects[3] = ("sofa", room.objects[3][1])
    ScanNetppWriter(tmp_path / "pp", room).write().write_images().write_colmap()
    (tmp_path / "pp/splits").mkdir()
    (tmp_path / "pp/splits/nvs_sem_train.txt").write_text("0a7cc12c0e")
    ARKitWriter(tmp_path / "arkit", room).write().write_track()
    for kind, folder in (("scannetpp", "pp"), ("arkitscenes", "arkit")):
        result = vlm3r(kind, tmp_path / folder, tmp_path / "out", "--split", "train")
        assert result.exit_code == 0, result.output
    arkit, pp = read_metadata(tmp_path / "out")
    assert (arkit.dataset, pp.dataset) == ("ARkitScenes", "ScanNetpp")
    assert arkit.object_counts["sofa"] == pp.object_counts["sofa"] == 1
    assert arkit.frames[31].time == pytest.approx(3.9)
    np.testing.assert_allclose(arkit.frames[31].T_world_camera, room.poses[39], atol=1e-7)
    assert pp.frames[31].frame_id == "DSC02039"


def test_an_interrupted_import_goes_on_where_it_was(scans, tmp_path):
    source = ScanFormat.SCANNET.open(scans, "val", False)

    def interrupted(outcomes, total):
        yield from islice(outcomes, 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_scans(source, "val", tmp_path / "out", progress=interrupted)
    assert not (tmp_path / "out/metadata").exists()
    # What was read is not read again; what was broken is.
    (scans / "scans/scene0001_00/scene0001_00.txt").unlink()
    report = import_scans(source, "val", tmp_path / "out")
    assert (report.scenes, report.resumed, len(report.skips)) == (2, 1, 1)
    assert [scene.name for scene in read_metadata(tmp_path / "out")] == [
        "scene0001_00",
        "scene0003_00",
    ]
    report = import_scans(source, "val", tmp_path / "out")
    assert (report.scenes, report.resumed, len(report.skips)) == (1, 0, 2)


def test_what_was_left_out_before_an_interruption_is_told_at_the_end(scans, tmp_path, room):
    writer = ScanNetWriter(scans, room, "scene0001_00")
    groups = writer.groups()
    groups[2]["segments"] = []
    writer.write_groups(groups)
    source = ScanFormat.SCANNET.open(scans, "val", False)

    def interrupted(outcomes, total):
        yield from islice(outcomes, 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_scans(source, "val", tmp_path / "out", progress=interrupted)
    report = import_scans(source, "val", tmp_path / "out")
    assert report.resumed == 1
    assert any("table (id 2)" in error.problem for error in report.skips.errors)


def test_workers_make_the_same_files(scans, tmp_path):
    source = ScanFormat.SCANNET.open(scans, "val", False)
    for workers in (1, 2):
        report = import_scans(source, "val", tmp_path / str(workers), workers=workers)
        assert (report.scenes, len(report.skips)) == (2, 1)
    for path in (tmp_path / "1/metadata/val").iterdir():
        assert path.read_bytes() == (tmp_path / "2/metadata/val" / path.name).read_bytes()


def test_a_folder_that_cannot_be_written_is_told(scans, tmp_path):
    (tmp_path / "out").write_text("a file")
    result = vlm3r("scannet", scans, tmp_path / "out", "--split", "val")
    assert result.exit_code == 1
    assert f"cannot write to {tmp_path / 'out'}" in result.output


@pytest.mark.parametrize(
    ("folder", "split", "told"),
    [
        ("nowhere", "val", "scannetv2_val.txt: is missing"),
        ("scannet", "train", "scannetv2_train.txt: is missing"),
    ],
)
def test_what_a_user_can_mend_is_told_in_one_line(scans, tmp_path, folder, split, told):
    result = vlm3r("scannet", tmp_path / folder, tmp_path / "out", "--split", split)
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


def test_an_import_of_nothing_but_broken_scans_fails(scans, tmp_path):
    for path in scans.glob("scans/*/*.txt"):
        path.unlink()
    result = vlm3r("scannet", scans, tmp_path / "out", "--split", "val")
    assert result.exit_code == 1
    assert "3 skipped: 3 .txt" in result.output
