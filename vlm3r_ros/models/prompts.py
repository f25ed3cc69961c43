"""Prompts, byte for byte as the published model was trained and evaluated with.

Everything here is text. The placeholder `<image>` marks where the visual tokens go; tokenising is
the processor's work, the visual tokens are the model's.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

IMAGE_PLACEHOLDER = "<image>"
IM_START = "<|im_start|>"
IM_END = "<|im_end|>"
END_OF_TEXT = "<|endoftext|>"
SYSTEM_PROMPT = "You are a helpful assistant."
VIDEO_NOTE = "These are frames of a video."
OPTIONS_HEADER = "Options:"
NUMERIC_POST_PROMPT = "Please answer the question using a single word or phrase."
CHOICE_POST_PROMPT = "Answer with the option's letter from the given choices directly."
OPTION_LETTERS = string.ascii_uppercase
MAX_OPTIONS = len(OPTION_LETTERS)

_RESERVED = (IMAGE_PLACEHOLDER, IM_START, IM_END, END_OF_TEXT)


def chat_prompt(user_text: str, system_prompt: str = SYSTEM_PROMPT) -> str:
    """One user turn in the chat template of Qwen, up to where the assistant's answer starts."""
    return (
        f"{IM_START}system\n{system_prompt}{IM_END}\n"
        f"{IM_START}user\n{user_text}{IM_END}\n"
        f"{IM_START}assistant\n"
    )


def video_question(
    question: str,
    options: Sequence[str] = (),
    *,
    time_instruction: str | None = None,
    post_prompt: str | None = None,
) -> str:
    """The user text of a question about a video, in the layout of training and evaluation.

    Args:
        question: the question alone.
        options: answers to choose from; they are lettered A, B, C, ...
        time_instruction: the sentence of [`time_instruction`]. Training put it before the rest
            with one blank line between; evaluation left it out.
        post_prompt: how to answer. Default: the letter where there are options, else a single
            word or phrase. An empty string leaves it out.

    Raises:
        ValueError: for an empty question, an empty option, more options than letters, or text
            that contains one of the template's reserved marks.
    """
    _check_text("question", question)
    lines = [IMAGE_PLACEHOLDER]
    if time_instruction is not None:
        lines += [time_instruction, ""]
    lines += [VIDEO_NOTE, question]
    if options:
        lines += [OPTIONS_HEADER, *format_options(options)]
    if post_prompt is None:
        post_prompt = CHOICE_POST_PROMPT if options else NUMERIC_POST_PROMPT
    if post_prompt:
        lines.append(post_prompt)
    return "\n".join(lines)


def plain_question(question: str, *, time_instruction: str | None = None) -> str:
    """The user text of the published video demo: the placeholder, the question as it is."""
    _check_text("question", question)
    lines = [IMAGE_PLACEHOLDER, question]
    if time_instruction is not None:
        lines.insert(1, time_instruction)
    return "\n".join(lines)


def image_question(question: str, num_images: int) -> str:
    """The user text of the published image demo: one placeholder per image, then the question.

    Raises:
        ValueError: for less than one image, or a question that [`video_question`] refuses.
    """
    _check_text("question", question)
    if num_images < 1:
        raise ValueError(f"an image question needs at least one image, got {num_images}")
    return "\n".join([IMAGE_PLACEHOLDER] * num_images + [question])


def format_options(options: Sequence[str]) -> list[str]:
    """Options as lines `A. ...`; options that all carry their letter already stay as they are.

    Raises:
        ValueError: for more options than letters, or an empty option.
    """
    if len(options) > MAX_OPTIONS:
        raise ValueError(f"at most {MAX_OPTIONS} options can be lettered, got {len(options)}")
    for index, option in enumerate(options):
        _check_text(f"option {index + 1}", option)
    labels = [f"{letter}. " for letter in OPTION_LETTERS[: len(options)]]
    if all(option.startswith(label) for option, label in zip(options, labels, strict=True)):
        return list(options)
    return [label + option for option, label in zip(options, labels, strict=True)]


def time_instruction(duration: float, times: Sequence[float]) -> str:
    """The sentence that tells the model when its frames were taken.

    Args:
        duration: length of the video in seconds.
        times: time of each frame in seconds.
    """
    located = format_times(times)
    return (
        f"The video lasts for {duration:.2f} seconds, and {len(times)} frames are uniformly "
        f"sampled from it. These frames are located at {located}."
        "Please answer the following questions related to this video."
    )


def format_times(times: Sequence[float]) -> str:
    """Times in seconds as the time instruction lists them: `0.00s,1.40s`."""
    return ",".join(f"{time:.2f}s" for time in times)


def split_at_image(prompt: str) -> tuple[str, str]:
    """Prompt before and after its one image placeholder.

    The first part does not depend on the question, so its keys and values (and those of the visual
    tokens) can be kept while each question brings only the second part.

    Raises:
        ValueError: if the prompt does not contain exactly one placeholder.
    """
    parts = prompt.split(IMAGE_PLACEHOLDER)
    if len(parts) != 2:
        raise ValueError(
            f"expected exactly one {IMAGE_PLACEHOLDER} in the prompt, found {len(parts) - 1}"
        )
    return parts[0], parts[1]


def _check_text(name: str, text: str) -> None:
    if not text.strip():
        raise ValueError(f"the {name} is empty")
    for mark in _RESERVED:
        if mark in text:
            raise ValueError(f"the {name} contains {mark}, which the chat template reserves")
