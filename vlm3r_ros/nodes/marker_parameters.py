"""Parameters of the markers that the `spatial_query` node publishes."""

from __future__ import annotations

from vlm3r_ros.nodes.markers import DEFAULT_LIFETIMES, MarkerConfig, MarkerKind
from vlm3r_ros.nodes.parameters import ParameterSet, ParameterSpec

_LONGEST = 86_400.0  # s, a day

_DESCRIPTIONS = {
    MarkerKind.TARGET: "the target's sphere and name stay",
    MarkerKind.GOAL: "the arrow at the goal stays",
    MarkerKind.PLAN: "the line of the way stays",
    MarkerKind.KEYFRAMES: "the keyframes' frustums stay",
    MarkerKind.ANSWER: "the last answer stays above the camera",
}

MARKER_PARAMETERS = tuple(
    ParameterSpec(
        f"{kind.value}_lifetime",
        DEFAULT_LIFETIMES[kind],
        f"Seconds that {words} in vlm3r/markers; 0 is until it changes.",
        0.0,
        _LONGEST,
    )
    for kind, words in _DESCRIPTIONS.items()
)


def marker_config(parameters: ParameterSet) -> MarkerConfig:
    """The markers' configuration from a node with `MARKER_PARAMETERS` and `map_frame`."""
    lifetimes = {kind: parameters[f"{kind.value}_lifetime"] for kind in MarkerKind}
    return MarkerConfig(frame=parameters["map_frame"], lifetimes=lifetimes)
