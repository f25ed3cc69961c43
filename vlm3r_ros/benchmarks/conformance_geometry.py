"""Recorded cases of the geometry encoder, of the spatial tower built on it, and of the fusion."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2Config, SiglipVisionConfig

from vlm3r_ros.benchmarks.conformance_data import CaseError, RecordedFile, RecordedFolder
from vlm3r_ros.benchmarks.conformance_networks import NetworkCache
from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryHead, GeometryOutput
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

Produced = dict[str, Tensor]
RAW_FRAMES = "frames_u8_raw"

_HEADS = {
    "pose_enc": GeometryHead.POSE,
    "c2w": GeometryHead.POSE,
    "pts3d_in_self_view": GeometryHead.SELF_POINTS,
    "conf_self": GeometryHead.SELF_POINTS,
    "pts3d_in_other_view": GeometryHead.WORLD_POINTS,
    "conf": GeometryHead.WORLD_POINTS,
    "rgb": GeometryHead.COLOR,
}


def run_geometry(
    folder: RecordedFolder, case: RecordedFile, networks: NetworkCache, wanted: Collection[str]
) -> Produced:
    """Kind `cut3r`: a sequence of images through the geometry encoder, one step each."""
    encoder = networks.geometry(case, case.config, case.text("weights"))
    images = folder.input(case, "images").float()
    update = _flags(case, "update", len(images))
    reset = _flags(case, "reset", len(images))
    state = encoder.initial_state(1)
    produced: Produced = {"init.state": state.tokens[0], "init.mem": state.memory[0]}
    for i, image in enumerate(images.split(1)):
        names = {name.split(".")[1] for name in wanted if name.startswith(f"f{i}.")}
        heads = {_HEADS[name] for name in names if name in _HEADS}
        trace: dict[str, Any] = {}
        output, state = encoder.step(
            image,
            state,
            outputs=heads,
            update=None if update is None else update[i : i + 1],
            reset=None if reset is None else reset[i : i + 1],
            trace=trace,
        )
        frame = {
            "enc": trace["encoded"][0],
            "pose_token_in": trace["pose_token_in"][0],
            "z": output.camera_token[0],
            "F": output.patch_tokens[0],
            "state": state.tokens[0],
            "mem": state.memory[0],
            **_head_outputs(output),
            **{f"dec.{j}": layer[0] for j, layer in enumerate(trace["image_layers"])},
            **{f"statedec.{j}": layer[0] for j, layer in enumerate(trace["state_layers"])},
        }
        produced |= {
            f"f{i}.{name}": value for name, value in frame.items() if f"f{i}.{name}" in wanted
        }
        if i == 0:
            produced["state_pos"] = trace["state_positions"]
            produced["pose_pos"] = trace["image_positions"][:1]
            produced["img_pos"] = trace["image_positions"][1:]
    return produced


def _head_outputs(output: GeometryOutput) -> Produced:
    found: dict[str, Tensor | None] = {
        "pose_enc": output.pose_encoding,
        "c2w": None if output.pose_encoding is None else output.camera_to_world,
        "pts3d_in_self_view": output.points_self,
        "conf_self": output.confidence_self,
        "pts3d_in_other_view": output.points_world,
        "conf": output.confidence_world,
        "rgb": output.color,
    }
    return {name: value[0] for name, value in found.items() if value is not None}


def _flags(case: RecordedFile, key: str, frames: int) -> Tensor | None:
    flags = case.json(key)
    if flags is None:
        return None
    if len(flags) != frames:
        raise CaseError(f"{case.name}: {len(flags)} flags in {key} for {frames} frames")
    return torch.tensor(flags, dtype=torch.bool)


def run_tower(
    folder: RecordedFolder, case: RecordedFile, networks: NetworkCache, wanted: Collection[str]
) -> Produced:
    """Kind `tower`: frames as the spatial tower sees them, as one recurrent sequence."""
    config = case.config
    encoder = networks.geometry(case, config["cut3r"], case.text("weights"))
    tower = _tower(encoder, config["tower"]["pixel_size"], config["tower"]["resize_to"])
    pixels = read_pixels(folder, case, config["tower"]["pixel_size"])
    camera_tokens, patch_tokens, _ = tower.encode_geometry(pixels)
    produced = resized_frames(case, config["tower"]["pixel_size"])
    for name in wanted:
        if name.startswith("resize"):
            produced[name] = tower.geometry_pixels(pixels)
        elif name == "camera_tokens":
            produced[name] = camera_tokens
        elif re.fullmatch(r"patch_features(_rows\d+)?", name):
            produced[name] = patch_tokens
    return produced


def _tower(encoder: GeometryEncoder, size: int, resized: int) -> Vlm3rForConditionalGeneration:
    """The whole model around a geometry encoder; only that part of it has memory and weights."""
    with torch.device("meta"):
        model = Vlm3rForConditionalGeneration(
            Vlm3rConfig(
                vision_config=SiglipVisionConfig(
                    hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=size
                ),
                geometry_config=encoder.config,
                text_config=Qwen2Config(
                    vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2
                ),
                fusion_heads=2,
                geometry_image_size=resized,
            )
        )
    model.geometry_encoder = encoder
    return model.eval()


def run_fusion(
    folder: RecordedFolder, case: RecordedFile, networks: NetworkCache, wanted: Collection[str]
) -> Produced:
    """Kind `fusion`: the fusion alone."""
    fusion = networks.fusion(case)
    visual, spatial = folder.input(case, "clip"), folder.input(case, "spatial")
    produced: Produced = {"out": fusion(visual, spatial)}
    if "attn_mean_over_heads" in wanted:
        produced["attn_mean_over_heads"] = fusion(visual, spatial, return_attention=True)[1]
    return produced


def processor(settings: Mapping[str, Any], size: int) -> Vlm3rProcessor:
    """The processor of a case, without a vocabulary."""
    return Vlm3rProcessor(
        size,
        PreTrainedTokenizerFast(tokenizer_object=Tokenizer(BPE())),
        image_mean=settings["mean"],
        image_std=settings["std"],
        rescale_factor=settings["rescale"],
    )


def read_pixels(folder: RecordedFolder, case: RecordedFile, size: int) -> Tensor:
    """The case's resized frames as pixel values `[F, 3, S, S]`."""
    frames = folder.input(case, frames_input(case))
    return processor(case.config["preprocess"], size).normalize(frames.permute(0, 2, 3, 1))


def frames_input(case: RecordedFile) -> str:
    """Name of the input that holds resized frames, such as `frames_u8_384`."""
    for name in case.json("inputs", {}):
        if re.fullmatch(r"frames_u8_\d+", name):
            return str(name)
    raise CaseError(f"{case.name} has no input frames_u8_(size)")


def resized_frames(case: RecordedFile, size: int) -> Produced:
    """Our resizing of the case's source frames, where it stores both."""
    resized = frames_input(case)
    if RAW_FRAMES not in case.names or resized not in case.names:
        return {}
    resize = processor(case.config["preprocess"], size).resize
    frames = np.stack([resize(frame) for frame in case.tensor(RAW_FRAMES).numpy()])
    return {resized: torch.from_numpy(frames).permute(0, 3, 1, 2)}
