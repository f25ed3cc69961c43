import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from vlm3r_ros.models import Vlm3rProcessor
from vlm3r_ros.models.tokenization import build_tokenizer


def test_resize_is_pillows_bicubic_without_keeping_the_aspect_ratio(processor, images):
    expected = Image.fromarray(images[0]).resize((64, 64), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(processor.resize(images[0]), np.asarray(expected))


def test_frame_of_the_right_size_passes_unchanged(processor):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(processor.resize(image), image)


def test_recorded_resizing_is_met(golden_dir):
    processor = Vlm3rProcessor(384, build_tokenizer(300))
    with safe_open(golden_dir / "vlm3r_tower.safetensors", "pt") as file:
        raw = file.get_tensor("frames_u8_raw").numpy()
        expected = file.get_tensor("frames_u8_384").permute(0, 2, 3, 1).numpy()
    resized = np.stack([processor.resize(frame) for frame in raw])
    np.testing.assert_array_equal(resized, expected)


def test_pixels_map_to_minus_one_to_one(processor):
    frames = np.zeros((2, 64, 64, 3), dtype=np.uint8)
    frames[1] = 255
    frames[0, 0, 1, 2] = 51
    pixels = processor.normalize(frames)
    assert pixels.shape == (2, 3, 64, 64)
    assert pixels.dtype == torch.float32
    assert pixels[0, 2, 0, 1] == pytest.approx(-0.6)
    assert pixels[0, 0, 0, 1] == -1
    assert (pixels[1] == 1).all()


def test_normalize_takes_one_frame_a_read_only_one_and_a_tensor(processor, images):
    frame = processor.resize(images[0])
    expected = processor.normalize(frame[None].copy())
    frozen = frame.copy()
    frozen.setflags(write=False)
    for given in (frozen, frame[:, ::-1][:, ::-1], torch.from_numpy(frame.copy())):
        torch.testing.assert_close(processor.normalize(given), expected)


def test_frames_of_different_sizes_stack(processor, images):
    pixels = processor.frames([images[0], images[1][:20, :30]])
    assert pixels.shape == (2, 3, 64, 64)
    torch.testing.assert_close(processor.frames(images[0]), pixels[:1])


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((0, 10, 3), np.uint8, "empty"),
        ((10, 10), np.uint8, "RGB uint8"),
        ((10, 10, 4), np.uint8, "RGB uint8"),
        ((10, 10, 3), np.float32, "float32"),
    ],
)
def test_frames_that_are_not_rgb_are_refused(processor, shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        processor.resize(np.zeros(shape, dtype))


def test_no_frames_and_unresized_frames_are_refused(processor):
    with pytest.raises(ValueError, match="no frames"):
        processor.frames([])
    with pytest.raises(ValueError, match=r"\[F, 64, 64, 3\]"):
        processor.normalize(np.zeros((2, 32, 32, 3), np.uint8))


def test_placeholders_become_the_image_token(processor):
    ids = processor.tokenize("a<image>b<image>")
    assert ids.tolist().count(-200) == 2
    assert ids[-1] == -200
    assert ids.dtype == torch.int64
    assert processor.tokenize("").shape == (0,)


def test_special_tokens_are_left_out_of_decoded_text(processor):
    ids = processor.tokenize("<|im_start|>user\nthe sofa<|im_end|>\n")
    assert processor.decode(ids) == "user\nthe sofa"


def test_call_makes_the_models_inputs(processor, images):
    inputs = processor(images[:2], "where is <image>?")
    assert inputs["pixel_values"].shape == (2, 3, 64, 64)
    assert inputs["input_ids"].ndim == 2


def test_round_trip_through_a_folder(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    loaded = Vlm3rProcessor.from_pretrained(tmp_path)
    text = "<|im_start|>user\n<image>\nWhere is the sofa?<|im_end|>\n"
    assert loaded.tokenize(text).tolist() == processor.tokenize(text).tolist()
    assert loaded.image_size == processor.image_size
    assert loaded.tokenizer.eos_token_id == processor.tokenizer.eos_token_id
