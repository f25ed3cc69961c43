"""Recorded prompts and tables of sampled frames: texts and numbers that must be equal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vlm3r_ros.benchmarks.conformance_data import TensorResult
from vlm3r_ros.models import prompts
from vlm3r_ros.models.frame_sampling import SampledFrames, sample_frames

PROMPTS_KIND = "prompts"
_TIME_TOLERANCE = 1e-9
_INFORMATIVE = {"kind", "set", "role", "question", "time_instruction_case"}
_SEVERAL_IMAGES = re.compile(r"image_demo_(\d+)_images?")


def run_prompts(case: str, content: Mapping[str, Any]) -> list[TensorResult]:
    """Compare every prompt and every row of the frame table of one JSON file.

    Args:
        case: its name.
        content: the file's content.
    """
    results = []
    for name, want in content.get("prompts", {}).items():
        results.append(_equal(case, f"prompts/{name}", _prompt(name, content), want))
    for number, row in enumerate(content.get("frame_sampling", [])):
        results += _sampling_results(case, f"frame_sampling/{number}", row)
    for name in sorted(set(content) - _INFORMATIVE - {"prompts", "frame_sampling"}):
        reason = "not an entry that recorded prompts are known to hold"
        results.append(TensorResult(case, name, False, reason=reason))
    return results


def _prompt(name: str, content: Mapping[str, Any]) -> str | None:
    """Our text for a recorded prompt; None for a name that is not known."""
    question = content.get("question", "")
    if name in ("video_demo_plain", "vsibench_eval"):
        return prompts.chat_prompt(prompts.plain_question(question))
    if name == "video_demo_time_instruction":
        settings = content["time_instruction_case"]
        frames = sample_frames(
            settings["total_frames"],
            settings["fps"],
            settings["num_frames"],
            settings["force_sample"],
        )
        sentence = prompts.time_instruction(frames.duration, frames.times)
        return prompts.chat_prompt(prompts.plain_question(question, time_instruction=sentence))
    if match := _SEVERAL_IMAGES.fullmatch(name):
        return prompts.chat_prompt(prompts.image_question(question, int(match[1])))
    if name == "stop_str":
        return prompts.IM_END
    if name == "sep_style":
        return "SeparatorStyle.CHATML"
    return None


def _sampling_results(case: str, name: str, row: Mapping[str, Any]) -> Iterator[TensorResult]:
    frames = sample_frames(row["total_frames"], row["fps"], row["num"], row["force_sample"])
    for key, want in row.items():
        if key.endswith("_frame_idx"):
            yield _equal(case, f"{name}/{key}", list(frames.indices), want)
        elif key.endswith("_frame_time"):
            yield _equal(case, f"{name}/{key}", _times(frames), want)
        elif key == "video_time":
            error = abs(frames.duration - want)
            passed = error <= _TIME_TOLERANCE * max(1.0, abs(want))
            yield TensorResult(
                case, f"{name}/{key}", passed, error, error / max(abs(want), _TIME_TOLERANCE)
            )
        elif key not in ("total_frames", "fps", "num", "force_sample", "same"):
            reason = "not a column that tables of sampled frames are known to have"
            yield TensorResult(case, f"{name}/{key}", False, reason=reason)


def _times(frames: SampledFrames) -> str:
    return prompts.format_times(frames.times)


def _equal(case: str, name: str, got: object, want: object) -> TensorResult:
    if got is None:
        reason = "not a prompt that this program knows"
        return TensorResult(case, name, False, reason=reason)
    if got == want:
        return TensorResult(case, name, True, 0.0, 0.0)
    return TensorResult(case, name, False, reason=f"{got!r} is not the recorded {want!r}")
