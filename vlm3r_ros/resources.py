"""Where the files of the package lie that are not Python: launch, config, rviz."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

PACKAGE = "vlm3r_ros"
DDS_PROFILE_VARIABLE = "FASTDDS_DEFAULT_PROFILES_FILE"
DDS_PROFILE = "fastdds_shm.xml"


class ResourceError(FileNotFoundError):
    """A file that belongs to the package is not where it should be."""


def resource(*parts: str) -> Path:
    """The path of a file of the package, for example `resource("config", "assistant.yaml")`.

    Raises:
        ResourceError: it is in none of the places where an installation puts it.
    """
    tried = []
    for folder in _share_folders():
        path = folder.joinpath(*parts)
        if path.exists():
            return path
        tried.append(str(folder))
    raise ResourceError(
        f"{'/'.join(parts)} of {PACKAGE} is missing in {', '.join(tried)}; install the package "
        "again (pip install ., or colcon build and source install/setup.bash)"
    )


def use_dds_profile(
    environment: MutableMapping[str, str] = os.environ,
) -> Path:
    """Make Fast DDS carry camera images (a 32 MB shared-memory segment), unless a profile is set.

    Call it before rclpy.init(); child processes inherit it.

    Returns:
        The profile in use.
    """
    # An empty value makes Fast DDS fail, and means that nobody chose a profile.
    if not environment.get(DDS_PROFILE_VARIABLE):
        environment[DDS_PROFILE_VARIABLE] = str(resource("config", DDS_PROFILE))
    return Path(environment[DDS_PROFILE_VARIABLE])


def _share_folders() -> Iterator[Path]:
    package = Path(__file__).resolve().parent
    # A checkout, installed with `pip install -e`: its own files, so that an edit counts.
    if (package.parent / "package.xml").is_file():
        yield package.parent
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    # PREFIX/lib/python3.x/site-packages/vlm3r_ros: a wheel, or a colcon install space.
    prefixes += [*package.parents[3:4], Path(sys.prefix)]
    for prefix in dict.fromkeys(prefixes):
        share = prefix / "share" / PACKAGE
        if share.is_dir():
            yield share
