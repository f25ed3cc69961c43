import torch

from vlm3r_ros.models.geometry.rotary import (
    RotaryTable,
    camera_and_grid_positions,
    state_positions,
)

HEAD_DIM, BASE = 16, 100.0


def test_rotation_matches_the_complex_definition():
    positions = camera_and_grid_positions(2, 3)
    table = RotaryTable.build(positions, 2, HEAD_DIM, BASE, torch.float32)
    x = torch.randn(1, len(positions), 2, HEAD_DIM)

    frequency = BASE ** (-torch.arange(4) / 4)
    expected = torch.empty_like(x)
    for axis in range(2):  # rows turn the first half of a head, columns the second
        half = x[..., 8 * axis : 8 * axis + 8]
        angle = positions[:, axis, None] * frequency
        turned = torch.complex(half[..., :4], half[..., 4:]) * torch.polar(
            torch.ones_like(angle), angle
        ).unsqueeze(1)
        expected[..., 8 * axis : 8 * axis + 8] = torch.cat((turned.real, turned.imag), -1)
    torch.testing.assert_close(table.rotate(x), expected)


def test_scores_depend_on_relative_position_only():
    near = RotaryTable.build(torch.tensor([[0, 0], [2, 5]]), 1, HEAD_DIM, BASE, torch.float32)
    far = RotaryTable.build(torch.tensor([[7, 3], [9, 8]]), 1, HEAD_DIM, BASE, torch.float32)
    x = torch.randn(2, 1, HEAD_DIM)
    scores = [(r := table.rotate(x))[0, 0] @ r[1, 0] for table in (near, far)]
    torch.testing.assert_close(scores[0], scores[1], rtol=1e-4, atol=1e-4)


def test_camera_token_lies_outside_the_grid():
    assert camera_and_grid_positions(2, 2).tolist() == [[-1, -1], [0, 0], [0, 1], [1, 0], [1, 1]]


def test_state_tokens_lie_row_by_row_even_when_the_last_row_is_short():
    assert state_positions(5, 4).tolist() == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 0]]
