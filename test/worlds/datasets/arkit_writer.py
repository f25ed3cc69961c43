"""Writes a furnished room as an ARKitScenes scan."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scan_world import Furnished, floor_points, surface_points, write_ply
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.datasets.arkitscenes import read_arkitscenes
from vlm3r_ros.worlds.scene import Scene

NAME = "40753679"
START = 6845.7


@dataclass
class ARKitWriter:
    """Writes a room as an ARKitScenes scan."""

    root: Path
    room: Furnished
    name: str = NAME
    fold: str = "Training"

    @property
    def folder(self) -> Path:
        return self.root / self.fold / self.name

    def path(self, ending: str) -> Path:
        return self.folder / f"{self.name}{ending}"

    def write(self) -> "ARKitWriter":
        parts = [floor_points(), *(surface_points(box) for _, box in self.room.objects)]
        write_ply(self.path("_3dod_mesh.ply"), np.concatenate(parts))
        data = [
            {
                "uid": f"uid-{number}",
                "label": label,
                "segments": {
                    "obbAligned": {
                        "centroid": box.centroid.tolist(),
                        "axesLengths": box.sides.tolist(),
                        "normalizedAxes": box.axes.ravel().tolist(),
                    },
                    "obb": {},
                },
            }
            for number, (label, box) in enumerate(self.room.objects)
        ]
        self.write_data(data)
        return self

    def write_data(self, data: list[dict]) -> None:
        content = {"data": data, "skipped": False, "stats": []}
        self.path("_3dod_annotation.json").write_text(json.dumps(content))

    def data(self) -> list[dict]:
        return json.loads(self.path("_3dod_annotation.json").read_text())["data"]

    def write_track(self, place: str = "") -> "ARKitWriter":
        """Ten poses a second, world to camera: time, axis times angle, translation."""
        lines = []
        for index, pose in enumerate(self.room.poses):
            inverse = np.linalg.inv(pose)
            numbers = [*Rotation.from_matrix(inverse[:3, :3]).as_rotvec(), *inverse[:3, 3]]
            lines.append(f"{START + index / 10:.8f} {' '.join(map(str, numbers))}\n")
        path = self.folder / place / "lowres_wide.traj"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(lines))
        return self

    def write_images(self, times, place: str = "") -> "ARKitWriter":
        for kind, ending in (("lowres_wide", "png"), ("lowres_wide_intrinsics", "pincam")):
            (self.folder / place / kind).mkdir(parents=True)
            for number, time in enumerate(times):
                path = self.folder / place / kind / f"{self.name}_{time:.3f}.{ending}"
                focal = 210 + (number % 3)
                path.write_text(f"256 192 {focal} {focal + 1} 127.5 95.5\n")
        return self

    def read(self, **options) -> Scene:
        (scene,) = read_arkitscenes(self.root, **options)
        return scene
