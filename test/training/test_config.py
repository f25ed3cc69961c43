from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from vlm3r_ros.training.config import read_config
from vlm3r_ros.training.errors import ConfigError
from vlm3r_ros.training.geometry.settings import GeometryConfig
from vlm3r_ros.training.instruct.settings import InstructConfig
from vlm3r_ros.training.vision.settings import VisionConfig


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    pair: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate is {self.rate}; it cannot be below 0")


@dataclass(frozen=True)
class Outer:
    count: int
    name: str = "a"
    quick: bool = False
    color: Color = Color.RED
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    limit: int | None = None
    extra: dict[str, int] = field(default_factory=dict)


def read(tmp_path: Path, text: str, **overrides):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return read_config(path, Outer, overrides.get("overrides"))


def test_reads_nested_settings_and_leaves_defaults(tmp_path):
    text = "{count: 3, color: blue, inner: {rate: 1e-3, pair: [1, 2]}, many: [{}, {rate: 2}]}"
    config = read(tmp_path, text)
    assert config == Outer(
        3, color=Color.BLUE, inner=Inner(0.001, (1.0, 2.0)), many=(Inner(), Inner(2.0))
    )
    assert isinstance(config.many[1].rate, float)


def test_overrides_win_over_the_file_and_reach_sections_it_lacks(tmp_path):
    config = read(tmp_path, "count: 3", overrides={"count": 4, "inner.rate": 0.25, "limit": 7})
    assert (config.count, config.inner.rate, config.limit) == (4, 0.25, 7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "count is missing"),
        ("{cuont: 3}", "cuont is no setting; did you mean count?"),
        ("{count: 3, inner: {rat: 1}}", "inner.rat is no setting; did you mean rate?"),
        ("{count: 3.5}", "count is 3.5; it must be a whole number"),
        ("{count: true}", "count is True; it must be a whole number"),
        ("{count: 3, quick: 1}", "quick is 1; it must be true or false"),
        ("{count: 3, inner: {rate: fast}}", "inner.rate is 'fast'; it must be a number"),
        ("{count: 3, inner: {rate: -1}}", "inner: rate is -1.0; it cannot be below 0"),
        ("{count: 3, inner: {pair: [1]}}", "inner.pair has 1 entries; it must have 2"),
        ("{count: 3, inner: 7}", "inner is 7; it must be a mapping"),
        ("{count: 3, many: [{rate: x}]}", "many[0].rate is 'x'; it must be a number"),
        ("{count: 3, color: green}", "color is 'green'; choose one of red, blue"),
        ("{count: 3, extra: {a: b}}", "extra.a is 'b'; it must be a whole number"),
        ("[1, 2]", "the file is [1, 2]; it must be a mapping"),
        ("{count: [}", "no YAML"),
    ],
)
def test_an_error_names_the_file_the_setting_and_the_remedy(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert str(tmp_path / "c.yaml") in str(caught.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.yaml", Outer)


@pytest.mark.parametrize("folder", [".", "gpu"])
def test_the_packaged_configurations_are_valid(folder):
    path = Path(__file__).resolve().parents[2] / "config" / "training" / folder
    read_config(path / "vision.yaml", VisionConfig)
    for name, kind in (("geometry", GeometryConfig), ("instruct", InstructConfig)):
        config = read_config(path / f"{name}.yaml", kind)
        assert config.phase(0) is config.curriculum[0]
        assert config.phase(10**9) is config.curriculum[-1]


def test_the_packaged_configuration_that_goes_on_is_valid():
    path = Path(__file__).resolve().parents[2] / "config" / "training" / "further.yaml"
    config = read_config(path, InstructConfig)
    assert config.model.base == "nano"
    assert config.curriculum[-1].until == config.run.steps


def test_phases_out_of_order_are_refused(tmp_path):
    path = tmp_path / "c.yaml"
    phase = "{until: %d, sequences: 2, frames: 2, interval: [0.1, 0.2]}"
    path.write_text(f"curriculum: [{phase % 5}, {phase % 3}]")
    with pytest.raises(ConfigError, match="each must end after the last"):
        read_config(path, GeometryConfig)
