import pytest
import torch

from vlm3r_ros.models.configuration import NewlinePosition, PoolMode, Vlm3rConfig
from vlm3r_ros.models.visual_tokens import (
    append_newlines,
    grid_side,
    pool_grid,
    pooled_side,
    tokens_per_frame,
)


@pytest.mark.parametrize("side", [4, 5, 14, 27])
def test_average_pooling_takes_the_mean_of_each_2x2_cell(side):
    tokens = torch.randn(2, side * side, 3)
    pooled = pool_grid(tokens, PoolMode.AVERAGE)
    half = side // 2
    assert pooled.shape == (2, half * half, 3)
    grid = tokens.unflatten(1, (side, side))
    torch.testing.assert_close(pooled[:, 0], grid[:, :2, :2].mean(dim=(1, 2)))
    last = grid[:, 2 * half - 2 : 2 * half, 2 * half - 2 : 2 * half]
    torch.testing.assert_close(pooled[:, -1], last.mean(dim=(1, 2)))


@pytest.mark.parametrize("side", [4, 14])
def test_bilinear_pooling_of_an_even_grid_equals_the_average(side):
    tokens = torch.randn(2, side * side, 3)
    torch.testing.assert_close(
        pool_grid(tokens, PoolMode.BILINEAR), pool_grid(tokens, PoolMode.AVERAGE)
    )


def test_bilinear_pooling_of_an_odd_grid_rounds_up():
    assert pool_grid(torch.randn(1, 27 * 27, 3), PoolMode.BILINEAR).shape == (1, 196, 3)
    constant = torch.full((1, 25, 2), 3.0)
    torch.testing.assert_close(pool_grid(constant, PoolMode.BILINEAR), torch.full((1, 9, 2), 3.0))


def test_tokens_that_form_no_square_are_refused():
    with pytest.raises(ValueError, match="12 tokens"):
        pool_grid(torch.randn(1, 12, 3), PoolMode.NONE)
    assert grid_side(144) == 12


def test_newline_follows_each_row_or_each_frame():
    tokens, newline = torch.randn(2, 9, 4), torch.randn(4)
    rows = append_newlines(tokens, newline, NewlinePosition.GRID).unflatten(1, (3, 4))
    torch.testing.assert_close(rows[:, :, :3].flatten(1, 2), tokens)
    assert (rows[:, :, 3] == newline).all()
    frames = append_newlines(tokens, newline, NewlinePosition.FRAME)
    torch.testing.assert_close(frames[:, :9], tokens)
    assert (frames[:, 9:] == newline).all()
    for position in (NewlinePosition.ONE_TOKEN, NewlinePosition.NO_TOKEN):
        assert append_newlines(tokens, newline, position) is tokens


@pytest.mark.parametrize("mode", list(PoolMode))
@pytest.mark.parametrize("position", list(NewlinePosition))
def test_token_count_agrees_with_the_tokens(mode, position):
    for side in (4, 5):
        pooled = pool_grid(torch.randn(1, side * side, 3), mode)
        run = append_newlines(pooled, torch.randn(3), position)
        assert tokens_per_frame(side, mode, position) == run.shape[1]


def test_published_frame_takes_210_tokens():
    config = Vlm3rConfig()
    assert config.vision_grid_side == 27
    assert pooled_side(27, PoolMode.BILINEAR) == 14
    assert tokens_per_frame(27, PoolMode.BILINEAR, NewlinePosition.GRID) == 210
    assert tokens_per_frame(27, PoolMode.AVERAGE, NewlinePosition.GRID) == 182


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spatial_features", "all_tokens"),
        ("spatial_features", "patch_tokens,camera_tokens"),
        ("pool_mode", "max"),
        ("newline_position", "row"),
    ],
)
def test_unknown_options_are_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"unknown {field} '{value}'; use one of"):
        Vlm3rConfig(**{field: value})


def test_geometry_size_must_fit_the_patches():
    with pytest.raises(ValueError, match="430 is not a multiple"):
        Vlm3rConfig(geometry_image_size=430)
