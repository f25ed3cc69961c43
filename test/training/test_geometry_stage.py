import copy
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from small_configs import GEOMETRY, write_config

from vlm3r_ros.models.geometry import GeometryEncoder
from vlm3r_ros.training.checkpoint import load_checkpoint
from vlm3r_ros.training.config import parse, read_config
from vlm3r_ros.training.curves import read_curves
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.geometry.filming import FilmTask, Sequences, film
from vlm3r_ros.training.geometry.ground_truth import GeometryBatch
from vlm3r_ros.training.geometry.settings import GeometryConfig, LossSettings
from vlm3r_ros.training.geometry.stage import GeometryStage
from vlm3r_ros.training.loop import LOSS, Trainer
from vlm3r_ros.training.optimization import build_optimizer
from vlm3r_ros.worlds.world import Split

COMMAND = (sys.executable, "-m", "vlm3r_ros.cli", "train", "geometry")


def small(**run) -> GeometryConfig:
    return parse(GEOMETRY | {"run": GEOMETRY["run"] | run}, GeometryConfig)


def train(config: GeometryConfig, folder: Path) -> Trainer:
    trainer = Trainer(GeometryStage(config), config, folder)
    trainer.run(progress=False)
    return trainer


def newest(folder: Path) -> dict:
    return load_checkpoint(max((folder / "checkpoints").iterdir()))


def assert_equal(one, other) -> None:
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_equal(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    else:
        assert one == other


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run of six steps without a break."""
    folder = tmp_path_factory.mktemp("straight")
    train(small(), folder)
    return folder


def test_a_run_killed_and_resumed_ends_bit_for_bit_as_one_without_a_break(straight, tmp_path):
    config = write_config(tmp_path / "c.yaml", steps=6, checkpoint_minutes=0)
    out = tmp_path / "out"
    process = subprocess.Popen([*COMMAND, "--config", str(config), "--out", str(out)])
    third = out / "checkpoints" / "step_00000003.pt"
    while not third.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for later in (out / "checkpoints").glob("step_0000000[4-6].pt*"):
        later.unlink()  # of steps taken between the checkpoint's appearance and the kill
    # Half a checkpoint of the step that was interrupted.
    (out / "checkpoints" / "step_00000004.pt").write_bytes(third.read_bytes()[:1000])
    train(small(checkpoint_minutes=0), out)
    one, other = newest(straight), newest(out)
    for part in ("step", "module", "optimizer", "averaged", "random", "guard", "metrics"):
        assert_equal(one[part], other[part])
    losses = [
        [row[LOSS] for row in read_curves(folder / "train.csv")] for folder in (straight, out)
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 6


def test_data_on_other_processes_changes_nothing(straight, tmp_path):
    train(small(workers=1, steps=3), tmp_path)
    rows = [read_curves(folder / "train.csv")[0] for folder in (straight, tmp_path)]
    for name in ("error_self", "features", "attention"):
        assert rows[0][name] == rows[1][name]


def test_a_run_leaves_a_model_curves_and_metrics(straight):
    encoder = GeometryEncoder.from_pretrained(straight / "model")
    assert encoder.config.state_size == 4
    averaged = newest(straight)["averaged"]["average"]["encoder.pose_token"]
    assert torch.equal(encoder.pose_token.detach(), averaged)
    assert (straight / "curves.png").is_file()
    (metrics,) = read_curves(straight / "eval.csv")
    assert metrics["step"] == 6
    assert {"abs_rel", "step_rotation", "step_translation", "ate_share"} <= metrics.keys()


def test_another_configuration_does_not_go_on_with_a_run(straight):
    config = dataclasses.replace(small(), data=dataclasses.replace(small().data, mirror=0.1))
    with pytest.raises(TrainingError, match=r"another data\.mirror"):
        train(config, straight)


def test_a_longer_run_goes_on(straight, tmp_path):
    config = dataclasses.replace(small(), init_from=str(straight / "model"))
    stage = GeometryStage(config)
    assert torch.equal(
        stage.encoder.pose_token, GeometryEncoder.from_pretrained(straight / "model").pose_token
    )


def test_ctrl_c_finishes_the_step_and_saves(tmp_path):
    config = small(steps=1000)
    stage = GeometryStage(config)
    trainer = Trainer(stage, config, tmp_path)
    losses = stage.losses

    def interrupted(step: int) -> dict[str, torch.Tensor]:
        if step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return losses(step)

    stage.losses = interrupted  # type: ignore[method-assign]
    report = trainer.run(progress=False)
    assert (report.step, report.finished) == (2, False)
    assert newest(tmp_path)["step"] == 2


def test_steps_without_a_finite_gradient_change_nothing_and_end_the_run(tmp_path):
    config = small(max_bad_steps=2)
    stage = GeometryStage(config)
    trainer = Trainer(stage, config, tmp_path)
    before = copy.deepcopy(stage.module.state_dict())
    weight = stage.module.supervision.flow.fc1.weight

    def broken(step: int) -> dict[str, torch.Tensor]:
        return {LOSS: weight.sum() * float("nan")}

    stage.losses = broken  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match="2 steps in a row"):
        trainer.run(progress=False)
    assert_equal(dict(before), dict(stage.module.state_dict()))


def _batch(config: GeometryConfig) -> GeometryBatch:
    task = FilmTask(Split.TRAIN, 0, 1, 2, 3, (0.3, 0.4), config.data, augment=False)
    return GeometryBatch.of(Sequences.concatenate([film(task)]), 12.0, torch.device("cpu"))


def test_losses_fall_on_a_fixed_batch():
    config = small()
    stage = GeometryStage(config)
    batch = _batch(config)
    optimizer = build_optimizer(stage.module, config.optimizer)
    history = []
    for _ in range(25):
        losses = stage.compare(batch, torch.tensor([0, 1]), 8, config.losses)
        optimizer.zero_grad()
        losses[LOSS].backward()
        optimizer.step()
        history.append({name: float(value.detach()) for name, value in losses.items()})
    first, last = history[0], history[-1]
    assert last[LOSS] < 0.85 * first[LOSS]
    for name in ("error_self", "error_world", "step_rotation", "features", "attention"):
        assert last[name] < first[name], name


def test_a_phase_has_weights_of_its_own_and_a_view_without_weight_is_not_computed():
    content = copy.deepcopy(GEOMETRY)
    content["curriculum"][0]["losses"] = {"points_world": 0}
    config = parse(content, GeometryConfig)
    stage = GeometryStage(config)
    stage.start(0)
    early, late = stage.losses(1), stage.losses(2)
    assert "points_world" not in early
    assert "points_world" in late
    assert (config.weights(1).points_world, config.weights(2).points_world) == (0, 0.5)
    only = dict.fromkeys(dataclasses.asdict(LossSettings()), 0.0) | {"depth": 1.0}
    alone = stage.compare(_batch(config), torch.tensor([0, 0]), 8, LossSettings(**only))
    assert alone.keys() == {LOSS, "depth"}
    content["curriculum"][0]["losses"] = {"colour": 1}
    with pytest.raises(ConfigError, match=r"losses\.colour is no loss"):
        parse(content, GeometryConfig)


def test_a_packaged_curriculum_runs_in_the_phases_order():
    config = small()
    tasks = GeometryStage(config)._tasks(1)
    frames = [next(tasks).frames for _ in range(3)]
    assert frames == [2, 3, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": {"size": "huge"}}, "model.size is 'huge'"),
        ({"model": {"size": "tiny", "geometry": {"dept": 1}}}, "model.geometry.dept is no setting"),
        ({"model": {"size": "tiny", "geometry": {"encoder_heads": 3}}}, "model.geometry: encoder"),
        ({"data": {"image_size": 40}}, "multiple of 16"),
        ({"data": {"image_size": 256}}, "every patch needs a state token"),
        ({"init_from": "/nowhere.pt"}, "no such checkpoint"),
    ],
)
def test_what_does_not_fit_is_said(change, words):
    config = parse(copy.deepcopy(GEOMETRY) | change, GeometryConfig)
    with pytest.raises(TrainingError, match=words):
        GeometryStage(config)


def test_the_command_tells_of_a_bad_configuration_without_a_traceback(tmp_path):
    path = write_config(tmp_path / "c.yaml", steps=0)
    done = subprocess.run(
        [*COMMAND, "--config", str(path), "--out", str(tmp_path / "o")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "run: steps is 0; it must be 1 or more" in done.stderr
    assert "Traceback" not in done.stderr
    with pytest.raises(ConfigError):
        read_config(path, GeometryConfig)
