from pathlib import Path

import numpy as np
import pytest

from vlm3r_ros.assistant import GeometryTracker
from vlm3r_ros.benchmarks.videos import (
    evaluation_indices,
    find_video,
    follow_camera,
    read_clip,
)
from vlm3r_ros.recordings import RecordingError, open_recording


@pytest.mark.parametrize(
    ("place", "video_path"),
    [
        ("ScanNet/videos/val/scene0.mp4", "ScanNet/videos/val/scene0.mp4"),
        ("val/scene0.mp4", "ScanNet/videos/val/scene0.mp4"),
        ("scene0.mp4", "ScanNet/videos/val/scene0.mp4"),
        ("scannet/scene0.mp4", "elsewhere/scene0.mp4"),
        ("scannet/scene0.mp4", ""),
        ("scannet/scene0.mov", ""),
        ("videos/scene0.mp4", ""),
        ("scene0.mp4", ""),
    ],
)
def test_a_video_is_found_where_people_put_it(tmp_path: Path, ask, place, video_path):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).touch()
    question = ask("object_counting", 4, dataset="ScanNet", video_path=video_path).question
    assert find_video(tmp_path, question) is not None
    assert find_video(tmp_path, question).samefile(tmp_path / place)


def test_the_given_path_goes_first_and_stays_in_the_folder(tmp_path: Path, ask):
    (tmp_path / "scene0.mp4").touch()
    folder = tmp_path / "videos"
    (folder / "scannet").mkdir(parents=True)
    question = ask("object_counting", 4, video_path="../scene0.mp4").question
    assert find_video(folder, question) is None
    for name in ("scannet/scene0.mp4", "scene0.mp4"):
        (folder / name).touch()
    assert find_video(folder, question) == folder / "scene0.mp4"


def test_frames_are_spread_evenly_and_none_comes_twice():
    assert evaluation_indices(33) == [*range(31), 32]
    assert evaluation_indices(20) == list(range(20))
    assert evaluation_indices(1) == [0]
    # 999 / 31 = 32.2...: truncated, not rounded
    assert evaluation_indices(1000)[:6] == [0, 32, 64, 96, 128, 161]
    assert evaluation_indices(1000)[-1] == 999


def test_a_clip_holds_the_frames_that_evaluation_shows(tmp_path: Path, write_video, network):
    path = write_video(tmp_path / "clip.mp4", 9)
    _, processor = network
    every = read_clip(path, processor.resize, 32)
    assert every.indices == list(range(9))
    assert every.images.shape == (9, 64, 64, 3)
    some = read_clip(path, processor.resize, 4)
    assert some.indices == [0, 2, 5, 8]
    np.testing.assert_array_equal(some.images, every.images[[0, 2, 5, 8]])


def test_a_camera_is_followed_through_all_frames(tmp_path: Path, write_video, network):
    path = write_video(tmp_path / "clip.mp4", 9)
    model, processor = network
    tracker = GeometryTracker(model, processor)
    poses = follow_camera(path, processor.resize, tracker, [2, 5, 8])
    assert tracker.frame_index == 9
    again = GeometryTracker(model, processor)
    told = [again.step(processor.resize(f.image), f.stamp) for f in open_recording(path)]
    for pose, index in zip(poses, [2, 5, 8], strict=True):
        expected = np.linalg.inv(told[2].T_map_camera) @ told[index].T_map_camera
        np.testing.assert_allclose(pose, expected, atol=1e-6)
    assert not np.allclose(poses[1], np.eye(4))


def test_a_video_that_ends_early_is_sampled_from_what_is_there(
    tmp_path: Path, write_video, network
):
    path = write_video(tmp_path / "clip.avi", 12)
    data = bytearray(path.read_bytes())
    header = data.index(b"avih")
    assert int.from_bytes(data[header + 24 : header + 28], "little") == 12
    stream = data.index(b"strh")
    # dwTotalFrames of the file and dwLength of its stream
    data[header + 24 : header + 28] = data[stream + 40 : stream + 44] = (40).to_bytes(4, "little")
    path.write_bytes(data)
    clip = read_clip(path, network[1].resize, 5)
    assert clip.indices == [0, 2, 5, 8, 11]


def test_what_is_no_video_is_said_to_be_none(tmp_path: Path, network):
    (tmp_path / "clip.mp4").write_text("hello")
    with pytest.raises(RecordingError, match="not a video"):
        read_clip(tmp_path / "clip.mp4", network[1].resize, 32)
