"""Parameters as data: one specification gives declaration, descriptor, range check and reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.parameter import Parameter

if TYPE_CHECKING:
    from rclpy.node import Node

ParameterValue = bool | int | float | str

_TYPE_NAMES = {bool: "a bool", int: "an integer", float: "a float", str: "a string"}


class ParameterError(ValueError):
    """A parameter's value cannot be used; the message names it, what is allowed and the remedy."""


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of a node.

    Attributes:
        name: its ROS name.
        default: used where none is given; its type is the parameter's type.
        description: a sentence for people, with the unit.
        minimum, maximum: closed range of a number.
        choices: the allowed strings; empty allows any.
    """

    name: str
    default: ParameterValue
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.minimum is None) != (self.maximum is None):
            raise ValueError(f"parameter {self.name}: a range needs both ends")
        problem = self.problem(self.default)
        if problem:
            raise ValueError(problem)

    def descriptor(self) -> ParameterDescriptor:
        """The descriptor that `ros2 param describe` and rqt show."""
        descriptor = ParameterDescriptor(description=self.description)
        if self.choices:
            descriptor.additional_constraints = "one of: " + ", ".join(self.choices)
        if self.minimum is not None and self.maximum is not None:
            if isinstance(self.default, int):
                ends = IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum))
                descriptor.integer_range = [ends]
            else:
                span = FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum)
                )
                descriptor.floating_point_range = [span]
        return descriptor

    def problem(self, value: object) -> str | None:
        """What is wrong with a value, or None."""
        wanted = type(self.default)
        if not isinstance(value, bool | int | float | str) or type(value) is not wanted:
            hint = " (write 5.0, not 5)" if wanted is float and type(value) is int else ""
            return f"parameter '{self.name}' must be {_TYPE_NAMES[wanted]}, not {value!r}{hint}"
        in_range = (
            self.minimum is None
            or self.maximum is None
            or isinstance(value, str)
            or self.minimum <= value <= self.maximum
        )
        if not in_range:
            return (
                f"parameter '{self.name}' is {value}, outside its range "
                f"[{self.minimum}, {self.maximum}]"
            )
        if self.choices and value not in self.choices:
            return f"parameter '{self.name}' is {value!r}, not one of {', '.join(self.choices)}"
        return None


AUTOSTART = ParameterSpec(
    "autostart",
    True,
    "Configure and activate the node by itself at start; false leaves it to a lifecycle manager.",
)


class ParameterSet:
    """The declared parameters of one node."""

    def __init__(self, node: Node, specs: Iterable[ParameterSpec]) -> None:
        """Declare every parameter.

        Raises:
            ParameterError: a value given at start has the wrong type or is out of range.
        """
        self._node = node
        self._specs = {spec.name: spec for spec in specs}
        for spec in self._specs.values():
            _declare(node, spec)
        problems = [spec.problem(self[name]) for name, spec in self._specs.items()]
        for problem in problems:
            if problem:
                raise ParameterError(f"{node.get_name()}: {problem}")
        node.add_on_set_parameters_callback(self._check)

    @property
    def specs(self) -> tuple[ParameterSpec, ...]:
        """The specifications, in declaration order."""
        return tuple(self._specs.values())

    def __getitem__(self, name: str) -> Any:
        return self._node.get_parameter(name).value

    def _check(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            problem = spec.problem(parameter.value) if spec else None
            if problem:
                return SetParametersResult(successful=False, reason=problem)
        return SetParametersResult(successful=True)


def _declare(node: Node, spec: ParameterSpec) -> None:
    try:
        node.declare_parameter(spec.name, spec.default, spec.descriptor())
    except InvalidParameterTypeException as error:
        hint = " (write 5.0, not 5)" if isinstance(spec.default, float) else ""
        wanted = _TYPE_NAMES[type(spec.default)]
        raise ParameterError(
            f"{node.get_name()}: parameter '{spec.name}' must be {wanted}{hint}"
        ) from error
    except InvalidParameterValueException as error:
        ends = f"[{spec.minimum}, {spec.maximum}]"
        raise ParameterError(
            f"{node.get_name()}: parameter '{spec.name}' is outside its range {ends}"
        ) from error
