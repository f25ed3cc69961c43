import pytest
import torch

from vlm3r_ros.training import computing
from vlm3r_ros.training.computing import resolve_precision
from vlm3r_ros.training.settings import Precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("native", "expected"), [(True, Precision.BFLOAT16), (False, Precision.FLOAT32)]
)
def test_the_automatic_precision_is_the_fast_one_of_this_cpu(monkeypatch, native, expected):
    monkeypatch.setattr(computing, "cpu_has_bfloat16_instructions", lambda: native)
    assert resolve_precision(Precision.AUTO, CPU) is expected
    assert resolve_precision(Precision.AUTO, CUDA) is Precision.BFLOAT16
    assert resolve_precision(Precision.BFLOAT16, CPU) is Precision.BFLOAT16
    with computing.computing(CPU, Precision.AUTO):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert (product.dtype is torch.bfloat16) is native
