from pathlib import Path

import numpy as np
import pytest

from vlm3r_ros.recordings import open_recording
from vlm3r_ros.worlds.video_writer import VideoWriter


def pictures(count: int = 5) -> list[np.ndarray]:
    """Smooth, so that little is lost by compression; each is brighter than the one before."""
    ramp = np.linspace(0, 100, 64)[None, :, None] + np.zeros((48, 1, 3))
    return [(ramp + 20 * index).astype(np.uint8) for index in range(count)]


def write(path: Path, fps: float = 10.0) -> bytes:
    with VideoWriter(path, 64, 48, fps=fps) as writer:
        for picture in pictures():
            writer.write(picture)
    return path.read_bytes()


def test_a_video_reads_back_as_it_was_written(tmp_path):
    write(tmp_path / "new" / "clip.mp4")
    recording = open_recording(tmp_path / "new" / "clip.mp4")
    assert recording.num_frames == 5
    assert recording.frame_rate == 10
    for index, (frame, picture) in enumerate(zip(recording, pictures(), strict=True)):
        assert frame.stamp == pytest.approx(index / 10)
        assert np.abs(frame.image.astype(int) - picture).mean() < 3


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    assert write(tmp_path / "a.mp4") == write(tmp_path / "b.mp4")


def test_a_rate_that_is_no_whole_number_is_kept(tmp_path):
    write(tmp_path / "clip.mp4", fps=7.5)
    assert open_recording(tmp_path / "clip.mp4").frame_rate == pytest.approx(7.5)


def test_an_interrupted_video_leaves_nothing(tmp_path):
    def film() -> None:
        with VideoWriter(tmp_path / "clip.mp4", 64, 48, fps=10) as writer:
            writer.write(pictures()[0])
            raise RuntimeError("camera lost")

    with pytest.raises(RuntimeError, match="camera lost"):
        film()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47), (0, 48)])
def test_a_size_that_cannot_be_encoded_is_refused(tmp_path, width, height):
    with pytest.raises(ValueError, match=f"{width}x{height} pixels cannot be encoded"):
        VideoWriter(tmp_path / "clip.mp4", width, height, fps=10)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_rate_of_no_sense_is_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="makes no sense"):
        VideoWriter(tmp_path / "clip.mp4", 64, 48, fps=fps)
