"""Speed of one geometry step: ours against the published procedure, in one run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from vlm3r_ros.benchmarks.timing import Timing, interleave, matmul_peak
from vlm3r_ros.models.devices import cpu_has_bfloat16_matmul
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig, GeometryHead
from vlm3r_ros.models.geometry.rotary import RotaryTable, grid_positions

PUBLISHED = "published procedure"
RAY_MAP_BLOCKS = 2


def _attention_flops(
    query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...], *_: Any, **__: Any
) -> int:
    return int(sdpa_flop_count(query, key, value))


# PyTorch's counter knows the attention kernels of GPUs only.
_ATTENTION_ON_CPU = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
}


@dataclass(frozen=True)
class GeometrySpeed:
    """One way of running a step, and how fast it was.

    Attributes:
        name: what was run.
        timing: seconds a step.
        flops: floating-point operations a step, counted on the network.
        peak: measured FLOP/s of a matrix product in the same number format.
    """

    name: str
    timing: Timing
    flops: float
    peak: float

    @property
    def share_of_peak(self) -> float:
        """Achieved FLOP/s over what a matrix product achieves."""
        return self.flops / self.timing.median / self.peak


class _Stream:
    """A stream of one repeated image through one network."""

    def __init__(
        self,
        encoder: GeometryEncoder,
        image: torch.Tensor,
        outputs: Collection[GeometryHead],
        compile_step: bool = False,
        as_published: bool = False,
    ) -> None:
        self._step = torch.compile(encoder.step) if compile_step else encoder.step
        self._image = image.to(encoder.device, encoder.dtype)
        self._state = encoder.initial_state(1)
        self._outputs = outputs
        self._encoder = encoder
        self._as_published = as_published

    @torch.inference_mode()
    def __call__(self) -> None:
        if self._as_published:
            self._encode_nothing()
        _, self._state = self._step(self._image, self._state, self._outputs)

    def _encode_nothing(self) -> None:
        """The published procedure sends an empty ray map through two encoder blocks a call."""
        encoder, config = self._encoder, self._encoder.config
        rows, columns = (side // config.patch_size for side in self._image.shape[-2:])
        tokens = self._image.new_zeros(1, rows * columns, config.encoder_dim)
        table = RotaryTable.build(
            grid_positions(rows, columns, self._image.device),
            config.encoder_heads,
            config.encoder_dim // config.encoder_heads,
            config.rope_base,
            self._image.dtype,
        )
        for block in encoder.encoder[:RAY_MAP_BLOCKS]:
            tokens = block(tokens, table)

    def flops(self) -> float:
        """Operations of a step's matrix products, attention and convolutions."""
        with FlopCounterMode(display=False, custom_mapping=_ATTENTION_ON_CPU) as counter:
            self()
        return float(counter.get_total_flops())


def benchmark_geometry(
    *,
    height: int = 432,
    width: int = 432,
    rounds: int = 5,
    device: torch.device,
    compile_step: bool = False,
    config: GeometryEncoderConfig | None = None,
) -> list[GeometrySpeed]:
    """Time a step of a randomly weighted encoder, tokens only, against the published procedure.

    The published procedure is a float32 step that computes every head, frame by frame, whether
    or not anyone reads them, and encodes an empty ray map beside each image. All variants take
    turns in one process.

    Args:
        height: of the image, a multiple of the patch size.
        width: of the image, likewise.
        rounds: counted steps of each variant.
        device: where to run.
        compile_step: run our variants through `torch.compile`; the published one stays as it is.
        config: network to measure; the published size by default.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = GeometryEncoder(config or GeometryEncoderConfig()).eval().to(device)
        image = torch.rand(1, encoder.config.image_channels, height, width) * 2 - 1
    every_head = list(GeometryHead)
    streams = {
        PUBLISHED: _Stream(encoder, image, every_head, as_published=True),
        "float32, tokens only": _Stream(encoder, image, (), compile_step),
    }
    dtypes = dict.fromkeys(streams, torch.float32)
    if device.type == "cuda" or cpu_has_bfloat16_matmul():
        rounded = GeometryEncoder(encoder.config).eval().to(device, torch.bfloat16)
        rounded.load_state_dict(encoder.state_dict())
        for name, outputs in (("tokens only", ()), ("every head", every_head)):
            streams[f"bfloat16, {name}"] = _Stream(rounded, image, outputs, compile_step)
            dtypes[f"bfloat16, {name}"] = torch.bfloat16
    flops = {name: stream.flops() for name, stream in streams.items() if not compile_step}
    peaks = {dtype: matmul_peak(dtype, device) for dtype in set(dtypes.values())}
    timings = interleave(streams, rounds, device)
    return [
        GeometrySpeed(name, timings[name], flops.get(name, float("nan")), peaks[dtypes[name]])
        for name in streams
    ]


def geometry_table(speeds: list[GeometrySpeed], title: str) -> Table:
    """The figures as a table, each variant beside the published procedure."""
    published = next(speed for speed in speeds if speed.name == PUBLISHED)
    table = Table(title=title)
    table.add_column("one step")
    for column in ("median (range)", "times faster", "GFLOP", "GFLOP/s", "share of matmul peak"):
        table.add_column(column, justify="right")
    for speed in speeds:
        table.add_row(
            speed.name,
            str(speed.timing),
            f"{published.timing.median / speed.timing.median:.2f}",
            f"{speed.flops / 1e9:.0f}",
            f"{speed.flops / speed.timing.median / 1e9:.0f}",
            f"{speed.share_of_peak:.0%} of {speed.peak / 1e9:.0f} GFLOP/s",
        )
    return table
