"""Recorded cases of the whole pipeline: frames and prompt to logits and greedy token ids."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from vlm3r_ros.benchmarks.conformance_data import CaseError, RecordedFile, RecordedFolder
from vlm3r_ros.benchmarks.conformance_geometry import Produced, read_pixels, resized_frames
from vlm3r_ros.benchmarks.conformance_networks import NetworkCache
from vlm3r_ros.models.adapters import adapter_config, merge_adapter, strip_wrapper
from vlm3r_ros.models.vlm3r import Modality, Vlm3rForConditionalGeneration

POOL_MODES = ("bilinear", "average", "none")
_GENERATED = re.compile(r"generated_ids(_eos(?P<eos>\d+))?")


class _Frames:
    """What the vision tower and the geometry encoder see in a case's frames; computed once."""

    def __init__(self, model: Vlm3rForConditionalGeneration, pixels: Tensor) -> None:
        self.model = model
        self.pixels = pixels
        self.camera_tokens, self.patch_tokens, _ = model.encode_geometry(pixels)

    def prefix(self, modality: Modality = Modality.VIDEO) -> Tensor:
        """All visual tokens `[V, H]`."""
        return self.model.visual_prefix(
            self.pixels, self.camera_tokens, self.patch_tokens, modality
        )


@contextmanager
def _options(model: Vlm3rForConditionalGeneration, **options: str) -> Iterator[None]:
    """Sets options of the model's configuration for a while."""
    before = {name: getattr(model.config, name) for name in options}
    try:
        for name, value in options.items():
            setattr(model.config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(model.config, name, value)


def run_pipeline(
    folder: RecordedFolder, case: RecordedFile, networks: NetworkCache, wanted: Collection[str]
) -> Produced:
    """Kind `vlm_pipeline`: names are (pool)/(geometry tokens)/(what), or one of two extras."""
    config = case.config
    model = networks.vlm(case)
    size = config["vision"]["image_size"]
    frames = _Frames(model, read_pixels(folder, case, size))
    produced: Produced = resized_frames(case, size)
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in wanted:
        first, _, rest = name.partition("/")
        second, _, what = rest.partition("/")
        if first in POOL_MODES and what:
            groups[first, second].add(what)
        elif first == "newline" and what == "length":
            produced[name] = _length_with_newline(folder, case, frames, second)
    for (pool, features), whats in groups.items():
        with _options(model, pool_mode=pool, spatial_features=features):
            made = _run_stages(folder, case, frames, whats, f"{pool}/{features}/")
        produced |= {f"{pool}/{features}/{what}": value for what, value in made.items()}
    images = {name.partition("/")[2] for name in wanted if name.startswith("multi_image/")}
    if images:
        made = _run_images(folder, case, frames, images)
        produced |= {f"multi_image/{what}": value for what, value in made.items()}
    return produced


def _run_stages(
    folder: RecordedFolder, case: RecordedFile, frames: _Frames, whats: set[str], group: str
) -> Produced:
    model = frames.model
    prompt = folder.input(case, "input_ids")
    vision = model.encode_vision(frames.pixels)
    fused = model.fuse(vision, frames.camera_tokens, frames.patch_tokens)
    projected = model.project(fused)
    visual = frames.prefix()
    embeds = model.embed_prompt(prompt, visual)
    made: Produced = {
        "siglip": vision,
        "camera_tokens": frames.camera_tokens,
        "patch_tokens": frames.patch_tokens,
        "patch_features": frames.patch_tokens,
        "fused": fused,
        "projected": projected,
        "pooled": model.pool(projected),
        "with_newline": visual,
        "input_embeds": embeds,
        "length": torch.tensor(len(embeds)),
    }
    return _only(made, whats) | _run_language_model(case, model, embeds, whats, group)


def _run_language_model(
    case: RecordedFile,
    model: Vlm3rForConditionalGeneration,
    embeds: Tensor,
    whats: Collection[str],
    group: str = "",
) -> Produced:
    """Logits `[L, vocabulary]` and greedy continuations of one embedded prompt `[L, H]`."""
    made: Produced = {}
    stored_logits = [what for what in whats if re.fullmatch(r"logits(_\w+)?", what)]
    if stored_logits:
        logits = model(inputs_embeds=embeds[None]).logits[0]
        made |= dict.fromkeys(stored_logits, logits)
    generated = {what: _GENERATED.fullmatch(what) for what in whats}
    by_end_token: dict[int, list[str]] = defaultdict(list)
    for what, match in generated.items():
        if match:
            by_end_token[_end_token(case, group + what, match["eos"])].append(what)
    usual_end = int(case.config["language"]["eos_token_id"])
    if "gen_logits" in whats:
        by_end_token.setdefault(usual_end, [])
    for end_token, names in by_end_token.items():
        ids, step_logits = _generate(case, model, embeds, end_token)
        made |= dict.fromkeys(names, ids)
        if "gen_logits" in whats and end_token == usual_end:
            made["gen_logits"] = step_logits
    return made


def _end_token(case: RecordedFile, name: str, stated: str | None) -> int:
    """The end token of a recorded continuation: overridden for its name, in it, or the usual."""
    for full_name, token in case.config.get("eos_override", {}).items():
        if full_name == name or full_name.partition("/")[2] == name:
            return int(token)
    return int(stated if stated is not None else case.config["language"]["eos_token_id"])


def _generate(
    case: RecordedFile, model: Vlm3rForConditionalGeneration, embeds: Tensor, end_token: int
) -> tuple[Tensor, Tensor]:
    settings = case.config.get("generation") or case.config["case"]
    if not settings.get("greedy", True):
        raise CaseError("only greedy continuations can be compared")
    result = model.generate(
        inputs_embeds=embeds[None],
        max_new_tokens=settings["max_new_tokens"],
        do_sample=False,
        eos_token_id=end_token,
        pad_token_id=case.config["language"].get("pad_token_id", end_token),
        output_logits=True,
        return_dict_in_generate=True,
    )
    return result.sequences[0], torch.stack(result.logits)[:, 0]


def _length_with_newline(
    folder: RecordedFolder, case: RecordedFile, frames: _Frames, position: str
) -> Tensor:
    """Length of the embedded prompt with another newline rule."""
    settings = case.config.get("newline_length_case", {})
    options = {
        "newline_position": position,
        "pool_mode": settings.get("pool", "bilinear"),
        "spatial_features": settings.get("select_feature", "all"),
    }
    with _options(frames.model, **options):
        embeds = frames.model.embed_prompt(folder.input(case, "input_ids"), frames.prefix())
    return torch.tensor(len(embeds))


def _run_images(
    folder: RecordedFolder, case: RecordedFile, frames: _Frames, whats: set[str]
) -> Produced:
    """Some frames as separate images, each with its own placeholder."""
    settings = case.config["multi_image"]
    pool, newline = settings.get("pool", "none"), settings.get("newline", "grid")
    as_images = pool == "none" and newline == "grid"
    options = {
        "pool_mode": pool,
        "newline_position": newline,
        "spatial_features": settings.get("select_feature", "all"),
    }
    with _options(frames.model, **options):
        images = _Frames(frames.model, frames.pixels[settings["frames"]])
        visual = images.prefix(Modality.IMAGE if as_images else Modality.VIDEO)
        embeds = frames.model.embed_prompt(folder.input(case, "multi_image/input_ids"), visual)
    made: Produced = {"length": torch.tensor(len(embeds))}
    made |= {what: embeds for what in whats if re.fullmatch(r"(input_)?embeds(_\w+)?", what)}
    return _only(made, whats) | _run_language_model(case, frames.model, embeds, whats)


def run_adapted(
    folder: RecordedFolder, case: RecordedFile, networks: NetworkCache, wanted: Collection[str]
) -> Produced:
    """Kind `lora`: the base with fusion and projector replaced and an adapter merged."""
    adapter = _with_prefix(case, case.text("adapter_prefix"))
    beside = strip_wrapper(_with_prefix(case, case.text("non_lora_prefix")))
    settings: Mapping[str, Any] = case.config["lora"]
    scaling = settings.get("scaling", settings["alpha"] / settings["r"])
    model = networks.vlm(case, replaced=beside)
    merge_adapter(model.language_model, adapter, adapter_config(adapter, scaling))
    options = case.config["case"]
    with _options(model, pool_mode=options["pool"], spatial_features=options["select_feature"]):
        frames = _Frames(model, read_pixels(folder, case, case.config["vision"]["image_size"]))
        return _run_stages(folder, case, frames, set(wanted), "")


def _with_prefix(case: RecordedFile, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): case.tensor(name)
        for name in case.names
        if name.startswith(prefix)
    }


def _only(made: Produced, whats: Collection[str]) -> Produced:
    return {name: value for name, value in made.items() if name in whats}
