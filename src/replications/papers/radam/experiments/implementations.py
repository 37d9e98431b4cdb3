"""Public implementations of RAdam on the same gradients, and what the scale of the loss does to
them.

The rules were read in the sources of each project; that our restatements equal those that can be
installed is tested. All run in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from replications.core.seeds import generator
from replications.methods.adam_step import Coefficients, adam_step_
from replications.methods.adam_variants import AdamVariant
from replications.methods.radam import RAdam, radam_coefficients

if TYPE_CHECKING:
    from jaxtyping import Float

RULES = ("paper", "authors, default", "authors, nmt", "torch, decoupled", "torch, default", "optax")
METHODS = ("Adam", "RAdam", "RAdam, skip")


@dataclass(frozen=True)
class Config:
    """Gradients N(0, size^2), the same for all."""

    size: float = 0.1
    learning_rate: float = 0.01
    weight_decay: float = 0.1
    """Large, so that its kind shows."""
    eps: float = 1e-3
    """Large, so that its place shows."""
    coordinates: int = 1000
    steps: int = 200
    scales: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
    """Factors of the loss: a sum in place of a mean, or the scale of half precision left in."""
    scale_steps: tuple[int, ...] = (5, 100)
    """Steps after which the move is measured; the first is the last before rectification."""
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Distances between implementations; moves under scaled losses."""

    apart: Float[np.ndarray, "rules steps"]
    """Root mean square distance of the weights from those by the paper's rule, in learning
    rates."""
    same_as_torch: float
    """Largest distance between "authors, nmt" and torch.optim.RAdam with decoupled decay."""
    first_move: Float[np.ndarray, "rules steps"]
    """Root mean square of each update, in learning rates."""
    scales: Float[np.ndarray, " scales"]
    moved: Float[np.ndarray, "methods scale_steps scales"]
    """Root mean square move from the start, in learning rates, in the order of METHODS."""


class OptaxRAdam(Optimizer):
    """optax's rule: eps is added after the bias of sqrt(v) has been corrected; decay as
    decoupled.
    """

    def __init__(self, params: list[Tensor], lr: float, eps: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr})
        self.settings = (lr, (0.9, 0.999), eps, weight_decay, 5.0, "momentum")
        self.m, self.v = ([torch.zeros_like(p) for p in params] for _ in range(2))
        self.t = 0

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step."""
        self.t += 1
        params = self.param_groups[0]["params"]
        rule: Coefficients = radam_coefficients(self.t, *self.settings)  # type: ignore[arg-type]
        if rule.root > 0:
            rule = rule._replace(floor=self.settings[2])
        adam_step_(params, [p.grad for p in params], self.m, self.v, (0.9, 0.999), rule)


def run(config: Config) -> Result:
    """Follow each rule along the same gradients."""
    random = generator(config.seed, "gradients")
    shape = (config.steps, config.coordinates)
    gradients = config.size * torch.randn(shape, generator=random, dtype=torch.float64)
    start = torch.randn(config.coordinates, generator=random, dtype=torch.float64)
    rate = config.learning_rate
    paths = {rule: _path(_rule(rule, config), start, gradients) for rule in RULES}

    def distance(a: Tensor, b: Tensor) -> np.ndarray:
        found: np.ndarray = ((a - b).square().mean(dim=-1).sqrt() / rate).numpy()
        return found

    moved = [
        [
            [_move(method, c * gradients[:t], rate) for c in config.scales]
            for t in config.scale_steps
        ]
        for method in METHODS
    ]
    return Result(
        apart=np.stack([distance(paths[rule], paths["paper"])[1:] for rule in RULES]),
        same_as_torch=float((paths["authors, nmt"] - paths["torch, decoupled"]).abs().max()),
        first_move=np.stack([distance(paths[rule][1:], paths[rule][:-1]) for rule in RULES]),
        scales=np.array(config.scales),
        moved=np.array(moved),
    )


def _rule(rule: str, config: Config) -> Callable[[list[Tensor]], Optimizer]:
    lr, eps, decay = config.learning_rate, config.eps, config.weight_decay
    outside = torch.optim.RAdam
    makers: dict[str, Callable[[list[Tensor]], Optimizer]] = {
        "paper": lambda p: RAdam(p, lr, eps=eps, weight_decay=decay),
        "authors, default": lambda p: RAdam(
            p, lr, eps=eps, weight_decay=decay, threshold=5.0, below="skip"
        ),
        "authors, nmt": lambda p: RAdam(p, lr, eps=eps, weight_decay=decay, threshold=5.0),
        "torch, decoupled": lambda p: outside(
            p, lr, eps=eps, weight_decay=decay, decoupled_weight_decay=True
        ),
        "torch, default": lambda p: outside(p, lr, eps=eps, weight_decay=decay),
        "optax": lambda p: OptaxRAdam(p, lr, eps, decay),
    }
    return makers[rule]


def _path(
    make: Callable[[list[Tensor]], Optimizer],
    start: Float[Tensor, " coordinates"],
    gradients: Float[Tensor, "steps coordinates"],
) -> Float[Tensor, "steps+1 coordinates"]:
    p = start.clone().requires_grad_()
    optimizer, path = make([p]), [start]
    for gradient in gradients:
        p.grad = gradient.clone()
        optimizer.step()
        path.append(p.detach().clone())
    return torch.stack(path)


def _move(method: str, gradients: Float[Tensor, "steps coordinates"], rate: float) -> float:
    makers: dict[str, Callable[[list[Tensor]], Optimizer]] = {
        "Adam": lambda p: AdamVariant(p, rate, eps=0.0),
        "RAdam": lambda p: RAdam(p, rate, eps=0.0, threshold=5.0),
        "RAdam, skip": lambda p: RAdam(p, rate, eps=0.0, threshold=5.0, below="skip"),
    }
    start = torch.zeros_like(gradients[0])
    return float(_path(makers[method], start, gradients)[-1].square().mean().sqrt() / rate)


QUICK = Config()
