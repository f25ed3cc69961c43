import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vlm3r_ros.recordings import open_recording
from vlm3r_ros.worlds import scene_writer
from vlm3r_ros.worlds.camera_effects import CameraEffects
from vlm3r_ros.worlds.dataset_folder import DatasetError, DatasetFolder, DatasetSettings
from vlm3r_ros.worlds.filming import Film, FilmSettings, model_frames
from vlm3r_ros.worlds.generate import generate
from vlm3r_ros.worlds.metadata import read_metadata
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import Split, WorldId

SMALL = FilmSettings(frames=4, fps=5, width=64, height=48)
SETTINGS = DatasetSettings(Split.VAL, seed=7, film=SMALL)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Path:
    """Two scenes with all that can be asked for."""
    folder = tmp_path_factory.mktemp("everything")
    generate(folder, replace(SETTINGS, depth=True, instances=True, bags=True), 2)
    return folder


def test_scenes_read_back_with_videos_beside(everything):
    scenes = list(read_metadata(everything, split="val"))
    assert [scene.name for scene in scenes] == ["room_val_7_000000", "room_val_7_000001"]
    for index, scene in enumerate(scenes):
        film = Film.of(WorldId(Split.VAL, 7, index), SMALL)
        assert scene.dataset == "rooms"
        assert [item.category for item in scene.objects] == [
            item.category for item in film.world.objects
        ]
        recording = open_recording(everything / scene.video_path)
        assert recording.num_frames == 4
        assert recording.frame_rate == 5
        for frame, filmed in zip(scene.frames, film.frames(), strict=True):
            assert frame.frame_id == filmed.index
            assert frame.time == filmed.time
            np.testing.assert_array_equal(frame.T_world_camera, filmed.T_world_camera)
            truth = film.scene_frame(filmed).visible
            assert [seen.instance_id for seen in frame.visible] == [s.instance_id for s in truth]
            assert [seen.pixels for seen in frame.visible] == [seen.pixels for seen in truth]
        assert scene.intrinsics == film.path.intrinsics
        assert scene.floor_plan is not None


def test_depth_and_instances_are_those_of_the_rendering(everything):
    (scene, _) = read_metadata(everything)
    film = Film.of(WorldId.parse(scene.name), SMALL)
    for frame, filmed in zip(scene.frames, film.frames(), strict=True):
        depth = cv2.imread(str(everything / frame.depth_path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_allclose(depth / 1000, filmed.view.depth, atol=0.00051)
        path = everything / frame.depth_path.replace("depth/", "instances/")
        instance = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(instance.astype(int) - 1, filmed.view.instance)


def test_a_bag_shows_the_rendered_frames(everything):
    film = Film.of(WorldId(Split.VAL, 7, 1), SMALL)
    recording = open_recording(everything / "bags" / "room_val_7_000001")
    for recorded, filmed in zip(recording, film.frames(), strict=True):
        np.testing.assert_array_equal(recorded.image, filmed.view.color)


def test_any_number_of_workers_gives_the_same_bytes(everything, tmp_path):
    generate(tmp_path, replace(SETTINGS, depth=True, instances=True, bags=True), 2, workers=2)
    assert files(tmp_path) == files(everything)


def test_without_videos_the_metadata_is_the_same(everything, tmp_path):
    report = generate(tmp_path, replace(SETTINGS, videos=False), 2)
    assert report.frames == 8
    assert not (tmp_path / "videos").exists()
    for kind in ("metadata", "world_metadata"):
        name = f"metadata/val/rooms_{kind}_val.json"
        assert (tmp_path / name).read_bytes() == (everything / name).read_bytes()
    (first, _), (second, _) = read_metadata(tmp_path), read_metadata(everything)
    for mine, other in zip(first.frames, second.frames, strict=True):
        assert mine.visible == other.visible


def test_of_a_long_video_32_frames_are_described(tmp_path):
    film = FilmSettings(frames=40, fps=5, width=32, height=24)
    generate(tmp_path, replace(SETTINGS, film=film), 1)
    (scene,) = read_metadata(tmp_path)
    assert [frame.frame_id for frame in scene.frames] == model_frames(40)
    assert open_recording(tmp_path / scene.video_path).num_frames == 40


def test_a_run_killed_in_the_middle_goes_on_to_the_same_result(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    script = tmp_path / "run.py"
    script.write_text(
        "from vlm3r_ros.worlds.dataset_folder import DatasetSettings\n"
        "from vlm3r_ros.worlds.filming import FilmSettings\n"
        "from vlm3r_ros.worlds.generate import generate\n"
        "from vlm3r_ros.worlds.world import Split\n"
        "if __name__ == '__main__':\n"
        "    settings = DatasetSettings(Split.VAL, seed=7, film=FilmSettings(4, 5, 64, 48))\n"
        f"    generate({str(killed)!r}, settings, 5000, workers=2)\n"
    )
    process = subprocess.Popen([sys.executable, str(script)])
    finished = killed / "finished" / "val"
    while not (finished.is_dir() and list(finished.glob("room*"))):
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.01)
    workers = _children(process.pid)
    assert len(workers) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    # A killed parent cannot tell its workers; they see to it themselves.
    end = time.monotonic() + 10
    while any(_is_alive(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.02)
    assert not [worker for worker in workers if _is_alive(worker)]
    there = len(list(finished.glob("room*")))
    assert not list(killed.rglob("*metadata_val.json"))

    _forget_scenes(killed, there + 2)
    report = generate(killed, SETTINGS, there + 2)
    assert report.scenes == there + 2
    assert report.resumed > 0
    assert 0 < report.made <= 3  # one more than two where a worker was ahead of the other
    generate(whole, SETTINGS, there + 2)
    expected = files(whole)
    made = {name: content for name, content in files(killed).items() if name in expected}
    assert made == expected


def _forget_scenes(folder: Path, scenes: int) -> None:
    """Ask for fewer scenes than were begun with, so that the test need not make all."""
    path = folder / "dataset.json"
    known = json.loads(path.read_text())
    known["splits"]["val"]["scenes"] = scenes
    path.write_text(json.dumps(known, indent=2) + "\n")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_finished_scenes_are_not_made_again_and_a_split_can_grow(tmp_path, monkeypatch):
    settings = replace(SETTINGS, videos=False)
    generate(tmp_path, settings, 2)
    made = []
    real = scene_writer.write_scene
    monkeypatch.setattr(
        "vlm3r_ros.worlds.generate.write_scene",
        lambda folder, world, how: made.append(world.index) or real(folder, world, how),
    )
    assert generate(tmp_path, settings, 2).made == 0
    assert generate(tmp_path, settings, 4).scenes == 4
    assert made == [2, 3]
    assert len(list(read_metadata(tmp_path))) == 4
    with pytest.raises(DatasetError, match=r"has 4 scenes already, 3 were asked for"):
        generate(tmp_path, settings, 3)


def test_splits_share_a_folder_but_no_world(tmp_path):
    for split in Split:
        generate(tmp_path, replace(SETTINGS, split=split, videos=False), 3)
    by_split = {split: list(read_metadata(tmp_path, split=split)) for split in Split}
    places = {
        split: {tuple(item.box.centroid) for scene in scenes for item in scene.objects}
        for split, scenes in by_split.items()
    }
    for split in Split:
        assert len(by_split[split]) == 3
        for other in set(Split) - {split}:
            assert not places[split] & places[other]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 8}, "seed is 7 there and 8 now"),
        ({"depth": True}, "depth is false there and true now"),
        ({"film": replace(SMALL, frames=5)}, "frames is 4 there and 5 now"),
        ({"film": replace(SMALL, effects=CameraEffects(noise=2))}, "noise is 0.0 there and 2 now"),
    ],
)
def test_other_settings_in_a_folder_that_was_begun_are_refused(tmp_path, changed, named):
    settings = replace(SETTINGS, videos=False)
    generate(tmp_path, settings, 1)
    with pytest.raises(DatasetError, match=named):
        generate(tmp_path, replace(settings, **changed), 1)


def test_a_scene_that_cannot_be_made_is_skipped_named_and_remembered(tmp_path, monkeypatch):
    real = scene_writer.write_scene

    def write(folder, world, settings):
        if world.index == 1:
            raise SceneError(world.name, "floor", "has no room for a camera")
        return real(folder, world, settings)

    settings = replace(SETTINGS, videos=False)
    monkeypatch.setattr("vlm3r_ros.worlds.generate.write_scene", write)
    summary = "1 skipped: 1 floor (room_val_7_000001)"
    report = generate(tmp_path, settings, 3)
    assert (report.scenes, report.skips.summary()) == (2, summary)
    again = generate(tmp_path, settings, 3)
    assert (again.made, again.scenes, again.skips.summary()) == (0, 2, summary)
    assert [scene.name[-1] for scene in read_metadata(tmp_path)] == ["0", "2"]


def test_a_bug_is_told_with_the_scene_that_shows_it(tmp_path, monkeypatch):
    def write(folder, world, settings):
        raise ZeroDivisionError

    monkeypatch.setattr("vlm3r_ros.worlds.generate.write_scene", write)
    with pytest.raises(ZeroDivisionError) as caught:
        generate(tmp_path, SETTINGS, 1)
    assert caught.value.__notes__ == ["while making scene room_val_7_000000"]


def test_a_disk_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot write to"):
        generate(tmp_path / "file" / "out", SETTINGS, 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "videos").write_text("")
    with pytest.raises(DatasetError, match=r"room_val_7_000000: cannot be written .* to go on"):
        generate(tmp_path / "out", SETTINGS, 1)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "dataset.json").write_text('{"name": "mine"}')
    with pytest.raises(DatasetError, match="is no data set's description"):
        generate(tmp_path, SETTINGS, 1)


def test_a_torn_record_is_named(tmp_path):
    settings = replace(SETTINGS, videos=False)
    generate(tmp_path, settings, 1)
    record = tmp_path / "finished" / "val" / "room_val_7_000000.json.gz"
    record.write_bytes(record.read_bytes()[:40])
    with pytest.raises(DatasetError, match=r"room_val_7_000000.json.gz: cannot be read"):
        generate(tmp_path, settings, 1)


@pytest.mark.parametrize(("scenes", "workers"), [(0, 1), (1, 0)])
def test_nothing_to_do_or_nobody_to_do_it_is_refused(tmp_path, scenes, workers):
    with pytest.raises(DatasetError, match="ask for 1 or more"):
        generate(tmp_path, SETTINGS, scenes, workers=workers)


def test_an_odd_size_cannot_be_a_video_but_can_be_metadata():
    odd = replace(SMALL, width=63)
    with pytest.raises(ValueError, match="63x48 pixels cannot be encoded"):
        DatasetSettings(Split.VAL, film=odd)
    assert not DatasetSettings(Split.VAL, film=odd, videos=False).videos


def test_paths_in_metadata_are_relative_to_the_folder(tmp_path):
    folder = DatasetFolder(tmp_path, Split.TEST)
    assert folder.relative(folder.video("room")) == "videos/room.mp4"
    assert folder.relative(folder.depth("room", 7)) == "depth/test/room/000007.png"
