"""The main function of our nodes: spin until SIGINT or SIGTERM, then end cleanly."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.logging import get_logger

from vlm3r_ros.nodes.managed_node import ManagedNode
from vlm3r_ros.nodes.parameters import ParameterError
from vlm3r_ros.resources import DDS_PROFILE_VARIABLE, ResourceError, use_dds_profile

# Callbacks only hand over; transitions, diagnostics and services need threads of their own.
_THREADS_PER_NODE = 4
# Seconds for which a busy Python thread keeps the interpreter from others. A callback gives it up
# and wants it back at every system call; with the default, 5 ms, each of them costs so much.
_SWITCH_INTERVAL = 0.001


def run_nodes(
    factories: Sequence[Callable[[], ManagedNode]], args: Sequence[str] | None = None
) -> int:
    """Run nodes in this process until it is told to stop.

    Args:
        factories: each makes one node; called after rclpy is initialised.
        args: command line; None takes the process's own.

    Returns:
        The exit code: 0 after SIGINT, SIGTERM or a shutdown of the context; 1 where a node could
        not be made (a parameter of the wrong type or out of range).
    """
    # rclpy's own handlers shut the context down, and then call Python's, whose KeyboardInterrupt
    # would break into the clean-up below at any line.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    check_dds_profile()
    rclpy.init(args=None if args is None else list(args))
    nodes: list[ManagedNode] = []
    logger = get_logger("vlm3r_ros")
    try:
        for factory in factories:
            nodes.append(factory())  # noqa: PERF401 - those made before a failure are closed below
        _spin(nodes)
    except ParameterError as error:
        logger.error(str(error))
        return 1
    except Exception:
        # Told to stop while the nodes were still being made: nothing went wrong.
        if rclpy.ok():
            raise
    finally:
        for node in nodes:
            _close(node)
        rclpy.try_shutdown()
    return 0


def check_dds_profile() -> str | None:
    """Choose the transport profile of large images for this process; warn where it is missing.

    Returns:
        The warning, None where all is well.
    """
    try:
        profile = use_dds_profile()
    except ResourceError as error:
        warning = f"{error}; Fast DDS may lose best-effort images over 512 KB"
    else:
        if profile.is_file():
            return None
        warning = f"{DDS_PROFILE_VARIABLE}={profile} is not a file; unset it or mend the path"
    get_logger("vlm3r_ros").warning(warning)
    return warning


def _spin(nodes: Sequence[ManagedNode]) -> None:
    executor = MultiThreadedExecutor(num_threads=_THREADS_PER_NODE * len(nodes))
    for node in nodes:
        executor.add_node(node)
    try:
        while rclpy.ok():
            try:
                executor.spin()
            except ExternalShutdownException:
                return
            except Exception as error:
                # Our own callbacks are guarded; what comes through here is rclpy's, for example a
                # handle that a transition destroyed while the executor waited on it.
                nodes[0].note_error(error)
    finally:
        executor.shutdown(timeout_sec=5.0)


def _close(node: ManagedNode) -> None:
    try:
        node.close()
    except Exception as error:
        print(f"{node.get_name()}: while closing: {error}", file=sys.stderr)
