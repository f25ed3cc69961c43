"""Records of questions in their published form."""

from typing import Any


def vsi_record(question_type: str, ground_truth: Any, options: Any = None, **fields: Any) -> dict:
    """As VSI-Bench has it: of choices the letter in `ground_truth`."""
    return {
        "id": 0,
        "dataset": "scannet",
        "scene_name": "scene0",
        "question_type": question_type,
        "question": f"What of {question_type}?",
        "options": options,
        "ground_truth": ground_truth,
    } | fields


def vsti_record(question_type: str, ground_truth: str, options: Any = None, **fields: Any) -> dict:
    """As VSTI-Bench has it: of choices the letter in `mc_answer`; numbers are text."""
    return vsi_record(question_type, ground_truth, options, mc_answer="", **fields)
