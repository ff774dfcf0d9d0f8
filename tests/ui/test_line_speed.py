"""When a line counts as slow."""

from prune_tui.ui.line_speed import PIECE, LineSpeed


def told(pieces):
    """Whether a line is slow after each piece: seconds it took, seconds of rest behind it."""
    speed, now, found = LineSpeed(), 0.0, []
    for seconds, rest in pieces:
        now += seconds
        found.append(speed.took(PIECE, seconds, now))
        now += rest
    return found


def test_a_line_that_takes_long_for_each_piece_is_slow():
    assert told([(0.4, 0.0)] * 4) == [False, False, False, True]


def test_one_that_was_stopped_for_a_minute_is_not():
    assert not any(told([(60.0, 0.0), *[(0.001, 0.0)] * 50]))


def test_a_fast_one_is_not():
    assert not any(told([(0.02, 0.0)] * 500))
    assert not any(told([(0.06, 0.0), *[(0.0, 0.0)] * 9] * 50)), "it keeps us waiting now and then"


def test_what_was_long_ago_does_not_count():
    assert not any(told([(0.4, 11.0)] * 20))
