"""Parameters of the `spatial_query` node."""

from __future__ import annotations

from vlm3r_ros.assistant.locator import Locator
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
        "locator",
        Locator.ASKED.value,
        "How places of things are found: asked (the model is asked where they are; for models that "
        "are tuned on object_location), attended (where the model looks is lifted to the map).",
        choices=tuple(each.value for each in Locator),
    ),
    ParameterSpec(
        "follow_target",
        True,
        "After a hint was asked for, go on giving hints at hint_rate until arrived or cancelled.",
    ),
    ParameterSpec("hint_rate", 2.0, "Hints a second while the camera is followed (Hz).", 0.1, 20.0),
    ParameterSpec(
        "send_goal",
        False,
        "Publish the goal on goal_pose as well, which Nav2 and RViz's goal tool use: a robot that "
        "listens there sets off.",
    ),
    ParameterSpec(
        "base_frame",
        "",
        "Robot frame with x forward and z up that hints are for, if /tf_static links it to the "
        "camera; empty: hints are for the camera.",
    ),
    ParameterSpec("robot_radius", 0.22, "Of the body that goes the way (m).", 0.01, 5.0),
    ParameterSpec(
        "arrival_distance",
        0.2,
        "Metres of way left at which one has arrived.",
        0.01,
        10.0,
    ),
    ParameterSpec(
        "marker_lifetime",
        60.0,
        "Seconds that markers are shown, but for those of keyframes; 0: for ever.",
        0.0,
        86_400.0,
    ),
    ParameterSpec(
        "silence",
        5.0,
        "Seconds without a frame or scene state after which the node warns and says why.",
        0.1,
        3600.0,
    ),
)
