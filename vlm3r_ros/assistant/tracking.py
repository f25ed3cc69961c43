"""From frames to poses and geometry tokens, one recurrent step each."""

import logging
import math
import time
import uuid
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vlm3r_ros.assistant.errors import TrackingError
from vlm3r_ros.assistant.gravity import (
    LEVEL_UP,
    UpSource,
    find_floor,
    map_from_camera,
    unit,
    up_from_mount,
)
from vlm3r_ros.assistant.metric_scale import MetricScale, check_camera_height
from vlm3r_ros.assistant.rigid import inverse, orthonormal
from vlm3r_ros.assistant.self_calibration import SelfCalibratingOdometry
from vlm3r_ros.assistant.visual_odometry import VisualOdometry
from vlm3r_ros.models.geometry import (
    GeometryBackend,
    GeometryHead,
    GeometryOutput,
    GeometryState,
    StateUpdate,
    check_reset_interval,
)
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrackerConfig:
    """What the tracker computes and how it sets up the map.

    Attributes:
        points_every: Compute points and depth on every n-th frame; 0 for never. The head that gives
            them costs a good part of a step.
        state_update: How the recurrent state takes in a frame; None leaves the model's own setting.
        reset_interval: After so many frames the recurrent state starts anew and poses are chained,
            against forgetting on long streams (TTT3R); 0 for never, None for the model's own.
        gravity: Direction of gravity (downward) in the first camera's optical frame, if known.
        T_base_camera: `[4, 4]` pose of the camera's optical frame on a robot whose base has z up,
            if known; gives the direction of gravity where `gravity` does not.
        seek_floor: Look for the floor in the first frame where gravity is not known.
        max_speed: Camera speed in m/s above which a pose is trusted less.
        visual_odometry: Find the camera's motion from corners that are followed through the images
            and the network's depth; where False, poses are the network's own.
        camera_height: Of the camera above the floor in metres, where it is fixed and known; with
            visual odometry, poses and points then are as large as the world truly is.
    """

    points_every: int = 1
    state_update: StateUpdate | None = None
    reset_interval: int | None = None
    gravity: tuple[float, float, float] | None = None
    T_base_camera: ArrayLike | None = None
    seek_floor: bool = True
    max_speed: float = 5.0
    visual_odometry: bool = True
    camera_height: float | None = None

    def __post_init__(self) -> None:
        if self.points_every < 0:
            raise ValueError(f"points_every is {self.points_every}; use 0 for never")
        if self.reset_interval is not None:
            check_reset_interval(self.reset_interval)
        if not self.max_speed > 0:
            raise ValueError(f"max_speed is {self.max_speed}; it must be above 0")
        if self.camera_height is not None:
            check_camera_height(self.camera_height)


@dataclass(frozen=True)
class SceneObservation:
    """What one frame told.

    Attributes:
        stamp: Time of acquisition in seconds.
        session_id: Poses of one session share one map frame; a new session is a new map.
        frame_index: Number of the frame in its session, from 0.
        camera_token: `[1, 1, D]`; told the camera's pose by visual odometry, where the model can
            read that.
        patch_tokens: `[1, N, D]`
        grid: Rows and columns of the N patches.
        T_map_camera: `[4, 4]`, rigid, metres: the camera's optical frame in the map.
        pose_confidence: In [0, 1], or NaN before any points were computed. The mean over the
            pixels of 1 - 1/c, with c the confidence (from 1 up) of the newest pointmap of this
            session, times max_speed / speed where the camera seems to have moved faster than
            `max_speed`.
        points: `[H, W, 3]` float32, in the map frame, metres; None on frames without points.
        point_confidence: `[H, W]` float32, from 1 up; None without points.
        depth: `[H, W]` float32, metres along the optical axis; None without points.
        state_tokens: `[1, S, D]`, the recurrent state after this frame.
        step_time: Seconds the step took.
    """

    stamp: float
    session_id: str
    frame_index: int
    camera_token: torch.Tensor
    patch_tokens: torch.Tensor
    grid: tuple[int, int]
    T_map_camera: NDArray[np.float64]
    pose_confidence: float
    points: NDArray[np.float32] | None
    point_confidence: NDArray[np.float32] | None
    depth: NDArray[np.float32] | None
    state_tokens: torch.Tensor
    step_time: float


class GeometryTracker:
    """Runs the geometry encoder over a stream of frames and keeps the map's frame of reference.

    The map's origin is the session's first camera, with z up. The state has a fixed size, so
    neither time nor memory per frame depends on how long the session is. Not thread safe.

    Args:
        model: The vision-language model, whose preprocessing and geometry encoder are used.
        processor: Its processor.
        config: Settings.
        backend: What runs the step in place of the model's own encoder, such as an
            `OnnxGeometryEncoder`.

    Raises:
        ValueError: The backend's state update cannot be set to the one configured.
    """

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        config: TrackerConfig | None = None,
        backend: GeometryBackend | None = None,
    ) -> None:
        self.config = config or TrackerConfig()
        self._model = model
        self._encoder: GeometryBackend = backend or model.geometry_encoder
        self._processor = processor
        self._set_state_update(self.config.state_update)
        own = self._encoder.config.reset_interval
        asked = self.config.reset_interval
        self._reset_interval = own if asked is None else asked
        self._given_up: NDArray[np.float64] | None = None
        self._camera_matrix: NDArray[np.float64] | None = None
        self._camera_height = self.config.camera_height
        self._metric: MetricScale | None = None
        self._odometry: VisualOdometry | SelfCalibratingOdometry | None = None
        if self.config.gravity is not None:
            self.set_gravity(self.config.gravity)
        elif self.config.T_base_camera is not None:
            self.set_mount(self.config.T_base_camera)
        self.restarts = 0
        """How often a session was abandoned because the network's output was not finite."""
        self.reset()

    def _set_state_update(self, update: StateUpdate | None) -> None:
        present = self._encoder.config.state_update
        if update is None or update == present:
            return
        if self._encoder is not self._model.geometry_encoder:
            raise ValueError(
                f"state_update {update} was asked for, but the backend was exported with "
                f"{present}; export it again from a model with that setting"
            )
        self._encoder.config.state_update = update

    @property
    def session_id(self) -> str:
        """Name of the present session."""
        return self._session_id

    @property
    def frame_index(self) -> int:
        """Number that the session's next frame will get."""
        return self._frame_index

    @property
    def up_source(self) -> UpSource | None:
        """Where the map's z axis came from; None before the session's first frame."""
        return self._up_source

    @property
    def image_size(self) -> int:
        """Side of the square images that it works on, pixels."""
        return self._processor.image_size

    @property
    def calibrated(self) -> bool:
        """Whether the camera matrix was given."""
        return self._camera_matrix is not None

    @property
    def focal(self) -> NDArray[np.float64] | None:
        """Focal lengths `[2]` that visual odometry goes by, pixels of the model's image size."""
        return None if self._odometry is None else self._odometry.focal

    @property
    def _tells_points(self) -> bool:
        """Whether the session's next frame is one that points and depth are told of."""
        every = self.config.points_every
        return every > 0 and self._frame_index % every == 0

    def set_gravity(self, gravity: ArrayLike) -> None:
        """Gives the direction of gravity (downward) in the first camera's optical frame.

        Holds for sessions that start later.
        """
        self._given_up = -unit(gravity)

    def set_mount(self, T_base_camera: ArrayLike) -> None:
        """Gives the camera's pose `[4, 4]` on a robot whose base has z up.

        Holds for sessions that start later.
        """
        self._given_up = up_from_mount(T_base_camera)

    def set_camera_matrix(self, K: ArrayLike) -> None:
        """Gives the camera matrix `[3, 3]`, in pixels of an image of the model's size.

        Visual odometry finds the focal length by itself where it is not given; given, it is better.
        """
        self._camera_matrix = np.asarray(K, np.float64)
        if self._odometry is not None:
            # Landmarks that rest on another lens are given up.
            pose = self._odometry.pose
            self._odometry = VisualOdometry(self._camera_matrix)
            self._odometry.start(pose)

    def set_camera_height(self, height: float) -> None:
        """Gives how high the camera is fixed above the floor, metres.

        Holds from now on: scale is found out anew.

        Raises:
            ValueError: The height is not above 0 and finite.
        """
        self._metric = MetricScale(height)
        self._camera_height = height

    def reset(self) -> str:
        """Starts a new session with a new map and returns its name."""
        self._session_id = uuid.uuid4().hex
        self._frame_index = 0
        self._up_source: UpSource | None = None
        self._T_map_world = np.eye(4)  # of the present chunk's world
        self._T_map_network = np.eye(4)  # of the newest camera, by the network alone
        self._T_first_map = np.eye(4)
        self._odometry = None
        height = self._camera_height
        self._metric = None if height is None else MetricScale(height)
        self._chunk_length = 0
        self._point_trust = math.nan
        self._last_pose: tuple[float, NDArray[np.float64]] | None = None
        with torch.inference_mode():
            self._state: GeometryState = self._encoder.initial_state(1)
        return self._session_id

    @torch.inference_mode()
    def step(
        self, image: NDArray[np.uint8], stamp: float, aspect: float | None = None
    ) -> SceneObservation:
        """Takes in the next frame.

        Where the network's output is not finite the session is abandoned: the observation then
        belongs to a new one, of which it is the first frame.

        Args:
            image: uint8 `[H, W, 3]`, RGB, of any size; resized unless it has the model's size.
            stamp: Time of acquisition in seconds.
            aspect: Width over height of the camera's own image, if `image` is that one squashed to
                the model's size; helps to find the focal length.

        Raises:
            TrackingError: The output is not finite on a fresh session either.
        """
        started = time.perf_counter()
        small = self._processor.resize(image)
        if small is not image:
            aspect = image.shape[1] / image.shape[0]
        pixels = self._pixels(small)
        output, state = self._encode(pixels, small, aspect)
        T_world_camera = _rigid(output)
        if T_world_camera is None:
            self.restarts += 1
            logger.warning("The geometry encoder lost track; starting a new session.")
            self.reset()
            output, state = self._encode(pixels, small, aspect)
            T_world_camera = _rigid(output)
            if T_world_camera is None:
                raise TrackingError(
                    f"the geometry encoder gives no finite output for the frame at {stamp} s, "
                    "not even in a new session; check the model's weights and data type"
                )
        if self._frame_index == 0:
            self._set_up_map(output, T_world_camera)
        points = None if output.points_self is None else _numpy(output.points_self)
        T_map_camera = self._locate(T_world_camera)
        if points is not None and self._odometry is not None:
            points = self._survey(self._odometry, points, T_map_camera)
        token = self._tell_pose(output.camera_token, T_map_camera)
        output = replace(output, camera_token=token)
        observation = self._observe(output, points, state, T_map_camera, stamp, started)
        self._state = state
        self._frame_index += 1
        self._chunk_length += 1
        if self._chunk_length == self._reset_interval:
            self._start_chunk(pixels, observation.T_map_camera)
        return observation

    def _pixels(self, small: NDArray[np.uint8]) -> torch.Tensor:
        """Image `[S, S, 3]` -> the encoder's pixels `[1, 3, G, G]`."""
        pixels = self._processor.normalize(small).to(self._encoder.device, self._encoder.dtype)
        return self._model.geometry_pixels(pixels)

    def _encode(
        self, pixels: torch.Tensor, small: NDArray[np.uint8], aspect: float | None
    ) -> tuple[GeometryOutput, GeometryState]:
        """Follows corners, then takes a step of the encoder."""
        heads = [GeometryHead.POSE]
        wanted = self._frame_index == 0 and self.config.seek_floor and self._given_up is None
        if self._odometry is None and self.config.visual_odometry:
            known = self._camera_matrix
            self._odometry = (
                SelfCalibratingOdometry(aspect) if known is None else VisualOdometry(known)
            )
        if self._odometry is not None:
            self._odometry.follow(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))
            wanted |= self._odometry.wants_depth
        if wanted or self._tells_points:
            heads.append(GeometryHead.SELF_POINTS)
        output, state = self._encoder.step(pixels, self._state, outputs=heads)
        return output, state

    def _locate(self, T_world_camera: NDArray[np.float64]) -> NDArray[np.float64]:
        """The camera's pose in the map, by the network or by odometry that rests on it."""
        T_map_network = orthonormal(self._T_map_world @ T_world_camera)
        step = inverse(self._T_map_network) @ T_map_network
        self._T_map_network = T_map_network
        if self._odometry is None:
            return T_map_network
        if self._frame_index == 0:
            self._odometry.start(T_map_network)
            return T_map_network
        return self._odometry.locate(step)

    def _tell_pose(
        self, camera_token: torch.Tensor, T_map_camera: NDArray[np.float64]
    ) -> torch.Tensor:
        """The camera token, told where the camera is in the frame of the session's first."""
        if self._odometry is None:
            return camera_token
        if self._frame_index == 0:
            self._T_first_map = inverse(T_map_camera)
        T_first_camera = torch.from_numpy(self._T_first_map @ T_map_camera)
        return self._model.place_cameras(camera_token, T_first_camera[None])

    def _survey(
        self,
        odometry: VisualOdometry | SelfCalibratingOdometry,
        points: NDArray[np.float32],
        T_map_camera: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Gives odometry a pointmap `[H, W, 3]` in the camera's frame.

        Returns:
            It, corrected where that is of use to anybody.
        """
        if self._metric is not None:
            points = points * np.float32(self._metric.factor)
        odometry.renew(points)
        if self._metric is None and not self._tells_points:
            return points
        corrected = odometry.correct(points)
        if self._metric is not None:
            R, t = T_map_camera[:3, :3], T_map_camera[:3, 3]
            self._metric.observe(odometry.well_known() - t, corrected @ R.T.astype(np.float32))
        return corrected

    def _set_up_map(self, output: GeometryOutput, T_world_camera: NDArray[np.float64]) -> None:
        """Puts the map's origin into the first camera, with z up."""
        up, source = LEVEL_UP, UpSource.LEVEL
        if self._given_up is not None:
            up, source = self._given_up, UpSource.GRAVITY
        elif (
            self.config.seek_floor
            and output.points_self is not None
            and output.confidence_self is not None
        ):
            floor = find_floor(_numpy(output.points_self), _numpy(output.confidence_self))
            if floor is not None:
                up, source = floor.up, UpSource.FLOOR
        T_map_camera = np.eye(4)
        T_map_camera[:3, :3] = map_from_camera(up)
        self._T_map_world = T_map_camera @ inverse(T_world_camera)
        self._up_source = source

    def _observe(
        self,
        output: GeometryOutput,
        in_camera: NDArray[np.float32] | None,
        state: GeometryState,
        T_map_camera: NDArray[np.float64],
        stamp: float,
        started: float,
    ) -> SceneObservation:
        points = confidence = depth = None
        if in_camera is not None and output.confidence_self is not None:
            confidence = _numpy(output.confidence_self)
            trusted = 1.0 - 1.0 / np.maximum(np.nan_to_num(confidence, nan=1.0), 1.0)
            self._point_trust = float(trusted.mean())
            if self._tells_points:
                depth = np.ascontiguousarray(in_camera[..., 2])
                R, t = T_map_camera[:3, :3].astype(np.float32), T_map_camera[:3, 3]
                points = in_camera @ R.T + t.astype(np.float32)
            else:
                confidence = None
        trust = self._point_trust * self._plausibility(stamp, T_map_camera)
        return SceneObservation(
            stamp=stamp,
            session_id=self._session_id,
            frame_index=self._frame_index,
            camera_token=output.camera_token,
            patch_tokens=output.patch_tokens,
            grid=output.grid,
            T_map_camera=T_map_camera,
            pose_confidence=trust,
            points=points,
            point_confidence=confidence,
            depth=depth,
            state_tokens=state.tokens,
            step_time=time.perf_counter() - started,
        )

    def _plausibility(self, stamp: float, T_map_camera: NDArray[np.float64]) -> float:
        """1 for a speed a camera may have, less for more."""
        position = T_map_camera[:3, 3]
        last, self._last_pose = self._last_pose, (stamp, position)
        if last is None or stamp <= last[0]:
            return 1.0
        speed = float(np.linalg.norm(position - last[1])) / (stamp - last[0])
        return min(1.0, self.config.max_speed / speed) if speed > 0 else 1.0

    def _start_chunk(self, pixels: torch.Tensor, T_map_camera: NDArray[np.float64]) -> None:
        """Starts the recurrent state anew, the last frame as overlap (TTT3R); the map stays."""
        output, state = self._encoder.step(
            pixels, self._encoder.initial_state(1), outputs=[GeometryHead.POSE]
        )
        T_chunk_camera = _rigid(output)
        if T_chunk_camera is None:
            return
        self._T_map_world = orthonormal(T_map_camera @ inverse(T_chunk_camera))
        self._T_map_network = T_map_camera
        self._state = state
        self._chunk_length = 1


def _rigid(output: GeometryOutput) -> NDArray[np.float64] | None:
    """The frame's `T_world_camera` `[4, 4]`, exactly rigid; None if the output is not finite."""
    finite = torch.isfinite(output.camera_token).all() & torch.isfinite(output.patch_tokens).all()
    if not finite:
        return None
    T = output.camera_to_world[0].double().cpu().numpy()
    return orthonormal(T) if np.isfinite(T).all() else None


def _numpy(tensor: torch.Tensor) -> NDArray[np.float32]:
    """The only element of a batch as float32 in main memory."""
    array: NDArray[np.float32] = tensor[0].float().cpu().numpy()
    return array
