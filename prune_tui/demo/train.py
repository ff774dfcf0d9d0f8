"""Makes the demo's two files: `python -m prune_tui.demo.train`.

The data come with scikit-learn, which nothing else here needs. Every setting was chosen before the held-out
images were looked at; they are scored once, at the end.
"""

import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from prune_tui.demo import digits, lenet

try:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
except ImportError:
    raise SystemExit("Making the demo's data needs scikit-learn: pip install scikit-learn") from None

SEED = 0
HELD_OUT = 360
EPOCHS = 60
BATCH = 32


def write_digits() -> None:
    """Splits scikit-learn's copy of the digits, with each digit's share the same on both sides, and saves it."""
    pixels, labels = load_digits(return_X_y=True)
    parts = train_test_split(pixels, labels, test_size=HELD_OUT, stratify=labels, random_state=SEED)
    train_images, held_out_images, train_labels, held_out_labels = (
        torch.from_numpy(part).to(torch.uint8) for part in parts
    )
    tensors = {
        "train.images": train_images.reshape(-1, 8, 8),
        "train.labels": train_labels,
        "held_out.images": held_out_images.reshape(-1, 8, 8),
        "held_out.labels": held_out_labels,
    }
    credit = "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, doi 10.24432/C50P49, CC BY 4.0"
    save_file(tensors, digits.IMAGES_AND_LABELS, metadata={"credit": credit})


def fit(train: digits.Digits) -> lenet.LeNet:
    """Trains a new LeNet.

    Args:
        train: The images and labels to learn from.

    Returns:
        The trained model, on the CPU, in eval mode.
    """
    torch.manual_seed(SEED)
    model = lenet.LeNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    loss_of = nn.CrossEntropyLoss()
    batches = DataLoader(TensorDataset(*train), batch_size=BATCH, shuffle=True)
    for _ in range(EPOCHS):
        for images, labels in batches:
            optimizer.zero_grad()
            loss_of(model(images), labels).backward()
            optimizer.step()
    return model.eval()


@torch.inference_mode()
def accuracy(model: lenet.LeNet, seen: digits.Digits) -> float:
    """Scores a model.

    Args:
        model: A model in eval mode, on the CPU.
        seen: The images to show it, and their labels.

    Returns:
        The share of images whose highest logit is the label's, in [0, 1].
    """
    return (model(seen.images).argmax(1) == seen.labels).float().mean().item()


def main() -> None:
    """Writes digits.safetensors and lenet.safetensors beside this file and prints the model's accuracy."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # sums are split by thread, so more cores would give other weights
    write_digits()
    model = fit(digits.load("train"))
    save_file(model.state_dict(), lenet.WEIGHTS)
    print(f"held-out accuracy {accuracy(model, digits.load('held_out')):.4f}")


if __name__ == "__main__":
    main()
