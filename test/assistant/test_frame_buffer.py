"""Which frames are worth a step of the geometry encoder."""

import time

import cv2
import numpy as np
import pytest

from vlm3r_ros.assistant import Frame, FrameBuffer, FrameBufferConfig, FrameVerdict


def textured_image(seed: int, height: int = 120, width: int = 160) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


def fill(buffer: FrameBuffer, count: int, interval: float = 0.1) -> list[FrameVerdict]:
    return [buffer.offer(Frame(textured_image(i), interval * i)) for i in range(count)]


def test_newest_frame_wins_and_superseded_ones_are_counted():
    buffer = FrameBuffer()
    assert fill(buffer, 5) == [FrameVerdict.ACCEPTED] * 5
    newest = buffer.take_newest()
    assert newest is not None
    assert newest.stamp == pytest.approx(0.4)
    assert buffer.take_newest() is None
    assert buffer.counts[FrameVerdict.SUPERSEDED] == 4
    assert buffer.counts[FrameVerdict.ACCEPTED] == 5


def test_buffer_is_bounded_by_count():
    buffer = FrameBuffer(FrameBufferConfig(max_frames=3))
    fill(buffer, 10, interval=0.01)
    assert [frame.stamp for frame in buffer.frames] == pytest.approx([0.07, 0.08, 0.09])
    assert buffer.counts[FrameVerdict.SUPERSEDED] == 7


def test_buffer_is_bounded_by_age():
    buffer = FrameBuffer(FrameBufferConfig(max_frames=100, max_age_s=0.5))
    fill(buffer, 11)
    assert buffer.frames[0].stamp >= 0.5 - 1e-9
    assert buffer.counts[FrameVerdict.EXPIRED] == 5


def test_blurred_frame_among_sharp_ones_is_dropped():
    buffer = FrameBuffer()
    fill(buffer, 8)
    blurred = cv2.GaussianBlur(textured_image(8), (0, 0), 6)
    assert buffer.offer(Frame(blurred, 0.8)) is FrameVerdict.BLURRED
    assert buffer.offer(Frame(textured_image(9), 0.9)) is FrameVerdict.ACCEPTED


def test_blur_measure_gets_used_to_a_blurred_scene():
    buffer = FrameBuffer(FrameBufferConfig(max_gap_s=100.0))
    fill(buffer, 8)
    verdicts = [
        buffer.offer(Frame(cv2.GaussianBlur(textured_image(i), (0, 0), 6), 0.1 * i))
        for i in range(8, 30)
    ]
    assert verdicts[0] is FrameVerdict.BLURRED
    assert verdicts[-1] is FrameVerdict.ACCEPTED


def test_camera_at_rest_gives_one_frame_per_gap():
    buffer = FrameBuffer(FrameBufferConfig(max_gap_s=1.0))
    image = textured_image(0)
    verdicts = [buffer.offer(Frame(image, 0.125 * i)) for i in range(25)]
    taken = [i for i, verdict in enumerate(verdicts) if verdict is FrameVerdict.ACCEPTED]
    assert taken == [0, 8, 16, 24]
    assert buffer.counts[FrameVerdict.DUPLICATE] == 21


def test_slow_motion_adds_up_until_a_frame_is_taken():
    buffer = FrameBuffer(FrameBufferConfig(max_gap_s=1e9))
    wide = cv2.GaussianBlur(textured_image(1, 120, 400), (0, 0), 8)
    verdicts = [
        buffer.offer(Frame(np.ascontiguousarray(wide[:, i : i + 160]), 0.01 * i)) for i in range(60)
    ]
    assert FrameVerdict.DUPLICATE in verdicts
    assert verdicts.count(FrameVerdict.ACCEPTED) > 3


def test_late_and_repeated_stamps_are_dropped():
    buffer = FrameBuffer()
    fill(buffer, 5)
    assert buffer.offer(Frame(textured_image(9), 0.4)) is FrameVerdict.REPEATED_STAMP
    assert buffer.offer(Frame(textured_image(9), 0.25)) is FrameVerdict.OUT_OF_ORDER
    assert len(buffer) == 5


def test_restarted_clock_clears_the_buffer_and_starts_with_the_frame():
    buffer = FrameBuffer()
    for i in range(5):
        buffer.offer(Frame(textured_image(i), 100.0 + 0.1 * i))
    assert buffer.offer(Frame(textured_image(9), 3.0)) is FrameVerdict.TIME_JUMP_BACK
    assert [frame.stamp for frame in buffer.frames] == [3.0]
    assert buffer.offer(Frame(textured_image(10), 3.1)) is FrameVerdict.ACCEPTED


@pytest.mark.parametrize("stamp", [float("nan"), float("inf"), -float("inf"), None, "now"])
def test_stamp_that_is_no_time_is_refused_with_a_reason(stamp):
    buffer = FrameBuffer()
    assert buffer.offer(Frame(textured_image(0), stamp)) is FrameVerdict.INVALID_STAMP
    assert "stamp" in buffer.last_problem


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, "NoneType"),
        (np.zeros((0, 0, 3), np.uint8), "0x0"),
        (np.zeros((4, 200, 3), np.uint8), "200x4"),
        (np.zeros((100, 100), np.uint8), "[100, 100]"),
        (np.zeros((100, 100, 4), np.uint8), "[100, 100, 4]"),
        (np.zeros((100, 100, 3), np.float32), "float32"),
        (np.broadcast_to(np.zeros(3, np.uint8), (20_000, 20_000, 3)), "smaller"),
    ],
)
def test_unusable_image_is_refused_with_a_reason(image, reason):
    buffer = FrameBuffer()
    assert buffer.offer(Frame(image, 0.0)) is FrameVerdict.INVALID_IMAGE
    assert reason in buffer.last_problem
    assert buffer.offer(Frame(textured_image(0), 0.0)) is FrameVerdict.ACCEPTED


@pytest.mark.parametrize("shape", [(17, 16), (1080, 1920), (16, 4000), (481, 641)])
def test_odd_sizes_are_taken(shape):
    buffer = FrameBuffer()
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert buffer.offer(Frame(image, 0.0)) is FrameVerdict.ACCEPTED


def test_judging_a_frame_is_cheap():
    buffer = FrameBuffer()
    images = [textured_image(i, 480, 640) for i in range(4)]
    times = []
    for i in range(40):
        start = time.perf_counter()
        buffer.offer(Frame(images[i % 4], 0.1 * i))
        times.append(time.perf_counter() - start)
    # About 0.5 ms on a quiet machine; the bound leaves room for a busy one.
    assert sorted(times)[5] < 0.003


def test_impossible_configuration_is_refused():
    with pytest.raises(ValueError, match="max_frames"):
        FrameBufferConfig(max_frames=0)
    with pytest.raises(ValueError, match="max_gap_s"):
        FrameBufferConfig(max_gap_s=float("nan"))
