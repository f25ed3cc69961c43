"""Quality-of-service profiles by name, so that a string parameter can choose one."""

from __future__ import annotations

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)


def _profile(
    depth: int,
    reliability: ReliabilityPolicy,
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
) -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )


# Camera images: a late image is worth less than the next one.
SENSOR_DATA = _profile(5, ReliabilityPolicy.BEST_EFFORT)
# Between our own nodes: reliable, because Fast DDS loses large best-effort samples.
RELIABLE = _profile(5, ReliabilityPolicy.RELIABLE)
# What somebody who comes late still wants to see: paths, maps.
LATCHED = _profile(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
# Transforms, as every other broadcaster offers them.
TRANSFORMS = _profile(100, ReliabilityPolicy.RELIABLE)
STATIC_TRANSFORMS = _profile(100, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
# Requests of a service: more than the middleware's ten may wait.
SERVICE = _profile(100, ReliabilityPolicy.RELIABLE)

QOS_PROFILES: dict[str, QoSProfile] = {
    "sensor_data": SENSOR_DATA,
    "reliable": RELIABLE,
    "transient_local": LATCHED,
}


def qos_profile(name: str) -> QoSProfile:
    """The profile of a name in `QOS_PROFILES`.

    Raises:
        ValueError: no such name.
    """
    try:
        return QOS_PROFILES[name]
    except KeyError:
        known = ", ".join(QOS_PROFILES)
        raise ValueError(f"no QoS profile {name!r}; the profiles are: {known}") from None


def describe_qos(profile: QoSProfile) -> str:
    """Reliability, durability and depth in words."""
    words = [profile.reliability.name, profile.durability.name]
    return ", ".join(word.lower().replace("_", " ") for word in words)


def incompatibility(offered: QoSProfile, requested: QoSProfile) -> str | None:
    """Why a subscription with `requested` gets nothing from a publisher with `offered`, or None."""
    compatibility, reason = qos_check_compatible(offered, requested)
    return reason if compatibility == QoSCompatibility.ERROR else None
