"""Recurrent geometry encoder (CUT3R architecture): state in, state out."""

from .configuration import GeometryEncoderConfig, HeadType, StateUpdate, check_reset_interval
from .encoder import GeometryEncoder
from .state import GeometryBackend, GeometryHead, GeometryOutput, GeometryState, pose_matrix

__all__ = [
    "GeometryBackend",
    "GeometryEncoder",
    "GeometryEncoderConfig",
    "GeometryHead",
    "GeometryOutput",
    "GeometryState",
    "HeadType",
    "StateUpdate",
    "check_reset_interval",
    "pose_matrix",
]
