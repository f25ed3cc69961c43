"""Builds the ROS interfaces with CMake and adds them to the Python package.

CMake installs the whole ROS package into a staging folder, as colcon would into its install space.
From there the generated modules (`vlm3r_ros.msg`, `vlm3r_ros.srv`) go beside the hand-written
ones, and everything that ROS looks for under a prefix (type-support libraries, ament index, launch,
config, executables) goes into the environment itself, which is then an ament prefix.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from distutils.command.install_data import install_data
from pathlib import Path

from setuptools import Distribution, Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = "vlm3r_ros"
ROOT = Path(__file__).resolve().parent
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE_PACKAGES = Path("lib", PYTHON, "site-packages")
INTERFACE_KINDS = ("msg", "srv")
# One module of each wheel family that the build needs; in an isolated build they lie in a prefix of
# their own.
ROS_WHEEL_MODULES = ("ament_package", "rosidl_generator_py", "std_msgs")


def ament_prefixes() -> list[Path]:
    """Where ROS is: the sourced prefixes, then those that hold the wheels Python sees."""
    sourced = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    candidates = [Path(prefix) for prefix in sourced if prefix]
    for module in ROS_WHEEL_MODULES:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.origin is not None:
            # PREFIX/lib/python3.x/site-packages/MODULE/__init__.py
            candidates.append(Path(spec.origin).resolve().parents[4])
    prefixes = [p for p in dict.fromkeys(candidates) if Path(p, "share", "ament_index").is_dir()]
    if not prefixes:
        sys.exit(
            "vlm3r_ros: no ROS 2 found to build the messages with. Source a ROS 2 installation, or "
            "let pip build in isolation (no --no-build-isolation), which brings the ROS 2 wheels."
        )
    return prefixes


def has_tf2_msgs(prefixes: list[Path], ours: Path) -> bool:
    """Whether a ROS installation has tf2_msgs, rather than an earlier run of this file."""
    marker = Path("share", "ament_index", "resource_index", "packages", "tf2_msgs")
    return any(Path(p, marker).exists() and not Path(p, ours).exists() for p in prefixes)


class BuildInterfaces(build_ext):
    """Runs CMake in place of a compiler, and picks the generated modules from what it installed."""

    # Left beside the tf2_msgs that we generate, to know it from one of a ROS installation.
    TF2_MARKER = Path("share", "tf2_msgs", "generated_by_vlm3r_ros")

    staging: Path

    def run(self) -> None:
        # In-place builds are a developer's: their build folder stays, so that only what changed is
        # rebuilt.
        temp = ROOT / "build" / "inplace" if self.inplace else Path(self.build_temp).resolve()
        self.staging = temp / "staging"
        shutil.rmtree(self.staging, ignore_errors=True)

        prefixes = ament_prefixes()
        self.build_project(ROOT, temp / PACKAGE, prefixes)
        build_tf2_msgs = not has_tf2_msgs(prefixes, self.TF2_MARKER)
        if build_tf2_msgs:
            self.build_project(ROOT / "cmake" / "tf2_msgs", temp / "tf2_msgs", prefixes)
            Path(self.staging, self.TF2_MARKER).touch()

        # setuptools takes the hand-written modules of our package itself.
        generated = self.staging / SITE_PACKAGES
        target = ROOT if self.inplace else Path(self.build_lib)
        self.take_interfaces(generated / PACKAGE, target / PACKAGE)
        shutil.rmtree(generated / PACKAGE)
        if build_tf2_msgs and not self.inplace:
            self.take_interfaces(generated / "tf2_msgs", target / "tf2_msgs")
            shutil.copy2(generated / "tf2_msgs" / "__init__.py", target / "tf2_msgs")
            shutil.rmtree(generated / "tf2_msgs")
        for egg_info in generated.glob("*.egg-info"):
            shutil.rmtree(egg_info)

    def build_project(self, source: Path, build: Path, prefixes: list[Path]) -> None:
        path = os.pathsep.join(map(str, prefixes))
        environment = dict(os.environ, AMENT_PREFIX_PATH=path)
        configure = [
            "cmake",
            *("-S", str(source), "-B", str(build), "-G", "Ninja"),
            "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_INSTALL_PREFIX={self.staging}",
            f"-DCMAKE_PREFIX_PATH={';'.join(map(str, prefixes))}",
            f"-DPython3_EXECUTABLE={sys.executable}",
            f"-DPYTHON_INSTALL_DIR={SITE_PACKAGES.as_posix()}",
            "-DBUILD_TESTING=OFF",
            # It would write the build machine's own prefixes into share/ament_index.
            "-DAMENT_CMAKE_ENVIRONMENT_PARENT_PREFIX_PATH_GENERATION=OFF",
        ]
        if not self.inplace:
            configure.append("--fresh")
        for command in (
            configure,
            ["cmake", "--build", str(build)],
            ["cmake", "--install", str(build)],
        ):
            subprocess.run(command, env=environment, check=True)

    @staticmethod
    def take_interfaces(source: Path, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        unwanted = shutil.ignore_patterns("__pycache__", "*.c")
        for kind in INTERFACE_KINDS:
            shutil.rmtree(target / kind, ignore_errors=True)
            if (source / kind).is_dir():
                shutil.copytree(source / kind, target / kind, ignore=unwanted)
        for library in source.glob("*.so"):
            shutil.copy2(library, target)

    def get_outputs(self) -> list[str]:
        built = Path(self.build_lib)
        return [
            str(path)
            for path in built.rglob("*")
            if path.is_file() and (path.suffix == ".so" or path.parent.name in INTERFACE_KINDS)
        ]

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class InstallStaged(install_data):
    """Adds what CMake installed to the wheel's data, which pip puts under the prefix."""

    def run(self) -> None:
        super().run()
        staging = self.get_finalized_command("build_ext").staging
        for source in sorted(path for path in staging.rglob("*") if path.is_file()):
            target = Path(self.install_dir, source.relative_to(staging))
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))
            self.outfiles.append(str(target))


class RosDistribution(Distribution):
    """A distribution that has data files, under the name that editable installs ask for."""

    has_data = Distribution.has_data_files


setup(
    distclass=RosDistribution,
    # The compiled interfaces tie the wheel to this platform and Python, and make build_ext run.
    ext_modules=[Extension(f"{PACKAGE}.interfaces", sources=[])],
    # One file suffices to make install_data run.
    data_files=[(f"share/{PACKAGE}", ["package.xml"])],
    cmdclass={"build_ext": BuildInterfaces, "install_data": InstallStaged},
)
