"""The geometry step in ONNX Runtime: an optional backend with the same state in, state out.

Needs the optional packages `onnxruntime` (or `onnxruntime-gpu`) to run, and `onnx` and
`onnxscript` to export: `pip install vlm3r_ros[onnx]`.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .configuration import GeometryEncoderConfig
from .encoder import GeometryEncoder
from .state import GeometryHead, GeometryOutput, GeometryState

# ONNX Runtime computes a whole graph whatever is asked of it, so that tokens with points are a
# graph of their own and a frame whose points nobody wants does not pay for them.
GRAPHS: dict[str, tuple[GeometryHead, ...]] = {
    "step.onnx": (GeometryHead.POSE,),
    "step_points.onnx": (GeometryHead.POSE, GeometryHead.SELF_POINTS),
}
INITIAL_STATE_FILE = "initial_state.safetensors"
_STATE_NAMES = tuple(field.name for field in fields(GeometryState))
_RESULTS: dict[GeometryHead, tuple[str, ...]] = {
    GeometryHead.POSE: ("pose_encoding",),
    GeometryHead.SELF_POINTS: ("points_self", "confidence_self"),
}


class OnnxBackendError(RuntimeError):
    """The backend is not installed, or a folder does not hold an exported encoder."""


def export_geometry_encoder(
    encoder: GeometryEncoder, folder: str | Path, height: int, width: int
) -> None:
    """Write a float32 encoder as ONNX graphs for one sequence of images of one size.

    Args:
        encoder: the network; it is left as it is.
        folder: made if absent; holds the graphs, the configuration and the initial state.
        height: of the images in pixels, a multiple of the patch size.
        width: likewise.

    Raises:
        OnnxBackendError: `onnx` or `onnxscript` is not installed.
        ValueError: the size does not suit the patch size, or the encoder is not float32.
    """
    for package in ("onnx", "onnxscript"):
        _require(package)
    if encoder.dtype != torch.float32:
        raise ValueError(f"an encoder is exported in float32, not {encoder.dtype}; use .float()")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        initial = encoder.initial_state(1)
        state = tuple(getattr(initial, name).clone().contiguous() for name in _STATE_NAMES)
    image = torch.zeros(1, encoder.config.image_channels, height, width, device=encoder.device)
    for name, heads in GRAPHS.items():
        with torch.no_grad():
            program = torch.onnx.export(
                _FlatStep(encoder, heads).eval(),
                (image, *state),
                dynamo=True,
                verbose=False,
                input_names=["images", *_STATE_NAMES],
                output_names=_output_names(heads),
            )
        if program is None:
            raise OnnxBackendError(f"PyTorch exported nothing for {name}")
        program.save(str(folder / name))
    save_file(dict(zip(_STATE_NAMES, state, strict=True)), folder / INITIAL_STATE_FILE)
    encoder.config.save_pretrained(folder)


class OnnxGeometryEncoder:
    """Drop-in for `GeometryEncoder.step` that runs an exported folder in ONNX Runtime.

    Args:
        folder: as `export_geometry_encoder` wrote it.
        threads: of one step; None leaves the choice to ONNX Runtime.
        providers: execution providers in order of preference; by default CUDA where the installed
            ONNX Runtime has it, then the CPU.

    Raises:
        OnnxBackendError: ONNX Runtime is not installed, or the folder lacks a file.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        threads: int | None = None,
        providers: Sequence[str] | None = None,
    ) -> None:
        runtime = _require("onnxruntime")
        self._folder = Path(folder)
        for name in (*GRAPHS, INITIAL_STATE_FILE, "config.json"):
            if not (self._folder / name).is_file():
                raise OnnxBackendError(
                    f"{self._folder} has no {name}; make the folder with `vlm3r export-onnx`"
                )
        self.config = GeometryEncoderConfig.from_pretrained(self._folder)
        self._initial = load_file(self._folder / INITIAL_STATE_FILE)
        options = runtime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        wanted = providers or ("CUDAExecutionProvider", "CPUExecutionProvider")
        available = runtime.get_available_providers()
        self._sessions = {
            name: runtime.InferenceSession(
                str(self._folder / name),
                options,
                providers=[provider for provider in wanted if provider in available],
            )
            for name in GRAPHS
        }

    @property
    def device(self) -> torch.device:
        """Tensors go in and come out on the CPU, whatever the execution provider."""
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        """Type of tokens and state."""
        return torch.float32

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images that the graphs were exported for."""
        _, _, height, width = self._sessions["step.onnx"].get_inputs()[0].shape
        return height, width

    def initial_state(self, batch: int = 1) -> GeometryState:
        """The state before the first frame; only `batch` 1 was exported."""
        if batch != 1:
            raise ValueError(f"the exported graphs take one sequence, not {batch}")
        return GeometryState(**self._initial)

    def step(
        self, images: Tensor, state: GeometryState, outputs: Collection[GeometryHead] = ()
    ) -> tuple[GeometryOutput, GeometryState]:
        """As `GeometryEncoder.step`, for images `[1, 3, H, W]` of the exported size.

        Raises:
            ValueError: for another image size, or an output that was not exported.
        """
        if tuple(images.shape) != (1, self.config.image_channels, *self.image_size):
            raise ValueError(
                f"the graphs were exported for images [1, {self.config.image_channels}, "
                f"{', '.join(map(str, self.image_size))}], not {list(images.shape)}"
            )
        name = _graph_for(outputs)
        feed = {"images": images.float().numpy()}
        feed |= {field: getattr(state, field).numpy() for field in _STATE_NAMES}
        arrays = self._sessions[name].run(None, feed)
        results = dict(zip(_output_names(GRAPHS[name]), map(torch.from_numpy, arrays), strict=True))
        new_state = GeometryState(**{field: results.pop(f"new_{field}") for field in _STATE_NAMES})
        patch = self.config.patch_size
        grid = (images.shape[2] // patch, images.shape[3] // patch)
        return GeometryOutput(grid=grid, **results), new_state


class _FlatStep(nn.Module):
    """A step whose inputs and outputs are plain tensors, as a graph has them."""

    def __init__(self, encoder: GeometryEncoder, heads: Sequence[GeometryHead]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = heads

    def forward(self, images: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        output, new_state = self.encoder.step(images, GeometryState(*state), self.heads)
        results: dict[str, Any] = vars(output) | {
            f"new_{name}": value for name, value in vars(new_state).items()
        }
        return tuple(results[name] for name in _output_names(self.heads))


def _output_names(heads: Sequence[GeometryHead]) -> list[str]:
    results = [name for head in heads for name in _RESULTS[head]]
    return ["camera_token", "patch_tokens", *results, *(f"new_{name}" for name in _STATE_NAMES)]


def _graph_for(outputs: Collection[GeometryHead]) -> str:
    """The cheapest graph that computes all of `outputs`."""
    wanted = {GeometryHead(name) for name in outputs}
    for name, heads in GRAPHS.items():
        if wanted <= set(heads):
            return name
    missing = sorted(wanted - set(GRAPHS["step_points.onnx"]))
    raise ValueError(f"not exported to ONNX: {', '.join(missing)}; use the torch backend")


def _require(package: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise OnnxBackendError(
            f"the package {package} is not installed; `pip install vlm3r_ros[onnx]`"
        ) from error
