import struct
from pathlib import Path

import av
import numpy as np
import pytest

from vlm3r_ros.recordings import RecordingError, open_recording
from vlm3r_ros.recordings.video import OpenCvVideoRecording, VideoRecording


@pytest.mark.parametrize("reader", [VideoRecording, OpenCvVideoRecording])
def test_frames_stamps_and_rate(write_video, reader):
    recording = reader(write_video(frames=6, rate=5))
    frames = list(recording)
    assert recording.num_frames == len(frames) == 6
    assert recording.frame_rate == 5
    np.testing.assert_allclose([f.stamp for f in frames], np.arange(6) / 5, atol=1e-6)
    means = [f.image.mean() for f in frames]
    np.testing.assert_allclose(means, np.arange(6) * 10, atol=3)


def test_a_second_pass_starts_again(write_video):
    recording = open_recording(write_video())
    assert len(list(recording)) == len(list(recording)) == 6


def test_a_given_rate_restamps(write_video):
    recording = open_recording(write_video(rate=5), fps=20)
    assert [f.stamp for f in recording][:3] == [0.0, 0.05, 0.1]


@pytest.mark.parametrize("reader", [VideoRecording, OpenCvVideoRecording])
def test_a_text_is_no_video(tmp_path, reader):
    path = tmp_path / "notes.mp4"
    path.write_text("hello")
    with pytest.raises(RecordingError, match=r"notes\.mp4: not a video"):
        reader(path)


def test_a_damaged_video_gives_what_can_be_read(write_video):
    path = write_video(frames=12, name="clip.avi")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    path.write_bytes(data)
    recording = VideoRecording(path)
    assert 0 < len(list(recording)) <= 12


def test_a_topic_makes_no_sense_for_a_video(write_video):
    with pytest.raises(RecordingError, match="not a bag"):
        open_recording(write_video(), topic="/camera/image_raw")


def turn_clockwise(path: Path) -> None:
    """Write what a phone held upright writes: a quarter turn in the track header's matrix."""
    one = 0x10000
    upright = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    turned = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 0x40000000)
    data = path.read_bytes()
    at = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + len(turned) :])


def test_a_phones_quarter_turn_brings_the_left_side_up(tmp_path):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = 255
    path = tmp_path / "half.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    turn_clockwise(path)
    (frame,) = VideoRecording(path)
    assert frame.image.shape == (64, 48, 3)
    assert frame.image[:28].mean() > 200
    assert frame.image[36:].mean() < 50
