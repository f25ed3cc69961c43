"""How a carried or driven camera moves: speeds along a curve, turning, shaking.

Angles are radians: yaw counter-clockwise from the world's x axis, pitch up from level, roll
clockwise as the camera looks. Signals are sampled every `dt` seconds.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from vlm3r_ros.worlds.boxes import FloatArray

_SLOWEST = 0.05  # m/s, so that the way along a curve never takes forever
_CATCH_UP = 3.0  # 1/s: the share of a wrong heading that is turned away in a second


def round_corners(way: FloatArray, reach: float, spacing: float) -> FloatArray:
    """A smooth curve along a way of straight pieces, with the same ends.

    Args:
        way: `[K, 2]`.
        reach: how far before a corner the curve begins to bend, metres; 0 leaves corners sharp.
        spacing: of the result's points, metres.

    Returns:
        `[M, 2]`
    """
    sides = np.linalg.norm(np.diff(way, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(sides)])
    at = np.linspace(0, along[-1], max(3, int(np.ceil(along[-1] / spacing)) + 1))
    dense = np.stack([np.interp(at, along, way[:, axis]) for axis in (0, 1)], -1)
    if reach == 0:
        return dense
    # A Gaussian of odd signals keeps their ends.
    width = min(reach / 2 / (at[1] - at[0]), len(at) / 4)
    pad = len(at) - 1
    before, after = 2 * dense[0] - dense[pad:0:-1], 2 * dense[-1] - dense[-2 : -pad - 2 : -1]
    smooth = gaussian_filter1d(np.concatenate([before, dense, after]), width, axis=0, truncate=2.5)
    return np.asarray(smooth[pad : pad + len(at)])


def travel(
    curve: FloatArray, *, speed: float, acceleration: float, turn_rate: float, dt: float
) -> tuple[FloatArray, FloatArray]:
    """Go along a curve, from rest to rest, slower where it bends.

    Args:
        curve: `[M, 2]`, metres.
        speed: at most, m/s.
        acceleration: at most, along the curve as well as across it, m/s^2.
        turn_rate: of the tangent, at most, rad/s.
        dt: between the places that are returned, seconds.

    Returns:
        Places `[n, 2]`, of which the first and the last are the ends of the curve, and the headings
        there, unwrapped `[n]`, rad.
    """
    steps = np.diff(curve, axis=0)
    lengths = np.maximum(np.linalg.norm(steps, axis=1), 1e-9)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    bend = np.zeros(len(curve))
    bend[1:-1] = np.abs(np.diff(headings)) / ((lengths[1:] + lengths[:-1]) / 2)
    fastest = np.minimum(turn_rate / (bend + 1e-9), np.sqrt(acceleration / (bend + 1e-9)))
    squared = np.minimum(fastest, speed) ** 2
    squared[[0, -1]] = 0.0
    # Speeding up and braking take their way: v^2 grows by at most 2 a s.
    gain = 2 * acceleration * along
    squared = np.minimum.accumulate(squared - gain) + gain
    squared = (np.minimum.accumulate((squared + gain)[::-1])[::-1]) - gain
    velocity = np.sqrt(np.maximum(squared, 0))
    duration = 2 * lengths / np.maximum(velocity[1:] + velocity[:-1], _SLOWEST)
    time = np.concatenate([[0.0], np.cumsum(duration)])
    at = np.arange(int(np.ceil(time[-1] / dt)) + 1) * dt
    places = np.stack([np.interp(at, time, curve[:, axis]) for axis in (0, 1)], -1)
    return places, np.interp(at, (time[1:] + time[:-1]) / 2, headings)


def follow(wanted: FloatArray, *, rate: float, acceleration: float, dt: float) -> FloatArray:
    """Turn after an angle that may jump, as a person or a motor turns.

    Args:
        wanted: unwrapped angle `[n]`, rad.
        rate: at most, rad/s.
        acceleration: at most, rad/s^2.
        dt: seconds.

    Returns:
        The angle turned to, `[n]`, rad; starts where `wanted` does.
    """
    ahead = np.gradient(wanted, dt) if len(wanted) > 1 else np.zeros(1)
    angle, turning = float(wanted[0]), 0.0
    turned = np.empty(len(wanted))
    for index, (goal, drift) in enumerate(zip(wanted.tolist(), ahead.tolist(), strict=True)):
        turned[index] = angle
        aim = min(max(drift + _CATCH_UP * (goal - angle), -rate), rate)
        change = acceleration * dt
        turning += min(max(aim - turning, -change), change)
        angle += turning * dt
    return turned


def smooth(signal: FloatArray, seconds: float, dt: float) -> FloatArray:
    """Blur a signal `[n, ...]` in time; its rates of change do not grow."""
    return np.asarray(gaussian_filter1d(signal, seconds / dt, axis=0, mode="nearest"))


def sway(
    generator: np.random.Generator, shape: tuple[int, ...], seconds: float, dt: float
) -> FloatArray:
    """Random motion of about that period, within (-1, 1), independent in each column.

    Args:
        generator: draws it.
        shape: of the result; the first axis is time.
        seconds: the period, roughly.
        dt: seconds.
    """
    noise = gaussian_filter1d(generator.standard_normal(shape), seconds / dt, axis=0, mode="wrap")
    # Blurring leaves white noise with the inverse of this as its standard deviation.
    scale = np.sqrt(2 * np.sqrt(np.pi) * seconds / dt)
    return np.asarray(np.tanh(noise * scale / 2))


def camera_poses(
    position: FloatArray, yaw: FloatArray, pitch: FloatArray, roll: FloatArray
) -> FloatArray:
    """Poses `T_world_camera` `[n, 4, 4]`, optical frame (x right, y down, z forward).

    Args:
        position: `[n, 3]`, world frame, metres.
        yaw: of the optical axis `[n]`.
        pitch: of the optical axis `[n]`.
        roll: about the optical axis `[n]`.
    """
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll)[:, None], np.sin(roll)[:, None]
    forward = np.stack([cp * cy, cp * sy, sp], -1)
    level = np.stack([sy, -cy, np.zeros_like(yaw)], -1)
    plumb = np.stack([sp * cy, sp * sy, -cp], -1)
    poses = np.zeros((len(yaw), 4, 4))
    poses[:, :3, 0] = cr * level + sr * plumb
    poses[:, :3, 1] = cr * plumb - sr * level
    poses[:, :3, 2] = forward
    poses[:, :3, 3] = position
    poses[:, 3, 3] = 1.0
    return poses
