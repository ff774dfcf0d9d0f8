"""Makes the demo's two files: `python -m prune_tui.demo.train`.

The data come with scikit-learn, which nothing else here needs. The settings were chosen by cross-validation
within the train split: none was chosen by its score on the held-out images.
"""

import torch
from safetensors.torch import save
from torch.nn.functional import cross_entropy, pad

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
FARTHEST_SHIFT = 2


def write_digits() -> None:
    """Saves scikit-learn's copy of the digits, split so that each digit has the same share on both sides."""
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
    digits.IMAGES_AND_LABELS.write_bytes(save(tensors, metadata={"credit": credit}))


def shifted(images: torch.Tensor) -> torch.Tensor:
    """Moves a batch by up to two pixels each way, so that 1,437 images teach where a stroke may lie.

    Args:
        images: float32 [batch, 1, 28, 28].

    Returns:
        The images, all moved alike, with paper where they moved from; same shape and dtype.
    """
    right, down = torch.randint(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1, (2,)).tolist()
    return pad(images, (right, -right, down, -down))  # a negative pad crops


def fit(train: digits.Digits) -> lenet.LeNet:
    """Trains a new LeNet.

    Args:
        train: The images and labels to learn from.

    Returns:
        The trained model, on the CPU, in eval mode.
    """
    torch.manual_seed(SEED)
    model = lenet.LeNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(len(train.labels)), BATCH):
            optimizer.zero_grad()
            loss = cross_entropy(model(shifted(train.images[batch])), train.labels[batch])
            loss.backward()
            optimizer.step()
        schedule.step()
    return model.eval()


@torch.inference_mode()
def accuracy(model: lenet.LeNet, shown: digits.Digits) -> float:
    """Scores a model.

    Args:
        model: A model in eval mode, on the CPU.
        shown: The images to show it, and their labels.

    Returns:
        The share of images whose highest logit is their label's, in [0, 1].
    """
    right: torch.Tensor = model(shown.images).argmax(1) == shown.labels
    return right.float().mean().item()


def main() -> None:
    """Writes digits.safetensors and lenet.safetensors beside this file and prints the model's accuracy."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the number of threads decides how sums are split, and so how they round
    write_digits()
    model = fit(digits.load("train"))
    lenet.WEIGHTS.write_bytes(save(model.state_dict()))
    print(f"held-out accuracy {accuracy(model, digits.load('held_out')):.4f}")


if __name__ == "__main__":
    main()
