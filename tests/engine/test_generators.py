import threading

import pytest
import torch

from prune_tui.engine.generators import exclusive, give_way, seeded, untouched, wanted
from prune_tui.step_settings import StepError

CPU = torch.device("cpu")


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**63 - 1])
def test_it_draws_what_manual_seed_would(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        expected = torch.rand(5), torch.randn(3), torch.rand(7)
    with seeded(seed, {CPU}):
        drawn = torch.rand(5), torch.randn(3), torch.rand(7)
    assert all(torch.equal(one, other) for one, other in zip(drawn, expected, strict=True))


@pytest.mark.parametrize("enter", [lambda: seeded(5, {CPU}), untouched])
def test_generators_are_left_as_found_after_an_exception_too(enter):
    torch.manual_seed(9)
    torch.randn(1)  # leaves half a pair behind
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt), enter():  # noqa: PT012
        torch.randn(3)
        raise KeyboardInterrupt
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.initial_seed() == 9


def test_seeds_may_be_nested():
    with seeded(1, {CPU}):
        first = torch.rand(2)
        with seeded(2, {CPU}):
            torch.rand(2)
        second = torch.rand(2)
    with seeded(1, {CPU}):
        assert torch.equal(torch.rand(4), torch.cat([first, second]))


def test_a_device_without_a_generator_says_so():
    with (
        pytest.raises(StepError, match="random pruning on xla is not supported; move the model"),
        untouched([torch.device("xla")]),
    ):
        pass


def test_two_threads_take_turns():
    drawn, inside = [], threading.Event()

    def other():
        inside.set()
        with seeded(7, {CPU}):
            drawn.append(torch.rand(3))

    thread = threading.Thread(target=other)
    with seeded(3, {CPU}):
        first = torch.rand(3)
        thread.start()
        inside.wait(10)
        thread.join(0.05)
        assert not drawn
        second = torch.rand(3)
    thread.join(10)
    with seeded(3, {CPU}):
        assert torch.equal(torch.rand(6), torch.cat([first, second]))
    with seeded(7, {CPU}):
        assert torch.equal(torch.rand(3), drawn[0])
    assert exclusive.acquire(blocking=False)
    exclusive.release()


def test_who_holds_them_is_told_that_somebody_waits():
    drawn = threading.Event()

    def other():
        with seeded(1, {CPU}):
            drawn.set()

    thread = threading.Thread(target=other)
    assert not wanted()
    with untouched():
        thread.start()
        while not wanted():
            pass
    give_way()
    thread.join(10)
    assert drawn.is_set()
    assert not wanted()
