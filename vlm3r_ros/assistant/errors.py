"""What can go wrong between a camera, a question and an answer."""


class AssistantError(Exception):
    """Base of every error that the assistant raises on purpose."""


class BadRequestError(AssistantError):
    """The question or its options cannot be used; the message names the input and the remedy."""


class NoFramesError(AssistantError):
    """A question came before any frame was seen."""


class NotReadyError(AssistantError):
    """The assistant, or the part of it that was called, cannot work yet."""


class AnswerTimeoutError(AssistantError):
    """No complete answer within the time given; the assistant stays usable."""


class TrackingError(AssistantError):
    """The geometry encoder gave no finite pose even on a fresh session."""
