from pathlib import Path

import pytest

from vlm3r_ros.resources import DDS_PROFILE_VARIABLE, ResourceError, resource, use_dds_profile


def test_the_files_of_a_checkout_come_first() -> None:
    assert resource("config", "assistant.yaml").is_file()
    assert resource("launch", "assistant.launch.py").is_file()


def test_a_missing_file_says_where_it_was_looked_for() -> None:
    with pytest.raises(ResourceError, match=r"config/nothing\.yaml.*install the package"):
        resource("config", "nothing.yaml")


def test_files_of_an_ament_prefix_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "share" / "vlm3r_ros" / "config"
    folder.mkdir(parents=True)
    (folder / "only_here.yaml").touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert resource("config", "only_here.yaml") == folder / "only_here.yaml"


def test_dds_profile_is_set_where_there_is_none() -> None:
    environment: dict[str, str] = {}
    assert use_dds_profile(environment) == resource("config", "fastdds_shm.xml")
    assert environment[DDS_PROFILE_VARIABLE] == str(resource("config", "fastdds_shm.xml"))
    # Fast DDS takes an empty value for an error.
    assert use_dds_profile({DDS_PROFILE_VARIABLE: ""}).name == "fastdds_shm.xml"


def test_a_dds_profile_of_the_users_own_is_kept() -> None:
    environment = {DDS_PROFILE_VARIABLE: "/my.xml"}
    assert use_dds_profile(environment) == Path("/my.xml")
    assert environment == {DDS_PROFILE_VARIABLE: "/my.xml"}
