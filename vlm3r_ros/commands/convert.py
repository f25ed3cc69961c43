"""`vlm3r convert`: published checkpoints -> one model folder of ours."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub import hf_hub_download, snapshot_download
from peft import LoraConfig
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from vlm3r_ros.models.adapters import merge_adapter, strip_wrapper
from vlm3r_ros.models.checkpoints import (
    CheckpointError,
    TensorFiles,
    UntrustedCheckpoint,
    load_untrusted_checkpoint,
)
from vlm3r_ros.models.conversion import (
    ConversionError,
    ConversionPlan,
    Shape,
    build_empty,
    check_duplicates,
    fill_parameters,
    geometry_plan,
    vlm_plan,
)
from vlm3r_ros.models.devices import resolve_dtype
from vlm3r_ros.models.geometry import GeometryEncoder
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import IM_END
from vlm3r_ros.models.published_configs import geometry_config, vlm_config
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

ADAPTER_WEIGHTS = "adapter_model"
TRAINED_BESIDE = "non_lora_trainables"
MAX_SHARD_SIZE = "4GB"
EXIT_ERROR = 1
_DOWNLOADED = ("*.json", "*.safetensors", "*.bin", "*.txt", "*.model", "*.jinja")


class SourceError(ValueError):
    """A checkpoint that was asked for is neither on this machine nor to be downloaded."""


def convert(
    output: Path,
    geometry: str,
    base: str | None = None,
    adapter: str | None = None,
    dtype: str = "bfloat16",
) -> int:
    """Convert published checkpoints into one folder that `from_pretrained` reads.

    Args:
        output: folder to write; it must be new or empty.
        geometry: the CUT3R checkpoint: a file, or `organisation/model/path/in/it.pth` on the Hub.
        base: the LLaVA-NeXT-Video base (or a merged model): a folder or a name on the Hub. Without
            it, the geometry encoder alone is written.
        adapter: the VLM-3R adapter on top of the base: a folder or a name on the Hub.
        dtype: of the weights written: `float32`, `bfloat16` or `float16`.

    Returns:
        0, or 1 after an error, which is printed.
    """
    console = Console(stderr=True)
    try:
        weight_dtype = resolve_dtype(dtype, torch.device("cpu"), num_parameters=0)
        _check_output(output)
        if adapter is not None and base is None:
            raise SourceError("an adapter needs the base that it was trained on")
        checkpoint = load_untrusted_checkpoint(find_file(geometry))
        if checkpoint.inert_names:
            console.print(
                f"not run, though {geometry} names them: {', '.join(checkpoint.inert_names)}",
                markup=False,
            )
        with Progress(console=console) as progress:
            if base is None:
                encoder = convert_geometry(checkpoint, weight_dtype, progress)
                encoder.save_pretrained(output, max_shard_size=MAX_SHARD_SIZE)
            else:
                sources = _open_sources(
                    find_folder(base), None if adapter is None else find_folder(adapter)
                )
                model, processor = convert_vlm(checkpoint, sources, weight_dtype, progress)
                model.save_pretrained(output, max_shard_size=MAX_SHARD_SIZE)
                processor.save_pretrained(output)
    except (CheckpointError, ConversionError, SourceError, ValueError, OSError) as error:
        console.print(f"error: {error}", style="bold red", markup=False)
        return EXIT_ERROR
    console.print(f"wrote {output}", markup=False)
    return 0


@dataclass(frozen=True)
class Sources:
    """The opened checkpoints of language model, vision tower, fusion and projector.

    Attributes:
        settings: `config.json` that describes the result.
        base: tensors of the base, under the published names.
        beside: tensors trained beside the adapter; they replace the base's.
        adapter: the adapter's tensors, empty without one.
        adapter_settings: the adapter's own configuration.
        tokenizer: of the language model.
    """

    settings: dict[str, Any]
    base: TensorFiles
    beside: dict[str, Tensor]
    adapter: Mapping[str, Tensor]
    adapter_settings: LoraConfig | None
    tokenizer: PreTrainedTokenizerBase


def convert_geometry(
    checkpoint: UntrustedCheckpoint, dtype: torch.dtype, progress: Progress
) -> GeometryEncoder:
    """The geometry encoder of a published CUT3R checkpoint."""
    shapes = {name: tuple(tensor.shape) for name, tensor in checkpoint.tensors.items()}
    config = geometry_config(shapes, checkpoint.arguments)
    plan = geometry_plan(shapes, config)
    check_duplicates(checkpoint.tensors, plan)
    encoder = build_empty(lambda: GeometryEncoder(config), dtype)
    tensors = _tracked(progress, "geometry encoder", checkpoint.tensors.items(), len(shapes))
    fill_parameters(encoder, tensors, plan)
    _report_unused(progress, plan)
    return encoder


def convert_vlm(
    checkpoint: UntrustedCheckpoint, sources: Sources, dtype: torch.dtype, progress: Progress
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    """The whole model: geometry encoder, base with what was trained beside the adapter, adapter."""
    geometry_shapes = {name: tuple(value.shape) for name, value in checkpoint.tensors.items()}
    geometry = geometry_config(geometry_shapes, checkpoint.arguments)
    encoder_plan = geometry_plan(geometry_shapes, geometry)
    check_duplicates(checkpoint.tensors, encoder_plan)
    shapes: dict[str, Shape] = {name: sources.base.shape(name) for name in sources.base}
    shapes |= {name: tuple(tensor.shape) for name, tensor in sources.beside.items()}
    config = vlm_config(sources.settings, shapes, geometry)
    plan = vlm_plan(shapes, config)
    text_config: Any = config.text_config
    vocabulary = len(sources.tokenizer)
    if vocabulary > text_config.vocab_size:
        raise ConversionError(
            f"the tokenizer has {vocabulary} tokens, the base's embedding {text_config.vocab_size}"
        )

    model = build_empty(lambda: Vlm3rForConditionalGeneration(config), dtype)
    kept = ((name, sources.base[name]) for name in sources.base if name not in sources.beside)
    tensors = chain(kept, sources.beside.items())
    fill_parameters(model, _tracked(progress, "base", tensors, len(shapes)), plan)
    fill_parameters(
        model.geometry_encoder,
        _tracked(progress, "geometry encoder", checkpoint.tensors.items(), len(geometry_shapes)),
        encoder_plan,
    )
    if sources.adapter_settings is not None:
        progress.console.print(f"merging {len(sources.adapter)} adapter tensors")
        language_model = cast(Any, model.language_model)
        merge_adapter(language_model, sources.adapter, sources.adapter_settings)
    _fit_vocabulary(model, sources.tokenizer)
    _report_unused(progress, encoder_plan)
    _report_unused(progress, plan)
    processor = Vlm3rProcessor(
        config.image_size, sources.tokenizer, image_token_index=config.image_token_index
    )
    return model, processor


def find_folder(source: str) -> Path:
    """A folder of that name, or the model of that name on the Hugging Face Hub, downloaded."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists() or source.count("/") != 1 or source.startswith((".", "~", "/")):
        raise SourceError(f"{source} is not a folder, nor organisation/model on the Hub")
    with _download_errors(source):
        return Path(snapshot_download(source, allow_patterns=list(_DOWNLOADED)))


def find_file(source: str) -> Path:
    """A file of that name, or `organisation/model/path` on the Hugging Face Hub, downloaded."""
    file = Path(source).expanduser()
    if file.is_file():
        return file
    organisation, _, rest = source.partition("/")
    model, _, path = rest.partition("/")
    if not path or source.startswith((".", "~", "/")):
        raise SourceError(f"{source} is not a file, nor organisation/model/file on the Hub")
    with _download_errors(source):
        return Path(hf_hub_download(f"{organisation}/{model}", path))


@contextmanager
def _download_errors(source: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # The client lets the errors of whichever HTTP library it uses through.
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(
            f"{source} is not on this machine, and its download failed ({first_line}); "
            "check the name and the network, or give the path of a copy"
        ) from error


def _open_sources(base: Path, adapter: Path | None) -> Sources:
    settings = _read_json((adapter or base) / "config.json")
    tokenizer_folder = base
    if adapter is not None and (adapter / "tokenizer_config.json").is_file():
        tokenizer_folder = adapter
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
    try:
        tensors = TensorFiles(base, "model*")
    except CheckpointError:
        if not any(base.glob("pytorch_model*")):
            raise
        tensors = TensorFiles(base, "pytorch_model*")
    if adapter is None:
        return Sources(settings, tensors, {}, {}, None, tokenizer)
    return Sources(
        settings=settings,
        base=tensors,
        beside=strip_wrapper(TensorFiles(adapter, TRAINED_BESIDE)),
        adapter=dict(TensorFiles(adapter, ADAPTER_WEIGHTS)),
        adapter_settings=_adapter_settings(adapter),
        tokenizer=tokenizer,
    )


def _adapter_settings(folder: Path) -> LoraConfig:
    settings = _read_json(folder / "adapter_config.json")
    if settings.get("peft_type") != "LORA":
        raise SourceError(f"{folder} holds a {settings.get('peft_type')} adapter, not LORA")
    config = LoraConfig.from_pretrained(str(folder), local_files_only=True)
    # Only what the adapter adds is wanted: the base is the one that was asked for.
    config.base_model_name_or_path = None
    config.inference_mode = False
    return cast(LoraConfig, config)


def _fit_vocabulary(
    model: Vlm3rForConditionalGeneration, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Drop the rows that pad the embedding beyond the tokenizer; end answers at a turn's end."""
    model.resize_token_embeddings(len(tokenizer))
    text_config: Any = model.config.text_config
    text_config.vocab_size = len(tokenizer)
    end = tokenizer.convert_tokens_to_ids(IM_END)
    if isinstance(end, int) and end != tokenizer.unk_token_id:
        text_config.eos_token_id = end
    generation = model.generation_config
    if generation is not None:
        generation.eos_token_id = text_config.eos_token_id
        generation.pad_token_id = tokenizer.pad_token_id or text_config.pad_token_id


def _tracked(
    progress: Progress, description: str, tensors: Iterable[tuple[str, Tensor]], total: int
) -> Iterator[tuple[str, Tensor]]:
    yield from progress.track(tensors, total=total, description=description)


def _report_unused(progress: Progress, plan: ConversionPlan) -> None:
    for reason, count in Counter(plan.unused.values()).items():
        progress.console.print(f"{count} keys without a counterpart: {reason}", markup=False)


def _check_output(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise SourceError(f"{output} exists and is not an empty folder; choose another output")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SourceError(f"{path} is missing") from error
    except ValueError as error:
        raise SourceError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise SourceError(f"{path} does not hold a JSON object")
    return content
