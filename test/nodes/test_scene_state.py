import math

import numpy as np
import pytest
import torch
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from vlm3r_ros.assistant.tracking import SceneObservation
from vlm3r_ros.nodes.message_conversion import MessageError
from vlm3r_ros.nodes.scene_state import (
    announce_session,
    is_announcement,
    message_to_observation,
    observation_to_message,
)

HEADER = Header(stamp=Time(sec=12, nanosec=500_000_000), frame_id="camera_optical_frame")


@pytest.fixture
def observation() -> SceneObservation:
    torch.manual_seed(0)
    T = np.eye(4)
    T[:3, 3] = (1.0, 2.0, 3.0)
    return SceneObservation(
        stamp=12.5,
        session_id="abc",
        frame_index=7,
        camera_token=torch.randn(1, 1, 8),
        patch_tokens=torch.randn(1, 6, 8),
        grid=(2, 3),
        T_map_camera=T,
        pose_confidence=0.75,
        points=None,
        point_confidence=None,
        depth=None,
        state_tokens=torch.randn(1, 5, 8),
        step_time=0.1,
    )


@pytest.mark.parametrize(("encoding", "tolerance"), [("float32", 0.0), ("float16", 2e-3)])
def test_an_observation_travels(observation, encoding, tolerance):
    message = observation_to_message(
        observation, HEADER, encoding=encoding, keyframe=True, with_state=True
    )
    assert message.keyframe
    assert not is_announcement(message)
    size = 4 if encoding == "float32" else 2
    assert len(message.patch_tokens) == 6 * 8 * size
    back = message_to_observation(message)
    assert (back.stamp, back.session_id, back.frame_index, back.grid) == (12.5, "abc", 7, (2, 3))
    assert back.pose_confidence == 0.75
    np.testing.assert_allclose(back.T_map_camera, observation.T_map_camera)
    for name in ("camera_token", "patch_tokens", "state_tokens"):
        sent, received = getattr(observation, name), getattr(back, name)
        assert received.dtype == torch.float32
        torch.testing.assert_close(received, sent, atol=tolerance, rtol=tolerance)


def test_the_state_stays_at_home_unless_asked_for(observation):
    message = observation_to_message(observation, HEADER)
    assert len(message.state_tokens) == 0
    assert message_to_observation(message).state_tokens.shape == (1, 0, 8)


def test_tokens_too_large_for_float16_arrive_finite(observation):
    observation.patch_tokens[0, 0, 0] = 1e6
    back = message_to_observation(observation_to_message(observation, HEADER))
    assert back.patch_tokens[0, 0, 0] == 65504


def test_bfloat16_tokens_travel(observation):
    tokens = observation.camera_token.to(torch.bfloat16)
    message = observation_to_message(
        SceneObservation(**{**vars(observation), "camera_token": tokens}), HEADER
    )
    torch.testing.assert_close(
        message_to_observation(message).camera_token, tokens.float(), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encoding": "int8"}, "'int8' is not one of float16, float32"),
        ({"encoding": ""}, "not one of"),
        ({"encoding": "float32"}, "camera_token holds 16 bytes"),
        ({"tokens_height": 3}, "patch_tokens holds 96 bytes"),
        ({"dim": 9}, "camera_token holds 16 bytes"),
        ({"patch_tokens": b""}, "patch_tokens holds 0 bytes"),
        ({"state_tokens": b"123"}, "state_tokens holds 3 bytes"),
        ({"camera_token": np.full(8, np.nan, np.float16).tobytes()}, "not finite"),
    ],
)
def test_a_message_that_contradicts_itself_is_refused_by_name(observation, change, words):
    message = observation_to_message(observation, HEADER)
    for field, value in change.items():
        setattr(message, field, value)
    with pytest.raises(MessageError, match=words):
        message_to_observation(message)


def test_an_unknown_encoding_is_not_sent(observation):
    with pytest.raises(MessageError, match="float64"):
        observation_to_message(observation, HEADER, encoding="float64")


def test_a_new_session_can_be_announced_before_its_first_frame():
    message = announce_session("next", HEADER)
    assert is_announcement(message)
    assert message.session_id == "next"
    assert math.isnan(message.pose_confidence)
