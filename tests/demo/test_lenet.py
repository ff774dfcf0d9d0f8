import subprocess
import sys

import torch

from prune_tui.demo import digits, lenet

CPU = torch.device("cpu")


def test_it_has_the_tutorials_layers_and_60074_parameters():
    model = lenet.LeNet()
    shapes = {name: tuple(layer.weight.shape) for name, layer in model.named_children()}
    assert shapes == {
        "conv1": (6, 1, 3, 3),
        "conv2": (16, 6, 3, 3),
        "fc1": (120, 400),
        "fc2": (84, 120),
        "fc3": (10, 84),
    }
    assert sum(parameter.numel() for parameter in model.parameters()) == 60_074


def test_forward_gives_ten_logits_for_each_image():
    logits = lenet.LeNet()(torch.zeros(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert logits.dtype == torch.float32


def test_the_trained_model_is_in_eval_mode_on_the_device_asked_for():
    model = lenet.trained(CPU)
    assert not model.training
    assert {parameter.device for parameter in model.parameters()} == {CPU}


def test_the_trained_model_reads_the_held_out_digits():
    images, labels = digits.load("held_out")
    with torch.inference_mode():
        right = lenet.trained(CPU)(images).argmax(1) == labels
    assert right.float().mean() >= 0.97


def test_the_two_files_stay_small():
    assert lenet.WEIGHTS.stat().st_size + digits.IMAGES_AND_LABELS.stat().st_size < 600_000


def test_importing_the_package_does_not_import_torch():
    code = "import sys, prune_tui.demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
