"""Turns camera frames and prompts into what the model takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import AutoTokenizer, BatchEncoding, PreTrainedTokenizerBase

from vlm3r_ros.models.model_folder import PROCESSOR_FILE
from vlm3r_ros.models.prompts import IMAGE_PLACEHOLDER

Frame = NDArray[np.uint8]


class Vlm3rProcessor:
    """Resizes and normalises frames, tokenises prompts around their image placeholder.

    Attributes:
        image_size: side in pixels of the square frames that the model takes.
        tokenizer: the language model's tokenizer.
        image_token_index: the id that stands for an image placeholder.
    """

    def __init__(
        self,
        image_size: int,
        tokenizer: PreTrainedTokenizerBase,
        *,
        image_mean: float = 0.5,
        image_std: float = 0.5,
        rescale_factor: float = 1 / 255,
        image_token_index: int = -200,
    ) -> None:
        if image_size < 1:
            raise ValueError(f"image_size must be positive, got {image_size}")
        self.image_size = image_size
        self.tokenizer = tokenizer
        self.image_mean = image_mean
        self.image_std = image_std
        self.rescale_factor = rescale_factor
        self.image_token_index = image_token_index

    def resize(self, image: Frame) -> Frame:
        """Resize a frame to the model's square, bicubic, without keeping its aspect ratio.

        Args:
            image: RGB, uint8 `[H, W, 3]`.

        Returns:
            RGB, uint8 `[S, S, 3]`.

        Raises:
            ValueError: if the image is empty, or not three channels of uint8.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"a frame must be RGB uint8 [H, W, 3], got {image.dtype} {list(image.shape)}"
            )
        if not image.size:
            raise ValueError(f"the frame is empty: {image.shape[1]} x {image.shape[0]} pixels")
        size = (self.image_size, self.image_size)
        if image.shape[:2] == size:
            return image
        resized = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
        return np.asarray(resized)

    def normalize(self, frames: Frame | Tensor) -> Tensor:
        """Resized frames as the model's input.

        Args:
            frames: RGB, uint8 `[F, S, S, 3]` or `[S, S, 3]`.

        Returns:
            float32 `[F, 3, S, S]` in [-1, 1], on the device of `frames`.

        Raises:
            ValueError: if the frames are not of that shape and type.
        """
        if isinstance(frames, np.ndarray):
            # A copy where needed: torch takes neither read-only memory nor negative strides.
            frames = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
        if frames.ndim == 3:
            frames = frames[None]
        size = self.image_size
        if frames.dtype != torch.uint8 or frames.shape[1:] != (size, size, 3):
            raise ValueError(
                f"resized frames must be uint8 [F, {size}, {size}, 3], "
                f"got {frames.dtype} {list(frames.shape)}"
            )
        pixels = frames.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        return pixels.mul_(self.rescale_factor).sub_(self.image_mean).div_(self.image_std)

    def frames(self, images: Sequence[Frame] | Frame) -> Tensor:
        """Frames of any size, uint8 `[H, W, 3]` each, as pixel values `[F, 3, S, S]`.

        Raises:
            ValueError: for no frame, or a frame that [`resize`] refuses.
        """
        if isinstance(images, np.ndarray) and images.ndim == 3:
            images = images[None]
        if not len(images):
            raise ValueError("no frames given")
        return self.normalize(np.stack([self.resize(image) for image in images]))

    def tokenize(self, prompt: str) -> Tensor:
        """Token ids `[L]`, int64, with `image_token_index` at each `<image>`.

        The text around a placeholder is tokenised piece by piece, so that ids of the part after it
        do not depend on the part before.
        """
        pieces = prompt.split(IMAGE_PLACEHOLDER)
        ids = self._text_ids(pieces[0])
        for piece in pieces[1:]:
            ids.append(self.image_token_index)
            ids += self._text_ids(piece)
        return torch.tensor(ids, dtype=torch.long)

    def decode(self, token_ids: Tensor | list[int]) -> str:
        """Text of generated token ids, without special tokens and outer white space."""
        text = self.tokenizer.decode(token_ids, skip_special_tokens=True)
        return str(text).strip()

    def __call__(
        self, frames: Sequence[Frame] | Frame | None = None, prompt: str | None = None
    ) -> BatchEncoding:
        """Inputs of `Vlm3rForConditionalGeneration.generate`: `input_ids`, `pixel_values`."""
        inputs: dict[str, Tensor] = {}
        if prompt is not None:
            inputs["input_ids"] = self.tokenize(prompt)[None]
        if frames is not None:
            inputs["pixel_values"] = self.frames(frames)
        return BatchEncoding(inputs)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the processor's settings and the tokenizer's files into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(folder)
        text = json.dumps({"processor_class": type(self).__name__, **self._settings()}, indent=2)
        (folder / PROCESSOR_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Vlm3rProcessor:
        """Read what [`save_pretrained`] wrote.

        Raises:
            OSError: if the folder lacks the settings or a tokenizer.
            ValueError: if the settings do not parse.
        """
        settings = json.loads((Path(folder) / PROCESSOR_FILE).read_text(encoding="utf-8"))
        settings.pop("processor_class", None)
        if "image_size" not in settings:
            raise ValueError(f"{Path(folder) / PROCESSOR_FILE} does not give an image_size")
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(tokenizer=tokenizer, **settings)

    def _settings(self) -> dict[str, Any]:
        return {
            "image_size": self.image_size,
            "image_mean": self.image_mean,
            "image_std": self.image_std,
            "rescale_factor": self.rescale_factor,
            "image_token_index": self.image_token_index,
        }

    def _text_ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
