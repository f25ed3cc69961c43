import copy
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_configs import write_config

from vlm3r_ros.models.registry import load_model
from vlm3r_ros.resources import resource
from vlm3r_ros.training.config import parse, read_config
from vlm3r_ros.training.curves import read_curves
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.instruct.distributed import DistributedTuning
from vlm3r_ros.training.instruct.export import export_model
from vlm3r_ros.training.instruct.network import build_network
from vlm3r_ros.training.instruct.settings import InstructConfig
from vlm3r_ros.training.instruct.stage import InstructStage
from vlm3r_ros.training.settings import Precision

LAUNCH = (sys.executable, str(Path(__file__).with_name("two_processes.py")))
TUNING = {
    "run": {
        "steps": 3,
        "threads": 1,
        "workers": 0,
        "evaluate_every": 0,
        "log_every": 1,
        "device": "cpu",
        "precision": "float32",
    },
    "optimizer": {"learning_rate": 0.01, "warmup_steps": 1},
    "curriculum": [{"until": 3, "videos": 2, "frames": [3, 3], "questions": 8}],
    "data": {"interval": [0.2, 0.3]},
    "evaluation": {"rooms": 1, "frames": 3, "seconds": 1.0, "questions": 8},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A whole model to be tuned."""
    folder = tmp_path_factory.mktemp("base")
    model = {"size": "tiny", "vocabulary": 400, "export": "float32"}
    InstructStage(parse(TUNING | {"model": model}, InstructConfig)).export(folder)
    return folder


def tuning(base: str | Path) -> dict:
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0}
    return copy.deepcopy(TUNING) | {"model": {"base": str(base), "lora": lora, "export": "float32"}}


def run(config: dict, folder: Path, stop_at: int | None = None) -> DistributedTuning:
    made = DistributedTuning(parse(config, InstructConfig), folder)
    take_step = made._take_step

    def stopping(sessions):
        if made.step + 1 == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return take_step(sessions)

    made._take_step = stopping  # type: ignore[method-assign]
    made.run(progress=False)
    return made


@pytest.mark.parametrize(("name", "value"), [("rehearsed", 2), ("addressed", True)])
def test_a_phase_that_asks_for_what_one_process_alone_does_is_refused(name, value, tmp_path):
    config = tuning("tiny")
    config["curriculum"][0][name] = value
    with pytest.raises(ConfigError, match=f"phase 1: {name} is {value}.*leave it out"):
        DistributedTuning(parse(config, InstructConfig), tmp_path)


def test_teaching_more_than_answers_is_refused(tmp_path):
    config = tuning("tiny") | {"grounding": {"looks": 0.3}}
    with pytest.raises(ConfigError, match=r"grounding is asked for, .*leave it out"):
        DistributedTuning(parse(config, InstructConfig), tmp_path)


def test_telling_camera_tokens_poses_is_refused(tmp_path):
    config = tuning("tiny")
    config["data"] = config.get("data", {}) | {"placed": 0.5}
    with pytest.raises(ConfigError, match=r"data.placed is 0.5, .*leave it out"):
        DistributedTuning(parse(config, InstructConfig), tmp_path)


def test_two_processes_tune_adapters_fusion_and_projector_alone(base, tmp_path):
    config = write_config(tmp_path / "c.yaml", tuning(base), steps=2)
    out = tmp_path / "out"
    subprocess.run([*LAUNCH, str(config), str(out)], check=True)
    assert [row["step"] for row in read_curves(out / "train.csv")] == [1, 2]
    assert "loss" in read_curves(out / "eval.csv")[0]
    before, after = (load_model(folder)[0].state_dict() for folder in (base, out / "model"))
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    layers = {name for name in before if name.endswith("_proj.weight") and "language" in name}
    assert layers <= changed
    assert {name.split(".")[0] for name in changed - layers} == {"fusion", "projector"}
    with pytest.raises(TrainingError, match=r"made on 2 processes; there are 1"):
        run(tuning(base), out)


def test_a_run_cut_short_ends_as_one_without_a_break(base, tmp_path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    run(tuning(base), straight)
    assert run(tuning(base), broken, stop_at=2).step == 2
    run(tuning(base), broken)
    one, other = (load_model(folder / "model")[0] for folder in (straight, broken))
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    losses = [[row["loss"] for row in read_curves(f / "train.csv")] for f in (straight, broken)]
    assert losses[0] == losses[1]
    changed = tuning(base) | {"data": {"interval": [0.2, 0.4]}}
    with pytest.raises(TrainingError, match="other settings"):
        run(changed, broken)


def test_merged_adapters_say_what_separate_ones_say(base, tmp_path):
    settings = parse(tuning(base), InstructConfig).model
    network = build_network(settings, 0, Precision.FLOAT32).eval()
    for name, parameter in network.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    export_model(network, network.model.state_dict(), settings, tmp_path)
    merged, _ = load_model(tmp_path)
    plain, _ = load_model(base)
    ids = torch.arange(5, 25)[None]
    network.model.language_model.set_attn_implementation("grouped_sdpa")
    with torch.no_grad():
        adapted, said, before = (m(input_ids=ids).logits for m in (network.model, merged, plain))
    assert torch.allclose(adapted, said, atol=1e-4)
    assert not torch.allclose(said, before, atol=1e-2)


def test_what_stays_as_it_is_may_be_coarse_but_not_what_is_trained(base):
    settings = parse(tuning(base), InstructConfig).model
    network = build_network(settings, 0, Precision.BFLOAT16)
    for parameter in network.parameters():
        assert parameter.dtype == (torch.float32 if parameter.requires_grad else torch.bfloat16)


def test_packaged_settings_are_the_published_ones():
    config = read_config(resource("config", "training", "instruct_7b.yaml"), InstructConfig)
    assert vars(config.model.lora) == {"rank": 128, "alpha": 256, "dropout": 0.05}
    assert config.optimizer.learning_rate == 2e-5


def test_a_base_that_is_not_there_is_said():
    settings = parse(tuning("/nowhere/model"), InstructConfig).model
    with pytest.raises(TrainingError, match=r"model\.base: model folder '/nowhere/model'"):
        build_network(settings, 0, Precision.FLOAT32)
