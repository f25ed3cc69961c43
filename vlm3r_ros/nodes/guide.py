"""What the `spatial_query` node says of ways: hints, plan, goal, map of the floor, markers."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid as OccupancyGridMessage
from nav_msgs.msg import Path
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from vlm3r_ros.assistant.assistant import SpatialAssistant
from vlm3r_ros.msg import NavigationHint as HintMessage
from vlm3r_ros.navigation.guidance import Guidance
from vlm3r_ros.navigation.hint import HintStatus, NavigationHint
from vlm3r_ros.navigation.occupancy import OccupancyGrid
from vlm3r_ros.navigation.target import Target
from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.markers import MarkerConfig, MarkerKind, SceneMarkers
from vlm3r_ros.nodes.message_conversion import seconds_to_stamp
from vlm3r_ros.nodes.navigation_conversion import grid_to_message, hint_to_message
from vlm3r_ros.nodes.qos import LATCHED, RELIABLE


@dataclass(frozen=True)
class GuideConfig:
    """What is said, and how.

    Attributes:
        map_frame: frame of everything that is said.
        follow_target: go on giving hints while the camera moves.
        send_goal: publish goals where a navigation stack listens.
        marker_lifetime: seconds that markers are shown, but for those of keyframes; 0 for ever.
    """

    map_frame: str = "map"
    follow_target: bool = True
    send_goal: bool = False
    marker_lifetime: float = 60.0


class Guide:
    """Publishes ways, and follows the camera to the target that was asked for last.

    Made in a node's `configure`; `step` is called again and again while the node is active, by one
    thread; all else may come from any.

    Args:
        node: makes the publishers.
        assistant: knows pose, floor and keyframes.
        config: what is said, and how.
    """

    def __init__(self, node: ManagedNode, assistant: SpatialAssistant, config: GuideConfig) -> None:
        self._node = node
        self._assistant = assistant
        self._config = config
        # Held while something is published as well: nothing older follows something newer.
        self._lock = threading.RLock()
        lifetimes = dict.fromkeys(MarkerKind, config.marker_lifetime) | {MarkerKind.KEYFRAMES: 0.0}
        self._markers = SceneMarkers(
            MarkerConfig(config.map_frame, lifetimes),
            # Viewers go by ROS time, which a recording may slow down.
            clock=lambda: node.get_clock().now().nanoseconds * 1e-9,
        )
        self._guidance: Guidance | None = None
        self._shown_grid: OccupancyGrid | None = None
        self._shown_keyframes: tuple[int, ...] = ()
        self._hints = node.publish_on(HintMessage, "vlm3r/navigation_hint", RELIABLE)
        self._goals = node.publish_on(PoseStamped, "vlm3r/goal_pose", RELIABLE)
        self._plans = node.publish_on(Path, "vlm3r/plan", LATCHED)
        self._maps = node.publish_on(OccupancyGridMessage, "vlm3r/occupancy", LATCHED)
        self._drawings = node.publish_on(MarkerArray, "vlm3r/markers", LATCHED)
        self._sent_goals = (
            node.publish_on(PoseStamped, "goal_pose", RELIABLE) if config.send_goal else None
        )

    @property
    def following(self) -> str:
        """The target that is led to; empty where none is."""
        guidance = self._guidance
        return "" if guidance is None else guidance.target.name

    def lead_to(self, target: Target) -> HintMessage:
        """Gives the first hint to a target, and goes on with it while the camera moves."""
        navigator = self._assistant.navigator
        with self._lock:
            guidance = navigator.follow(target)
            hint = navigator.lead(guidance)
            goes_on = self._config.follow_target and target.has_place and not guidance.finished
            self._guidance = guidance if goes_on else None
            message = self._say(hint, target)
            if self._sent_goals is not None and hint.goal is not None:
                self._sent_goals.publish(message.goal)
        return message

    def cancel(self) -> str:
        """Ends the guidance; returns the name of its target, empty where there was none."""
        with self._lock:
            guidance, self._guidance = self._guidance, None
            if guidance is None:
                return ""
            self._say(guidance.cancel(), None)
            return guidance.target.name

    def show_answer(self, text: str) -> None:
        """Draws an answer above the camera."""
        with self._lock:
            pose = self._assistant.navigator.T_map_camera
            self._drawings.publish(self._markers.update_answer(text, pose))

    def forget(self) -> None:
        """A new session has begun: what was drawn of the one before goes."""
        with self._lock:
            self._shown_keyframes = ()
            self._drawings.publish(self._markers.clear())
            if self._guidance is not None:
                self._follow(self._guidance)

    def step(self) -> None:
        """Publishes what has changed since: the map, the keyframes, the next hint."""
        with self._lock:
            grid = self._assistant.navigator.grid()
            if grid is not self._shown_grid and (grid.state.size or self._shown_grid is not None):
                self._shown_grid = grid
                self._maps.publish(grid_to_message(grid, self._header()))
            self._show_keyframes()
            if self._guidance is not None:
                self._follow(self._guidance)

    def _follow(self, guidance: Guidance) -> None:
        hint = self._assistant.navigator.lead(guidance)
        if guidance.finished:
            self._guidance = None
        self._say(hint, guidance.target)

    def _say(self, hint: NavigationHint, target: Target | None) -> HintMessage:
        """Publishes a hint and what belongs to it."""
        message = hint_to_message(hint, self._header(hint.stamp))
        self._hints.publish(message)
        if hint.status is HintStatus.POSE_JUMP:
            # The way is still there; the next hint tells it from where the camera is now.
            return message
        if hint.goal is not None:
            self._goals.publish(message.goal)
        self._plans.publish(message.path)
        floor = self._assistant.navigator.grid().floor_height
        self._drawings.publish(self._markers.update_hint(hint, target, floor))
        return message

    def _show_keyframes(self) -> None:
        keyframes = self._assistant.memory.keyframes
        serials = tuple(keyframe.serial for keyframe in keyframes)
        if serials == self._shown_keyframes:
            return
        self._shown_keyframes = serials
        poses = [k.T_map_camera for k in keyframes if k.T_map_camera is not None]
        self._drawings.publish(self._markers.update_keyframes(np.array(poses)))

    def _header(self, stamp: float = math.nan) -> Header:
        """In the map, of a frame's time where there is one, else of now."""
        now = self._node.get_clock().now().to_msg()
        stamp_message = seconds_to_stamp(stamp) if math.isfinite(stamp) else now
        return Header(stamp=stamp_message, frame_id=self._config.map_frame)
