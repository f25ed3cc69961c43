import importlib.util
import json

import pytest
import torch
from safetensors import safe_open

from vlm3r_ros.models.conversion import FUSION_NAMES
from vlm3r_ros.models.fusion import SpatialVisualFusion

RTOL, ATOL = 1e-3, 1e-4


def read_case(path):
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, file.metadata()


def formula_weights(golden_dir, keys_file, salt):
    spec = importlib.util.spec_from_file_location("hash_weights", golden_dir / "hash_weights.py")
    hash_weights = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hash_weights)
    keys = json.loads((golden_dir / keys_file).read_text())
    arrays = hash_weights.make_state_dict(keys, salt)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@pytest.mark.parametrize("name", ["fusion_block", "fusion_full_hash"])
def test_recorded_fusion_is_met(golden_dir, name):
    tensors, metadata = read_case(golden_dir / f"{name}.safetensors")
    config = json.loads(metadata["config"])
    if metadata["weights"] == "formula":
        weights = formula_weights(golden_dir, metadata["weights_keys"], int(metadata["salt"]))
        prefix = "model.fusion_block."
    else:
        weights, prefix = tensors, metadata["weights_prefix"]
    fusion = SpatialVisualFusion(
        config["dim"], config["spatial_dim"], config["heads"], config["norm_eps"]
    ).eval()
    fusion.load_state_dict(
        {
            FUSION_NAMES.rename(key.removeprefix(prefix)): value
            for key, value in weights.items()
            if prefix == "model.fusion_block." or key.startswith(prefix)
        }
    )
    visual, spatial = tensors["clip"], tensors["spatial"]
    torch.testing.assert_close(fusion(visual, spatial), tensors["out"], rtol=RTOL, atol=ATOL)
    out, attention = fusion(visual, spatial, return_attention=True)
    torch.testing.assert_close(out, tensors["out"], rtol=RTOL, atol=ATOL)
    torch.testing.assert_close(attention, tensors["attn_mean_over_heads"], rtol=RTOL, atol=ATOL)


def test_frames_of_a_batch_do_not_see_each_other():
    torch.manual_seed(0)
    fusion = SpatialVisualFusion(24, 16, 4).eval()
    visual, spatial = torch.randn(3, 9, 24), torch.randn(3, 5, 16)
    together = fusion(visual, spatial)
    alone = torch.cat([fusion(v[None], s[None]) for v, s in zip(visual, spatial, strict=True)])
    torch.testing.assert_close(together, alone)
    moved = spatial.clone()
    moved[2] += torch.randn(5, 16)
    changed = (fusion(visual, moved) - together).abs().amax(dim=(1, 2))
    assert changed[:2].max() < 1e-6 < 1e-2 < changed[2]


def test_attention_is_a_distribution_over_the_geometry_tokens():
    torch.manual_seed(0)
    fusion = SpatialVisualFusion(24, 16, 4).eval()
    out, attention = fusion(torch.randn(2, 9, 24), torch.randn(2, 5, 16), return_attention=True)
    assert out.shape == (2, 9, 24)
    assert attention.shape == (2, 9, 5)
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 9))


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    fusion = SpatialVisualFusion(24, 16, 4, dropout=0.5)
    visual, spatial = torch.randn(2, 9, 24), torch.randn(2, 5, 16)
    dropped = (fusion.train()(visual, spatial) == 0).float().mean()
    assert 0.3 < dropped < 0.7
    assert (fusion.eval()(visual, spatial) != 0).all()


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="25 is not divisible by 4"):
        SpatialVisualFusion(25, 16, 4)
