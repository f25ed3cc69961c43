"""How much patch tokens tell, beside what one would guess without looking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vlm3r_ros.training.vision.losses import PRESENT_SHARE

FloatArray = NDArray[np.float32]


def patch_accuracy(classes: FloatArray, shares: FloatArray) -> dict[str, float]:
    """How often the likeliest class is that of most of a patch's pixels.

    Args:
        classes: scores `[P, C]`.
        shares: true shares of pixels `[P, C]`.

    Returns:
        `accuracy` over all patches and `object_accuracy` over those that show most of a thing, each
        with its `_prior`: of naming the most frequent class always.
    """
    said, true = classes.argmax(1), shares.argmax(1)
    of_thing = true > 0
    metrics = {"accuracy": float((said == true).mean())}
    metrics["accuracy_prior"] = float(np.bincount(true).max() / len(true))
    if of_thing.any():
        metrics["object_accuracy"] = float((said == true)[of_thing].mean())
        metrics["object_accuracy_prior"] = float(np.bincount(true[of_thing]).max() / of_thing.sum())
    return metrics


def mean_average_precision(presence: FloatArray, shares: FloatArray) -> dict[str, float]:
    """Average precision of finding the patches that show a category, over categories that occur.

    Args:
        presence: scores `[P, C - 1]`.
        shares: true shares of pixels of all classes `[P, C]`.

    Returns:
        `map`, and `map_prior` of scores that say nothing.
    """
    present = shares[:, 1:] >= PRESENT_SHARE
    occurring = np.flatnonzero(present.any(0))
    precisions = [_average_precision(presence[:, k], present[:, k]) for k in occurring]
    return {
        "map": float(np.mean(precisions)) if precisions else 0.0,
        "map_prior": float(present[:, occurring].mean()) if precisions else 0.0,
    }


def instance_retrieval(
    embedding: FloatArray, instance: NDArray[np.int32], image: NDArray[np.int32]
) -> dict[str, float]:
    """How often the patch of another image of the room that is most alike shows the same thing.

    Args:
        embedding: of length 1, of the patches of one room `[P, E]`.
        instance: which thing a patch shows `[P]`, -1 for none.
        image: which image it is of `[P]`.

    Returns:
        `instance`, over patches whose thing another image shows too, and `instance_prior`, the
        share of such patches among the things of other images; empty where there is none.
    """
    shown = instance >= 0
    embedding, instance, image = embedding[shown], instance[shown], image[shown]
    elsewhere = image[:, None] != image[None]
    same = (instance[:, None] == instance[None]) & elsewhere
    asked = same.any(1)
    if not asked.any():
        return {}
    likeness = np.where(elsewhere, embedding @ embedding.T, -np.inf)
    found = likeness.argmax(1)
    return {
        "instance": float(same[np.arange(len(found)), found][asked].mean()),
        "instance_prior": float((same.sum(1) / elsewhere.sum(1).clip(min=1))[asked].mean()),
    }


def _average_precision(scores: FloatArray, truth: NDArray[np.bool_]) -> float:
    """Mean of the precision at each true one, in the order of falling scores."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())
