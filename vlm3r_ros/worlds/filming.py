"""Filming a world in memory: the frames of a video, and the scene that questions are made from.

Nothing is read or written, so that training can film as it goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.camera_effects import CameraEffects, Sensor, blurred, shutter_poses
from vlm3r_ros.worlds.camera_path import CameraPath, walk
from vlm3r_ros.worlds.rendering import View, render
from vlm3r_ros.worlds.scene import Scene, SceneFrame
from vlm3r_ros.worlds.visibility import visible_objects
from vlm3r_ros.worlds.world import World, WorldId

MODEL_FRAMES = 32
"""Frames of a video that a model is shown, and that the metadata describes."""

# What a world's random numbers are drawn for.
_WALKING, _SENSING = 1, 2


@dataclass(frozen=True)
class FilmSettings:
    """How a world is filmed.

    Attributes:
        frames: of the video.
        fps: frames a second.
        width, height: of a frame, pixels.
        samples: rays along each side of a pixel; 2 smooths edges at four times the price.
        effects: blur, exposure and noise of the colours.

    Raises:
        ValueError: a setting makes no sense.
    """

    frames: int = 120
    fps: float = 10.0
    width: int = 320
    height: int = 240
    samples: int = 1
    effects: CameraEffects = field(default_factory=CameraEffects)

    def __post_init__(self) -> None:
        for name in ("frames", "width", "height", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"fps is {self.fps}; it must be above 0")


@dataclass(frozen=True, eq=False)
class FilmedFrame:
    """A frame with its truth.

    Attributes:
        index: in the video.
        time: seconds from the beginning of the video.
        T_world_camera: camera to world `[4, 4]`, optical frame.
        view: colour, depth and instances.
    """

    index: int
    time: float
    T_world_camera: FloatArray
    view: View

    @property
    def color(self) -> NDArray[np.uint8]:
        """RGB `[H, W, 3]`.

        Raises:
            ValueError: it was rendered without.
        """
        if self.view.color is None:
            raise ValueError(f"frame {self.index} was rendered without colour")
        return self.view.color


@dataclass(frozen=True, eq=False)
class Film:
    """A world and a camera's way through it; frames are rendered when they are asked for.

    Attributes:
        world: what is filmed.
        path: poses, times and intrinsics of all frames.
        settings: how.
    """

    world: World
    path: CameraPath
    settings: FilmSettings

    @classmethod
    def of(cls, world_id: WorldId, settings: FilmSettings) -> Film:
        """Build a world and walk through it; the same film on every machine.

        Raises:
            SceneError: no such world can be furnished or walked through.
        """
        world = build_world(world_id)
        path = walk(
            world,
            frames=settings.frames,
            fps=settings.fps,
            width=settings.width,
            height=settings.height,
            generator=world_id.generator(_WALKING),
        )
        return cls(world, path, settings)

    def frames(
        self, indices: Iterable[int] | None = None, *, color: bool = True
    ) -> Iterator[FilmedFrame]:
        """Render frames.

        Args:
            indices: which, in any order; all where left out. The sensor's noise is drawn in this
                order; nothing else depends on it.
            color: whether colours are needed; without, a frame takes far less time.
        """
        sensor = Sensor(self.settings.effects, self.world.id.generator(_SENSING))
        for index in range(self.settings.frames) if indices is None else indices:
            view = self._view(index, color)
            if view.color is not None:
                view = replace(view, color=sensor.expose(view.color))
            pose = self.path.T_world_camera[index]
            yield FilmedFrame(index, float(self.path.times[index]), pose, view)

    def _view(self, index: int, color: bool) -> View:
        """A frame as the lens throws it on the sensor while the shutter is open."""
        shutter, poses = self.settings.effects.motion_blur, self.path.T_world_camera
        if not color or shutter == 0 or len(poses) == 1:
            return self._render(poses[index], color=color)
        if index + 1 < len(poses):
            end = poses[index + 1]
        else:
            # After the last frame the camera goes on as before.
            end = poses[index] @ np.linalg.inv(poses[index - 1]) @ poses[index]

        def color_at(pose: FloatArray) -> NDArray[np.uint8]:
            seen = self._render(pose).color
            assert seen is not None
            return seen

        still = self._render(poses[index], color=False)
        return replace(still, color=blurred(color_at, shutter_poses(poses[index], end, shutter)))

    def _render(self, pose: FloatArray, *, color: bool = True) -> View:
        samples = self.settings.samples
        return render(self.world, self.path.intrinsics, pose, samples=samples, color=color)

    def scene_frame(self, frame: FilmedFrame, depth_path: str = "") -> SceneFrame:
        """What the metadata holds of a frame."""
        visible = visible_objects(
            self.world, frame.view, self.path.intrinsics, frame.T_world_camera
        )
        return SceneFrame(
            frame_id=frame.index,
            T_world_camera=frame.T_world_camera,
            visible=visible,
            time=frame.time,
            depth_path=depth_path,
        )

    def scene(self, frames: Sequence[SceneFrame], video_path: str = "") -> Scene:
        """The world with these frames, as questions are made from it."""
        scene = self.world.scene(frames, video_path)
        return replace(scene, intrinsics=self.path.intrinsics)


def model_frames(frames: int, count: int = MODEL_FRAMES) -> list[int]:
    """Indices of the frames that a model is shown of a video of `frames`, ascending.

    They are spread evenly from the first to the last, rounded down, as the published loaders do; of
    a shorter video it is shown every frame.
    """
    return np.linspace(0, frames - 1, min(count, frames)).astype(int).tolist()


def film_scene(
    world_id: WorldId, settings: FilmSettings, *, color: bool = False
) -> tuple[Scene, list[FilmedFrame]]:
    """Film what a model is shown of a world.

    Args:
        world_id: which world.
        settings: how it is filmed.
        color: whether the frames need colours.

    Returns:
        The scene with its metadata frames, and those frames rendered.

    Raises:
        SceneError: no such world can be furnished or walked through.
    """
    film = Film.of(world_id, settings)
    frames = list(film.frames(model_frames(settings.frames), color=color))
    return film.scene([film.scene_frame(frame) for frame in frames]), frames
