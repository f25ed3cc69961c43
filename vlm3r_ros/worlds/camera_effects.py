"""What a real camera does to a picture: motion blur, exposure and the noise of its sensor.

Depth and instances stay those of the moment at which the shutter opens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from vlm3r_ros.worlds.boxes import FloatArray

_LEVELS = 4096  # of linear light, in the table that leads back to sRGB
_BLUR_VIEWS = 5  # pictures that a blurred one is the average of


@dataclass(frozen=True)
class CameraEffects:
    """How far a camera is from an ideal one; by default not at all.

    Attributes:
        motion_blur: share of the time from frame to frame in which the shutter is open, in [0, 1].
        exposure: by how many stops a clip is too bright or too dark: a standard deviation.
        noise: of the sensor at middle grey, in steps of 8-bit sRGB: a standard deviation. It is
            relatively stronger where there is less light.

    Raises:
        ValueError: a strength is negative, or the shutter open for longer than a frame lasts.
    """

    motion_blur: float = 0.0
    exposure: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("motion_blur", "exposure", "noise"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}; it must be 0 or more")
        if self.motion_blur > 1:
            raise ValueError(f"motion_blur is {self.motion_blur}; a shutter is open 1 at the most")

    @property
    def changes_light(self) -> bool:
        """Whether pictures come out otherwise, apart from blur."""
        return self.exposure > 0 or self.noise > 0


class Sensor:
    """Turns ideal pictures of one clip into those of a camera.

    Args:
        effects: how strong its effects are.
        generator: of chance; the exposure is drawn here, the noise picture by picture.
    """

    def __init__(self, effects: CameraEffects, generator: np.random.Generator) -> None:
        self._effects = effects
        self._generator = generator
        self._gain = np.float32(2.0 ** (effects.exposure * generator.standard_normal()))

    def expose(self, color: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture as the sensor reads it: uint8 `[H, W, 3]`, sRGB."""
        if not self._effects.changes_light:
            return color
        light = to_linear(color) * self._gain
        if self._effects.noise > 0:
            # Counted photons vary as the root of their number; the rest is read-out.
            spread = self._noise_at_grey * np.sqrt(0.2 + 0.8 * light / _GREY)
            light += spread * self._generator.standard_normal(light.shape, np.float32)
        return to_srgb(light)

    @property
    def _noise_at_grey(self) -> np.float32:
        """In linear light."""
        slope = (_TO_LINEAR[129] - _TO_LINEAR[127]) / 2
        return np.float32(self._effects.noise * slope)


def blurred(
    render: Callable[[FloatArray], NDArray[np.uint8]], poses: Sequence[FloatArray]
) -> NDArray[np.uint8]:
    """The average, in linear light, of what is rendered from several poses."""
    total = to_linear(render(poses[0]))
    for pose in poses[1:]:
        total += to_linear(render(pose))
    return to_srgb(total / np.float32(len(poses)))


def shutter_poses(start: FloatArray, end: FloatArray, shutter: float) -> list[FloatArray]:
    """Where a camera is while its shutter is open.

    Args:
        start: `T_world_camera` `[4, 4]` of a frame.
        end: of the next one.
        shutter: share of the way between them, in [0, 1].
    """
    times = np.linspace(0, shutter, _BLUR_VIEWS)
    turns = Slerp([0, 1], Rotation.from_matrix([start[:3, :3], end[:3, :3]]))(times)
    poses = np.tile(np.eye(4), (_BLUR_VIEWS, 1, 1))
    poses[:, :3, :3] = turns.as_matrix()
    poses[:, :3, 3] = start[:3, 3] + times[:, None] * (end[:3, 3] - start[:3, 3])
    return list(poses)


def to_linear(color: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Linear light in [0, 1] of sRGB values."""
    return np.asarray(_TO_LINEAR[color])


def to_srgb(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """SRGB values of linear light; what is brighter than white is white."""
    levels = np.clip(light * np.float32(_LEVELS - 1) + np.float32(0.5), 0, _LEVELS - 1)
    return np.asarray(_TO_SRGB[levels.astype(np.uint16)])


def _linear(srgb: FloatArray) -> FloatArray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _srgb(linear: FloatArray) -> FloatArray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_TO_LINEAR = _linear(np.arange(256) / 255).astype(np.float32)
_TO_SRGB = np.rint(255 * _srgb(np.arange(_LEVELS) / (_LEVELS - 1))).astype(np.uint8)
_GREY = _TO_LINEAR[128]
