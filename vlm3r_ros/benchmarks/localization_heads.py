"""Which attention heads of a language model look at the thing that a question names.

Few heads do, and which ones depends on the weights. In rendered rooms it is known which patches
show what, so that each head can be judged by itself: by where its heaviest patch lies (the
"pointing game" of work on visual explanations), and by how much more of its weight lies on the
thing than even attention would put there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from vlm3r_ros.assistant.assistant import AssistantConfig, SpatialAssistant
from vlm3r_ros.assistant.frame_buffer import FrameBufferConfig
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.worlds.filming import Film, FilmSettings, model_frames
from vlm3r_ros.worlds.skipping import SceneError
from vlm3r_ros.worlds.world import Split, WorldId

_SHOWN = 0.1
"""Share of a patch's pixels that makes it one of a thing."""
_TIMEOUT = 600.0  # s for a question; nobody waits for it
_CONFIG = "config.json"
# Every frame that is shown is to be seen.
_WATCHFUL = AssistantConfig(frame_buffer=FrameBufferConfig(blur_ratio=0.0, duplicate_threshold=0.0))


@dataclass(frozen=True)
class HeadsSettings:
    """How rooms are watched.

    Attributes:
        frames: of the camera's walk.
        keyframes: of these, evenly spread, that the model sees.
        things: of each room that are asked for.
        pixels: side of the square frames.
    """

    frames: int = 60
    keyframes: int = 8
    things: int = 4
    pixels: int = 224


@dataclass
class HeadScores:
    """What was found of every head.

    Attributes:
        layers, heads: how many there are.
        hits: questions in which the heaviest patch showed the thing `[layers, heads]`.
        excess: sums, over the questions, of the share of the weight on the thing over the share of
            patches that show it `[layers, heads]`.
        chance: sum of these shares of patches: hits that looking anywhere would have had.
        questions: asked.
    """

    layers: int
    heads: int
    hits: NDArray[np.float64] = field(init=False)
    excess: NDArray[np.float64] = field(init=False)
    chance: float = 0.0
    questions: int = 0

    def __post_init__(self) -> None:
        self.hits = np.zeros((self.layers, self.heads))
        self.excess = np.zeros((self.layers, self.heads))

    def add(self, weights: NDArray[np.float32], shown: NDArray[np.bool_]) -> None:
        """Takes in a question.

        Args:
            weights: of all heads, layer by layer, to all patches `[layers * heads, P]`.
            shown: which patches show the thing `[P]`; some do, some do not.
        """
        share = float(shown.mean())
        total = np.maximum(weights.sum(1), np.finfo(np.float32).tiny)
        on_thing = weights[:, shown].sum(1) / total
        self.hits += shown[weights.argmax(1)].reshape(self.layers, self.heads)
        self.excess += (on_thing / share).reshape(self.layers, self.heads)
        self.chance += share
        self.questions += 1

    def best(self, count: int) -> list[tuple[int, int]]:
        """Layer and head of those with most hits, of equal ones those with more excess."""
        order = np.lexsort((-self.excess.ravel(), -self.hits.ravel()))[:count]
        return [(int(index // self.heads), int(index % self.heads)) for index in order]


def score_heads(
    model: Vlm3rForConditionalGeneration,
    processor: Vlm3rProcessor,
    *,
    scenes: int,
    seed: int = 0,
    settings: HeadsSettings | None = None,
) -> Iterator[HeadScores]:
    """Asks for things in rooms of the validation split; yields the scores so far, room by room.

    Args:
        model: whose heads they are.
        processor: its processor.
        scenes: rooms.
        seed: of the rooms, and of what is asked for.
        settings: how rooms are watched.
    """
    settings = settings or HeadsSettings()
    text = model.config.text_config
    layers, heads = int(text.num_hidden_layers), model.config.num_text_heads
    every = [(layer, head) for layer in range(layers) for head in range(heads)]
    scores = HeadScores(layers, heads)
    done = index = 0
    while done < scenes:
        world_id = WorldId(Split.VAL, seed, index)
        index += 1
        size = settings.pixels
        try:
            film = Film.of(world_id, FilmSettings(frames=settings.frames, width=size, height=size))
        except SceneError:
            continue
        done += 1
        assistant = SpatialAssistant(model, processor, _WATCHFUL)
        _ask_for_things(assistant, film, every, scores, settings)
        yield scores


def _ask_for_things(
    assistant: SpatialAssistant,
    film: Film,
    heads: Sequence[tuple[int, int]],
    scores: HeadScores,
    settings: HeadsSettings,
) -> None:
    instances = {}
    for frame in film.frames(model_frames(settings.frames, settings.keyframes)):
        assistant.observe(frame.color, frame.time)
        instances[frame.time] = frame.view.instance
    objects = film.world.objects
    seen = np.unique(np.concatenate([each.ravel() for each in instances.values()]))
    names = sorted({objects[number].category for number in seen.tolist() if number >= 0})
    random = film.world.id.generator(settings.things)
    for name in random.permutation(names)[: settings.things].tolist():
        weights, keyframes = assistant.attention_to(name, heads, _TIMEOUT)
        grid = weights.shape[2:]
        numbers = [n for n, item in enumerate(objects) if item.category == name]
        shown = np.stack([_patches(instances[k.stamp], numbers, grid) for k in keyframes])
        if shown.any() and not shown.all():
            scores.add(weights.reshape(len(heads), -1), shown.ravel())


def _patches(
    instance: NDArray[np.integer], numbers: Sequence[int], grid: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which patches `[rows, columns]` show one of some instances."""
    rows, columns = grid
    height, width = (instance.shape[0] // rows) * rows, (instance.shape[1] // columns) * columns
    is_thing = np.isin(instance[:height, :width], numbers)
    blocks = is_thing.reshape(rows, height // rows, columns, width // columns)
    return np.asarray(blocks.mean((1, 3)) >= _SHOWN)


def heads_table(scores: HeadScores, count: int, title: str) -> Table:
    """The best heads, and what looking anywhere would give."""
    table = Table(title=title)
    for heading in ("layer", "head", "heaviest patch on the thing", "weight / even weight"):
        table.add_column(heading, justify="right")
    asked = max(scores.questions, 1)
    for layer, head in scores.best(count):
        table.add_row(
            str(layer),
            str(head),
            f"{100 * scores.hits[layer, head] / asked:.0f} %",
            f"{scores.excess[layer, head] / asked:.2f}",
        )
    table.add_row("any", "", f"{100 * scores.chance / asked:.0f} %", "1.00", style="dim")
    return table


def write_heads(folder: Path, heads: Sequence[tuple[int, int]]) -> None:
    """Puts the heads into the configuration of a model's folder.

    Raises:
        ValueError: the folder holds no configuration.
    """
    path = folder / _CONFIG
    if not path.is_file():
        raise ValueError(
            f"{folder} holds no {_CONFIG}: heads are written into a model's folder alone"
        )
    content = json.loads(path.read_text(encoding="utf-8"))
    content["localization_heads"] = [list(pair) for pair in heads]
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
