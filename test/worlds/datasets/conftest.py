import pytest
from scan_world import Furnished, look_at

from vlm3r_ros.worlds.boxes import OrientedBox

POSES = [look_at([2 + 0.02 * i, -3.5, 1.5], [2, 1.4, 0.6]) for i in range(40)]


@pytest.fixture
def room() -> Furnished:
    upright = OrientedBox.upright
    objects = [
        ("chair", upright([0.5, 0.6, 0.4], [0.45, 0.5, 0.8], 0.3)),
        ("office chair", upright([1.4, 2.2, 0.45], [0.6, 0.55, 0.9], -0.5)),
        ("table", upright([2.2, 1.2, 0.35], [1.2, 0.8, 0.7], 0.1)),
        ("couch", upright([3.2, 2.2, 0.4], [0.9, 0.8, 0.75], 0.7)),
        ("printer", upright([2.2, 1.2, 0.85], [0.4, 0.35, 0.3], 0.2)),
        ("wall", upright([2.0, 2.95, 1.2], [4.0, 0.1, 2.4])),
    ]
    return Furnished(objects, list(POSES))
