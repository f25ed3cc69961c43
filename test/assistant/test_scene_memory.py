"""Keyframes cover a session evenly in bounded memory."""

import numpy as np
import pytest
import torch

from vlm3r_ros.assistant import SceneMemory
from vlm3r_ros.assistant.scene_memory import common_prefix


def offer(memory: SceneMemory, count: int, first: int = 0) -> list[bool]:
    image, token = np.zeros((4, 4, 3), np.uint8), torch.zeros(1, 1, 2)
    return [memory.offer(image, 0.1 * i, i, token, token) for i in range(first, first + count)]


def indices(memory: SceneMemory) -> list[int]:
    return [keyframe.frame_index for keyframe in memory.keyframes]


def test_every_frame_is_kept_while_there_is_room():
    memory = SceneMemory(max_keyframes=4)
    assert offer(memory, 4) == [True] * 4
    assert memory.stride == 1


def test_full_memory_drops_every_second_keyframe_and_doubles_the_stride():
    memory = SceneMemory(max_keyframes=4)
    offer(memory, 5)
    assert indices(memory) == [0, 2, 4]
    assert memory.stride == 2
    assert offer(memory, 3, first=5) == [False, True, False]
    assert indices(memory) == [0, 2, 4, 6]
    offer(memory, 1, first=8)
    assert indices(memory) == [0, 4, 8]
    assert memory.stride == 4


@pytest.mark.parametrize("max_keyframes", [2, 3, 5, 8, 32])
@pytest.mark.parametrize("frames", [1, 7, 33, 64, 65, 500])
def test_keyframes_stay_evenly_spaced_from_the_first_to_almost_the_last(max_keyframes, frames):
    memory = SceneMemory(max_keyframes)
    offer(memory, frames)
    held = indices(memory)
    assert held == list(range(0, held[-1] + 1, memory.stride))
    assert len(held) <= max_keyframes
    assert frames - 1 - held[-1] < memory.stride
    # Never thinned more than needed.
    assert memory.stride == 1 or 2 * len(held) >= max_keyframes


def test_serials_are_never_used_twice_even_after_clear():
    memory = SceneMemory(max_keyframes=4)
    offer(memory, 9)
    before = {keyframe.serial for keyframe in memory.keyframes}
    memory.clear()
    assert len(memory) == 0
    offer(memory, 9)
    assert before.isdisjoint(keyframe.serial for keyframe in memory.keyframes)
    assert indices(memory) == [0, 4, 8]


def test_common_prefix_ends_at_the_first_dropped_keyframe():
    memory = SceneMemory(max_keyframes=4)
    offer(memory, 4)
    serials = [keyframe.serial for keyframe in memory.keyframes]
    assert common_prefix(serials, memory.keyframes) == 4
    offer(memory, 1, first=4)
    assert common_prefix(serials, memory.keyframes) == 1
    memory.clear()
    assert common_prefix(serials, memory.keyframes) == 0


def test_encoded_keyframe_keeps_only_its_visual_tokens():
    memory = SceneMemory(max_keyframes=4)
    offer(memory, 1)
    (keyframe,) = memory.keyframes
    keyframe.settle(torch.ones(3, 5))
    assert keyframe.encoded
    assert (keyframe.image, keyframe.camera_token, keyframe.patch_tokens) == (None, None, None)


def test_memory_of_one_keyframe_is_refused():
    with pytest.raises(ValueError, match="max_keyframes"):
        SceneMemory(1)
