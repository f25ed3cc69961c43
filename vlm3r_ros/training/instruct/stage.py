"""Instruction tuning: film a session, ask about it, learn the answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn

from vlm3r_ros.models.devices import resolve_device
from vlm3r_ros.models.pose_readout import PoseReadout
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.training.background import OrderedWorkers
from vlm3r_ros.training.checkpoint import load_final_weights
from vlm3r_ros.training.computing import computing, prepare_device, resolve_precision
from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.training.instruct.addressing import address_frames
from vlm3r_ros.training.instruct.curriculum import training_tasks
from vlm3r_ros.training.instruct.evaluation import Exam, build_exams, evaluation_tasks, sit_exam
from vlm3r_ros.training.instruct.export import export_model
from vlm3r_ros.training.instruct.grounding_teacher import GroundingTeacher
from vlm3r_ros.training.instruct.initialization import initialize
from vlm3r_ros.training.instruct.interview import Interviewer, turn
from vlm3r_ros.training.instruct.lesson import Lesson
from vlm3r_ros.training.instruct.lessons import (
    FORMS,
    AskedSession,
    LessonMaker,
    lesson_count,
    lesson_tasks,
)
from vlm3r_ros.training.instruct.network import FrameFeatures, build_network
from vlm3r_ros.training.instruct.sessions import SessionTask, film_session
from vlm3r_ros.training.instruct.settings import InstructConfig
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
_LEARN_POSES_IN = 32
"""Sessions from which is learned how camera tokens tell poses."""
_REMEMBERED = 2000
"""Sessions, the newest ones, from which those to be learned from again are drawn."""
_CPU = torch.device("cpu")
_PROBES = "probes"
_EXTRA = "_extra_state"  # PyTorch's name for it


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
        self.teacher: GroundingTeacher | None = None
        if config.grounding.wanted:
            self.teacher = GroundingTeacher(config.grounding, self.network, run.seed)
            self.module[_PROBES] = self.teacher.probes
        if config.data.placed and self.model.pose_readout is None:
            self.model.add_pose_readout()
        if config.init_from:
            self._take_over(Path(config.init_from).expanduser())
        elif not config.model.base:
            self._initialize()
        readout = self.model.pose_readout
        if readout is not None and not readout.fitted:
            self._fit_pose_readout(readout)
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
        if self.teacher is not None:
            cells = len(self.model.patch_positions)
            maker = replace(maker, ground=self.teacher.build_ground())
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
                self.network.place(tokens.keyframes(one.stride), one.odometry),
                seen,
                one.grounding,
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
            looking = None if self.teacher is None else self.teacher.watch(lessons)
            losses, which = self.network.side_by_side(visual, turns, looking)
            taught = None
            if self.teacher is not None and looking is not None:
                taught = self.teacher.judge(lessons, torch.cat(visual), looking)
        forms = torch.tensor([form for one in lessons for form in one.forms], device=self.device)
        summed = losses.new_zeros(len(FORMS)).index_add(0, forms[which], losses.detach())
        means = summed / forms.bincount(minlength=len(FORMS))
        asked = {form for one in lessons for form in one.forms}
        named = {name: means[n] for n, name in enumerate(FORMS) if n in asked}
        loss = losses.mean()
        if taught is not None:
            loss = loss + taught.loss
            named |= taught.metrics
        return {LOSS: loss, **named, **counted}

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

    def _fit_pose_readout(self, readout: PoseReadout) -> None:
        """Make it possible to tell camera tokens poses, by those of the longest sessions."""
        prepare_device(self.device, self.config.run.threads)
        size, cells = self.network.processor.image_size, len(self.model.patch_positions)
        phases = self.config.curriculum
        begins = [0, *(phase.until for phase in phases[:-1])]
        _, step = max(zip((phase.frames for phase in phases), begins, strict=True))
        tasks = training_tasks(self.config, size, step, cells=cells)
        tokens, poses = [], []
        for session in map(film_session, islice(tasks, _LEARN_POSES_IN)):
            assert session.shown is not None
            (geometry,) = self.network.track([torch.from_numpy(session.color)])
            tokens.append(geometry.keyframes(session.stride).camera)
            poses.append(torch.from_numpy(session.shown.poses))
        readout.fit(torch.cat(tokens), torch.cat(poses))

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
                seen = self.network.look(film, session.stride, odometry=session.odometry)
                looks.append((seen.to(_CPU), turns))
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
        # What reads along may be another in each run; what poses are told by, new in this one.
        reading = f"{_PROBES}."
        kept = {n: w for n, w in weights.items() if not n.startswith(reading) or n in present}
        new = (reading, "network.model.pose_readout.")
        weights = {n: w for n, w in present.items() if n.startswith(new)} | kept
        try:
            self.module.load_state_dict(weights)
        except RuntimeError as error:
            raise TrainingError(f"init_from: {path}: is of another network ({error})") from error
