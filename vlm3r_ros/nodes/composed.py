"""All nodes of the assistant in one process; the model is loaded once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vlm3r_ros.nodes.frame_buffer import FrameBufferNode
from vlm3r_ros.nodes.geometry import GeometryNode
from vlm3r_ros.nodes.loading import share_whole_models
from vlm3r_ros.nodes.runtime import run_nodes
from vlm3r_ros.nodes.spatial_query import SpatialQueryNode


def main(args: Sequence[str] | None = None) -> int:
    """Run the nodes until SIGINT or SIGTERM."""
    share_whole_models()
    return run_nodes([FrameBufferNode, GeometryNode, SpatialQueryNode], args)


if __name__ == "__main__":
    sys.exit(main())
