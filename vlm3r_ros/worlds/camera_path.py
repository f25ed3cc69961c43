"""Camera paths as a person or a wheeled robot would film a room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vlm3r_ros.worlds.boxes import FloatArray
from vlm3r_ros.worlds.camera_motion import camera_poses, follow, smooth, sway
from vlm3r_ros.worlds.camera_moves import Cameraman, Gait, Move, Range
from vlm3r_ros.worlds.free_space import HEADROOM, FreeSpace
from vlm3r_ros.worlds.scene import Intrinsics
from vlm3r_ros.worlds.world import World

CLEARANCE = 0.2
"""Metres that the camera keeps from walls and from what stands or hangs in its way."""

# What shaking, smoothing and checking at intervals may take off the clearance.
_MARGIN = 0.06
_CELL = 0.1  # m: finer would take longer and find no other places
_RATE = 20.0  # Hz at least at which motion is worked out
_TURN_ACCELERATION = np.radians(250.0)
_FASTEST_TURN = np.radians(80.0)
_SMOOTHING = 0.12  # s
_PITCHING = 0.35  # s to raise or lower the camera
_DRIFTING, _TREMBLING = 0.5, 0.08  # s
_LEAD_IN = 2.0  # s at most before the first frame, so that some clips begin in motion
_OFF_CENTRE = 0.02  # of the width


class PathStyle(StrEnum):
    """Ways to film a room."""

    STROLL = "stroll"
    """A person walks about and looks around on the way."""
    LOOK_AROUND = "look around"
    """A person stands and turns, with a few steps in between."""
    ARC = "arc"
    """A person goes round one thing after the other, looking at it."""
    INSPECTION = "inspection"
    """A person walks up to things, looks at them from several sides and steps back."""
    RETREAT = "retreat"
    """A person backs away from things, and across the room, and walks on."""
    ROBOT = "robot"
    """A wheeled robot drives about with a fixed camera, turning where it stands."""


@dataclass(frozen=True)
class _Handling:
    """How the camera is held.

    Attributes:
        gait: how it goes.
        field_of_view: horizontal, degrees.
        height: metres.
        pitch: degrees.
        bob: metres it rises and falls at a walking speed of 1 m/s.
        drift, tremble: metres and degrees of slow sway and of quick shaking.
    """

    gait: Gait
    field_of_view: Range
    height: Range
    pitch: Range
    bob: float
    drift: tuple[float, float]
    tremble: tuple[float, float]


_HAND_HELD = _Handling(
    Gait(
        pans=True,
        walking=(0.55, 1.1),
        stepping=(0.3, 0.7),
        acceleration=1.2,
        turning=(np.radians(40), _FASTEST_TURN),
    ),
    field_of_view=(55.0, 90.0),
    height=(1.0, 1.7),
    pitch=(-24.0, -6.0),
    bob=0.014,
    drift=(0.012, 1.2),
    tremble=(0.0015, 0.2),
)
_WHEELED = _Handling(
    Gait(
        pans=False,
        walking=(0.35, 0.8),
        stepping=(0.2, 0.4),
        acceleration=0.8,
        turning=(np.radians(40), np.radians(75)),
    ),
    field_of_view=(65.0, 95.0),
    height=(0.4, 1.2),
    pitch=(-14.0, 2.0),
    bob=0.0,
    drift=(0.001, 0.05),
    tremble=(0.001, 0.12),
)
_HANDLING = dict.fromkeys(PathStyle, _HAND_HELD) | {PathStyle.ROBOT: _WHEELED}

_ODDS: Mapping[PathStyle, float] = {
    PathStyle.STROLL: 0.23,
    PathStyle.LOOK_AROUND: 0.12,
    PathStyle.ARC: 0.14,
    PathStyle.INSPECTION: 0.14,
    PathStyle.RETREAT: 0.2,
    PathStyle.ROBOT: 0.17,
}
_MOVES: Mapping[PathStyle, Mapping[Move, float]] = {
    PathStyle.STROLL: {
        Move.WALK: 6,
        Move.TURN: 1,
        Move.SIDESTEP: 1,
        Move.ORBIT: 1,
        Move.BACK_UP: 1,
        Move.PAUSE: 0.5,
    },
    PathStyle.LOOK_AROUND: {Move.TURN: 6, Move.WALK: 1.5, Move.SIDESTEP: 1, Move.BACK_UP: 1},
    PathStyle.ARC: {Move.ORBIT: 6, Move.WALK: 1.5, Move.TURN: 0.5, Move.SIDESTEP: 1},
    PathStyle.INSPECTION: {
        Move.APPROACH: 3,
        Move.BACK_UP: 3,
        Move.ORBIT: 2,
        Move.SIDESTEP: 2,
        Move.TURN: 1,
    },
    PathStyle.RETREAT: {Move.BACK_UP: 4, Move.REVERSE: 3, Move.WALK: 1.5, Move.TURN: 1},
    PathStyle.ROBOT: {
        Move.WALK: 5,
        Move.TURN: 4,
        Move.BACK_UP: 1.5,
        Move.REVERSE: 1,
        Move.PAUSE: 0.5,
    },
}


@dataclass(frozen=True, eq=False)
class CameraPath:
    """A camera's way through a world.

    Attributes:
        T_world_camera: camera to world, optical frame, of every frame `[F, 4, 4]`.
        times: of the frames, from 0 `[F]`, seconds.
        intrinsics: of the camera.
        style: how it was filmed.
    """

    T_world_camera: FloatArray
    times: FloatArray
    intrinsics: Intrinsics
    style: PathStyle


def walk(
    world: World,
    *,
    frames: int,
    fps: float,
    width: int,
    height: int,
    generator: np.random.Generator,
    style: PathStyle | None = None,
) -> CameraPath:
    """Film a world: where the camera is and looks at every frame.

    The camera stays `CLEARANCE` away from walls and from all that a person would bump into, moves
    at 1.2 m/s at most and turns at 90 degrees a second at most. Its height is that of one person or
    robot throughout.

    Args:
        world: what to film.
        frames: how many.
        fps: frames a second.
        width: of a frame, pixels.
        height: of a frame, pixels.
        generator: the same one gives the same path.
        style: how; drawn where left out.

    Raises:
        SceneError: there is nowhere to stand.
    """
    if style is None:
        styles = list(_ODDS)
        style = styles[int(generator.choice(len(styles), p=list(_ODDS.values())))]
    handling = _HANDLING[style]
    field_of_view = np.radians(generator.uniform(*handling.field_of_view))
    turn_rate = generator.uniform(*handling.gait.turning)
    held = generator.uniform(*handling.height)
    substeps = int(np.ceil(_RATE / fps))
    dt = 1 / (fps * substeps)
    skipped = int(generator.uniform(0, _LEAD_IN) / dt)
    count = skipped + (frames - 1) * substeps + 1
    clearance = CLEARANCE + _MARGIN
    free = FreeSpace.of(
        world.scene(), radius=clearance, cell=_CELL, headroom=max(HEADROOM, held + clearance)
    )
    cameraman = Cameraman(
        world,
        free,
        gait=handling.gait,
        height=held,
        pitch=np.radians(generator.uniform(*handling.pitch)),
        turn_rate=turn_rate,
        field_of_view=field_of_view,
        clearance=clearance,
        generator=generator,
        dt=dt,
    )
    footage = cameraman.film(count * dt, _MOVES[style])
    places = smooth(footage.places[:count], _SMOOTHING, dt)
    yaw = follow(footage.yaw[:count], rate=turn_rate, acceleration=_TURN_ACCELERATION, dt=dt)
    shift, turn = _shaking(handling, places, generator, dt)
    position = np.insert(places, 2, held, axis=1) + shift
    poses = camera_poses(
        position,
        smooth(yaw, _SMOOTHING, dt) + turn[:, 0],
        smooth(footage.pitch[:count], _PITCHING, dt) + turn[:, 1],
        turn[:, 2],
    )
    return CameraPath(
        poses[skipped::substeps],
        np.arange(frames) / fps,
        _intrinsics(field_of_view, width, height, generator),
        style,
    )


def _shaking(
    handling: _Handling, places: FloatArray, generator: np.random.Generator, dt: float
) -> tuple[FloatArray, FloatArray]:
    """Small motions: shifts along world x, y, z `[n, 3]`; yaw, pitch and roll `[n, 3]`."""
    # Columns: metres along x, y, z, then degrees of yaw, pitch, roll.
    slow = np.repeat(handling.drift, 3) * sway(generator, (len(places), 6), _DRIFTING, dt)
    quick = np.repeat(handling.tremble, 3) * sway(generator, (len(places), 6), _TREMBLING, dt)
    shift, turn = np.split(slow + quick, 2, axis=1)
    turn = np.radians(turn)
    steps = np.linalg.norm(np.diff(places, axis=0, prepend=places[:1]), axis=1)
    stride = generator.uniform(0.6, 0.75)  # m between footfalls
    lifted = handling.bob * np.minimum(smooth(steps / dt, 0.3, dt), 1.0)
    shift[:, 2] += lifted * np.sin(2 * np.pi * np.cumsum(steps) / stride)
    turn[:, 2] += np.radians(generator.uniform(-1.5, 1.5)) if handling.gait.pans else 0.0
    return shift, turn


def _intrinsics(
    field_of_view: float, width: int, height: int, generator: np.random.Generator
) -> Intrinsics:
    focal = float(width / 2 / np.tan(field_of_view / 2))
    off_x, off_y = (_OFF_CENTRE * width * generator.uniform(-1, 1, 2)).tolist()
    return Intrinsics(
        focal, focal, (width - 1) / 2 + off_x, (height - 1) / 2 + off_y, width, height
    )
