"""Writes a furnished room as a ScanNet++ scan."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scan_world import CAMERA, Furnished, floor_points, surface_points, write_ply
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.datasets.scannetpp import read_scannetpp
from vlm3r_ros.worlds.scene import Scene

NAME = "0a7cc12c0e"


def image(index: int) -> str:
    return f"DSC{2000 + index:05d}.JPG"


@dataclass
class ScanNetppWriter:
    """Writes a room as a ScanNet++ scan."""

    root: Path
    room: Furnished
    name: str = NAME

    @property
    def folder(self) -> Path:
        return self.root / "data" / self.name

    @property
    def annotation(self) -> Path:
        return self.folder / "scans/segments_anno.json"

    def write(self) -> "ScanNetppWriter":
        parts = [floor_points(), *(surface_points(box) for _, box in self.room.objects)]
        mesh = self.folder / "scans/mesh_aligned_0.05_semantic.ply"
        write_ply(mesh, np.concatenate(parts))
        self.write_groups(
            [
                {
                    "id": number,
                    "objectId": number,
                    "label": label,
                    "segments": [number],
                    "obb": {
                        "centroid": box.centroid.tolist(),
                        "axesLengths": box.sides.tolist(),
                        "normalizedAxes": box.axes.ravel().tolist(),
                        "dominantNormal": [0, 0, 1],
                    },
                }
                for number, (label, box) in enumerate(self.room.objects, 1)
            ]
        )
        return self

    def write_groups(self, groups: list[dict]) -> None:
        self.annotation.write_text(json.dumps({"sceneId": self.name, "segGroups": groups}))

    def groups(self) -> list[dict]:
        return json.loads(self.annotation.read_text())["segGroups"]

    def write_images(self) -> "ScanNetppWriter":
        """The list, in no order, and a mask of the first image."""
        names = [image(index) for index in range(len(self.room.poses))]
        lists = {"train": names[::-1], "test": ["DSC09999.JPG"], "has_masks": False}
        masks = self.folder / "dslr/instance_masks"
        masks.mkdir(parents=True)
        (self.folder / "dslr/train_test_lists.json").write_text(json.dumps(lists))
        mask = self.room.mask(self.room.poses[0], np.uint16)
        cv2.imwrite(str(masks / image(0).replace("JPG", "png")), mask)
        return self

    def write_colmap(self) -> "ScanNetppWriter":
        """World-to-camera quaternions, w first; a line of points after each, here empty."""
        lines = ["# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME", "# POINTS2D[]"]
        for index, pose in enumerate(self.room.poses):
            inverse = np.linalg.inv(pose)
            x, y, z, w = Rotation.from_matrix(inverse[:3, :3]).as_quat()
            numbers = [w, x, y, z, *inverse[:3, 3]]
            lines += [f"{index + 1} {' '.join(map(str, numbers))} 1 {image(index)}", ""]
        path = self.folder / "dslr/colmap/images.txt"
        path.parent.mkdir()
        path.write_text("\n".join(lines))
        return self

    def write_nerfstudio(self, name: str = "transforms.json") -> "ScanNetppWriter":
        """World (y, x, -z), cameras with y up that look along -z."""
        swap = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1.0]])
        frames = [
            {
                "file_path": image(index),
                "transform_matrix": (swap @ pose @ np.diag([1, -1, -1, 1])).tolist(),
            }
            for index, pose in enumerate(self.room.poses)
        ]
        camera = {"fl_x": CAMERA.fx, "fl_y": CAMERA.fy, "cx": CAMERA.cx, "cy": CAMERA.cy}
        camera |= {"w": CAMERA.width, "h": CAMERA.height, "camera_model": "PINHOLE"}
        path = self.folder / "dslr/nerfstudio" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(camera | {"frames": frames, "test_frames": []}))
        return self

    def read(self, **options) -> Scene:
        (scene,) = read_scannetpp(self.root, **options)
        return scene
