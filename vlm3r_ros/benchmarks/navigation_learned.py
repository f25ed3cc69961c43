"""Sources of pose and place that look at colours: the geometry encoder, the whole assistant."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.assistant.assistant import AssistantConfig, SpatialAssistant
from vlm3r_ros.assistant.locator import Locator
from vlm3r_ros.assistant.tracking import GeometryTracker, SceneObservation, TrackerConfig
from vlm3r_ros.benchmarks.mounting import mount
from vlm3r_ros.benchmarks.navigation_kinds import SourceKind
from vlm3r_ros.benchmarks.navigation_sources import SourceMaker, TruthSource, Witness
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.registry import load_model
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.navigation.navigator import Navigator
from vlm3r_ros.navigation.target import Target
from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.rendering import render

POINTS_EVERY = 4
"""One in so many frames has a pointmap, as nodes have it too."""


class GeometrySource:
    """Poses and pointmaps of the geometry encoder; true places, brought into its map.

    The encoder's map begins at the first camera. As on a robot, it is known which way is up there
    and how high the camera is above the floor, besides its matrix.

    Args:
        witness: of the world.
        model: whose encoder it is.
        processor: of the model.
    """

    every_frame = True

    def __init__(
        self, witness: Witness, model: Vlm3rForConditionalGeneration, processor: Vlm3rProcessor
    ) -> None:
        self._witness = witness
        self._picture = _Pictures(witness, processor.image_size)
        self._tracker = GeometryTracker(model, processor, TrackerConfig(points_every=POINTS_EVERY))
        self._tracker.set_camera_matrix(self._picture.lens.matrix())
        self._anchor = _Anchor()
        self._T_world_camera: FloatArray = np.eye(4)
        self.navigator = Navigator()

    @property
    def T_map_world(self) -> FloatArray:  # noqa: N802
        """The true world in the encoder's map, as the session's first frame tells `[4, 4]`."""
        return self._anchor.T_map_world

    def look(self, T_world_camera: FloatArray, stamp: float) -> None:
        """Renders colours and takes a step.

        Raises:
            TrackingError: the encoder gives nothing finite.
        """
        if self._tracker.frame_index == 0:
            mount(self._tracker, T_world_camera)
        seen = self._tracker.step(self._picture.at(T_world_camera), stamp)
        self._anchor.fix(seen, T_world_camera)
        self._T_world_camera = T_world_camera
        self.navigator.observe(
            seen.session_id, stamp, seen.T_map_camera, seen.points, seen.point_confidence
        )

    def locate(self, name: str) -> Target:
        """The nearest object of a name that was truly seen, where the map would have it."""
        target = self._witness.locate(name, self._T_world_camera)
        return replace(target, position=_moved(self.T_map_world, target.position))


class ModelSource:
    """Everything from an assistant: poses, pointmaps and places.

    It knows of its camera what a robot knows, as `GeometrySource` does.

    Args:
        witness: of the world.
        model: the assistant's.
        processor: of the model.
        locator: how the assistant finds places.
    """

    every_frame = True

    def __init__(
        self,
        witness: Witness,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        locator: Locator = Locator.ASKED,
    ) -> None:
        config = AssistantConfig(
            tracker=TrackerConfig(points_every=POINTS_EVERY),
            locator=locator,
            # How well a machine keeps up is not what is measured.
            answer_timeout_s=math.inf,
        )
        self._assistant = SpatialAssistant(model, processor, config)
        self._picture = _Pictures(witness, processor.image_size)
        self._assistant.tracker.set_camera_matrix(self._picture.lens.matrix())
        self._anchor = _Anchor()

    @property
    def navigator(self) -> Navigator:
        """The assistant's."""
        return self._assistant.navigator

    @property
    def T_map_world(self) -> FloatArray:  # noqa: N802
        """The true world in the assistant's map, as the session's first frame tells `[4, 4]`."""
        return self._anchor.T_map_world

    def look(self, T_world_camera: FloatArray, stamp: float) -> None:
        """Shows the assistant a frame.

        Raises:
            TrackingError: the encoder gives nothing finite.
        """
        if self._assistant.tracker.frame_index == 0:
            mount(self._assistant.tracker, T_world_camera)
        seen = self._assistant.observe(self._picture.at(T_world_camera), stamp)
        if seen is not None:
            self._anchor.fix(seen, T_world_camera)

    def locate(self, name: str) -> Target:
        """Where the assistant takes the nearest object of a name to be."""
        return self._assistant.locate(name)


class _Anchor:
    """Ties a session's map to the world by the session's first frame."""

    def __init__(self) -> None:
        self._session_id: str | None = None
        self.T_map_world: FloatArray = np.eye(4)

    def fix(self, seen: SceneObservation, T_world_camera: FloatArray) -> None:
        """Takes in a frame whose true pose is known."""
        if seen.session_id != self._session_id:
            self._session_id = seen.session_id
            self.T_map_world = seen.T_map_camera @ np.linalg.inv(T_world_camera)


class _Pictures:
    """What a camera sees, squashed into the square that a model takes.

    Its lens is known to the model's tracker, as a robot's calibrated camera tells it in
    `camera_info`.
    """

    def __init__(self, witness: Witness, size: int) -> None:
        self._world = witness.world
        self.lens = witness.intrinsics.resized(size, size)

    def at(self, T_world_camera: FloatArray) -> NDArray[np.uint8]:
        """RGB `[S, S, 3]`."""
        color = render(self._world, self.lens, T_world_camera).color
        assert color is not None
        return color


def _moved(T: FloatArray, point: FloatArray) -> FloatArray:
    return np.asarray(T[:3, :3] @ point + T[:3, 3])


def source_makers(
    kinds: list[SourceKind], model: str, device: str, locator: Locator = Locator.ASKED
) -> dict[SourceKind, SourceMaker]:
    """What makes the sources of these kinds; all of them share one model.

    Args:
        kinds: at least one.
        model: a named size, a folder, or a hub name.
        device: `auto`, `cpu`, `cuda`, ...
        locator: how the model finds places.

    Raises:
        ModelFolderError: no such model.
        DeviceError: no such device.
    """
    geometry_only = SourceKind.MODEL not in kinds
    network, processor = load_model(model, device=device, geometry_only=geometry_only)
    makers: dict[SourceKind, SourceMaker] = {
        SourceKind.TRUTH: TruthSource,
        SourceKind.GEOMETRY: partial(GeometrySource, model=network, processor=processor),
        SourceKind.MODEL: partial(ModelSource, model=network, processor=processor, locator=locator),
    }
    return {kind: makers[kind] for kind in kinds}
