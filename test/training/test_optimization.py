import itertools
import math

import pytest
import torch
from torch import nn

from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.training.optimization import (
    AveragedWeights,
    BadStepGuard,
    build_optimizer,
    learning_rate,
)
from vlm3r_ros.training.settings import OptimizerSettings


def test_learning_rate_rises_then_falls_to_its_final_share():
    settings = OptimizerSettings(learning_rate=1.0, final_share=0.1, warmup_steps=4)
    rates = [learning_rate(settings, step, 104) for step in range(105)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[54] == pytest.approx(0.55)
    assert rates[104] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(rates[3:]))


def test_only_matrices_decay():
    module = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 4), nn.LayerNorm(4))
    optimizer = build_optimizer(module, OptimizerSettings(weight_decay=0.3))
    decayed, plain = optimizer.param_groups
    assert decayed["params"] == [module[1].weight]
    assert decayed["weight_decay"] == 0.3
    assert plain["weight_decay"] == 0
    assert len(plain["params"]) == 4


def test_a_parameter_may_learn_at_a_share_of_the_rate():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight.learning_rate_share = 0.1
    groups = build_optimizer(module, OptimizerSettings()).param_groups
    shares = {id(p): group["share"] for group in groups for p in group["params"]}
    assert shares[id(module[1].weight)] == 0.1
    assert [shares[id(p)] for p in (*module[0].parameters(), module[1].bias)] == [1.0] * 3


def test_averaged_weights_follow_and_can_be_swapped_in_and_out():
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 0.0)
    averaged = AveragedWeights(module, decay=0.5)
    nn.init.constant_(module.weight, 1.0)
    averaged.update()  # decay 1/11 at first: ten elevenths of the new
    assert averaged.average["weight"].item() == pytest.approx(10 / 11)
    averaged.swap()
    assert module.weight.item() == pytest.approx(10 / 11)
    averaged.swap()
    assert module.weight.item() == 1.0


def test_guard_leaves_out_bad_steps_and_stops_after_several_in_a_row():
    guard = BadStepGuard(3)
    assert guard.accept(1.0, 2.0)
    assert not guard.accept(math.nan, 1.0)
    assert not guard.accept(1.0, math.inf)
    assert guard.accept(1.0, 1.0)
    assert guard.skipped == 2
    assert not guard.accept(math.nan, 1.0)
    assert not guard.accept(math.nan, 1.0)
    with pytest.raises(TrainingError, match="3 steps in a row"):
        guard.accept(math.nan, 1.0)


def test_guard_resumes():
    guard = BadStepGuard(5)
    guard.accept(math.nan, 1.0)
    other = BadStepGuard(5)
    other.load_state_dict(guard.state_dict())
    assert (other.skipped, other.in_a_row) == (1, 1)


def test_fused_optimizer_takes_a_step():
    module = nn.Linear(2, 1)
    before = module.weight.detach().clone()
    optimizer = build_optimizer(module, OptimizerSettings())
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, module.weight)
