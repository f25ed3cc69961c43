"""Configurations that train in seconds."""

from pathlib import Path
from typing import Any

import yaml

GEOMETRY: dict[str, Any] = {
    "run": {
        "steps": 6,
        "threads": 1,
        "workers": 0,
        "evaluate_every": 0,
        "log_every": 1,
        "ema_decay": 0.9,
    },
    "optimizer": {"learning_rate": 0.002, "warmup_steps": 2},
    "model": {"size": "tiny", "geometry": {"state_size": 4, "memory_size": 4}},
    "data": {"image_size": 32, "sequences_per_world": 2},
    "curriculum": [
        {"until": 2, "sequences": 2, "frames": 2, "interval": [0.1, 0.3]},
        {"until": 9, "sequences": 2, "frames": 3, "interval": [0.1, 0.3], "truncate": 2},
    ],
    "evaluation": {"sequences": 2, "frames": 3, "walks": 1, "walk_frames": 4},
}


def write_config(path: Path, content: dict[str, Any] = GEOMETRY, **run: Any) -> Path:
    """Write a configuration whose section `run` is changed."""
    path.write_text(yaml.safe_dump(content | {"run": content["run"] | run}))
    return path
