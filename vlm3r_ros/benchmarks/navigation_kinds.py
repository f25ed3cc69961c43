"""The names of what a walker may rely on; imports nothing, for the command line."""

from enum import StrEnum


class SourceKind(StrEnum):
    """What a walker relies on."""

    TRUTH = "truth"
    """True depth, poses and places."""
    GEOMETRY = "geometry"
    """Poses and pointmaps of the geometry encoder; true places."""
    MODEL = "model"
    """Everything from the assistant."""
