"""Lamps of a world."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from vlm3r_ros.worlds.placement import Site
from vlm3r_ros.worlds.world import Lighting

_DROP = 0.4  # m: how far below the ceiling a lamp shines from
# Warm white, neutral and daylight, linear RGB.
_TINTS = ((1.0, 0.86, 0.68), (1.0, 0.95, 0.88), (0.9, 0.95, 1.0), (1.0, 0.9, 0.76))


def light(random: Random, sites: Sequence[Site]) -> Lighting:
    """Light from all sides, and a lamp in each room; up to three in a single one."""
    count = 1 if len(sites) > 1 else random.choice((1, 1, 2, 3))
    positions, colors = [], []
    for site in sites:
        x0, y0, x1, y1 = site.room.bounds
        tint, strength = random.choice(_TINTS), random.uniform(0.75, 1.25) / count**0.5
        for k in range(count):
            # Along the longer side, one in each part of it.
            share = (k + 0.5) / count
            u, v = (share, 0.5) if x1 - x0 >= y1 - y0 else (0.5, share)
            positions.append(
                (
                    x0 + (x1 - x0) * (u + random.uniform(-0.08, 0.08)),
                    y0 + (y1 - y0) * (v + random.uniform(-0.08, 0.08)),
                    site.height - _DROP,
                )
            )
            colors.append([strength * channel for channel in tint])
    ambient = random.uniform(0.25, 0.5)
    tint = random.choice(_TINTS)
    return Lighting(
        np.array(positions, np.float32),
        np.array(colors, np.float32),
        np.array([ambient * (0.5 + 0.5 * channel) for channel in tint], np.float32),
    )
