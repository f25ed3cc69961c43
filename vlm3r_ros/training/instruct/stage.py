"""Instruction tuning: film a session, ask about it, learn the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn

from vlm3r_ros.models.devices import resolve_device
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.training.background import OrderedWorkers
from vlm3r_ros.training.checkpoint import load_final_weights
from vlm3r_ros.training.computing import computing, prepare_device, resolve_precision
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.instruct.addressing import address_frames
from vlm3r_ros.training.instruct.curriculum import training_tasks
from vlm3r_ros.training.instruct.evaluation import Exam, build_exams, evaluation_tasks, sit_exam
from vlm3r_ros.training.instruct.export import export_model
from vlm3r_ros.training.instruct.grounding import (
    Looks,
    MentionFinder,
    VectorKind,
    find_looks,
)
from vlm3r_ros.training.instruct.initialization import initialize
from vlm3r_ros.training.instruct.interview import Interviewer, turn
from vlm3r_ros.training.instruct.lessons import (
    FORMS,
    AskedSession,
    LessonMaker,
    lesson_count,
    lesson_tasks,
)
from vlm3r_ros.training.instruct.looking import Looking
from vlm3r_ros.training.instruct.network import (
    FrameFeatures,
    GeometryTokens,
    build_network,
)
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.probes import Probes
from vlm3r_ros.training.instruct.sessions import SessionTask, film_session
from vlm3r_ros.training.instruct.settings import GroundingSettings, InstructConfig
from vlm3r_ros.training.loop import LOSS
from vlm3r_ros.training.vision.filming import FilmTask, Patches
from vlm3r_ros.training.vision.filming import film as film_patches
from vlm3r_ros.training.vision.settings import DataSettings as VisionData
from vlm3r_ros.worlds.world import Split

_STEPS_AHEAD = 3
"""Steps whose sessions the workers film while one is computed."""
_LOOK_AT = 12
"""Sessions by whose frames weights are arranged."""
_LEARN_NAMES_IN, _IMAGES = 24, 4
"""Rooms, and frames of each, from which the projector learns what tokens of things are like."""
_REMEMBERED = 2000
"""Sessions, the newest ones, from which those to be learned from again are drawn."""
_CPU = torch.device("cpu")
_PROBES = "probes"
LOOKS, POSES = "looks", "poses"
_EXTRA = "_extra_state"  # PyTorch's name for it


@dataclass(frozen=True, eq=False)
class Lesson:
    """A session as the network learns from it.

    Attributes:
        turns: the questions about it in tokens; at least one.
        forms: what kind of answer each wants, a number of `FORMS`.
        geometry: tokens of the keyframes.
        vision: image tokens of the keyframes `[F, N, Dv]`; where the vision tower is trained too,
            the keyframes themselves, uint8 `[F, S, S, 3]`.
        looks: where words should look; None where that is not taught.
        poses: of the keyframes `[F, 4, 4]`; likewise.
    """

    turns: tuple[Turn, ...]
    forms: tuple[int, ...]
    geometry: GeometryTokens
    vision: Tensor
    looks: Looks | None = None
    poses: Tensor | None = None

    def remembered(self) -> Lesson:
        """The same in half the memory."""
        camera, patches = self.geometry.camera.half(), self.geometry.patches.half()
        vision = self.vision.half() if self.vision.is_floating_point() else self.vision
        return replace(self, geometry=GeometryTokens(camera, patches), vision=vision)


class InstructStage:
    """Stage 3, for the `Trainer`.

    Raises:
        ConfigError: the configuration does not fit the model or the machine.
        TrainingError: weights to start from cannot be read.
    """

    def __init__(self, config: InstructConfig) -> None:
        self.config = config
        self.device = resolve_device(config.run.device)
        run = config.run
        precision = resolve_precision(run.precision, self.device)
        self.network = build_network(config.model, run.seed, precision)
        # The name that it has in checkpoints.
        self.module = nn.ModuleDict({"network": self.network})
        self.probes: Probes | None = None
        if config.grounding.wanted:
            _check_grounding(config.grounding, self.model)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(run.seed)
                self.probes = Probes(self.model.config.text_config.hidden_size)
            self.module[_PROBES] = self.probes
        if config.init_from:
            self._take_over(Path(config.init_from).expanduser())
        elif not config.model.base:
            self._initialize()
        self.module.to(self.device)
        self._workers: OrderedWorkers[tuple[SessionTask, ...], list[AskedSession]] | None = None
        self._sessions: Iterator[list[AskedSession]] = iter(())
        self._exams: list[Exam] = []
        self._remembered: deque[Lesson] = deque(maxlen=_REMEMBERED)

    @property
    def model(self) -> Vlm3rForConditionalGeneration:
        """The network that is shipped."""
        return self.network.model

    def start(self, step: int) -> None:
        """Begin to film for `step` and those after it."""
        run = self.config.run
        prepare_device(self.device, run.threads)
        processor, evaluation = self.network.processor, self.config.evaluation
        most = max(lesson_count(phase.videos) for phase in self.config.curriculum)
        maker, cells = LessonMaker(processor, self.config.data), 0
        if self.config.grounding.wanted:
            positions = self.model.patch_positions
            cells = len(positions)
            find = partial(
                find_looks,
                finder=MentionFinder(processor.tokenizer),
                positions=positions.flatten().numpy(),
                tokens_per_frame=self.model.tokens_per_frame,
            )
            maker = replace(maker, find_looks=find)
        self._workers = OrderedWorkers(maker, run.workers, _STEPS_AHEAD * most)
        tasks = lesson_tasks(self.config, processor.image_size, step, cells)
        self._sessions = self._workers.map(tasks)
        held_out = evaluation_tasks(evaluation, self.config.data, processor.image_size)
        self._exams = build_exams(map(film_session, held_out), evaluation.unseen)

    def close(self) -> None:
        """End the workers."""
        if self._workers is not None:
            self._workers.close()

    def losses(self, step: int) -> dict[str, Tensor]:
        """Film, ask and compare; see `Stage`."""
        phase = self.config.phase(step)
        if phase.addressed and self.config.begins(step):
            self._address_frames(step)
        count = lesson_count(phase.videos)
        lessons = self._prepare([asked for _ in range(count) for asked in next(self._sessions)])
        again: list[Lesson] = []
        if phase.rehearsed:
            random = Random(f"{self.config.run.seed}/{step}")
            count = min(phase.rehearsed, len(self._remembered))
            again = random.sample(list(self._remembered), count)
            self._remembered.extend(lesson.remembered() for lesson in lessons)
        return self._compare([*lessons, *again])

    def compare(self, asked: Sequence[AskedSession]) -> dict[str, Tensor]:
        """Answer questions about sessions; the loss is the mean over all tokens of answers."""
        return self._compare(self._prepare(asked))

    def _prepare(self, asked: Sequence[AskedSession]) -> list[Lesson]:
        """Run the networks that see frames over sessions."""
        if not asked:
            return []
        films = [torch.from_numpy(session.color).to(self.device) for session in asked]
        keyframes = [film[:: one.stride] for film, one in zip(films, asked, strict=True)]
        with self._computing():
            geometry = self.network.track(films)
            if not self.config.model.train_vision:
                keyframes = self._see(keyframes)
        return [
            Lesson(
                one.turns,
                one.forms,
                tokens.keyframes(one.stride),
                seen,
                one.looks,
                None if one.poses is None else torch.from_numpy(one.poses).to(self.device),
            )
            for seen, one, tokens in zip(keyframes, asked, geometry, strict=True)
        ]

    def _see(self, keyframes: Sequence[Tensor]) -> list[Tensor]:
        """Image tokens of each session's keyframes."""
        counts = [len(frames) for frames in keyframes]
        return list(self.network.see(torch.cat(list(keyframes))).split(counts))

    def _compare(self, lessons: list[Lesson]) -> dict[str, Tensor]:
        questions = sum(len(lesson.turns) for lesson in lessons)
        counted = {"questions": torch.tensor(float(questions), device=self.device)}
        if not lessons:
            return {LOSS: self.model.image_newline.sum() * 0, **counted}
        with self._computing():
            vision = [lesson.vision for lesson in lessons]
            if self.config.model.train_vision:
                vision = self._see(vision)
            features = [
                FrameFeatures(seen.float(), own.camera.float(), own.patches.float())
                for seen, own in zip(vision, (one.geometry for one in lessons), strict=True)
            ]
            turns = [one.turns for one in lessons]
            visual = self.network.visual_tokens(features)
            looking = self._watch(lessons)
            losses, which = self.network.side_by_side(visual, turns, looking)
            taught = self._ground(lessons, torch.cat(visual), looking)
        forms = torch.tensor([form for one in lessons for form in one.forms], device=self.device)
        summed = losses.new_zeros(len(FORMS)).index_add(0, forms[which], losses.detach())
        means = summed / forms.bincount(minlength=len(FORMS))
        asked = {form for one in lessons for form in one.forms}
        named = {name: means[n] for n, name in enumerate(FORMS) if n in asked}
        loss = losses.mean()
        settings = self.config.grounding
        weights = {LOOKS: settings.looks, POSES: settings.poses, **settings.vector_weights}
        for name, value in taught.items():
            loss = loss + weights[name] * value
            named[name] = value.detach()
        if looking is not None and LOOKS in taught:
            named["found"] = looking.found()
        return {LOSS: loss, **named, **counted}

    def _watch(self, lessons: Sequence[Lesson]) -> Looking | None:
        """The heads that should look at what is spoken of in lessons."""
        looks = [one.looks for one in lessons if one.looks is not None]
        if len(looks) < len(lessons):
            return None
        turns = [one.turns for one in lessons]
        frames = [len(one.geometry.camera) for one in lessons]
        settings = self.config.grounding
        return self.network.watch(turns, looks, frames, settings.heads if settings.looks else ())

    def _ground(
        self, lessons: Sequence[Lesson], visual: Tensor, looking: Looking | None
    ) -> dict[str, Tensor]:
        """Losses of what is taught besides answers, by the names of their weights."""
        settings, taught = self.config.grounding, {}
        if looking is None or self.probes is None:
            return {}
        if settings.looks:
            taught[LOOKS] = looking.loss()
        if settings.poses:
            poses = torch.cat([one.poses for one in lessons if one.poses is not None])
            taught[POSES] = self.probes.pose_loss(visual, poses)
        for kind in VectorKind:
            if settings.vector_weights[kind]:
                words, truth = looking.vectors(kind)
                hidden = looking.hidden[settings.vector_layers[kind]][words]
                taught[kind] = self.probes.vector_loss(kind, hidden, truth)
        return taught

    def _computing(self) -> ExitStack:
        return computing(self.device, self.config.run.precision, short_attention=True)

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out rooms; see `Stage`."""
        metrics: dict[str, float] = {}
        for exam in self._exams:
            metrics |= sit_exam(self.network, exam, self._computing)
        return metrics

    def export(self, folder: Path) -> None:
        """Write a folder that `load_model` reads."""
        export_model(self.network, self.model.state_dict(), self.config.model, folder)

    def _initialize(self) -> None:
        """Start from weights that suit the frames of the first sessions."""
        tasks = training_tasks(self.config, self.network.processor.image_size, 0)
        seen = [film_session(task).keyframes for task in islice(tasks, _LOOK_AT)]
        prepare_device(self.device, self.config.run.threads)
        sessions = [torch.from_numpy(frames) for frames in seen]
        vision = self.model.config.vision_config
        rooms = [
            film_patches(
                FilmTask(
                    *(Split.TRAIN, self.config.run.seed, index, _IMAGES),
                    *(int(vision.image_size), int(vision.patch_size), VisionData()),  # type: ignore[arg-type]
                    augment=True,
                )
            )
            for index in range(_LEARN_NAMES_IN)
        ]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.run.seed)
            initialize(self.network, sessions, Patches.concatenate(rooms))

    def _address_frames(self, step: int) -> None:
        """Arrange heads by questions about the sessions of a step and those after it."""
        tasks = training_tasks(self.config, self.network.processor.image_size, step)
        # Asked by another one, at the end: the next questions of training are what they were.
        interviewer = Interviewer.for_training(replace(self.config.data, early=0.0))
        training = self.module.training
        self.network.eval()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(self.config.run.seed)
            looks = []
            for session in map(film_session, islice(tasks, _LOOK_AT)):
                inquiries = interviewer.ask(session)
                turns = [turn(one, self.network.processor) for one in inquiries]
                film = torch.from_numpy(session.color).to(self.device)
                looks.append((self.network.look(film, session.stride).to(_CPU), turns))
            # Arranged where it is everywhere the same: least squares of one device are not
            # another's.
            address_frames(self.network.to(_CPU), looks)
        self.network.to(self.device).train(training)

    def _take_over(self, path: Path) -> None:
        """Start from a checkpoint's averaged weights.

        Parts that have a folder of their own are those of that folder.
        """
        weights = load_final_weights(path)
        weights.pop(_EXTRA, None)  # of checkpoints made when questions still hung together
        settings, present = self.config.model, self.module.state_dict()
        folders = {"geometry_encoder": settings.geometry_from, "vision_tower": settings.vision_from}
        own = tuple(f"network.model.{part}." for part, folder in folders.items() if folder)
        weights |= {name: weight for name, weight in present.items() if name.startswith(own)}
        # What reads along may be another in each run.
        reading = f"{_PROBES}."
        kept = {n: w for n, w in weights.items() if not n.startswith(reading) or n in present}
        weights = {n: w for n, w in present.items() if n.startswith(reading)} | kept
        try:
            self.module.load_state_dict(weights)
        except RuntimeError as error:
            raise TrainingError(f"init_from: {path}: is of another network ({error})") from error


def _check_grounding(settings: GroundingSettings, model: Vlm3rForConditionalGeneration) -> None:
    text = model.config.text_config
    layers, heads = text.num_hidden_layers, text.num_attention_heads
    has = f"the language model has {layers} layers of {heads} heads"
    for layer, head in settings.heads if settings.looks else ():
        if layer >= layers or head >= heads:
            raise ConfigError(
                f"grounding.heads: there is no head {head} in layer {layer}, counted from 0; {has}"
            )
    for name in ("places_after", "relations_after", "told_after"):
        if getattr(settings, name) > layers:
            raise ConfigError(f"grounding.{name} is {getattr(settings, name)}; {has}")
