"""The keyframes by which a scene is remembered."""

import threading
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass
class Keyframe:
    """A frame that stands for its part of the session.

    Until its visual tokens are made it carries what they are made of; afterwards only the tokens.

    Attributes:
        serial: Counts the keyframes of one memory, never used twice.
        stamp: Time of acquisition in seconds.
        frame_index: Number of the frame in its session, from 0.
        image: uint8 `[S, S, 3]`, RGB, model size; None once encoded.
        camera_token: `[1, 1, D]`; None once encoded.
        patch_tokens: `[1, N, D]`; None once encoded.
        T_map_camera: Pose of the camera's optical frame `[4, 4]`; None where unknown.
        visual: `[T, H]`, what the language model reads of this frame; None until encoded.
    """

    serial: int
    stamp: float
    frame_index: int
    image: NDArray[np.uint8] | None
    camera_token: torch.Tensor | None
    patch_tokens: torch.Tensor | None
    T_map_camera: NDArray[np.float64] | None = None
    visual: torch.Tensor | None = None

    @property
    def encoded(self) -> bool:
        """Whether the visual tokens are made."""
        return self.visual is not None

    def settle(self, visual: torch.Tensor) -> None:
        """Keeps the visual tokens `[T, H]` and lets go of what they were made of."""
        self.visual = visual
        self.image = self.camera_token = self.patch_tokens = None


class SceneMemory:
    """At most `max_keyframes` frames that cover the whole session evenly.

    Every `stride`-th frame offered becomes a keyframe. When there is no room, every second
    keyframe goes and the stride doubles, so the first frame always stays and gaps are equal
    however long the session is. Safe to use from several threads.
    """

    def __init__(self, max_keyframes: int = 32) -> None:
        if max_keyframes < 2:
            raise ValueError(f"max_keyframes is {max_keyframes}; a scene needs at least 2")
        self.max_keyframes = max_keyframes
        self._lock = threading.Lock()
        self._keyframes: list[Keyframe] = []
        self._stride = 1
        self._offered = 0
        self._serial = 0

    @property
    def keyframes(self) -> tuple[Keyframe, ...]:
        """The keyframes held, oldest first; "frame i of N" is the i-th of them, from 1."""
        with self._lock:
            return tuple(self._keyframes)

    @property
    def stride(self) -> int:
        """One in so many frames becomes a keyframe."""
        return self._stride

    @property
    def offered(self) -> int:
        """Frames offered since the last clear."""
        return self._offered

    def __len__(self) -> int:
        return len(self._keyframes)

    def offer(
        self,
        image: NDArray[np.uint8],
        stamp: float,
        frame_index: int,
        camera_token: torch.Tensor,
        patch_tokens: torch.Tensor,
        T_map_camera: NDArray[np.float64] | None = None,
    ) -> bool:
        """Offers the session's next frame, shapes as in `Keyframe`; returns whether it is kept."""
        with self._lock:
            number = self._offered
            self._offered += 1
            if number % self._stride:
                return False
            if len(self._keyframes) == self.max_keyframes:
                self._keyframes = self._keyframes[::2]
                self._stride *= 2
                if number % self._stride:
                    return False
            self._keyframes.append(
                Keyframe(
                    self._serial,
                    stamp,
                    frame_index,
                    image,
                    camera_token,
                    patch_tokens,
                    T_map_camera,
                )
            )
            self._serial += 1
            return True

    def clear(self) -> None:
        """Forgets the scene; whoever holds its keyframes may go on using them."""
        with self._lock:
            self._keyframes = []
            self._stride = 1
            self._offered = 0


def common_prefix(held: list[int], keyframes: tuple[Keyframe, ...]) -> int:
    """How many of the keyframes, from the first, are the ones whose serials are `held`."""
    count = 0
    for serial, keyframe in zip(held, keyframes, strict=False):
        if serial != keyframe.serial:
            break
        count += 1
    return count
