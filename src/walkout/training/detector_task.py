"""What the shopper detector is trained to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from walkout.training.augment import augment
from walkout.training.loss import LossWeights, detector_loss
from walkout.training.network import NetworkParameters, ShopperNetwork
from walkout.training.shards import SampleSet
from walkout.training.targets import make_targets
from walkout.training.trainer import Batch
from walkout.training.warm_start import load_weights


@dataclass(frozen=True)
class DetectorTask:
    """Find shoppers. Until ``whole_from`` of the budget is used, batches are parts of pictures, ``part``, then whole.

    ``part`` is width and height in pixels.
    """

    part: tuple[int, int] = (192, 160)
    whole_from: float = 0.85
    weights: LossWeights = field(default_factory=LossWeights)

    def build(self, parameters: NetworkParameters) -> ShopperNetwork:
        """Return the network with random weights."""
        return ShopperNetwork(parameters)

    def start(self, network: ShopperNetwork, model: Path, pictures: Tensor) -> None:
        """Give the network the weights of a detector's file."""
        load_weights(network, model, pictures)

    def batch(self, data: SampleSet, rows: NDArray[np.intp], rng: np.random.Generator, share: float) -> Batch:
        """Return augmented pictures, or parts of them, and their maps."""
        size = self.part if share < self.whole_from else None
        images, targets = [], []
        for row in rows:
            sample = data[int(row)]
            image, labels = augment(sample.image, sample.labels, rng, size)
            images.append(image)
            targets.append(vars(make_targets(labels, image.shape[1], image.shape[0])))
        stacked = {name: torch.from_numpy(np.stack([target[name] for target in targets])) for name in targets[0]}
        return torch.from_numpy(np.stack(images)), stacked

    def loss(self, output: tuple[Tensor, ...], targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the terms of ``detector_loss``."""
        return detector_loss(output, targets, self.weights)
