"""The benchmarks run and count right on small things; their figures are not tested."""

import math

import pytest
import torch

from vlm3r_ros.benchmarks.speed_answer import answer_table, benchmark_answer
from vlm3r_ros.benchmarks.speed_geometry import PUBLISHED, benchmark_geometry, geometry_table
from vlm3r_ros.benchmarks.speed_stream import WARM_UP_FRAMES, benchmark_stream
from vlm3r_ros.benchmarks.speed_worlds import benchmark_worlds, worlds_table
from vlm3r_ros.benchmarks.timing import Timing, interleave, percentile
from vlm3r_ros.models.registry import build_model


@pytest.fixture(scope="module")
def tiny():
    model, processor = build_model("tiny")
    return model.eval(), processor


def test_runs_take_turns_after_one_warm_up_each():
    order: list[str] = []
    timings = interleave(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2, torch.device("cpu")
    )
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert len(timings["a"].seconds) == 2


def test_the_median_ignores_one_disturbed_run():
    assert Timing((1.0, 50.0, 1.2)).median == 1.2
    assert percentile(range(100), 0.95) == 95


def test_geometry_benchmark_counts_fewer_operations_without_heads(tiny):
    config = tiny[0].config.geometry_config
    side = 4 * config.patch_size
    speeds = benchmark_geometry(
        height=side, width=side, rounds=1, device=torch.device("cpu"), config=config
    )
    by_name = {speed.name: speed for speed in speeds}
    assert 0 < by_name["float32, tokens only"].flops < by_name[PUBLISHED].flops
    assert all(0 < speed.share_of_peak < 1 for speed in speeds)
    assert geometry_table(speeds, "tiny").row_count == len(speeds)


def test_answer_benchmark_remembers_as_many_keyframes_as_it_says(tiny):
    speeds = benchmark_answer(*tiny, keyframe_counts=(2, 4), rounds=1)
    assert [speed.keyframes for speed in speeds] == [2, 4]
    assert all(math.isfinite(speed.ratio) for speed in speeds)
    assert answer_table(speeds, "tiny").row_count == 2


def test_stream_benchmark_takes_in_every_frame(tiny):
    speed = benchmark_stream(*tiny, frames=2 * WARM_UP_FRAMES, progress=False)
    assert speed.frames == 2 * WARM_UP_FRAMES
    assert speed.early_bytes > 0
    assert math.isfinite(speed.step_growth)


def test_too_short_a_stream_is_refused(tiny):
    with pytest.raises(ValueError, match="at least 400"):
        benchmark_stream(*tiny, frames=10, progress=False)


def test_worlds_benchmark_counts_rooms_frames_and_pairs():
    speeds = benchmark_worlds(scenes=1)
    assert [speed.unit for speed in speeds] == ["rooms"] * 2 + ["frames"] * 8 + ["scenes", "pairs"]
    assert all(speed.count > 0 and speed.rate > 0 for speed in speeds)
    assert worlds_table(speeds, "one room").row_count == len(speeds)
