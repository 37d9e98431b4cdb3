"""Public implementations of RAdam on the same gradients.

The rules were read in the sources of each project; that our restatements equal those that can be
installed is tested. All run in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.optim import Optimizer

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.adam_step import Coefficients, adam_step_
from replications.methods.radam import RAdam, radam_coefficients

if TYPE_CHECKING:
    from jaxtyping import Float

RULES = ("paper", "authors, default", "authors, nmt", "torch, decoupled", "torch, default", "optax")


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
    seed: int = 0


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


@experiment(quick=Config())
def implementations(config: Config) -> xr.Dataset:
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

    along, units = ("rule", "step"), {"units": "learning rates"}
    return xr.Dataset(
        {
            "apart": (
                along,
                [distance(paths[rule], paths["paper"])[1:] for rule in RULES],
                {"long_name": "distance from the paper's rule, root mean square", **units},
            ),
            "update": (
                along,
                [distance(paths[rule][1:], paths[rule][:-1]) for rule in RULES],
                {"long_name": "update, root mean square", **units},
            ),
            "same_as_torch": (
                (),
                float((paths["authors, nmt"] - paths["torch, decoupled"]).abs().max()),
                {"long_name": "largest distance of the nmt copy from torch, decoupled"},
            ),
        },
        coords={"rule": list(RULES), "step": np.arange(1, config.steps + 1)},
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


@quantity
def apart(result: xr.Dataset, rule: str, step: int = 200) -> xr.DataArray:
    """Distance of a rule from Algorithm 2 after a step, in learning rates."""
    return result["apart"].sel(rule=rule, step=step)
