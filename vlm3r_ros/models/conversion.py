"""The published checkpoints' parameter names -> ours.

A conversion is planned on names and shapes alone, before any weight is read: every published name
is either mapped or listed as unused, with the reason, and every parameter of ours is filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers.initialization import no_init_weights

from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig
from vlm3r_ros.models.published_names import (
    FUSION_NAMES,
    GEOMETRY_NAMES,
    VISION_PREFIX,
    VLM_NAMES,
    NameTable,
    Unused,
)

Shape = tuple[int, ...]
Network = TypeVar("Network", bound=nn.Module)
_LISTED_NAMES = 8


class ConversionError(ValueError):
    """A published checkpoint does not fit: a key is missing, unknown or of another shape."""


@dataclass(frozen=True)
class ConversionPlan:
    """Which published tensor goes where.

    Attributes:
        filled: published name -> our name.
        unused: published name -> why it has no counterpart.
        duplicates: published name -> the published name that it must equal.
    """

    filled: dict[str, str]
    unused: dict[str, str] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)


def plan_conversion(
    published: Mapping[str, Shape], table: NameTable, wanted: Mapping[str, Shape]
) -> ConversionPlan:
    """Match a published checkpoint with a network of ours.

    Args:
        published: shapes by published name.
        table: how the published checkpoint is named.
        wanted: shapes by our name; each must be filled exactly once.

    Raises:
        ConversionError: naming every key that is missing, unknown, doubled or misshapen.
    """
    plan = ConversionPlan({})
    problems: list[str] = []
    unknown: list[str] = []
    sources: dict[str, str] = {}
    for name, shape in published.items():
        reason = _why_unused(name, table)
        original = _duplicated_name(name, table)
        if reason is not None:
            plan.unused[name] = reason
        elif original is not None and original in published:
            plan.duplicates[name] = original
        else:
            ours = table.rename(original or name)
            if ours not in wanted:
                unknown.append(name)
            elif ours in sources:
                problems.append(f"{name} and {sources[ours]} are the same parameter, {ours}")
            elif tuple(shape) != tuple(wanted[ours]):
                problems.append(f"{name} is {list(shape)} and should be {list(wanted[ours])}")
            if ours in wanted:
                plan.filled[name] = ours
                sources.setdefault(ours, name)
    missing = [name for name in wanted if name not in sources]
    if unknown:
        problems.append(f"unknown keys: {_listed(unknown)}")
    if missing:
        problems.append(f"no key fills our parameters: {_listed(missing)}")
    if problems:
        raise ConversionError("the checkpoint does not fit: " + "; ".join(_shortened(problems)))
    return plan


def parameter_shapes(build: Callable[[], nn.Module]) -> dict[str, Shape]:
    """Shapes of a network's state dict, without memory for its weights."""
    with torch.device("meta"):
        network = build()
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def geometry_plan(published: Mapping[str, Shape], config: GeometryEncoderConfig) -> ConversionPlan:
    """Plan for a published CUT3R state dict; see `plan_conversion`."""
    return plan_conversion(
        published, GEOMETRY_NAMES, parameter_shapes(lambda: GeometryEncoder(config))
    )


def vlm_plan(published: Mapping[str, Shape], config: Vlm3rConfig) -> ConversionPlan:
    """Plan for a published VLM-3R state dict, which lacks the geometry encoder.

    A vision layer after the last one that `config` counts is dropped, as the published code does.
    """
    from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

    wanted = {
        name: shape
        for name, shape in parameter_shapes(lambda: Vlm3rForConditionalGeneration(config)).items()
        if not name.startswith("geometry_encoder.")
    }
    vision: Any = config.vision_config
    dropped_layer = vision.num_hidden_layers
    dropped = Unused(
        rf"{re.escape(VISION_PREFIX)}encoder\.layers\.{dropped_layer}\..+",
        "the vision tower's last layer, whose output is not used",
    )
    table = NameTable(VLM_NAMES.renames, (*VLM_NAMES.unused, dropped))
    return plan_conversion(published, table, wanted)


def fusion_plan(published: Mapping[str, Shape], fusion: SpatialVisualFusion) -> ConversionPlan:
    """Plan for a published fusion block alone, without a prefix."""
    wanted = {name: tuple(tensor.shape) for name, tensor in fusion.state_dict().items()}
    return plan_conversion(published, FUSION_NAMES, wanted)


def convert_geometry_state_dict(
    published: Mapping[str, Tensor], config: GeometryEncoderConfig
) -> dict[str, Tensor]:
    """A published CUT3R state dict under our names.

    Raises:
        ConversionError: see `plan_conversion`; also where two names of one tensor differ.
    """
    return _convert(published, geometry_plan(_shapes(published), config))


def convert_vlm_state_dict(
    published: Mapping[str, Tensor], config: Vlm3rConfig
) -> dict[str, Tensor]:
    """A published VLM-3R state dict (without the geometry encoder) under our names.

    Raises:
        ConversionError: see `plan_conversion`.
    """
    return _convert(published, vlm_plan(_shapes(published), config))


def build_empty(build: Callable[[], Network], dtype: torch.dtype = torch.float32) -> Network:
    """A network in evaluation mode whose weights are still undefined memory."""
    with no_init_weights():
        return build().to(dtype).eval()


@torch.no_grad()
def fill_parameters(
    network: nn.Module,
    tensors: Iterable[tuple[str, Tensor]],
    plan: ConversionPlan,
    prefix: str = "",
) -> None:
    """Copy published tensors into a network as they come, one at a time.

    Args:
        network: receives the weights, in its own dtype.
        tensors: (published name, tensor); names that the plan does not fill are passed over.
        plan: made for this network.
        prefix: of our names, where the plan covers a part of the network.

    Raises:
        ConversionError: if `tensors` ended before everything planned was filled.
    """
    own = network.state_dict()
    waiting = dict(plan.filled)
    for name, tensor in tensors:
        if name in waiting:
            own[prefix + waiting.pop(name)].copy_(tensor)
    if waiting:
        raise ConversionError(f"the checkpoint ended without {_listed(list(waiting))}")


def _convert(published: Mapping[str, Tensor], plan: ConversionPlan) -> dict[str, Tensor]:
    check_duplicates(published, plan)
    return {ours: published[name] for name, ours in plan.filled.items()}


def check_duplicates(published: Mapping[str, Tensor], plan: ConversionPlan) -> None:
    """Check that second names of one tensor hold the same values.

    Raises:
        ConversionError: naming the two that differ.
    """
    for name, original in plan.duplicates.items():
        first, second = published[original], published[name]
        if first.is_meta or first is second:
            continue
        if not torch.equal(first, second):
            raise ConversionError(f"{name} and {original} name one parameter but differ")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _why_unused(name: str, table: NameTable) -> str | None:
    for rule in table.unused:
        if re.fullmatch(rule.pattern, name):
            return rule.reason
    return None


def _duplicated_name(name: str, table: NameTable) -> str | None:
    for rule in table.duplicates:
        if re.fullmatch(rule.pattern, name):
            return re.sub(rule.pattern, rule.replacement, name)
    return None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED_NAMES} more" if len(names) > _LISTED_NAMES else ""
    return ", ".join(names[:_LISTED_NAMES]) + more


def _shortened(problems: list[str]) -> list[str]:
    if len(problems) <= _LISTED_NAMES:
        return problems
    return [*problems[:_LISTED_NAMES], f"and {len(problems) - _LISTED_NAMES} more problems"]
