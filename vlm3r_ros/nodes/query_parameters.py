"""Parameters of the `spatial_query` node."""

from __future__ import annotations

from vlm3r_ros.nodes.model_parameters import DEVICE_PARAMETER, DTYPE_PARAMETER, MODEL_PARAMETER
from vlm3r_ros.nodes.parameters import ParameterSpec

PARAMETERS = (
    MODEL_PARAMETER,
    DEVICE_PARAMETER,
    DTYPE_PARAMETER,
    ParameterSpec("map_frame", "map", "Frame that answers speak about (REP-105)."),
    ParameterSpec(
        "max_keyframes",
        32,
        "Keyframes that a scene is remembered by; when full, every second one goes.",
        2,
        1024,
    ),
    ParameterSpec(
        "keyframes_per_pass",
        4,
        "Keyframes that the language model reads at a time; a question waits for no more.",
        1,
        64,
    ),
    ParameterSpec("max_new_tokens", 16, "Longest answer, in tokens.", 1, 4096),
    ParameterSpec(
        "answer_timeout",
        60.0,
        "Seconds for an answer where the request gives none, waiting included.",
        0.001,
        3600.0,
    ),
    ParameterSpec("max_question", 10_000, "Longest question, in characters.", 1, 1_000_000),
    ParameterSpec("max_queue", 32, "Questions that may wait at once.", 1, 1000),
    ParameterSpec(
        "match_frames",
        128,
        "Frames held until their scene state comes; more for a slow geometry encoder.",
        1,
        10_000,
    ),
    ParameterSpec(
        "tell_times",
        False,
        "Tell the model when its keyframes were taken; the published evaluation does not.",
    ),
    ParameterSpec(
        "silence",
        5.0,
        "Seconds without a frame or scene state after which the node warns and says why.",
        0.1,
        3600.0,
    ),
)
