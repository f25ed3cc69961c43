"""The two ways in which an assistant finds a thing's place: by asking its model, by watching it."""

from enum import StrEnum


class Locator(StrEnum):
    """How a place is found."""

    ASKED = "asked"
    """The model is asked where the thing is; for models that are tuned on `object_location`."""
    ATTENDED = "attended"
    """Where the language model looks is lifted to the map; for any model with good pointmaps."""
