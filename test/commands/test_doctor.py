import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from vlm3r_ros.commands import doctor
from vlm3r_ros.commands.doctor import Check, Status
from vlm3r_ros.resources import DDS_PROFILE_VARIABLE, resource


def report(model: str = "nano") -> tuple[int, str]:
    console = Console(file=io.StringIO(), width=200)
    code = doctor.doctor(model, console)
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue()


def test_an_installation_that_runs_these_tests_lacks_nothing_required() -> None:
    checks = {check.name: check for check in doctor.run_checks()}
    assert [name for name, check in checks.items() if check.status is Status.MISSING] == []
    assert checks["Python"].status is Status.OK
    assert "rmw_" in checks["ROS middleware"].found


def test_whatever_is_not_in_order_has_a_remedy() -> None:
    assert all(check.remedy for check in doctor.run_checks() if check.status is not Status.OK)


def test_report_shows_every_check_and_succeeds() -> None:
    code, text = report()
    assert code == 0
    for name in ("PyTorch", "CUDA", "OpenCV", "Model nano", "ROS 2 (rclpy)", "vlm3r_ros messages"):
        assert name in text


def test_a_missing_model_folder_fails_and_is_named() -> None:
    code, text = report("/nowhere/model")
    assert code == 1
    assert "/nowhere/model" in text
    assert "Missing: Model /nowhere/model" in text


def test_a_folder_of_another_architecture_is_told_from_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    check = doctor.check_model(str(tmp_path))
    assert check.status is Status.MISSING
    assert "llama" in check.found
    assert check.remedy


def test_a_complete_folder_is_counted(tmp_path: Path) -> None:
    from vlm3r_ros.models import build_model

    model, processor = build_model("tiny")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    check = doctor.check_model(str(tmp_path))
    assert check.status is Status.OK, check
    assert "M parameters" in check.found


def test_a_name_that_is_no_size_and_no_folder_is_missing() -> None:
    check = doctor.check_model("nanoo")
    assert check.status is Status.MISSING
    assert "nanoo" in check.found


def test_a_model_that_was_not_downloaded_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    check = doctor.check_model("nobody-here/no-such-model")
    assert check.status is Status.WARN
    assert "not downloaded" in check.found


def test_a_library_that_is_absent_is_missing_if_required_and_a_warning_if_not() -> None:
    required = doctor.check_library("Nothing", "no_such_module_at_all")
    optional = doctor.check_library("Nothing", "no_such_module_at_all", purpose="to test")
    assert required.status is Status.MISSING
    assert optional.status is Status.WARN
    assert "no_such_module_at_all" in required.found


def test_a_library_that_breaks_while_it_is_imported_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_library.py").write_text("raise RuntimeError('wrong glibc')\n")
    monkeypatch.syspath_prepend(tmp_path)
    check = doctor.check_library("Broken", "broken_library")
    assert check.status is Status.MISSING
    assert "wrong glibc" in check.found


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (sys.version_info[0] + 1, 0))
    assert doctor.check_python().status is Status.MISSING


def test_dds_profile_unset_is_a_warning_with_the_line_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(DDS_PROFILE_VARIABLE, raising=False)
    check = doctor.check_dds_profile("rmw_fastrtps_cpp")
    assert check.status is Status.WARN
    assert f"export {DDS_PROFILE_VARIABLE}={resource('config', 'fastdds_shm.xml')}" in check.remedy


def test_dds_profile_set_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profile = tmp_path / "profile.xml"
    monkeypatch.setenv(DDS_PROFILE_VARIABLE, str(profile))
    assert doctor.check_dds_profile("rmw_fastrtps_cpp").status is Status.MISSING
    profile.write_text("<dds>")
    assert doctor.check_dds_profile("rmw_fastrtps_cpp").status is Status.MISSING
    profile.write_text(resource("config", "fastdds_shm.xml").read_text())
    assert doctor.check_dds_profile("rmw_fastrtps_cpp").status is Status.OK


def test_dds_profile_matters_to_fast_dds_only() -> None:
    assert doctor.check_dds_profile("rmw_zenoh_cpp").status is Status.OK


def test_ament_prefix_without_our_package_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert doctor.check_ament_prefix().status is Status.WARN
    marker = tmp_path / "share" / "ament_index" / "resource_index" / "packages" / "vlm3r_ros"
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert doctor.check_ament_prefix().status is Status.OK


def test_no_shared_memory_is_a_warning(tmp_path: Path) -> None:
    assert doctor.check_shared_memory(tmp_path / "none").status is Status.WARN


def test_text_with_brackets_is_not_taken_for_markup() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(doctor.as_table([Check("a", Status.WARN, "pip install x[onnx]", "[bold]")]))
    assert isinstance(console.file, io.StringIO)
    assert "x[onnx]" in console.file.getvalue()
    assert "[bold]" in console.file.getvalue()
