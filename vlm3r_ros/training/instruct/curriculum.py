"""Which sessions a run films, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from vlm3r_ros.training.instruct.sessions import SessionTask
from vlm3r_ros.training.instruct.settings import InstructConfig
from vlm3r_ros.worlds.world import Split


def training_tasks(
    config: InstructConfig,
    image_size: int,
    step: int,
    *,
    cells: int = 0,
    rank: int = 0,
    processes: int = 1,
) -> Iterator[SessionTask]:
    """The sessions of a step and of those after it, without end.

    Args:
        config: of the run.
        image_size: side of the frames, pixels.
        step: the first one.
        cells: see `SessionTask`.
        rank: of this process among those that share the run; each has its own sessions, as many
            as a phase says.
        processes: how many there are.
    """
    data, weights = config.data, config.data.weights
    most = max(phase.videos for phase in config.curriculum)
    while True:
        phase = config.phase(step)
        for video in range(phase.videos):
            yield SessionTask(
                split=Split.TRAIN,
                seed=config.run.seed,
                index=(step * most + video) * processes + rank,
                image_size=image_size,
                frames=phase.frames,
                interval=data.interval,
                between=data.between,
                placed=data.placed,
                moments=phase.moments,
                questions=phase.questions,
                weights=weights,
                described=phase.described,
                located=phase.located,
                colors=data.colors,
                noise=data.noise,
                cells=cells,
            )
        step += 1
