"""The LeNet of the PyTorch pruning tutorial, with weights trained on the UCI handwritten digits."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

WEIGHTS = Path(__file__).with_name("lenet.safetensors")


class LeNet(nn.Module):
    """Two convolutions and three linear layers, 60,074 parameters in all.

    The layers have the names and shapes of the tutorial's model, so that its steps can be followed here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores each image against the ten digits.

        Args:
            x: Images, float32 [batch, 1, 28, 28], in [0, 1].

        Returns:
            Logits, float32 [batch, 10].
        """
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits


def trained(device: torch.device) -> LeNet:
    """Loads the trained model.

    Args:
        device: Where the parameters go.

    Returns:
        A new LeNet in eval mode, its parameters float32.
    """
    model = LeNet()
    model.load_state_dict(load_file(WEIGHTS))
    return model.to(device).eval()
