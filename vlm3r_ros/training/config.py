"""Configuration files: YAML -> dataclasses, with errors that name the file and the setting."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from vlm3r_ros.training.errors import ConfigError

Config = TypeVar("Config")


def read_config(
    path: str | Path, kind: type[Config], overrides: Mapping[str, Any] | None = None
) -> Config:
    """Read a dataclass, nested as it may be, from a YAML file.

    Args:
        path: of the file.
        kind: a dataclass whose fields are numbers, texts, enums, tuples, mappings or dataclasses.
        overrides: settings that win over the file's, by dotted name: `{"run.seed": 3}`.

    Raises:
        ConfigError: the file cannot be read, is no YAML, or has a setting that is unknown, missing,
            of another type or out of range.
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: no YAML ({error})") from error
    content = {} if content is None else content
    for name, value in (overrides or {}).items():
        _override(content, name.split("."), value)
    try:
        return parse(content, kind)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(content: Any, kind: Any, where: str = "") -> Any:
    """Turn what a YAML file holds into a value of type `kind`.

    Raises:
        ConfigError: it is no such thing; the text begins with `where`.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        return _parse_dataclass(content, kind, where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if content is None and type(None) in arguments:
            return None
        (chosen,) = (argument for argument in arguments if argument is not type(None))
        return parse(content, chosen, where)
    if origin is tuple:
        return _parse_tuple(content, arguments, where)
    if origin in (dict, Mapping):
        if not isinstance(content, Mapping):
            raise ConfigError(f"{where} is {content!r}; it must be a mapping")
        return {str(k): parse(v, arguments[1], f"{where}.{k}") for k, v in content.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(content)
        except ValueError as error:
            names = ", ".join(str(choice.value) for choice in kind)
            raise ConfigError(f"{where} is {content!r}; choose one of {names}") from error
    return _parse_scalar(content, kind, where)


def _parse_dataclass(content: Any, kind: type, where: str) -> Any:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where or 'the file'} is {content!r}; it must be a mapping")
    hints = get_type_hints(kind)
    known = {item.name: item for item in fields(kind) if item.init}
    prefix = f"{where}." if where else ""
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise ConfigError(f"{prefix}{name} is no setting; {hint}")
    values = {}
    for name, item in known.items():
        if name in content:
            values[name] = parse(content[name], hints[name], prefix + name)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ConfigError(f"{prefix}{name} is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error


def _parse_tuple(content: Any, arguments: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise ConfigError(f"{where} is {content!r}; it must be a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        kinds: Sequence[Any] = [arguments[0]] * len(content)
    else:
        kinds = arguments
    if len(content) != len(kinds):
        raise ConfigError(f"{where} has {len(content)} entries; it must have {len(kinds)}")
    return tuple(
        parse(value, kind, f"{where}[{index}]")
        for index, (value, kind) in enumerate(zip(content, kinds, strict=True))
    )


def _parse_scalar(content: Any, kind: Any, where: str) -> Any:
    if kind is Any:
        return content
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    if kind is float and isinstance(content, str):
        # YAML takes 1e-3 for a text: it wants 1.0e-3.
        try:
            return float(content)
        except ValueError:
            pass
    fits = isinstance(content, (int, float) if kind is float else kind)
    if not fits or (isinstance(content, bool) and kind is not bool):
        raise ConfigError(f"{where} is {content!r}; it must be {names[kind]}")
    return kind(content)


def _override(content: Any, names: Sequence[str], value: Any) -> None:
    for name in names[:-1]:
        content = content.setdefault(name, {})
    content[names[-1]] = value
