"""The UCI handwritten digits: 1,797 images in a fixed train and held-out split.

Credit: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49, licensed CC BY 4.0. DATA_LICENSE.md says what was changed.
"""

from pathlib import Path
from typing import Literal, NamedTuple

from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import interpolate

IMAGES_AND_LABELS = Path(__file__).with_name("digits.safetensors")


class Digits(NamedTuple):
    """Images of handwritten digits and what they show.

    Attributes:
        images: float32 [n, 1, 28, 28], 0 is paper and 1 is ink.
        labels: int64 [n], 0 to 9.
    """

    images: Tensor
    labels: Tensor


def load(split: Literal["train", "held_out"]) -> Digits:
    """Reads one split, its images resized to what LeNet takes.

    Args:
        split: "train" for 1,437 images, "held_out" for the 360 that no training step has seen.

    Returns:
        The images and labels, on the CPU, in the same order each time.
    """
    stored = load_file(IMAGES_AND_LABELS)
    ink = stored[f"{split}.images"].float() / 16  # stored as uint8 [n, 8, 8], 16 is full ink
    images = interpolate(ink.unsqueeze(1), size=(28, 28), mode="bilinear", align_corners=False)
    return Digits(images, stored[f"{split}.labels"].long())
