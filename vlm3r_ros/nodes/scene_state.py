"""SceneState messages to and from what the geometry tracker observes."""

from __future__ import annotations

import math

import numpy as np
import torch
from std_msgs.msg import Header
from torch import Tensor

from vlm3r_ros.assistant.tracking import SceneObservation
from vlm3r_ros.msg import SceneState
from vlm3r_ros.nodes.message_conversion import (
    MessageError,
    matrix_to_pose,
    pose_to_matrix,
    stamp_to_seconds,
)

_NUMBER_TYPES: dict[str, np.dtype[np.floating]] = {
    SceneState.FLOAT16: np.dtype("<f2"),
    SceneState.FLOAT32: np.dtype("<f4"),
}
ENCODINGS = tuple(_NUMBER_TYPES)


def observation_to_message(
    observation: SceneObservation,
    header: Header,
    *,
    encoding: str = SceneState.FLOAT16,
    keyframe: bool = False,
    with_state: bool = False,
) -> SceneState:
    """The message of one observation.

    Args:
        observation: what the tracker made of a frame.
        header: stamp and optical frame of the frame.
        encoding: number type of the tokens, one of `ENCODINGS`.
        keyframe: whether the frame would be kept to answer questions with.
        with_state: whether the recurrent state travels too.

    Raises:
        MessageError: unknown encoding, or a pose that is not finite.
    """
    if encoding not in _NUMBER_TYPES:
        raise MessageError(f"token encoding {encoding!r} is not one of {', '.join(ENCODINGS)}")
    rows, columns = observation.grid
    message = SceneState(
        header=header,
        session_id=observation.session_id,
        frame_index=observation.frame_index,
        keyframe=keyframe,
        camera_pose=matrix_to_pose(observation.T_map_camera),
        pose_confidence=float(observation.pose_confidence),
        tokens_height=rows,
        tokens_width=columns,
        dim=observation.patch_tokens.shape[-1],
        encoding=encoding,
    )
    message.camera_token.frombytes(_token_bytes(observation.camera_token, encoding))
    message.patch_tokens.frombytes(_token_bytes(observation.patch_tokens, encoding))
    if with_state:
        message.state_tokens.frombytes(_token_bytes(observation.state_tokens, encoding))
    return message


def message_to_observation(message: SceneState) -> SceneObservation:
    """What a message tells, with float32 tokens in main memory; points and depth are None.

    Raises:
        MessageError: unknown encoding, token fields whose lengths do not fit the shape, or tokens
            or a pose that are not finite.
    """
    if message.encoding not in _NUMBER_TYPES:
        raise MessageError(
            f"token encoding {message.encoding!r} is not one of {', '.join(ENCODINGS)}"
        )
    grid = (message.tokens_height, message.tokens_width)
    return SceneObservation(
        stamp=stamp_to_seconds(message.header.stamp),
        session_id=message.session_id,
        frame_index=message.frame_index,
        camera_token=_tokens(message, "camera_token", 1),
        patch_tokens=_tokens(message, "patch_tokens", grid[0] * grid[1]),
        grid=grid,
        T_map_camera=pose_to_matrix(message.camera_pose),
        pose_confidence=message.pose_confidence,
        points=None,
        point_confidence=None,
        depth=None,
        state_tokens=_tokens(message, "state_tokens", None),
        step_time=math.nan,
    )


def announce_session(session_id: str, header: Header) -> SceneState:
    """A message that a new session has begun and holds no frame yet: `dim` is 0, tokens empty."""
    message = SceneState(header=header, session_id=session_id, encoding=SceneState.FLOAT16)
    message.pose_confidence = math.nan
    return message


def is_announcement(message: SceneState) -> bool:
    """Whether the message only names a session."""
    return bool(message.dim == 0)


def _token_bytes(tokens: Tensor, encoding: str) -> np.ndarray:
    # float16 ends at 65504; beyond it lies infinity, which the reader refuses.
    numbers = tokens.detach().float().cpu().numpy()
    limit = np.finfo(_NUMBER_TYPES[encoding]).max
    numbers = np.clip(numbers, -limit, limit).astype(_NUMBER_TYPES[encoding])
    return np.ascontiguousarray(numbers).view(np.uint8)


def _tokens(message: SceneState, field: str, count: int | None) -> Tensor:
    """Tokens `[1, count, dim]`; as many as there are where the count is None."""
    number_type = _NUMBER_TYPES[message.encoding]
    raw = np.frombuffer(getattr(message, field), np.uint8)
    one = message.dim * number_type.itemsize
    if count is None and one and raw.size % one == 0:
        count = raw.size // one
    if count is None or raw.size != count * one:
        wanted = "a multiple of it" if count is None else f"{count} x {one}"
        raise MessageError(
            f"{field} holds {raw.size} bytes; {message.encoding} tokens of {message.dim} channels "
            f"take {one} bytes each, so it should hold {wanted}"
        )
    numbers = raw.view(number_type).astype(np.float32).reshape(1, count, message.dim)
    if not np.isfinite(numbers).all():
        raise MessageError(f"{field} holds numbers that are not finite")
    return torch.from_numpy(numbers)
