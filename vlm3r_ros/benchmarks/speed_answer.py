"""Time to the first token of an answer: cached prefix against encoding everything anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table

from vlm3r_ros.assistant import AssistantConfig, SpatialAssistant
from vlm3r_ros.benchmarks.timing import UNFILTERED, Timing, interleave
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import chat_prompt, video_question
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

KEYFRAME_COUNTS = (4, 8, 16, 32)
QUESTION = "What is the distance between the camera and the sofa in meters?"


@dataclass(frozen=True)
class AnswerSpeed:
    """Seconds to the first token with `keyframes` remembered."""

    keyframes: int
    cached: Timing
    anew: Timing

    @property
    def ratio(self) -> float:
        """How many times sooner the cache answers."""
        return self.anew.median / self.cached.median


def benchmark_answer(
    model: Vlm3rForConditionalGeneration,
    processor: Vlm3rProcessor,
    *,
    keyframe_counts: Sequence[int] = KEYFRAME_COUNTS,
    rounds: int = 10,
    seed: int = 0,
) -> list[AnswerSpeed]:
    """Ask after each of `keyframe_counts` frames, once the idle work is done.

    Encoding anew is what the published system does for each question: all frames through the
    geometry encoder and the vision tower, fusion, and the whole prompt through the language model.
    """
    rng = np.random.default_rng(seed)
    side = processor.image_size
    images = rng.integers(0, 256, (max(keyframe_counts), side, side, 3), dtype=np.uint8)
    speeds: list[AnswerSpeed] = []
    for count in keyframe_counts:
        config = AssistantConfig(frame_buffer=UNFILTERED, max_keyframes=max(keyframe_counts))
        assistant = SpatialAssistant(model, processor, config)
        for index, image in enumerate(images[:count]):
            assistant.observe(image, stamp=0.1 * index)
        assistant.catch_up()
        if assistant.num_keyframes != count:
            raise RuntimeError(f"{assistant.num_keyframes} keyframes of {count} frames were kept")
        timings = interleave(
            {
                "cached": partial(assistant.ask, QUESTION, max_new_tokens=1),
                "anew": partial(_first_token_anew, model, processor, images[:count]),
            },
            rounds,
            model.device,
        )
        speeds.append(AnswerSpeed(count, timings["cached"], timings["anew"]))
    return speeds


@torch.inference_mode()
def _first_token_anew(
    model: Vlm3rForConditionalGeneration, processor: Vlm3rProcessor, images: NDArray[np.uint8]
) -> None:
    model.generate(
        input_ids=processor.tokenize(chat_prompt(video_question(QUESTION))).to(model.device),
        pixel_values=processor.frames(images).to(model.device, model.dtype),
        max_new_tokens=1,
    )


def answer_table(speeds: Sequence[AnswerSpeed], title: str) -> Table:
    """The figures as a table; growth is relative to the fewest keyframes."""
    table = Table(title=title)
    for column in (
        "keyframes",
        "first token, cached",
        "growth",
        "first token, all anew",
        "times sooner",
    ):
        table.add_column(column, justify="right")
    for speed in speeds:
        table.add_row(
            str(speed.keyframes),
            str(speed.cached),
            f"{speed.cached.median / speeds[0].cached.median:.2f}",
            str(speed.anew),
            f"{speed.ratio:.1f}",
        )
    return table
