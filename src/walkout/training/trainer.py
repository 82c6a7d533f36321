"""The training loop of all networks: resumable, by a budget of minutes."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from walkout.training.export import normalise
from walkout.training.network import NetworkParameters

_STATISTICS_PICTURES = 256
ARM_PREFERENCE = 3.0
"""How much more often a picture with an outstretched arm is shown than one without."""

Batch = tuple[Tensor, dict[str, Tensor]]
"""Pictures (b, h, w, 3) uint8 and their targets by name."""


class Samples(Protocol):
    """A data set."""

    def __len__(self) -> int: ...

    def stretched(self) -> NDArray[np.float32]:
        """Return (pictures,): how outstretched the most outstretched seen arm of each is, 0..1."""
        ...


Data = TypeVar("Data", bound=Samples)
Taken = TypeVar("Taken", bound=Samples, contravariant=True)


class Task(Protocol[Taken]):
    """What a network is trained to do."""

    def build(self, parameters: NetworkParameters) -> nn.Module:
        """Return the network with random weights."""
        ...

    def start(self, network: Any, model: Path, pictures: Tensor) -> None:
        """Give a network weights of an exported model; ``pictures`` (b, 3, h, w) are normalised ones."""
        ...

    def batch(self, data: Taken, rows: NDArray[np.intp], rng: np.random.Generator, share: float) -> Batch:
        """Return samples with augmentation, when ``share`` of the budget is used."""
        ...

    def loss(self, output: Any, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the weighted terms by name; their sum is the loss."""
        ...


@dataclass(frozen=True)
class TrainingParameters:
    """How to train. The learning rate rises over ``warm_up_steps`` and falls as a cosine over ``minutes``."""

    minutes: float = 30.0
    batch: int = 16
    learning_rate: float = 2e-3
    final_rate: float = 2e-5
    weight_decay: float = 1e-3
    warm_up_steps: int = 150
    ema_decay: float = 0.998
    threads: int = 2
    seed: int = 1
    checkpoint_s: float = 60.0
    network: NetworkParameters = field(default_factory=NetworkParameters)

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.batch < 1 or not 0 < self.final_rate <= self.learning_rate:
            raise ValueError("minutes and batch must be positive, and final_rate at most learning_rate")


@dataclass(frozen=True)
class Progress:
    """Where a training stands; ``loss`` holds running means of the loss's terms by name."""

    share: float
    images: int
    images_per_s: float
    learning_rate: float
    loss: dict[str, float]


class Trainer(Generic[Data]):
    """Trains one network; all state goes to the checkpoint file and comes back from it."""

    def __init__(self, task: Task[Data], parameters: TrainingParameters, checkpoint: Path) -> None:
        self._task = task
        self.parameters = parameters
        self._checkpoint = checkpoint
        torch.set_num_threads(parameters.threads)
        torch.manual_seed(parameters.seed)
        self.network = task.build(parameters.network).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self._optimiser = torch.optim.AdamW(self._groups(), lr=parameters.learning_rate)
        self.step, self.images, self.elapsed_s = 0, 0, 0.0
        self._loss: dict[str, float] = {}
        if checkpoint.is_file():
            self._load()

    def _groups(self) -> list[dict[str, object]]:
        weights = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        decay = self.parameters.weight_decay
        return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]

    @property
    def share(self) -> float:
        """How much of the budget is used, 0..1."""
        return min(self.elapsed_s / (60 * self.parameters.minutes), 1.0)

    def start_from(self, model: Path, data: Data) -> None:
        """Begin with the weights of an exported model. Raises ValueError when it is of another network."""
        rng = np.random.default_rng([self.parameters.seed, 0])
        rows = rng.choice(len(data), min(len(data), _STATISTICS_PICTURES), replace=False)
        images, _ = self._task.batch(data, rows, rng, 0.0)
        self._task.start(self.network, model, normalise(images).contiguous(memory_format=torch.channels_last))
        self.average.load_state_dict(self.network.state_dict())

    def run(self, samples: Callable[[], Data], report: Callable[[Progress], None]) -> None:
        """Train until the minutes are used; ``samples`` is asked again each epoch, so a data set may still grow."""
        saved = time.monotonic()
        while self.share < 1.0:
            data = samples()
            rng = np.random.default_rng([self.parameters.seed, self.step])
            chance = 1.0 + ARM_PREFERENCE * data.stretched()
            order = rng.choice(len(data), len(data), p=chance / chance.sum())
            for start in range(0, len(order) - self.parameters.batch + 1, self.parameters.batch):
                began = time.monotonic()
                self._train(data, order[start : start + self.parameters.batch], rng)
                used = time.monotonic() - began
                self.elapsed_s += used
                report(Progress(self.share, self.images, self.parameters.batch / used, self._rate(), self._loss))
                if time.monotonic() - saved > self.parameters.checkpoint_s:
                    self.save()
                    saved = time.monotonic()
                if self.share >= 1.0:
                    break
        self.save()

    def _rate(self) -> float:
        p = self.parameters
        cosine = 0.5 * (1 + math.cos(math.pi * self.share))
        return (p.final_rate + (p.learning_rate - p.final_rate) * cosine) * min(1.0, (self.step + 1) / p.warm_up_steps)

    def _train(self, data: Data, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
        images, targets = self._task.batch(data, rows, rng, self.share)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self.network.train()
        output = self.network(normalise(images).contiguous(memory_format=torch.channels_last))
        terms = self._task.loss(output, targets)
        loss = torch.stack(list(terms.values())).sum()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self._optimiser.step()
        self.step += 1
        self.images += len(rows)
        self._follow()
        for name, value in terms.items():
            number = float(value.detach())
            self._loss[name] = 0.98 * self._loss.get(name, number) + 0.02 * number

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the running average of the weights, which is what gets exported."""
        decay = min(self.parameters.ema_decay, (1 + self.step) / (10 + self.step))
        for average, current in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if average.is_floating_point():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(current)

    def save(self) -> None:
        """Write the checkpoint in one step."""
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._checkpoint.with_suffix(".tmp")
        state = {
            "network_parameters": asdict(self.parameters.network),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "images": self.images,
            "elapsed_s": self.elapsed_s,
            "loss": self._loss,
        }
        torch.save(state, temporary)
        temporary.replace(self._checkpoint)

    def _load(self) -> None:
        state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        if state["network_parameters"] != asdict(self.parameters.network):
            raise ValueError(f"{self._checkpoint}: of another network; remove it or give the same sizes")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self.images, self.elapsed_s = state["step"], state["images"], state["elapsed_s"]
        self._loss = state["loss"]
