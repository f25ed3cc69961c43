import copy

import numpy as np
import pytest
import torch
from small_configs import write_config
from transformers import SiglipVisionModel
from typer.testing import CliRunner

from vlm3r_ros.commands.train import train_app
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.tokenization import build_tokenizer
from vlm3r_ros.training.config import parse
from vlm3r_ros.training.curves import read_curves
from vlm3r_ros.training.errors import TrainingError
from vlm3r_ros.training.loop import LOSS
from vlm3r_ros.training.optimization import build_optimizer
from vlm3r_ros.training.vision.evaluation import (
    instance_retrieval,
    mean_average_precision,
    patch_accuracy,
)
from vlm3r_ros.training.vision.filming import CLASSES, FilmTask, Patches, film
from vlm3r_ros.training.vision.losses import category_loss, instance_loss, presence_loss
from vlm3r_ros.training.vision.settings import DataSettings, VisionConfig
from vlm3r_ros.training.vision.stage import VisionStage
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.world import Split, WorldId

VISION = {
    "run": {"steps": 4, "threads": 1, "workers": 0, "evaluate_every": 0, "log_every": 1},
    "optimizer": {"learning_rate": 0.002, "warmup_steps": 2},
    "model": {"size": "tiny"},
    "data": {"rooms": 1, "images": 3, "seconds": 4.0},
    "losses": {"depth": 0.1},
    "evaluation": {"rooms": 1, "images": 3},
}
TASK = FilmTask(Split.TRAIN, 0, 1, 4, 64, 16, DataSettings(seconds=6.0), augment=False)


def small(**sections) -> VisionConfig:
    return parse(copy.deepcopy(VISION) | sections, VisionConfig)


@pytest.fixture(scope="module")
def patches() -> Patches:
    return Patches.concatenate([film(TASK)])


def test_patches_are_labelled_with_what_the_room_holds(patches):
    assert patches.color.shape == (4, 64, 64, 3)
    assert patches.shares.shape == (4, 16, len(CLASSES))
    assert np.allclose(patches.shares.astype(np.float32).sum(-1), 1, atol=0.01)
    assert (patches.depth > 0).all()
    world = build_world(WorldId(Split.TRAIN, 0, 1))
    shown = np.argwhere(patches.instance >= 0)
    assert len(shown)
    for image, patch in shown:
        name = world.objects[patches.instance[image, patch]].category
        assert patches.shares[image, patch, CLASSES.index(name)] >= 0.5


def test_things_of_other_rooms_have_other_ids(patches):
    both = Patches.concatenate([patches, patches])
    first, second = both.instance[:4], both.instance[4:]
    assert not set(first[first >= 0]) & set(second[second >= 0])
    assert np.array_equal(first < 0, second < 0)
    assert both.room.tolist() == [0] * 4 + [1] * 4


def test_mirrored_frames_keep_what_their_patches_show():
    task = FilmTask(Split.TRAIN, 0, 1, 4, 64, 16, DataSettings(colors=0, noise=0), augment=True)
    for index in range(1, 9):
        there = film(FilmTask(**{**vars(task), "index": index}))
        here = film(FilmTask(**{**vars(task), "index": index, "augment": False}))
        flipped = here.color[:, :, ::-1]
        if np.array_equal(there.color, flipped) and not np.array_equal(there.color, here.color):
            mirrored = here.shares.reshape(4, 4, 4, -1)[:, :, ::-1].reshape(here.shares.shape)
            assert np.array_equal(there.shares, mirrored)
            return
    pytest.fail("none of eight rooms was mirrored")


def test_pixels_are_those_of_the_models_processor(patches):
    stage = VisionStage(small())
    processor = Vlm3rProcessor(64, build_tokenizer(512))
    assert torch.allclose(stage._pixels(patches), processor.frames(patches.color), atol=1e-6)


def test_the_first_filters_pass_on_details_as_strongly_as_colors(patches):
    tower = VisionStage(small()).tower
    images = Vlm3rProcessor(64, build_tokenizer(512)).frames(patches.color)
    with torch.no_grad():
        seen = tower.embeddings.patch_embedding(images).flatten(2).std((0, 2))
    strongest, weakest = seen[:4].mean(), seen[-4:].mean()
    assert 0.5 < strongest < 2
    assert weakest > 0.3 * strongest


def test_losses_are_least_where_the_truth_is_told():
    shares = torch.zeros(1, 2, len(CLASSES))
    shares[0, 0, 3] = shares[0, 1, 0] = 1
    right = (shares - 0.5) * 40
    assert category_loss(right, shares) < 1e-3 < category_loss(-right, shares)
    assert presence_loss(right[..., 1:], shares) < 1e-3 < presence_loss(-right[..., 1:], shares)
    ids, room = torch.tensor([[0, 0, 1, 1, -1]]), torch.tensor([0])
    alike = torch.tensor([[[1.0, 0], [1, 0], [0, 1], [0, 1], [1, 0]]])
    mixed = alike[:, [0, 2, 1, 3, 4]]
    told, untold = (instance_loss(e, ids, room, 10, 0.1) for e in (alike, mixed))
    assert told < 1e-3 < untold


def test_scores_of_the_truth_are_perfect_and_of_nothing_are_the_prior(patches):
    shares = patches.shares.astype(np.float32).reshape(-1, len(CLASSES))
    assert patch_accuracy(shares, shares)["accuracy"] == 1
    told = mean_average_precision(shares[:, 1:], shares)
    assert told["map"] == 1
    nothing = np.random.default_rng(0).random(shares[:, 1:].shape, np.float32)
    assert mean_average_precision(nothing, shares)["map"] < 0.5
    instance, image = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    embedding = np.eye(2, dtype=np.float32)[instance]
    assert instance_retrieval(embedding, instance, image) == {
        "instance": 1.0,
        "instance_prior": 0.5,
    }
    assert instance_retrieval(embedding, np.full(4, -1), image) == {}


def test_losses_fall_on_a_fixed_batch(patches):
    stage = VisionStage(small())
    optimizer = build_optimizer(stage.module, stage.config.optimizer)
    history = []
    for _ in range(40):
        torch.manual_seed(0)
        losses = stage.compare(patches)
        optimizer.zero_grad()
        losses[LOSS].backward()
        optimizer.step()
        history.append({name: float(value.detach()) for name, value in losses.items()})
    for name in ("category", "presence", "instance", "depth"):
        assert history[-1][name] < history[0][name], name
    assert history[-1][LOSS] < 0.6 * history[0][LOSS]


def test_the_command_leaves_a_tower_and_metrics_and_goes_on(tmp_path):
    config = write_config(tmp_path / "c.yaml", VISION)
    command = ["vision", "--config", str(config), "--out", str(tmp_path)]
    done = CliRunner().invoke(train_app, command)
    assert done.exit_code == 0, done.output
    tower = SiglipVisionModel.from_pretrained(tmp_path / "model")
    assert tower.config.image_size == 64
    assert [row["step"] for row in read_curves(tmp_path / "train.csv")] == [1, 2, 3, 4]
    (metrics,) = read_curves(tmp_path / "eval.csv")
    assert {"accuracy", "accuracy_prior", "map", "map_prior"} <= metrics.keys()
    newest = str(max((tmp_path / "checkpoints").iterdir()))
    stage = VisionStage(small(init_from=newest))
    # What is exported is standardized: the same but for the size of the residual stream.
    for name, weight in stage.tower.state_dict().items():
        if "layer_norm" in name or "q_proj" in name:
            assert torch.equal(weight, tower.state_dict()[name])
    ratio = tower.embeddings.patch_embedding.weight / stage.tower.embeddings.patch_embedding.weight
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), atol=0, rtol=1e-4)
    with pytest.raises(TrainingError, match="of another network"):
        VisionStage(small(init_from=newest, model={"size": "tiny", "embedding_dim": 3}))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"size": "huge"}, "model.size is 'huge'"),
        ({"size": "tiny", "vision": {"dept": 1}}, "model.vision.dept is no setting"),
        ({"size": "tiny", "vision": {"num_attention_heads": 3}}, "model.vision: "),
        ({"size": "tiny", "vision": {"image_size": 60}}, "multiple of patch_size"),
    ],
)
def test_what_does_not_fit_is_said(model, words):
    with pytest.raises(TrainingError, match=words):
        VisionStage(small(model=model))
