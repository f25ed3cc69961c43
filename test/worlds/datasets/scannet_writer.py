"""Writes a furnished room as a ScanNet scan."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scan_world import CAMERA, Furnished, floor_points, surface_points, write_ply
from scipy.spatial.transform import Rotation

from vlm3r_ros.worlds.datasets.scannet import read_scannet
from vlm3r_ros.worlds.scene import Scene

NAME = "scene0007_01"
MASK_SCALE = 2
"""Masks are as large as colour images, here twice the depth images."""

MASKED = (0, 39)
"""Frames with a mask."""

LABELS = """id\traw_category\tcategory\tcount\tnyu40id
1\twall\twall\t9\t1
2\tchair\tchair\t9\t5
4\ttable\ttable\t9\t7
10\toffice chair\toffice chair\t9\t5
6\tcouch\tcouch\t9\t6
50\tprinter\tprinter\t9\t40
5\tdoor\tdoor\t9\t8
18\tbookshelf\tbookshelf\t9\t10
24\tcoffee table\tcoffee table\t9\t7
56\ttrash can\ttrash can\t9\t39
97\trecycling bin\trecycling bin\t9\t39
1313\tsofa\tsofa\t1\t6
18\tbookshelves\tbookshelf\t1\t10
5\tdoors\tdoor\t1\t8
2\tstack of chairs\tchair\t1\t5
"""


def alignment() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("z", 0.4).as_matrix()
    matrix[:3, 3] = [1.5, -0.7, 0.1]
    return matrix


@dataclass
class ScanNetWriter:
    """Writes a room as a ScanNet scan, turned out of the world's frame."""

    root: Path
    room: Furnished
    name: str = NAME

    @property
    def folder(self) -> Path:
        return self.root / "scans" / self.name

    def path(self, ending: str) -> Path:
        return self.folder / f"{self.name}{ending}"

    def write(self) -> "ScanNetWriter":
        self.folder.mkdir(parents=True)
        (self.root / "scannetv2-labels.combined.tsv").write_text(LABELS)
        to_mesh = np.linalg.inv(alignment())
        groups, segments = [], []
        parts = [floor_points()]
        segments += [7] * len(parts[0])
        for number, (label, box) in enumerate(self.room.objects):
            points = surface_points(box)
            # Two segments an object, with ids in no order.
            half = len(points) // 2
            ids = [1000 - 2 * number, 1001 - 2 * number]
            segments += [ids[0]] * half + [ids[1]] * (len(points) - half)
            groups.append({"id": number, "objectId": number, "segments": ids, "label": label})
            parts.append(points)
        vertices = np.concatenate(parts) @ to_mesh[:3, :3].T + to_mesh[:3, 3]
        write_ply(self.path("_vh_clean_2.ply"), vertices)
        self.write_segments(segments)
        self.write_groups(groups)
        numbers = " ".join(str(value) for value in alignment().ravel())
        self.path(".txt").write_text(f"axisAlignment = {numbers}\ncolorHeight = 968\n")
        return self

    def write_segments(self, segments: list[int]) -> None:
        self.path("_vh_clean_2.0.010000.segs.json").write_text(
            json.dumps({"sceneId": self.name, "segIndices": segments})
        )

    def write_groups(self, groups: list[dict]) -> None:
        self.path(".aggregation.json").write_text(
            json.dumps({"sceneId": f"scannet.{self.name}", "segGroups": groups})
        )

    def groups(self) -> list[dict]:
        return json.loads(self.path(".aggregation.json").read_text())["segGroups"]

    def write_frames(self, every: int = 1) -> "ScanNetWriter":
        for kind in ("pose", "color", "depth", "instance-filt", "intrinsic"):
            (self.folder / kind).mkdir()
        matrix = np.eye(4)
        matrix[:3, :3] = CAMERA.matrix()
        np.savetxt(self.folder / "intrinsic/intrinsic_depth.txt", matrix)
        for index, pose in enumerate(self.room.poses):
            name = str(index * every)
            np.savetxt(self.folder / f"pose/{name}.txt", np.linalg.inv(alignment()) @ pose)
            (self.folder / f"color/{name}.jpg").touch()
            (self.folder / f"depth/{name}.png").touch()
            if index in MASKED:
                mask = np.kron(self.room.mask(pose), np.ones((MASK_SCALE, MASK_SCALE), np.uint8))
                cv2.imwrite(str(self.folder / f"instance-filt/{name}.png"), mask)
        return self

    def read(self, **options) -> Scene:
        (scene,) = read_scannet(self.root, **options)
        return scene
