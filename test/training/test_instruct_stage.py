import copy
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from small_configs import write_config
from typer.testing import CliRunner

from vlm3r_ros.assistant import Keyframe
from vlm3r_ros.assistant.answering import Answerer
from vlm3r_ros.assistant.scene_prefix import ScenePrefix
from vlm3r_ros.benchmarks.benchmark_question import parse_question
from vlm3r_ros.benchmarks.model_responders import BlindResponder
from vlm3r_ros.commands.train import train_app
from vlm3r_ros.models.grouped_attention import GROUPED_SDPA
from vlm3r_ros.models.registry import load_model
from vlm3r_ros.questions.tasks import TASKS
from vlm3r_ros.training.checkpoint import load_checkpoint
from vlm3r_ros.training.config import parse
from vlm3r_ros.training.curves import read_curves
from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.training.instruct.curriculum import training_tasks
from vlm3r_ros.training.instruct.decoding import write_answers
from vlm3r_ros.training.instruct.grounding import LookKind, VectorKind
from vlm3r_ros.training.instruct.interview import Interviewer, turn
from vlm3r_ros.training.instruct.lessons import AskedSession
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.sessions import film_session
from vlm3r_ros.training.instruct.settings import InstructConfig
from vlm3r_ros.training.instruct.stage import InstructStage
from vlm3r_ros.training.loop import LOSS, Trainer
from vlm3r_ros.training.optimization import build_optimizer

INSTRUCT = {
    "run": {"steps": 4, "threads": 1, "workers": 0, "evaluate_every": 0, "log_every": 1},
    "optimizer": {"learning_rate": 0.003, "warmup_steps": 2},
    "model": {"size": "tiny", "vocabulary": 600, "train_vision": True},
    "curriculum": [
        {"until": 2, "videos": 1, "frames": [3, 4], "questions": 10},
        {"until": 4, "videos": 2, "frames": [3, 4], "questions": 10},
    ],
    "data": {
        "tasks": dict.fromkeys(map(str, TASKS), 0)
        | dict.fromkeys(["camera_displacement", "object_counting", "object_location"], 1)
        | {"object_size_estimation": 1, "camera_movement_direction": 1}
    },
    "evaluation": {"rooms": 1, "frames": 4, "seconds": 3.0, "questions": 12, "unseen": True},
}


def small(**sections) -> InstructConfig:
    return parse(copy.deepcopy(INSTRUCT) | sections, InstructConfig)


def train(config: InstructConfig, folder: Path, stop_at: int | None = None) -> Trainer:
    stage = InstructStage(config)
    losses = stage.losses

    def stopping(step: int) -> dict[str, torch.Tensor]:
        if step + 1 == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return losses(step)

    stage.losses = stopping  # type: ignore[method-assign]
    trainer = Trainer(stage, config, folder)
    trainer.run(progress=False)
    return trainer


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """What the command leaves of four steps without a break."""
    folder = tmp_path_factory.mktemp("straight")
    config = write_config(folder / "config.yaml", INSTRUCT)
    command = ["instruct", "--config", str(config), "--out", str(folder)]
    done = CliRunner().invoke(train_app, command)
    assert done.exit_code == 0, done.output
    return folder


def newest(folder: Path) -> dict:
    return load_checkpoint(max((folder / "checkpoints").iterdir()))


def test_a_run_cut_short_ends_as_one_without_a_break(straight, tmp_path):
    assert train(small(), tmp_path, stop_at=3).step == 3
    train(small(), tmp_path)
    one, other = newest(straight), newest(tmp_path)
    assert one["module"].keys() == other["module"].keys()
    for name, value in one["module"].items():
        same = torch.equal(value, other["module"][name]) if torch.is_tensor(value) else None
        assert value == other["module"][name] if same is None else same, name
    rows = [read_curves(folder / "train.csv") for folder in (straight, tmp_path)]
    assert [row[LOSS] for row in rows[0]] == [row[LOSS] for row in rows[1]]


def test_a_run_leaves_a_model_that_answers(straight):
    model, processor = load_model(straight / "model")
    assert model.config.text_config.vocab_size == 600
    record = {
        "scene_name": "s",
        "question_type": "object_counting",
        "question": "How many chairs?",
        "ground_truth": "3",
    }
    ((_, response),) = BlindResponder(model, processor).respond([parse_question(0, record)], None)
    assert isinstance(response.text, str)
    average = newest(straight)["averaged"]["average"]
    weight = average["network.model.projector.0.weight"]
    assert torch.equal(model.projector[0].weight, weight.half().float())
    (metrics,) = read_curves(straight / "eval.csv")
    assert {"loss", "unseen_loss", "vsi"} <= metrics.keys()


def test_the_geometry_encoder_stays_as_it_is(straight):
    model, _ = load_model(straight / "model", geometry_only=True)
    fresh = InstructStage(small()).model
    weight = fresh.geometry_encoder.state_dict()["patch_embed.weight"].half().float()
    assert torch.equal(model.geometry_encoder.state_dict()["patch_embed.weight"], weight)


def learn(stage: InstructStage, asked: list[AskedSession]) -> list[dict[str, float]]:
    """What each of some steps on the same sessions loses."""
    optimizer = build_optimizer(stage.module, stage.config.optimizer)
    history = []
    for _ in range(20):
        losses = stage.compare(asked)
        optimizer.zero_grad()
        losses[LOSS].backward()
        optimizer.step()
        history.append({name: value.item() for name, value in losses.items()})
    return history


def test_losses_fall_on_fixed_sessions():
    stage = InstructStage(small(run=INSTRUCT["run"] | {"precision": "float32"}))
    stage.start(3)
    asked = [session for _ in range(2) for session in next(stage._sessions)]
    history = learn(stage, asked)
    assert history[-1][LOSS] < 0.7 * history[0][LOSS]
    for form in {"choice", "number", "words"} & history[0].keys():
        assert history[-1][form] < history[0][form]
    assert stage.model.vision_tower.embeddings.patch_embedding.weight.grad is not None
    assert stage.model.geometry_encoder.patch_embed.weight.grad is None


@pytest.mark.parametrize("features", ["none", "camera_tokens", "patch_tokens"])
def test_geometry_tokens_can_be_left_out(features):
    model = INSTRUCT["model"] | {"spatial_features": features, "train_vision": False}
    stage = InstructStage(small(model=model))
    stage.start(0)
    losses = stage.losses(0)
    losses[LOSS].backward()
    fusion = [p.grad is not None for p in stage.model.fusion.parameters()]
    assert not any(fusion) if features == "none" else all(fusion)
    assert stage.model.vision_tower.embeddings.patch_embedding.weight.grad is None
    assert stage.model.projector[0].weight.grad is not None


def test_parts_come_from_the_stages_before(straight, tmp_path):
    donor, _ = load_model(straight / "model")
    donor.geometry_encoder.save_pretrained(tmp_path / "geometry")
    donor.vision_tower.save_pretrained(tmp_path / "vision")
    model = INSTRUCT["model"] | {
        "geometry_from": str(tmp_path / "geometry"),
        "vision_from": str(tmp_path / "vision"),
        "geometry_image_size": 48,
    }
    built = InstructStage(small(model=model)).model
    for part in ("geometry_encoder", "vision_tower"):
        own, given = getattr(built, part).state_dict(), getattr(donor, part).state_dict()
        assert all(torch.equal(own[name], given[name]) for name in given)
    assert built.config.geometry_image_size == 48


def test_a_run_starts_from_another_ones_weights(straight):
    path = str(max((straight / "checkpoints").iterdir()))
    stage = InstructStage(small(init_from=path))
    average = newest(straight)["averaged"]["average"]
    assert torch.equal(stage.model.image_newline, average["network.model.image_newline"])


def test_a_part_with_a_folder_of_its_own_is_not_taken_over(straight, tmp_path):
    donor, _ = load_model(straight / "model")
    other = copy.deepcopy(donor.geometry_encoder)
    torch.nn.init.ones_(other.pose_token)
    other.save_pretrained(tmp_path / "geometry")
    path = str(max((straight / "checkpoints").iterdir()))
    model = INSTRUCT["model"] | {"geometry_from": str(tmp_path / "geometry")}
    built = InstructStage(small(init_from=path, model=model)).model
    assert torch.equal(built.geometry_encoder.pose_token, other.pose_token)
    average = newest(straight)["averaged"]["average"]
    assert torch.equal(built.image_newline, average["network.model.image_newline"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": "huge"}, "model.size is 'huge'"),
        ({"size": "tiny", "vocabulary": 100}, "model.vocabulary: a byte-level vocabulary"),
        ({"size": "tiny", "text": {"layers": 2}}, "model.text.layers is no setting"),
        ({"size": "tiny", "spatial_features": "some"}, "unknown spatial_features"),
        ({"size": "tiny", "geometry_image_size": 50}, "not a multiple"),
        ({"size": "tiny", "geometry_from": "/nowhere"}, "model.geometry_from: /nowhere holds no"),
    ],
)
def test_what_does_not_fit_is_said(change, words):
    with pytest.raises(TrainingError, match=words):
        InstructStage(small(model=change))


def network_and_sessions() -> tuple[InstructNetwork, list[AskedSession]]:
    stage = InstructStage(small(run=INSTRUCT["run"] | {"precision": "float32"}))
    stage.start(3)
    sessions = [session for _ in range(2) for session in next(stage._sessions)]
    stage.close()
    return stage.network.eval(), sessions


def test_a_model_that_is_told_poses_is_exported_with_its_readout(tmp_path):
    stage = InstructStage(small(data={"placed": 1.0}))
    stage.start(0)
    sessions = next(stage._sessions)
    stage.close()
    assert all(session.odometry is not None for session in sessions)
    lessons = stage._prepare(sessions)
    for session, lesson in zip(sessions, lessons, strict=True):
        read = stage.model.pose_readout.read(lesson.geometry.camera)
        told = torch.from_numpy(session.odometry)
        expected = torch.cat((told[:, :3, 3], told[:, :3, 2]), 1)
        torch.testing.assert_close(read, expected, atol=1e-3, rtol=1e-3)
    stage.export(tmp_path)
    model, _ = load_model(tmp_path)
    assert model.config.pose_readout
    weight = stage.model.pose_readout.weight
    torch.testing.assert_close(model.pose_readout.weight.float(), weight, atol=1e-2, rtol=1e-2)


def test_a_run_goes_on_with_the_readout_there_is_or_begins_one(straight, tmp_path):
    placed = {"data": {"placed": 1.0}}
    trained = train(small(**placed), tmp_path).stage
    path = str(max((tmp_path / "checkpoints").iterdir()))
    again = InstructStage(small(**placed, init_from=path)).model.pose_readout
    torch.testing.assert_close(again.weight, trained.model.pose_readout.weight)

    path = str(max((straight / "checkpoints").iterdir()))
    assert InstructStage(small(**placed, init_from=path)).model.pose_readout.fitted


def test_sessions_side_by_side_lose_as_much_as_one_by_one():
    network, sessions = network_and_sessions()
    assert len({len(session.keyframes) for session in sessions}) > 1
    with torch.no_grad():
        features = [network.look(torch.from_numpy(s.color), s.stride) for s in sessions]
        turns = [session.turns for session in sessions]
        losses, which = network.side_by_side(network.visual_tokens(features), turns)
        first = 0
        for own, session in zip(features, sessions, strict=True):
            packed = network.pack(session.turns, len(session.keyframes))
            alone = network.answer_losses(network.prefix(own), packed)
            mine = (which >= first) & (which < first + len(session.turns))
            torch.testing.assert_close(losses[mine], alone, atol=2e-5, rtol=1e-4)
            order = [first + number for number in packed.order]
            answered = [len(session.turns[number].answer) for number in packed.order]
            assert which[mine].tolist() == np.repeat(order, answered).tolist()
            first += len(session.turns)


def test_few_large_operations_give_the_losses_and_gradients_of_many_small_ones():
    network, sessions = network_and_sessions()
    turns, counts = [s.turns for s in sessions], [len(s.keyframes) for s in sessions]
    assert any(
        turn.frames < count for own, count in zip(turns, counts, strict=True) for turn in own
    )
    weight = network.model.language_model.model.layers[0].self_attn.k_proj.weight
    found = []
    for batched in (True, False):
        network.zero_grad()
        features = [network.look(torch.from_numpy(s.color), s.stride) for s in sessions]
        if batched:
            prefixes = [network.prefix(own) for own in features]
            losses, which = network._batched_losses(prefixes, turns, counts)
        else:
            losses, which = network.side_by_side(network.visual_tokens(features), turns)
        losses.mean().backward()
        found.append((losses.detach(), which, weight.grad.clone()))
    (many, of_many, slope), (few, of_few, expected) = found
    assert torch.equal(of_many, of_few)
    torch.testing.assert_close(many, few, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(slope, expected, atol=1e-5, rtol=1e-3)
    assert expected.abs().max() > 1e-3


def test_answers_are_those_that_evaluation_and_robots_get():
    stage = InstructStage(small(run=INSTRUCT["run"] | {"precision": "float32"}))
    stage.start(3)
    task = next(training_tasks(stage.config, stage.network.processor.image_size, 3))
    session = film_session(task)
    inquiries = Interviewer.for_training(stage.config.data).ask(session)
    network = stage.network.eval()
    turns = [turn(inquiry, network.processor, answered=False) for inquiry in inquiries]
    frames = torch.from_numpy(session.color)
    with torch.no_grad():
        features = network.look(frames, session.stride)
        prefix = network.prefix(features)
    together = write_answers(network, prefix, turns, len(session.keyframes), max_new_tokens=3)
    network.model.language_model.set_attn_implementation(GROUPED_SDPA)
    cameras, patches = features.camera_tokens.split(1), features.patch_tokens.split(1)
    for inquiry, answer in zip(inquiries, together, strict=True):
        scene = ScenePrefix(network.model, network.processor)
        keyframes = tuple(
            Keyframe(number, 0.0, number, image, cameras[number], patches[number])
            for number, image in enumerate(session.keyframes)
        )
        while not scene.advance(keyframes[: inquiry.frames]):
            pass
        alone = Answerer(network.model, network.processor, scene).generate(
            inquiry.text, inquiry.options, max_new_tokens=3
        )
        assert alone.token_ids == answer


GROUNDED = {
    "looks": 0.3,
    "hops": 0.3,
    "choices": 0.3,
    **{"heads_shown": [[0, 1]], "heads_related": [[1, 0]]},
    **{"heads_told": [[1, 1]], "heads_chosen": [[1, 2]]},
    **{"poses": 0.3, "places": 1, "stands": 1, "motions": 1, "offsets": 1, "told": 1},
    **{"places_after": 1, "relations_after": 2, "told_after": 2},
}


def test_what_is_taught_besides_answers_is_learned():
    config = small(
        grounding=GROUNDED,
        run=INSTRUCT["run"] | {"precision": "float32"},
        data={"tasks": INSTRUCT["data"]["tasks"] | {"obj_obj_relative_pos_lr": 1}},
    )
    stage = InstructStage(config)
    stage.start(3)
    asked = [session for _ in range(2) for session in next(stage._sessions)]
    history = learn(stage, asked)
    for name in ("poses", *LookKind, *VectorKind):
        assert history[-1][name] < 0.9 * history[0][name], name
    for kind in LookKind:
        assert history[-1][f"{kind}_found"] > history[0][f"{kind}_found"]
    assert stage.model.fusion.value.weight.grad is not None


def test_what_reads_poses_is_kept_for_the_next_run_and_not_shipped(tmp_path):
    trained = train(small(grounding=GROUNDED), tmp_path).stage
    average = newest(tmp_path)["averaged"]["average"]
    assert "probes.pose.weight" in average
    path = str(max((tmp_path / "checkpoints").iterdir()))
    again = InstructStage(small(grounding=GROUNDED, init_from=path))
    assert torch.equal(again.teacher.probes.pose.weight, average["probes.pose.weight"])
    plain = InstructStage(small(init_from=path))
    assert plain.teacher is None
    assert torch.equal(plain.model.image_newline, average["network.model.image_newline"])
    shipped, _ = load_model(tmp_path / "model")
    assert shipped.state_dict().keys() == trained.model.state_dict().keys()


def test_a_run_may_begin_to_teach_more_than_answers(straight):
    path = str(max((straight / "checkpoints").iterdir()))
    stage = InstructStage(small(grounding=GROUNDED, init_from=path))
    average = newest(straight)["averaged"]["average"]
    assert torch.equal(stage.model.image_newline, average["network.model.image_newline"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"heads_shown": [[2, 0]]}, r"heads_shown: .*no head 0 in layer 2"),
        ({"heads_told": [[0, 4]]}, r"heads_told: .*no head 4 in layer 0"),
        ({"places_after": 3}, "places_after is 3"),
        ({"relations_after": 3}, "relations_after is 3"),
    ],
)
def test_heads_and_layers_that_are_not_there_are_refused(change, words):
    with pytest.raises(TrainingError, match=words):
        InstructStage(small(grounding=GROUNDED | change))
