"""Reproducible artificial weights: every value follows from its parameter's name and a seed.

Recorded cases of the full-size networks name this formula in place of gigabytes of weights.
"""

import hashlib
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from numba import njit

Shapes = Mapping[str, Sequence[int]]

# Suffixes of learned tokens, whose scale does not depend on a fan-in.
TOKEN_SUFFIXES = (
    "pose_token",
    "pose_retriever.mem",
    "pose_retriever.masked_token",
    "masked_img_token",
    "masked_ray_map_token",
    "register_tokens.weight",
    "image_newline",
)
FINGERPRINT_VALUES = 64
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15
_GAMMA = np.uint64(_GOLDEN_GAMMA)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1, _SHIFT_2, _SHIFT_3, _SHIFT_4 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(40)
_MASK_64 = (1 << 64) - 1
_TIED_LAYER = re.compile(r"\.scratch\.layer_rn\.(\d+)\.")
_LINEAR_HEAD_OUTPUT = re.compile(r"downstream_head\.(cross_|rgb_)?proj\.fc2\.weight$")


def uniform_values(name: str, count: int, salt: int, start: int = 0) -> npt.NDArray[np.float64]:
    """Values `start .. start + count` of the uniform (-1, 1) stream that belongs to a name.

    Counters, whose upper half is the CRC-32 of the name mixed with the salt, go through
    splitmix64's multiplication and output function; the top 24 bits of each give one value.
    """
    values = np.empty(count)
    _fill(values, _first(name, salt, start), 0.0, 1.0, 1.0, 1.0)
    return values


def formula_tensor(
    name: str, shape: Sequence[int], salt: int = 0, limit: int | None = None
) -> npt.NDArray[np.float32]:
    """The float32 tensor that the formula gives a parameter.

    Args:
        name: the published parameter name.
        shape: its shape.
        salt: seed of the whole set of weights.
        limit: only this many leading values, returned flat.
    """
    name = _TIED_LAYER.sub(lambda match: f".scratch.layer{int(match[1]) + 1}_rn.", name)
    shape = tuple(int(size) for size in shape)
    total = math.prod(shape)
    values = np.empty(total if limit is None else min(limit, total), dtype=np.float32)
    offset, factor, divisor = _scale(name, shape)
    _fill(values, _first(name, salt), offset, factor, divisor, _gain(name, len(shape)))
    return values.reshape(shape) if limit is None else values


def _first(name: str, salt: int, start: int = 0) -> np.uint64:
    """What splitmix64 makes of a stream's counter number `start` before its output function."""
    base = ((zlib.crc32(name.encode()) ^ salt) & 0xFFFFFFFF) << 32
    # (base + index) * gamma, as the recorded weights do it: not base + index * gamma.
    return np.uint64(((base + start + 1) * _GOLDEN_GAMMA) & _MASK_64)


@njit(cache=True, nogil=True)
def _fill(
    values: npt.NDArray[np.float32] | npt.NDArray[np.float64],
    first: np.uint64,
    offset: float,
    factor: float,
    divisor: float,
    gain: float,
) -> None:
    """Write (offset + factor * uniform / divisor), rounded to the array's type, times the gain."""
    z = first
    kind = values.dtype.type
    for i in range(len(values)):
        bits = (z ^ (z >> _SHIFT_1)) * _MIX_1
        bits = (bits ^ (bits >> _SHIFT_2)) * _MIX_2
        bits = (bits ^ (bits >> _SHIFT_3)) >> _SHIFT_4
        uniform = (np.float64(np.int64(bits)) + 0.5) * (2.0 / (1 << 24)) - 1.0
        values[i] = kind(offset + factor * uniform / divisor) * kind(gain)
        z += _GAMMA


def formula_tensors(
    shapes: Shapes, salt: int = 0, workers: int = 2
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yields (name, tensor) in the order of `shapes`; only a few tensors exist at a time."""
    with ThreadPoolExecutor(workers) as pool:
        names = list(shapes)
        ahead = 2 * workers
        pending = {
            name: pool.submit(formula_tensor, name, shapes[name], salt) for name in names[:ahead]
        }
        for index, name in enumerate(names):
            tensor = pending.pop(name).result()
            if index + ahead < len(names):
                upcoming = names[index + ahead]
                pending[upcoming] = pool.submit(formula_tensor, upcoming, shapes[upcoming], salt)
            yield name, tensor


def formula_fingerprint(shapes: Shapes, salt: int = 0) -> str:
    """SHA-256 over the sorted names, each followed by its tensor's first 64 values."""
    digest = hashlib.sha256()
    for name in sorted(shapes):
        digest.update(name.encode())
        values = formula_tensor(name, shapes[name], salt, limit=FINGERPRINT_VALUES)
        digest.update(values.astype("<f4").tobytes())
    return digest.hexdigest()


def _scale(name: str, shape: tuple[int, ...]) -> tuple[float, float, float]:
    """Offset, factor and divisor that uniform values of a parameter get."""
    unit_variance = math.sqrt(3.0)
    if name.endswith(TOKEN_SUFFIXES):
        return 0.0, 0.5 * unit_variance, 1.0
    if len(shape) <= 1:
        return (1.0, 0.3, 1.0) if name.endswith("weight") else (0.0, 0.2, 1.0)
    return 0.0, unit_variance, math.sqrt(math.prod(shape[1:]))


def _gain(name: str, dimensions: int) -> float:
    """Factor that keeps the heads and the memory of a random network in a useful range."""
    if ".dpt_" in name and dimensions == 4:
        if name.endswith("head.4.weight"):
            return 0.5
        return 2.0 if ".act_postprocess." in name else 0.8
    if _LINEAR_HEAD_OUTPUT.search(name):
        return 0.35
    if "write_blocks" in name and name.endswith(("proj.weight", "fc2.weight")):
        return 0.5
    return 1.0
