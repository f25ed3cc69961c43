"""Configuration of the whole vision-language model."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig, Qwen2Config, SiglipVisionConfig
from transformers.configuration_utils import SubConfigSpec

from vlm3r_ros.models.geometry import GeometryEncoderConfig
from vlm3r_ros.models.model_folder import MODEL_TYPE


class PoolMode(StrEnum):
    """How the projected tokens of a frame are pooled 2x2."""

    BILINEAR = "bilinear"
    AVERAGE = "average"
    NONE = "none"


class NewlinePosition(StrEnum):
    """Where the learned newline embedding goes among the visual tokens."""

    GRID = "grid"
    FRAME = "frame"
    ONE_TOKEN = "one_token"
    NO_TOKEN = "no_token"


class NumberDecoding(StrEnum):
    """How an answer that is but a number is chosen."""

    LIKELIEST = "likeliest"
    """Token by token, the likeliest each time, as published."""
    EXPECTED = "expected"
    """The number that is expected to be least wrong, relative to the truth."""


class SpatialFeature(StrEnum):
    """The geometry tokens that the fusion can attend to."""

    CAMERA_TOKENS = "camera_tokens"
    PATCH_TOKENS = "patch_tokens"


def parse_spatial_features(selection: str) -> tuple[SpatialFeature, ...]:
    """The geometry tokens that a selection names, in the order they are concatenated.

    Args:
        selection: `"all"`, `"camera_tokens"`, `"patch_tokens"`, `"camera_tokens,patch_tokens"`, or
            `"none"`, which leaves the fusion out (to measure what geometry is worth).

    Raises:
        ValueError: for any other text.
    """
    choices = {
        "all": (SpatialFeature.CAMERA_TOKENS, SpatialFeature.PATCH_TOKENS),
        "camera_tokens,patch_tokens": (SpatialFeature.CAMERA_TOKENS, SpatialFeature.PATCH_TOKENS),
        "camera_tokens": (SpatialFeature.CAMERA_TOKENS,),
        "patch_tokens": (SpatialFeature.PATCH_TOKENS,),
        "none": (),
    }
    if selection not in choices:
        raise ValueError(
            f"unknown spatial_features {selection!r}; use one of {', '.join(map(repr, choices))}"
        )
    return choices[selection]


@strict
class Vlm3rConfig(PreTrainedConfig):
    r"""Configuration of [`Vlm3rForConditionalGeneration`]; the defaults are the published shapes.

    `vision_config.num_hidden_layers` counts the layers that are kept: the published SigLIP has 27,
    of which the last is dropped, hence 26.

    Args:
        vision_config: SigLIP vision tower.
        geometry_config: recurrent geometry encoder.
        text_config: Qwen2 language model.
        fusion_heads: attention heads of the fusion.
        fusion_norm_eps: epsilon of the fusion's layer norms.
        fusion_dropout: dropout of the fusion, in training.
        spatial_features: geometry tokens that the fusion sees, see [`parse_spatial_features`].
        pool_mode: a [`PoolMode`] value.
        newline_position: a [`NewlinePosition`] value.
        geometry_image_size: side in pixels at which frames enter the geometry encoder.
        image_token_index: the token id that stands for the visual tokens in a prompt.
        localization_heads: attention heads `[layer, head]` of the language model that look best
            at the thing that a question names (`vlm3r benchmark heads` finds them); all heads of
            the middle third of the layers where there are none.
        number_decoding: a [`NumberDecoding`] value.
        numbered_frames: keyframes of the sessions in which the model learned to find a frame by
            its number. A question that names a frame is read at the place it had there, however
            few keyframes there are yet; 0 where that makes no difference, as for the published
            models.
        pose_readout: whether camera tokens can be told poses that are known better than the network
            knows them ([`PoseReadout`]); the language model has learned to read them.

    Raises:
        ValueError: for an unknown mode, and where image sizes do not fit the patches.
    """

    model_type = MODEL_TYPE
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "vision_config": SubConfigSpec(
            config_class=SiglipVisionConfig,
            model_type="siglip_vision_model",
            init_kwargs={
                "hidden_size": 1152,
                "intermediate_size": 4304,
                "num_hidden_layers": 26,
                "num_attention_heads": 16,
                "image_size": 384,
                "patch_size": 14,
                "vision_use_head": False,
            },
        ),
        "geometry_config": SubConfigSpec(config_class=GeometryEncoderConfig),
        "text_config": SubConfigSpec(
            config_class=Qwen2Config,
            model_type="qwen2",
            init_kwargs={
                "vocab_size": 152064,
                "hidden_size": 3584,
                "intermediate_size": 18944,
                "num_hidden_layers": 28,
                "num_attention_heads": 28,
                "num_key_value_heads": 4,
                "max_position_embeddings": 32768,
                "rms_norm_eps": 1e-6,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
                "bos_token_id": 151643,
                "pad_token_id": 151643,
                "eos_token_id": 151645,
            },
        ),
    }

    if TYPE_CHECKING:
        # Given as a configuration or a dictionary, they are configurations once constructed.
        vision_config: SiglipVisionConfig = SiglipVisionConfig()
        geometry_config: GeometryEncoderConfig = GeometryEncoderConfig()
        text_config: Qwen2Config = Qwen2Config()
    else:
        vision_config: dict[str, Any] | PreTrainedConfig | None = None
        geometry_config: dict[str, Any] | PreTrainedConfig | None = None
        text_config: dict[str, Any] | PreTrainedConfig | None = None
    fusion_heads: int = 18
    fusion_norm_eps: float = 1e-5
    fusion_dropout: float = 0.1
    spatial_features: str = "all"
    pool_mode: str = "bilinear"
    newline_position: str = "grid"
    geometry_image_size: int = 432
    image_token_index: int = -200
    localization_heads: list[list[int]] | None = None
    number_decoding: str = "likeliest"
    numbered_frames: int = 0
    pose_readout: bool = False
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        parse_spatial_features(self.spatial_features)
        _check_choice("pool_mode", self.pool_mode, PoolMode)
        _check_choice("newline_position", self.newline_position, NewlinePosition)
        _check_choice("number_decoding", self.number_decoding, NumberDecoding)
        layers = self.text_config.num_hidden_layers
        heads = self.text_config.num_attention_heads
        for pair in self.localization_heads or ():
            if len(pair) != 2 or not (0 <= pair[0] < layers and 0 <= pair[1] < heads):
                raise ValueError(
                    f"localization_heads holds {pair}; each must be [layer, head] of {layers} "
                    f"layers with {heads} heads"
                )
        patch = self.geometry_config.patch_size
        if self.geometry_image_size % patch:
            raise ValueError(
                f"geometry_image_size {self.geometry_image_size} is not a multiple of the "
                f"geometry encoder's patch size {patch}"
            )

    def heads_that_localize(self) -> list[tuple[int, int]]:
        """Layer and head of each attention head that says where things are."""
        if self.localization_heads:
            return [(layer, head) for layer, head in self.localization_heads]
        layers = self.text_config.num_hidden_layers
        middle = range(layers // 3, max(layers // 3 + 1, 2 * layers // 3))
        return [(layer, head) for layer in middle for head in range(self.num_text_heads)]

    @property
    def num_text_heads(self) -> int:
        """Attention heads of each layer of the language model."""
        return int(self.text_config.num_attention_heads)

    @property
    def image_size(self) -> int:
        """Side in pixels of the square frames that the vision tower takes."""
        return int(self.vision_config.image_size)  # type: ignore[arg-type]

    @property
    def vision_grid_side(self) -> int:
        """Side of the square grid of patches of a frame in the vision tower."""
        return self.image_size // int(self.vision_config.patch_size)  # type: ignore[arg-type]


def _check_choice(field: str, value: str, choices: type[StrEnum]) -> None:
    if value not in list(choices):
        names = ", ".join(repr(str(choice)) for choice in choices)
        raise ValueError(f"unknown {field} {value!r}; use one of {names}")


AutoConfig.register(Vlm3rConfig.model_type, Vlm3rConfig, exist_ok=True)
