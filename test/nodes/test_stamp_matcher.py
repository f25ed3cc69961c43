from vlm3r_ros.nodes.stamp_matcher import StampMatcher


def test_a_pair_is_found_whichever_comes_first():
    matcher = StampMatcher[str, str](4, 4)
    assert matcher.put_first(1, "frame 1") is None
    assert matcher.put_second(1, "state 1") == ("frame 1", "state 1")
    assert matcher.put_second(2, "state 2") is None
    assert matcher.put_first(2, "frame 2") == ("frame 2", "state 2")


def test_frames_that_were_skipped_go_with_the_next_pair():
    matcher = StampMatcher[str, str](8, 8)
    for stamp in range(5):
        matcher.put_first(stamp, f"frame {stamp}")
    assert matcher.put_second(3, "state") == ("frame 3", "state")
    assert matcher.put_second(1, "late") is None
    assert matcher.put_second(4, "state") == ("frame 4", "state")


def test_time_may_jump_back():
    matcher = StampMatcher[str, str](8, 8)
    matcher.put_first(100, "old")
    matcher.put_first(5, "new")
    assert matcher.put_second(5, "state") == ("new", "state")
    assert matcher.put_second(100, "state") is None


def test_memory_is_bounded_and_losses_are_counted():
    matcher = StampMatcher[int, int](3, 2)
    for stamp in range(1000):
        matcher.put_first(stamp, stamp)
    assert matcher.put_second(996, 0) is None
    assert matcher.put_second(997, 0) == (997, 0)
    for stamp in range(2000, 2005):
        matcher.put_second(stamp, 0)
    assert matcher.unmatched == 4
