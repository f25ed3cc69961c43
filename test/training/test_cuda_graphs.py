"""What is recorded must compute what it was recorded from; needs a GPU, which CI has not."""

import copy

import pytest
import torch

from vlm3r_ros.models.registry import build_model
from vlm3r_ros.training.config import parse
from vlm3r_ros.training.geometry.filming import FilmTask, Sequences, film
from vlm3r_ros.training.geometry.ground_truth import GeometryBatch
from vlm3r_ros.training.geometry.settings import GeometryConfig
from vlm3r_ros.training.geometry.stage import GeometryStage
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.loop import LOSS
from vlm3r_ros.worlds.world import Split

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")


def test_recorded_losses_and_gradients_are_those_of_running_them():
    config = parse(
        {
            "run": {"device": "cuda", "precision": "float32"},
            "model": {"size": "tiny"},
            "data": {"image_size": 48, "sequences_per_world": 2},
            "curriculum": [{"until": 9, "sequences": 2, "frames": 3, "interval": [0.3, 0.4]}],
        },
        GeometryConfig,
    )
    stage = GeometryStage(config)
    first_pixel = torch.tensor([0, 1], device="cuda")
    recorded = stage._comparison(0)
    for index in (1, 2):  # the second time, nothing of the first may be left
        task = FilmTask(Split.TRAIN, 0, index, 2, 3, (0.3, 0.4), config.data, augment=False)
        batch = GeometryBatch.of(Sequences.concatenate([film(task)]), 12.0, stage.device)
        found = []
        for losses in (
            recorded(*batch.tensors, first_pixel),
            stage.compare(batch, first_pixel, 8, config.losses),
        ):
            stage.module.zero_grad()
            losses[LOSS].backward()
            slope = stage.encoder.patch_embed.weight.grad
            assert slope is not None
            found.append(({n: float(v.detach()) for n, v in losses.items()}, slope.clone()))
        (graphed, of_graphed), (run, of_run) = found
        assert graphed == pytest.approx(run, rel=1e-3)
        torch.testing.assert_close(of_graphed, of_run, rtol=1e-2, atol=1e-4)


def test_a_recorded_step_tracks_as_the_encoder_does():
    network = InstructNetwork(*build_model("tiny")).eval()
    on_gpu = copy.deepcopy(network).to("cuda")
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        sessions = torch.randint(256, (3, 4, 64, 64, 3), generator=generator).to(torch.uint8)
        expected = network.track(list(sessions))
        for own, tokens in zip(on_gpu.track(list(sessions.cuda())), expected, strict=True):
            torch.testing.assert_close(own.camera.cpu(), tokens.camera, rtol=1e-2, atol=1e-2)
            torch.testing.assert_close(own.patches.cpu(), tokens.patches, rtol=1e-2, atol=1e-2)
