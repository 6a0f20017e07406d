"""The pictures of a training for notebooks."""

from rnnstore.training.pictures.batches import batch_picture, batches_picture, reach_picture
from rnnstore.training.pictures.history import curve_picture, gradients_picture, training_picture

__all__ = [
    "batch_picture",
    "batches_picture",
    "curve_picture",
    "gradients_picture",
    "reach_picture",
    "training_picture",
]
