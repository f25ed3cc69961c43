import json

import pytest

from vlm3r_ros.models.frame_sampling import sample_frames
from vlm3r_ros.models.prompts import format_times


def test_recorded_sampling_is_met(golden_dir):
    recorded = json.loads((golden_dir / "prompts_and_sampling.json").read_text())
    for case in recorded["frame_sampling"]:
        indices, times, duration = sample_frames(
            case["total_frames"], case["fps"], case["num"], case["force_sample"]
        )
        assert indices == case["demo_frame_idx"], case
        assert format_times(times) == case["demo_frame_time"], case
        assert duration == case["video_time"], case
    assert recorded["frame_sampling"]


def test_short_video_repeats_frames_only_when_forced():
    assert sample_frames(3, 30.0, 6, force_sample=True).indices == [0, 0, 0, 1, 1, 2]
    assert sample_frames(3, 30.0, 6, force_sample=False).indices == [0]


def test_time_lapse_slower_than_a_frame_a_second_keeps_every_frame():
    assert sample_frames(4, 0.25, 8, force_sample=False).indices == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("total", "fps", "num", "message"),
    [
        (0, 30.0, 8, "video of 0 frames"),
        (10, 0.0, 8, "frames per second"),
        (10, float("nan"), 8, "frames per second"),
        (10, 30.0, 0, "at least 1"),
    ],
)
def test_impossible_requests_are_refused(total, fps, num, message):
    with pytest.raises(ValueError, match=message):
        sample_frames(total, fps, num, force_sample=True)
