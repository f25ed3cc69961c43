"""`vlm3r export-onnx`: the geometry step of a model as graphs for ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from vlm3r_ros.models.geometry.onnx_backend import GRAPHS, export_geometry_encoder
from vlm3r_ros.models.registry import load_model


def export_onnx(output: Path, model: str) -> int:
    """Export the geometry encoder of `model` for frames of the model's own size.

    Args:
        output: folder to write.
        model: named size, model folder or hub name.

    Returns:
        0; errors are raised.
    """
    console = Console(stderr=True)
    network, _ = load_model(model, device="cpu", dtype="float32")
    side = network.config.geometry_image_size
    with console.status(f"exporting {', '.join(GRAPHS)} for {side}x{side} frames"):
        export_geometry_encoder(network.geometry_encoder, output, side, side)
    console.print(f"wrote {output}; run it with the parameter onnx_folder of the geometry node")
    return 0
