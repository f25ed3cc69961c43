from copy import deepcopy

import pytest
import torch
from torch import nn

from vlm3r_ros.training.muon import MUON, MuonAdamW, orthogonalize
from vlm3r_ros.training.optimization import build_optimizer
from vlm3r_ros.training.settings import OptimizerKind, OptimizerSettings

SETTINGS = OptimizerSettings(kind=OptimizerKind.MUON, learning_rate=0.02, weight_decay=0.0)


@pytest.mark.parametrize("shape", [(2, 12, 30), (2, 30, 12), (1, 16, 16)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made = orthogonalize(matrices)
    values = torch.linalg.svdvals(made)
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.3
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    assert float((made * (u @ vh)).sum() / made.norm() / (u @ vh).norm()) > 0.95


def build(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Embedding(10, 16), nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 16))


def test_matrices_go_to_muon_and_the_rest_to_adam():
    module = build(0)
    optimizer = build_optimizer(module, SETTINGS)
    assert isinstance(optimizer, MuonAdamW)
    moved = [p for group in optimizer.param_groups if group.get(MUON) for p in group["params"]]
    assert {id(p) for p in moved} == {id(module[1].weight), id(module[3].weight)}


def train(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    wanted = torch.randn(10, 16, generator=torch.Generator().manual_seed(5))
    for _ in range(steps):
        loss = (module(torch.arange(10)) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def test_it_learns_and_goes_on_where_it_was():
    module = build(0)
    optimizer = build_optimizer(module, SETTINGS)
    before = train(module, optimizer, 1)
    train(module, optimizer, 20)
    weights, state = module.state_dict(), deepcopy(optimizer.state_dict())
    weights = {name: value.clone() for name, value in weights.items()}
    other = build(1)
    other.load_state_dict(weights)
    continued = build_optimizer(other, SETTINGS)
    continued.load_state_dict(state)
    assert train(other, continued, 10) == train(module, optimizer, 10) < 0.3 * before
