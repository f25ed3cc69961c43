"""Render the packaged demo clip and, beside it, the true camera poses.

    python scripts/render_demo_clip.py [--seed 0] [--output vlm3r_ros/assets/demo_room.mp4]

The poses are in `demo_room.json`: `T_world_camera` per frame (optical frame: x right, y down,
z forward; world: z up, metres) and the pinhole intrinsics.
"""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vlm3r_ros.worlds import Camera, living_room, render, walk

ASSETS = Path(__file__).resolve().parents[1] / "vlm3r_ros" / "assets"


def main() -> None:
    """Write the clip and its poses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ASSETS / "demo_room.mp4")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--rate", type=int, default=10, help="frames per second")
    arguments = parser.parse_args()

    room, camera, poses = living_room(arguments.seed), Camera(), walk(arguments.frames)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(arguments.output), "w") as container:
        options = {"crf": "24", "preset": "slow"}
        stream = container.add_stream("libx264", rate=arguments.rate, options=options)
        # How x264 splits a picture among threads decides what comes out.
        stream.codec_context.thread_count = 1
        stream.width, stream.height, stream.pix_fmt = camera.width, camera.height, "yuv420p"
        stream.time_base = Fraction(1, arguments.rate)
        for index, pose in enumerate(poses):
            view = render(room, camera, pose, samples=2)
            picture = av.VideoFrame.from_ndarray(view.color, format="rgb24")
            picture.pts = index
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    truth = {
        "seed": arguments.seed,
        "rate": arguments.rate,
        "width": camera.width,
        "height": camera.height,
        "intrinsics": camera.matrix().tolist(),
        "T_world_camera": np.round(poses, 5).tolist(),
    }
    arguments.output.with_suffix(".json").write_text(json.dumps(truth) + "\n")
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
