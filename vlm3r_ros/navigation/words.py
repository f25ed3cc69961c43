"""Ways and places in sentences that a person can follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_FINE_UP_TO = 30.0  # degrees: smaller angles are told to 5, larger ones to 10
_SLIGHT = math.radians(20.0)  # a bend within a way that needs no words
_SIDEWAYS = math.radians(30.0), math.radians(150.0)

_FAILURES: Mapping[str, str] = {
    "not named": "Say what to look for, for example: where is the door?",
    "not seen": "I have not seen {a_target} yet; show me more of the place.",
    "unsure": "I am not sure where the {target} is; show me more of the place.",
    "no frames": "I have not seen anything yet; start the camera.",
    "nothing known": "I know nothing of the floor yet; point the camera at it and move a little.",
    "walled off": "I know no way to the {target}: everything around it is blocked.",
    "too far": "The {target} seems to be too far away for me to find a way.",
    "bad pose": "I do not know where the camera is.",
    "pose jump": "I lost track of the camera for a moment; stand still and look around.",
    "session reset": "The map was started anew; ask for the {target} again.",
    "cancelled": "Guidance to the {target} was cancelled.",
}


@dataclass(frozen=True)
class Leg:
    """A straight part of a way.

    Attributes:
        turn: before it, radians, positive to the left.
        length: metres.
    """

    turn: float
    length: float


def spoken_degrees(angle: float) -> int:
    """Degrees of an angle in radians as people say them, without its sign: 5, 10, ... 30, 40."""
    degrees = abs(math.degrees(angle))
    step = 5 if degrees < _FINE_UP_TO else 10
    return step * round(degrees / step)


def spoken_distance(distance: float) -> str:
    """Metres as people say them: `0.4 m`, `2.1 m`, `6.5 m`, `12 m`."""
    if distance < 5:
        return f"{max(distance, 0.1):.1f} m"
    return f"{round(2 * distance) / 2:g} m" if distance < 10 else f"{round(distance)} m"


def spoken_turn(angle: float, back: float) -> str:
    """`turn left about 40 degrees`, or `turn around` from `back` radians on."""
    if abs(angle) >= back:
        return "turn around"
    return f"turn {'left' if angle > 0 else 'right'} about {spoken_degrees(angle)} degrees"


def way_sentence(
    target: str, legs: Sequence[Leg], *, side: float, ahead: float, back: float, count: int = 1
) -> str:
    """How to go, leg by leg; after the second leg only how far it is in all.

    Args:
        target: what is at the end.
        legs: of the way, at least one.
        side: direction of the target from the last leg's, radians, positive to the left.
        ahead: turns up to this are none, radians.
        back: turns from this on are about-turns, radians.
        count: of such targets; more than one is said.

    Example:
        >>> way_sentence("sofa", [Leg(0.7, 2.1)], side=-1.5, ahead=0.13, back=2.6)
        'Turn left about 40 degrees and walk 2.1 m; the sofa is on your right.'
    """
    told = _joined(legs)
    first = told[0]
    if abs(first.turn) <= ahead:
        parts = [f"walk straight ahead {spoken_distance(first.length)}"]
    else:
        parts = [f"{spoken_turn(first.turn, back)} and walk {spoken_distance(first.length)}"]
    if len(told) > 1:
        second = told[1]
        parts.append(
            f"then {spoken_turn(second.turn, back)} and walk {spoken_distance(second.length)}"
        )
    sentence = ", ".join(parts)
    total = sum(leg.length for leg in legs)
    where = f"the {target} is {_side(side)}"
    if len(told) > 2:
        where = f"it is {spoken_distance(total)} in all, and {where} at the end"
    several = f" It is the nearest of {count}." if count > 1 else ""
    return f"{sentence[0].upper()}{sentence[1:]}; {where}.{several}"


def arrival_sentence(target: str, bearing: float, distance: float) -> str:
    """What to say where the target is.

    Args:
        target: its name.
        bearing: from where the camera looks, radians, positive to the left.
        distance: to it, metres.
    """
    if distance < 0.3:
        return f"You have arrived: the {target} is right here."
    return f"You have arrived: the {target} is {_side(bearing)}."


def failure_sentence(status: str, target: str) -> str:
    """Why there is no way, and what to do about it.

    Args:
        status: value of a `HintStatus` that is no way.
        target: its name; may be empty where none is named.
    """
    article = "an" if target[:1] in tuple("aeiou") else "a"
    return _FAILURES[status].format(target=target or "target", a_target=f"{article} {target}")


def _side(bearing: float) -> str:
    if abs(bearing) <= _SIDEWAYS[0]:
        return "straight ahead of you"
    if abs(bearing) >= _SIDEWAYS[1]:
        return "behind you"
    return "on your left" if bearing > 0 else "on your right"


def _joined(legs: Sequence[Leg]) -> list[Leg]:
    """Legs between turns worth telling; slight bends belong to the leg before them."""
    told = [legs[0]]
    bent = 0.0
    for leg in legs[1:]:
        bent += leg.turn
        if abs(bent) < _SLIGHT:
            told[-1] = Leg(told[-1].turn, told[-1].length + leg.length)
        else:
            told.append(Leg(bent, leg.length))
            bent = 0.0
    return told
