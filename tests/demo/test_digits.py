import pytest
import torch

from prune_tui.demo import digits


@pytest.mark.parametrize(("split", "count"), [("train", 1437), ("held_out", 360)])
def test_a_split_has_its_shapes_and_range(split, count):
    images, labels = digits.load(split)
    assert images.shape == (count, 1, 28, 28)
    assert images.dtype == torch.float32
    assert images.min() == 0
    assert images.max() == 1
    assert labels.shape == (count,)
    assert labels.dtype == torch.int64


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_each_digit_has_about_a_tenth_of_a_split(split):
    labels = digits.load(split).labels
    shares = labels.bincount(minlength=10) / len(labels)
    assert shares.sub(0.1).abs().max() < 0.01


def test_the_splits_do_not_overlap_and_make_1797_together():
    images = torch.cat([digits.load("train").images, digits.load("held_out").images])
    assert len(images.unique(dim=0)) == len(images) == 1797  # no image repeats, so none is on both sides
