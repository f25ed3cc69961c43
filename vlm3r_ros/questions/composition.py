"""Wordings put together: what is asked, in every way to say what it is asked about.

A model that knows eight sentences by heart takes others for something else. One that saw each
question beginning with its frame, ending with it, and holding it in between has to read.
"""

from __future__ import annotations

_ONE_FRAME = (
    "In {{frame_description}}, {question}?",
    "At {{frame_description}}, {question}?",
    "Look at {{frame_description}}. {Question}?",
    "Think of {{frame_description}}: {question}?",
    "When {{frame_description}} was taken, {question}?",
    "About {{frame_description}}: {question}?",
    "{Question} in {{frame_description}}?",
    "{Question}, as {{frame_description}} shows it?",
    "Tell me about {{frame_description}}: {question}?",
    "I would like to know: {question} in {{frame_description}}?",
)
_TWO_FRAMES = (
    "Between {{start_frame_description}} and {{end_frame_description}}, {question}?",
    "From {{start_frame_description}} to {{end_frame_description}}, {question}?",
    "Compare {{start_frame_description}} with {{end_frame_description}}. {Question}?",
    "On the way from {{start_frame_description}} to {{end_frame_description}}, {question}?",
    "First {{start_frame_description}}, later {{end_frame_description}}: {question}?",
    "After {{start_frame_description}} and until {{end_frame_description}}, {question}?",
    "{Question} between {{start_frame_description}} and {{end_frame_description}}?",
    "{Question} from {{start_frame_description}} to {{end_frame_description}}?",
    "I would like to know: {question} from {{start_frame_description}} to "
    "{{end_frame_description}}?",
    "By {{end_frame_description}}, counted from {{start_frame_description}}, {question}?",
    "{Question} up to {{end_frame_description}}, beginning at {{start_frame_description}}?",
)
_WHOLE_VIDEO = (
    "{Question}?",
    "In this room, {question}?",
    "Here, {question}?",
    "From what the video shows, {question}?",
    "After all that you have seen, {question}?",
    "{Question}, as far as you can tell?",
    "Tell me: {question}?",
    "I would like to know: {question}?",
)


def about_one_frame(*questions: str) -> tuple[str, ...]:
    """Each question with a frame to which it belongs.

    Args:
        questions: from a small letter to before the question mark, with placeholders.

    Example:
        >>> about_one_frame("how far is the {object_name}")[-2]
        'How far is the {object_name} in {frame_description}?'
    """
    return _compose(_ONE_FRAME, questions)


def about_two_frames(*questions: str) -> tuple[str, ...]:
    """Each question with the two frames between which something happens."""
    return _compose(_TWO_FRAMES, questions)


def about_all_seen(*questions: str) -> tuple[str, ...]:
    """Each question about everything that was seen."""
    return _compose(_WHOLE_VIDEO, questions)


def _compose(forms: tuple[str, ...], questions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        form.format(question=question, Question=question[0].upper() + question[1:])
        for question in questions
        for form in forms
    )
