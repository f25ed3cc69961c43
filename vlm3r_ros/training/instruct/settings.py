"""Settings of instruction tuning; `config/training/instruct.yaml` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.training.instruct.grounding import LookKind, VectorKind
from vlm3r_ros.training.settings import Curriculum, OptimizerSettings, RunSettings


class WeightFormat(StrEnum):
    """Number format of exported weights."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters on all linear layers of the language model's blocks.

    Attributes:
        rank: of each.
        alpha: `alpha / rank` scales what they add.
        dropout: of their input.

    Raises:
        ValueError: a setting makes no sense.
    """

    rank: int = 128
    alpha: float = 256.0
    dropout: float = 0.05

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise ValueError("rank must be 1 or more, alpha above 0, dropout in [0, 1)")


@dataclass(frozen=True)
class ModelSettings:
    """What is trained.

    Attributes:
        base: folder or hub name of a whole model to go on with, its tokenizer included; what
            follows, up to `vocabulary`, is of no account then, but for `spatial_features` and
            `train_vision`.
        lora: adapters by which the language model is tuned; its own weights, the newline and the
            embeddings stay as they are. Without, all of it is trained.
        recompute: work out activations of the language model's layers again in the backward pass,
            to save memory.
        size: registered size.
        geometry_from: folder of an exported geometry encoder, which stays as it is; empty for
            random weights.
        vision_from: folder of an exported vision tower; empty for random weights.
        geometry_image_size: side of the images that the geometry encoder was trained on, pixels;
            0 for that of the size.
        spatial_features: geometry tokens that the fusion sees: `all`, `camera_tokens`,
            `patch_tokens` or `none`.
        train_vision: whether the vision tower is trained too.
        vocabulary: tokens of the tokenizer, which is learned from questions.
        text: settings of `Qwen2Config` that differ from the size's.
        export: number format of exported weights.

    Raises:
        ValueError: a setting makes no sense.
    """

    base: str = ""
    lora: LoraSettings | None = None
    recompute: bool = False
    size: str = "nano"
    geometry_from: str = ""
    vision_from: str = ""
    geometry_image_size: int = 0
    spatial_features: str = "all"
    train_vision: bool = False
    vocabulary: int = 2048
    text: Mapping[str, Any] = field(default_factory=dict)
    export: WeightFormat = WeightFormat.FLOAT16

    def __post_init__(self) -> None:
        if self.geometry_image_size < 0:
            raise ValueError(f"geometry_image_size is {self.geometry_image_size}")


@dataclass(frozen=True)
class DataSettings:
    """What is filmed and asked.

    Attributes:
        interval: least and greatest seconds from keyframe to keyframe; a session has one, drawn
            evenly on a logarithmic scale.
        between: share of the sessions in which the geometry encoder sees frames between keyframes
            too, as it does on a stream.
        placed: share of the sessions in which camera tokens are told poses, about as wrong as those
            of visual odometry; for all above 0, the model gets a `PoseReadout`.
        tasks: how often each task is asked, by name; those left out as often as the generators'
            own number of questions a scene.
        published, natural: shares of the questions in the benchmarks' own words, and in those of
            someone who had not read the others; what is left comes in all of them.
        early: share of the questions about frames that come when the last of these has just been
            seen, not at the session's moment.
        spoken: share of the choices among few words that come without options, to be answered in
            words.
        absent: share of the questions that are about things which were not seen.
        colors: strength of the changes of exposure, contrast and colour balance; 0 for none.
        noise: standard deviation of a pixel's noise at most, grey levels.

    Raises:
        ValueError: a setting makes no sense.
    """

    interval: tuple[float, float] = (0.1, 0.8)
    between: float = 0.2
    placed: float = 0.0
    tasks: Mapping[str, float] = field(default_factory=dict)
    published: float = 0.4
    natural: float = 0.0
    early: float = 0.3
    spoken: float = 0.1
    absent: float = 0.05
    colors: float = 1.0
    noise: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.interval[0] <= self.interval[1]:
            raise ValueError(f"interval is {self.interval}; give the least and the greatest")
        for name in ("between", "placed", "published", "natural", "early", "spoken", "absent"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share in [0, 1]")
        if self.published + self.natural > 1:
            raise ValueError("published and natural are shares of one whole; they exceed 1")
        for name, weight in self.tasks.items():
            if name not in TASKS:
                raise ValueError(f"tasks.{name} is no task; there are {', '.join(TASKS)}")
            if weight < 0:
                raise ValueError(f"tasks.{name} is {weight}; it cannot be below 0")
        if not any(self.weights.values()):
            raise ValueError("tasks: at least one must be asked")
        if self.colors < 0 or self.noise < 0:
            raise ValueError("colors and noise cannot be below 0")

    @property
    def weights(self) -> dict[QuestionType, float]:
        """How often each task is asked, relative to the others."""
        return {task: self.tasks.get(task, TASKS[task].per_scene) for task in TASKS}


@dataclass(frozen=True)
class Phase:
    """A part of the curriculum.

    Attributes:
        until: step at which it ends; the last one goes on to the end.
        videos: sessions of a step, each in a room of its own.
        frames: least and greatest number of keyframes of a session.
        questions: of a session, about so many.
        moments: at most so many moments of a session are asked at; its end is one.
        described: share of the keyframes that are to be described in words.
        located: share of the keyframes in which the place of one thing is asked for: what choices
            between two things are built from, and more to learn from than their one letter.
        rehearsed: sessions of earlier steps that are learned from again in each step, which saves
            filming and tracking; a run that goes on begins to remember anew.
        addressed: whether heads that look at the frame a question names are arranged at the first
            step (`addressing`); all sessions of the phase must be of one length.

    Raises:
        ValueError: a setting makes no sense.
    """

    until: int
    videos: int
    frames: tuple[int, int]
    questions: int
    moments: int = 2
    described: float = 0.0
    located: float = 0.0
    rehearsed: int = 0
    addressed: bool = False

    def __post_init__(self) -> None:
        if min(self.until, self.videos, self.questions, self.moments) < 1:
            raise ValueError("until, videos, questions and moments must be 1 or more")
        if not 2 <= self.frames[0] <= self.frames[1]:
            raise ValueError(f"frames is {self.frames}; give the least, 2 or more, and the most")
        if self.rehearsed < 0:
            raise ValueError(f"rehearsed is {self.rehearsed}; it cannot be below 0")
        if self.addressed and self.frames[0] != self.frames[1]:
            raise ValueError(f"addressed: frames is {self.frames}; it must be one length, twice")
        for name in ("described", "located"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share in [0, 1]")


@dataclass(frozen=True)
class GroundingSettings:
    """What is taught besides answers: where to look, and from where a frame was taken.

    Attributes:
        looks: weight of the loss of how heads look at what words speak of (`grounding`); 0 for
            none.
        heads_shown: layer and head of each that should.
        hops: weight of the loss of how heads look from the second of two things or frames at the
            first, and from the end of a question at the name that completes it.
        heads_related: of each that should look at the first.
        heads_told: of each that should look at the name that completes the question.
        choices: weight of the loss of how heads look from the end of a question at the option that
            is right.
        heads_chosen: of each that should.
        poses: weight of the loss of cameras' poses, as they can be read from the visual tokens;
            0 for none.
        places: weight of the loss of where in a frame things are, as it can be read from their
            names; 0 for none.
        places_after: layers of the language model behind which that is read.
        stands: weight of the loss of where cameras stood and looked, as it can be read from the
            words that name their frames, like places; 0 for none.
        motions: weight of the loss of how the camera moved between two frames, as it can be read
            from the word that names the second one; 0 for none.
        offsets: weight of the loss of where a thing is beside the one named before; likewise.
        relations_after: layers behind which motions and offsets are read.
        told: weight of the loss of the same, as it can be read at the end of the question.
        told_after: layers behind which that is read.

    Raises:
        ValueError: a setting makes no sense.
    """

    looks: float = 0.0
    heads_shown: tuple[tuple[int, int], ...] = ((1, 0), (2, 0), (2, 1))
    hops: float = 0.0
    heads_related: tuple[tuple[int, int], ...] = ((3, 0), (3, 2))
    heads_told: tuple[tuple[int, int], ...] = ((4, 0), (4, 2))
    choices: float = 0.0
    heads_chosen: tuple[tuple[int, int], ...] = ((5, 0), (5, 2))
    poses: float = 0.0
    places: float = 0.0
    places_after: int = 3
    stands: float = 0.0
    motions: float = 0.0
    offsets: float = 0.0
    relations_after: int = 4
    told: float = 0.0
    told_after: int = 5

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, (int, float)) and value < 0:
                raise ValueError(f"{item.name} is {value}; it cannot be below 0")
        for kind, heads in self._heads.items():
            if not heads or min(min(pair) for pair in heads) < 0:
                raise ValueError(
                    f"heads_{kind} is {heads}; give pairs of a layer and a head, from 0"
                )

    @property
    def wanted(self) -> bool:
        """Whether anything is taught besides answers."""
        return max(self.poses, *self.look_weights.values(), *self.vector_weights.values()) > 0

    @property
    def look_weights(self) -> dict[str, float]:
        """Weight of the loss of each `LookKind`."""
        return {
            LookKind.SHOWN: self.looks,
            LookKind.RELATED: self.hops,
            LookKind.TOLD: self.hops,
            LookKind.CHOSEN: self.choices,
        }

    @property
    def watched(self) -> dict[LookKind, tuple[tuple[int, int], ...]]:
        """Layer and head of each that is taught, of each `LookKind` that is."""
        return {kind: own for kind, own in self._heads.items() if self.look_weights[kind]}

    @property
    def _heads(self) -> dict[LookKind, tuple[tuple[int, int], ...]]:
        return {
            LookKind.SHOWN: self.heads_shown,
            LookKind.RELATED: self.heads_related,
            LookKind.TOLD: self.heads_told,
            LookKind.CHOSEN: self.heads_chosen,
        }

    @property
    def vector_weights(self) -> dict[str, float]:
        """Weight of the loss of each `VectorKind`."""
        return {
            VectorKind.PLACES: self.places,
            VectorKind.OFFSETS: self.offsets,
            VectorKind.STANDS: self.stands,
            VectorKind.FACINGS: self.stands,
            VectorKind.SHIFTS: self.motions,
            VectorKind.MOTIONS: self.motions,
            VectorKind.TOLD_OFFSETS: self.told,
            VectorKind.TOLD_MOTIONS: self.told,
            VectorKind.TOLD_LENGTHS: self.told,
        }

    @property
    def vector_layers(self) -> dict[str, int]:
        """Layers behind which each `VectorKind` is read."""
        return {
            VectorKind.PLACES: self.places_after,
            VectorKind.OFFSETS: self.relations_after,
            VectorKind.STANDS: self.places_after,
            VectorKind.FACINGS: self.places_after,
            VectorKind.SHIFTS: self.relations_after,
            VectorKind.MOTIONS: self.relations_after,
            VectorKind.TOLD_OFFSETS: self.told_after,
            VectorKind.TOLD_MOTIONS: self.told_after,
            VectorKind.TOLD_LENGTHS: self.told_after,
        }


@dataclass(frozen=True)
class EvaluationSettings:
    """Held-out rooms on which the stage measures itself, as an offline evaluation would.

    Attributes:
        seed: of the rooms.
        rooms: a session each.
        frames: of a session, spread evenly over it.
        seconds: that a session takes.
        questions: of a session, about so many.
        unseen: whether the same is asked in words that training never shows, too.

    Raises:
        ValueError: a setting makes no sense.
    """

    seed: int = 0
    rooms: int = 8
    frames: int = 32
    seconds: float = 12.0
    questions: int = 48
    unseen: bool = False

    def __post_init__(self) -> None:
        if self.rooms < 1 or self.frames < 2 or self.questions < 1 or self.seconds <= 0:
            raise ValueError(
                "rooms and questions must be 1 or more, frames 2 or more, seconds above 0"
            )


@dataclass(frozen=True)
class InstructConfig(Curriculum[Phase]):
    """Instruction tuning.

    Attributes:
        curriculum: phases in the order of their ends.
        init_from: checkpoint whose weights are the start, but for parts that `model` takes from
            folders of their own; empty for none.

    Raises:
        ValueError: the phases are out of order.
    """

    curriculum: tuple[Phase, ...]
    run: RunSettings = field(default_factory=RunSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    model: ModelSettings = ModelSettings()
    data: DataSettings = DataSettings()
    grounding: GroundingSettings = GroundingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    init_from: str = ""

    def __post_init__(self) -> None:
        self.check_order()
