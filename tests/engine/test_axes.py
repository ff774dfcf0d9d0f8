import pytest
from torch import nn

from prune_tui.engine.axes import axis_names

NAMED = [
    (nn.Linear(3, 2), "weight", ("out", "in")),
    (nn.Linear(3, 2), "bias", ("out",)),
    (nn.Bilinear(2, 3, 4), "weight", ("out", "in1", "in2")),
    (nn.Conv1d(1, 2, 3), "weight", ("out", "in", "k")),
    (nn.Conv2d(1, 2, 3), "weight", ("out", "in", "kh", "kw")),
    (nn.Conv3d(1, 2, 3), "weight", ("out", "in", "kd", "kh", "kw")),
    (nn.ConvTranspose1d(1, 2, 3), "weight", ("in", "out", "k")),
    (nn.ConvTranspose2d(1, 2, 3), "weight", ("in", "out", "kh", "kw")),
    (nn.ConvTranspose3d(1, 2, 3), "weight", ("in", "out", "kd", "kh", "kw")),
    (nn.Embedding(5, 2), "weight", ("index", "feature")),
    (nn.EmbeddingBag(5, 2), "weight", ("index", "feature")),
    (nn.LSTM(3, 4, proj_size=2), "weight_ih_l0", ("gate", "in")),
    (nn.LSTM(3, 4, proj_size=2), "weight_hh_l0", ("gate", "hidden")),
    (nn.LSTM(3, 4, proj_size=2), "weight_hr_l0", ("out", "hidden")),
    (nn.GRU(3, 4, bidirectional=True), "weight_ih_l0_reverse", ("gate", "in")),
    (nn.RNN(3, 4), "bias_hh_l0", ("gate",)),
    (nn.LSTMCell(3, 4), "weight_hh", ("gate", "hidden")),
    (nn.MultiheadAttention(4, 2), "in_proj_weight", ("qkv", "in")),
    (nn.MultiheadAttention(4, 2), "in_proj_bias", ("qkv",)),
    (nn.MultiheadAttention(4, 2, kdim=3), "k_proj_weight", ("out", "in")),
    (nn.MultiheadAttention(4, 2, add_bias_kv=True), "bias_k", ("d0", "d1", "d2")),
    (nn.MultiheadAttention(4, 2).out_proj, "weight", ("out", "in")),
    (nn.BatchNorm2d(3), "weight", ("feature",)),
    (nn.BatchNorm2d(3), "running_mean", ("feature",)),
    (nn.BatchNorm2d(3), "num_batches_tracked", ()),
    (nn.LayerNorm(3), "bias", ("feature",)),
    (nn.LayerNorm((3, 2)), "weight", ("d0", "d1")),
]


@pytest.mark.parametrize(("module", "name", "axes"), NAMED)
def test_each_axis_has_the_name_the_field_gives_it(module, name, axes):
    assert axis_names(module, name, tuple(getattr(module, name).shape)) == axes


@pytest.mark.parametrize("axes", range(7))
@pytest.mark.parametrize("module", [nn.Linear(1, 1), nn.Conv2d(1, 1, 1), nn.LSTM(1, 1), nn.Identity()])
def test_there_are_as_many_names_as_axes(module, axes):
    assert len(axis_names(module, "weight", (2,) * axes)) == axes


def test_an_unknown_module_has_numbered_axes():
    assert axis_names(nn.Identity(), "weight", (2, 3, 4)) == ("d0", "d1", "d2")
