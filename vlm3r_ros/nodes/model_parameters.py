"""Parameters that name a model and say where it runs; several nodes have them."""

from __future__ import annotations

from vlm3r_ros.nodes.parameters import ParameterSpec

MODEL_PARAMETER = ParameterSpec(
    "model",
    "nano",
    "Model: a registered size (nano, tiny, vlm3r-7b), a folder written by `vlm3r convert`, or "
    "organisation/model on the Hugging Face Hub.",
)
DEVICE_PARAMETER = ParameterSpec(
    "device", "auto", "Where the model runs: auto (CUDA if there is any), cpu, cuda, cuda:1, ..."
)
DTYPE_PARAMETER = ParameterSpec(
    "dtype",
    "auto",
    "Number type of the weights; auto chooses by device and size of the model.",
    choices=("auto", "float32", "bfloat16", "float16"),
)
