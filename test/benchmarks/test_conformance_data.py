import numpy as np
import pytest

from vlm3r_ros.benchmarks.conformance_data import (
    CaseError,
    TensorResult,
    Tolerance,
    compare_arrays,
    longest_match,
    parse_slice,
    split_precision,
)


def test_the_longest_matching_pattern_wins() -> None:
    patterns = {"*": 1, "fp16/*": 2, "fp16/*.pts3d_*": 3}
    assert longest_match(patterns, "fp16/f0.pts3d_in_self_view") == 3
    assert longest_match(patterns, "fp16/f0.F") == 2
    assert longest_match(patterns, "fp32/a/b.c") == 1
    assert longest_match({"fp16/*": 2}, "fp32/x") is None


def test_slices_are_pythons() -> None:
    array = np.arange(60).reshape(3, 4, 5)
    assert np.array_equal(array[parse_slice("0, :, ::2")], array[0, :, ::2])
    assert np.array_equal(array[parse_slice("-2:")], array[-2:])
    assert np.array_equal(array[parse_slice("-1, 1:-1")], array[-1, 1:-1])
    assert np.array_equal(array[parse_slice("::-1")], array[::-1])
    for text in ("", "a", "1:2:3:4", "0,,1"):
        with pytest.raises(CaseError):
            parse_slice(text)


def test_only_known_roundings_are_prefixes() -> None:
    assert split_precision("fp32/bilinear/all/x") == ("fp32", "bilinear/all/x")
    assert split_precision("multi_image/length") == ("", "multi_image/length")


def test_tolerance_is_absolute_plus_relative() -> None:
    want = np.array([0.0, 100.0], dtype=np.float32)
    tolerance = Tolerance(rtol=1e-2, atol=0.5)

    def result(*got: float) -> TensorResult:
        return compare_arrays("case", "x", np.array(got, dtype=np.float32), want, tolerance)

    assert result(0.5, 101.5).passed
    assert not result(0.6, 100.0).passed
    assert not result(0.0, 101.6).passed
    assert result(0.0, 101.0).max_abs == 1.0
    assert result(0.0, 101.0).max_rel == pytest.approx(0.01)
    assert not result(float("nan"), 100.0).passed


def test_integers_shapes_and_infinities_must_be_equal() -> None:
    loose = Tolerance(rtol=1.0, atol=1.0)
    ids = np.array([1, 2])
    assert compare_arrays("c", "x", ids, ids, loose).passed
    assert not compare_arrays("c", "x", np.array([1, 3]), ids, loose).passed
    assert "shape [3]" in compare_arrays("c", "x", np.zeros(3), ids, loose).reason
    infinite = np.array([np.inf])
    assert compare_arrays("c", "x", infinite, infinite, loose).passed
    assert not compare_arrays("c", "x", -infinite, infinite, loose).passed
