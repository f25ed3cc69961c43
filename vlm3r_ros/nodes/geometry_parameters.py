"""Parameters of the `geometry` node."""

from __future__ import annotations

from vlm3r_ros.assistant.tracking import TrackerConfig
from vlm3r_ros.models.geometry import GeometryBackend, StateUpdate
from vlm3r_ros.nodes.model_parameters import DEVICE_PARAMETER, DTYPE_PARAMETER, MODEL_PARAMETER
from vlm3r_ros.nodes.parameters import ParameterSet, ParameterSpec
from vlm3r_ros.nodes.scene_state import ENCODINGS

MODEL_DEFAULT = "model"
_MODEL_RESETS = -1  # the same of a number

PARAMETERS = (
    MODEL_PARAMETER,
    DEVICE_PARAMETER,
    DTYPE_PARAMETER,
    ParameterSpec(
        "onnx_folder",
        "",
        "Run the step in ONNX Runtime from this folder, written by `vlm3r export-onnx` for the "
        "same model; empty: in PyTorch.",
    ),
    ParameterSpec("map_frame", "map", "Frame of poses, points and path (REP-105)."),
    ParameterSpec(
        "publish_tf",
        True,
        "Publish map -> camera on /tf; false where another node gives the camera's frame a parent.",
    ),
    ParameterSpec(
        "odom_frame",
        "",
        "With base_frame: publish map -> this frame on /tf in place of map -> camera, from the "
        "odometry that /tf holds (REP-105); empty: map -> camera.",
    ),
    ParameterSpec(
        "base_frame",
        "",
        "Robot frame with z up. If /tf_static links it to the camera, it tells which way is up; "
        "empty: the floor is looked for, else the camera is taken as level.",
    ),
    ParameterSpec(
        "seek_floor", True, "Look for the floor in the first frame where base_frame does not help."
    ),
    ParameterSpec(
        "state_update",
        MODEL_DEFAULT,
        "How the recurrent state takes in a frame: replace (published), gated (forgets less on "
        "long streams), model (what the model's folder says).",
        choices=(MODEL_DEFAULT, *(each.value for each in StateUpdate)),
    ),
    ParameterSpec(
        "reset_interval",
        _MODEL_RESETS,
        "The recurrent state starts anew after so many frames, poses are chained; 0 for never, -1 "
        "for what the model's folder says.",
        _MODEL_RESETS,
        1_000_000,
    ),
    ParameterSpec(
        "points_every",
        4,
        "Points and depth are computed on every n-th frame; 0 for never. They cost a good part of "
        "a step. With a power of two, keyframes of long sessions have points.",
        0,
        1000,
    ),
    ParameterSpec(
        "visual_odometry",
        True,
        "Poses from corners that are followed through the images and the network's depth; false: "
        "the network's own poses, which drift on long streams.",
    ),
    ParameterSpec(
        "camera_height",
        0.0,
        "Metres from the floor up to the camera where it is fixed, so that poses and points are as "
        "large as the world truly is (visual_odometry only); 0: not known.",
        0.0,
        100.0,
    ),
    ParameterSpec(
        "max_points",
        20_000,
        "At most so many points are published a frame, in rows and columns.",
        1,
        1_000_000,
    ),
    ParameterSpec(
        "min_point_confidence",
        1.0,
        "Points with less confidence (from 1 up) are published as NaN. 1.5 suits published "
        "checkpoints; nano has 1.0 for all.",
        1.0,
        1000.0,
    ),
    ParameterSpec("max_path_poses", 1000, "Longest path that is published.", 2, 100_000),
    ParameterSpec(
        "path_spacing", 0.02, "Distance between poses of the path, in metres.", 0.0, 100.0
    ),
    ParameterSpec(
        "max_speed",
        5.0,
        "Camera speed in m/s above which a pose is trusted less.",
        0.01,
        100.0,
    ),
    ParameterSpec(
        "jump_back",
        1.0,
        "A stamp that goes back by more seconds than this starts a new session.",
        0.0,
        3600.0,
    ),
    ParameterSpec(
        "token_encoding", "float16", "Number type of the tokens in scene_state.", choices=ENCODINGS
    ),
    ParameterSpec("publish_state", False, "Put the recurrent state's tokens into scene_state."),
    ParameterSpec(
        "max_keyframes",
        32,
        "Keyframes that a scene is remembered by; as in spatial_query.",
        2,
        1024,
    ),
    ParameterSpec(
        "silence",
        5.0,
        "Seconds without a frame after which the node warns and says why.",
        0.1,
        3600.0,
    ),
)


def tracker_config(parameters: ParameterSet) -> TrackerConfig:
    """The tracker's configuration from the node's parameters."""
    update, interval = parameters["state_update"], parameters["reset_interval"]
    return TrackerConfig(
        points_every=parameters["points_every"],
        state_update=None if update == MODEL_DEFAULT else StateUpdate(update),
        reset_interval=None if interval == _MODEL_RESETS else interval,
        seek_floor=parameters["seek_floor"],
        max_speed=parameters["max_speed"],
        visual_odometry=parameters["visual_odometry"],
        camera_height=parameters["camera_height"] or None,
    )


def geometry_backend(parameters: ParameterSet) -> GeometryBackend | None:
    """What runs the step where the parameters ask for another backend than PyTorch.

    Raises:
        OnnxBackendError: ONNX Runtime is not installed, or the folder does not hold an export.
    """
    folder = parameters["onnx_folder"]
    if not folder:
        return None
    # ONNX Runtime is optional: nobody else pays for its import.
    from vlm3r_ros.models.geometry.onnx_backend import OnnxGeometryEncoder

    return OnnxGeometryEncoder(folder)
