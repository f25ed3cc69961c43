from collections import Counter
from random import Random

from vlm3r_ros.questions.sampling import closest_of, spread


def test_rare_answers_stay_on_offer():
    classes = ["Forward"] * 500 + ["Left"] * 3 + ["Backward"]
    chosen = spread(classes, 6, Random(0))
    assert Counter(classes[i] for i in chosen) == {"Forward": 3, "Left": 2, "Backward": 1}
    assert len(set(chosen)) == 6


def test_few_candidates_are_all_taken():
    assert sorted(spread(["a", "b", "a"], 10, Random(0))) == [0, 1, 2]
    assert spread([], 10, Random(0)) == []


def test_chance_decides_within_a_class():
    starts = {spread([""] * 30, 1, Random(seed))[0] for seed in range(60)}
    assert len(starts) > 15


def test_the_first_is_closest_by_the_gap():
    distances = [1.0, 1.1, 1.3, 2.0, 0.2]
    for seed in range(20):
        for chosen in closest_of(distances, 3, 0.15, 10, Random(seed)):
            first, *others = chosen
            assert len(set(chosen)) == 3
            assert min(distances[i] for i in others) >= distances[first] + 0.15


def test_whatever_can_be_closest_comes_up():
    # 1.3 has only 2.0 beyond it, 1.1 has both.
    chosen = closest_of([1.0, 1.1, 1.3, 2.0], 2, 0.15, 10, Random(0))
    assert {first for first, _ in chosen} == {0, 1, 2}


def test_without_a_gap_there_is_no_closest():
    assert closest_of([1.0, 1.1, 1.05], 2, 0.15, 10, Random(0)) == []
    assert closest_of([], 2, 0.15, 10, Random(0)) == []
    assert closest_of([1.0, 3.0], 3, 0.15, 10, Random(0)) == []
