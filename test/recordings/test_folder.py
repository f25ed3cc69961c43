import numpy as np
import pytest
from PIL import Image

from vlm3r_ros.recordings import RecordingError, open_recording


def greys(recording) -> list[int]:
    return [int(frame.image[0, 0, 0]) for frame in recording]


def test_pictures_come_in_the_order_of_their_numbers(write_folder):
    folder = write_folder({f"frame_{n}.png": (48, 64) for n in (10, 9, 100, 2)})
    assert greys(open_recording(folder)) == [30, 10, 0, 20]


def test_stamps_follow_the_rate(write_folder):
    folder = write_folder({"a.png": (48, 64), "b.png": (48, 64)})
    assert [frame.stamp for frame in open_recording(folder)] == [0.0, 0.1]
    assert [frame.stamp for frame in open_recording(folder, fps=2)] == [0.0, 0.5]
    assert open_recording(folder, fps=2).frame_rate == 2


def test_an_unreadable_picture_is_skipped_and_counted(write_folder):
    folder = write_folder({"a.png": (48, 64), "b.png": (48, 64), "c.png": (48, 64)})
    (folder / "b.png").write_bytes(b"rubbish")
    (folder / "c.png").write_bytes((folder / "c.png").read_bytes()[:60])
    recording = open_recording(folder)
    assert greys(recording) == [0]
    assert recording.skipped == 2
    assert greys(recording) == [0]
    assert recording.skipped == 2


def test_another_size_of_the_same_shape_is_resized(write_folder):
    folder = write_folder({"a.png": (48, 64), "b.png": (96, 128)})
    assert [frame.image.shape for frame in open_recording(folder)] == [(48, 64, 3)] * 2


def test_pictures_of_different_shapes_are_refused(write_folder):
    folder = write_folder({"a.png": (48, 64), "b.png": (64, 48)})
    with pytest.raises(RecordingError, match=r"64x48 and 48x64 \(b.png\)"):
        open_recording(folder)


def test_a_phone_picture_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    (frame,) = open_recording(tmp_path)
    assert frame.image.shape == (64, 48, 3)


def test_a_folder_above_the_pictures_names_the_one_below(write_folder):
    folder = write_folder({"a.png": (48, 64)})
    with pytest.raises(RecordingError, match="in pictures below"):
        open_recording(folder.parent)


@pytest.mark.parametrize("name", ["nothing.mp4", "empty"])
def test_what_is_not_there_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match=f"{name}: no "):
        open_recording(tmp_path / name)


def test_nothing_but_rubbish_is_an_error(tmp_path):
    (tmp_path / "a.png").write_bytes(b"rubbish")
    with pytest.raises(RecordingError, match="can be opened"):
        open_recording(tmp_path)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_senseless_rate_is_refused(write_folder, fps):
    with pytest.raises(RecordingError, match="frame rate"):
        open_recording(write_folder({"a.png": (48, 64)}), fps=fps)


def test_real_sequences_open(shared_dir):
    for name, count, shape in (
        ("arkitscenes_47334096", 28, (640, 480, 3)),
        ("walk_living_room", 13, (1080, 1920, 3)),
    ):
        recording = open_recording(shared_dir / "data" / name)
        assert recording.num_frames == count
        assert next(iter(recording)).image.shape == shape
