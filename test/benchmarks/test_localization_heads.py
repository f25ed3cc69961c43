import json

import numpy as np
import pytest

from vlm3r_ros.benchmarks.localization_heads import (
    HeadScores,
    HeadsSettings,
    heads_table,
    score_heads,
    write_heads,
)
from vlm3r_ros.models import build_model


def test_a_head_that_looks_at_the_thing_comes_first():
    scores = HeadScores(layers=2, heads=3)
    random = np.random.default_rng(0)
    for _ in range(10):
        shown = random.random(50) < 0.2
        weights = random.random((6, 50)).astype(np.float32)
        weights[4] += 3 * shown
        weights[1] += 0.4 * shown
        scores.add(weights, shown)
    assert scores.best(2) == [(1, 1), (0, 1)]
    assert scores.hits[1, 1] == 10
    assert scores.excess[1, 1] / 10 > 2
    assert scores.chance / 10 == pytest.approx(0.2, abs=0.05)


def test_even_attention_has_no_excess():
    scores = HeadScores(1, 1)
    scores.add(np.ones((1, 40), np.float32), np.arange(40) < 10)
    assert scores.excess[0, 0] == pytest.approx(1.0)


def test_every_head_of_a_model_is_judged_in_real_rooms():
    model, processor = build_model("tiny")
    settings = HeadsSettings(frames=12, keyframes=4, things=8, pixels=64)
    *_, scores = score_heads(model.eval(), processor, scenes=2, settings=settings)
    text = model.config.text_config
    assert scores.hits.shape == (text.num_hidden_layers, text.num_attention_heads)
    assert 1 <= scores.questions <= 16
    # Random weights look everywhere.
    assert 0.2 < np.median(scores.excess / scores.questions) < 5
    table = heads_table(scores, 3, "heads")
    assert table.row_count == 4


def test_heads_are_written_where_the_model_finds_them(tmp_path):
    model, _ = build_model("tiny")
    model.config.save_pretrained(tmp_path)
    write_heads(tmp_path, [(1, 2), (0, 3)])
    again = type(model.config).from_pretrained(tmp_path)
    assert again.heads_that_localize() == [(1, 2), (0, 3)]
    content = json.loads((tmp_path / "config.json").read_text())
    content["localization_heads"] = [[7, 0]]
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(Exception, match="localization_heads"):
        type(model.config).from_pretrained(tmp_path)


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no config\.json"):
        write_heads(tmp_path, [(0, 0)])
