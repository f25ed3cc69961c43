import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from vlm3r_ros.recordings import RecordingError, open_recording

IMAGE = "/camera/image_raw"


@pytest.mark.parametrize("storage", list(StoragePlugin))
@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "jpeg"])
def test_frames_of_either_storage_and_kind(write_bag, storage, encoding):
    recording = open_recording(write_bag({IMAGE: encoding}, storage))
    frames = list(recording)
    assert recording.num_frames == 4
    assert recording.frame_rate == pytest.approx(10, rel=0.01)
    np.testing.assert_allclose([f.stamp for f in frames], 7 + np.arange(4) / 10)
    np.testing.assert_allclose([f.image.mean() for f in frames], np.arange(4) * 10, atol=1)
    assert {f.frame_id for f in frames} == {"camera_optical"}


@pytest.mark.parametrize("storage", list(StoragePlugin))
def test_the_file_alone_is_enough(write_bag, storage):
    folder = write_bag({IMAGE: "rgb8"}, storage)
    (file,) = (f for f in folder.iterdir() if f.suffix in (".mcap", ".db3"))
    (folder / "metadata.yaml").unlink()
    assert len(list(open_recording(file))) == 4


def test_unstamped_images_get_the_time_they_were_recorded(write_bag):
    frames = list(open_recording(write_bag({IMAGE: "rgb8"}, stamped=False)))
    np.testing.assert_allclose([f.stamp for f in frames], 1 + np.arange(4) / 10)


@pytest.mark.parametrize("encoding", ["rgb8", "jpeg"])
def test_a_broken_message_is_skipped_and_counted(write_bag, encoding):
    recording = open_recording(write_bag({IMAGE: encoding}, broken=(1,)))
    assert [f.stamp for f in recording] == pytest.approx([7.0, 7.2, 7.3])
    assert recording.skipped == 1


def test_a_bag_of_broken_messages_is_an_error(write_bag):
    with pytest.raises(RecordingError, match="none of its pictures can be read"):
        list(open_recording(write_bag({IMAGE: "rgb8"}, broken=(0, 1, 2, 3))))


def test_several_topics_ask_for_a_choice(write_bag):
    path = write_bag({"/left/image": "rgb8", "/right/image": "rgb8"})
    with pytest.raises(RecordingError, match="choose one by `topic`: /left/image, /right/image"):
        open_recording(path)
    assert len(list(open_recording(path, topic="/right/image"))) == 4
    with pytest.raises(RecordingError, match="no images on topic '/up'; choose from: /left"):
        open_recording(path, topic="/up")


@pytest.mark.parametrize(
    ("topic", "encoding"), [(IMAGE, "rgb8"), ("/camera/image_raw/compressed", "jpeg")]
)
def test_camera_info_beside_the_images_is_found(write_bag, topic, encoding):
    path = write_bag({topic: encoding}, camera_info="/camera/camera_info")
    info = open_recording(path).camera_info
    assert info is not None
    assert (info.width, info.height) == (64, 48)
    assert info.k == (50, 0, 32, 0, 50, 24, 0, 0, 1)


def test_a_bag_without_images_lists_what_it_has(write_bag):
    path = write_bag({}, camera_info="/camera/camera_info")
    with pytest.raises(RecordingError, match="no image messages; its topics are: /camera/camera"):
        open_recording(path)


@pytest.mark.parametrize("storage", list(StoragePlugin))
def test_a_damaged_bag_says_what_to_do(write_bag, storage):
    folder = write_bag({IMAGE: "rgb8"}, storage)
    (file,) = (f for f in folder.iterdir() if f.suffix in (".mcap", ".db3"))
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(RecordingError, match="damaged or unfinished bag"):
        list(open_recording(folder))
