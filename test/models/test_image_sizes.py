import subprocess
import sys

import pytest

from vlm3r_ros.models import image_sizes
from vlm3r_ros.models.image_sizes import IMAGE_SIZES, model_image_size
from vlm3r_ros.models.model_folder import PROCESSOR_FILE, ModelFolderError
from vlm3r_ros.models.registry import SIZES, build_model


def test_every_size_says_what_its_configuration_says():
    assert {name: size.build_config().image_size for name, size in SIZES.items()} == IMAGE_SIZES


@pytest.fixture
def folder(tmp_path):
    """A whole model that takes other frames than its namesake without weights."""
    model, processor = build_model("tiny")
    processor.image_size = 80
    model.save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_folder_is_asked_and_so_are_installed_weights(folder, monkeypatch):
    assert model_image_size(str(folder)) == 80
    assert model_image_size("tiny") == 64
    monkeypatch.setattr(image_sizes, "WEIGHTS_FOLDER", folder.parent)
    assert model_image_size("tiny") == 80


def test_a_folder_that_does_not_say_is_named(folder):
    (folder / PROCESSOR_FILE).write_text("{}")
    with pytest.raises(ModelFolderError, match="gives no image_size"):
        model_image_size(str(folder))
    with pytest.raises(ModelFolderError, match="does not exist"):
        model_image_size(str(folder / "nowhere"))


def test_the_node_that_only_resizes_frames_starts_without_the_libraries_of_models():
    code = (
        "import sys, vlm3r_ros.nodes.frame_buffer;"
        "print({'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr
