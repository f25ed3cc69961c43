"""The streaming engine: frames go in as they come, questions are answered at any moment. No ROS in here."""

from vlm3r_ros.assistant.frame_buffer import Frame, FrameBuffer, FrameBufferConfig, FrameVerdict
from vlm3r_ros.assistant.scene_memory import Keyframe, SceneMemory

__all__ = [
    "Frame",
    "FrameBuffer",
    "FrameBufferConfig",
    "FrameVerdict",
    "Keyframe",
    "SceneMemory",
]
