"""Table 1 of the paper, rebuilt from measurements on small problems.

Compute is counted (steps of particles), memory is counted (states, noise that is carried to the
next window, and what waits for the backward pass). Unbiasedness, non-differentiable losses and
smoothing are measured on a linear system with a quadratic loss, a rounded one, and one with a
fine ripple.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, PES, FullES, TruncatedES
from replications.methods.rtrl import RTRL
from replications.methods.trees import leaves
from replications.methods.uoro import UORO
from replications.papers.pes.outer import episode
from replications.problems.linear_unroll import LinearUnroll, random_system

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

DIFFERENTIATED = ("BPTT", "truncated BPTT", "RTRL", "UORO")
"""Methods that differentiate every step that they take."""


@dataclass(frozen=True)
class Config:
    """Sizes of the checks; all ours."""

    units: int = 6
    dim: int = 3
    horizons: tuple[int, int] = (24, 240)
    window: int = 4
    pairs: int = 50
    """For compute and memory."""
    sigma: float = 0.1
    runs: int = 2000
    """Replicates (or pairs) for the mean of a stochastic method."""
    batches: int = 20
    stair: float = 0.02
    """The rounded loss is a multiple of this."""
    ripple: float = 0.1
    """Height of the fine ripple."""
    frequency: float = 300.0
    """Of the ripple, so that sigma covers several of its periods."""
    seed: int = 0


class Changed:
    """A linear system whose loss is rounded or rippled; it counts its own steps."""

    def __init__(self, base: LinearUnroll, change: str, config: Config) -> None:
        self.base, self.change, self.config = base, change, config
        self.horizon = base.horizon
        self.steps = self.widest = 0

    def init(self, n: int) -> Tensor:
        """As the base."""
        return self.base.init(n)

    def step(self, state: Tensor, theta: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """One step, counted."""
        self.steps += len(theta)
        self.widest = max(self.widest, len(theta))
        state, loss = self.base.step(state, theta, t)
        if self.change == "rounded":
            loss = torch.round(loss / self.config.stair) * self.config.stair
        elif self.change == "ripple":
            loss = loss + self.config.ripple * torch.sin(self.config.frequency * state[:, 0])
        return state, loss


def estimators(config: Config, pairs: int) -> dict[str, Any]:
    """One of each method."""
    noisy = (config.window, config.sigma, pairs)
    return {
        "BPTT": BPTT(),
        "truncated BPTT": TruncatedBPTT(config.window),
        "RTRL": RTRL(1),
        "UORO": UORO(1),
        "full ES": FullES(config.sigma, pairs),
        "truncated ES": TruncatedES(*noisy),
        "PES": PES(*noisy),
        "NRES": NRES(*noisy),
    }


@experiment(quick=Config())
def table(config: Config) -> xr.Dataset:
    """Measure every column for every method."""
    source = generator(config.seed, "system")
    problem = random_system(config.units, config.dim, config.horizons[0], "quadratic", source)
    theta = torch.randn(config.dim, generator=source, dtype=torch.float64)
    longer = LinearUnroll(
        problem.matrix, problem.push, problem.start, config.horizons[1], problem.loss
    )
    exact = problem.expected_gradient(theta, 1)

    steps, kept = [], []
    for estimator in estimators(config, config.pairs).values():
        counter = Changed(problem, "none", config)
        estimator.step(estimator.init(counter, theta, 0), theta)
        steps.append(counter.steps)
        kept.append([_kept(config, estimator, p, theta) for p in (problem, longer)])

    means = {
        change: _means(config, Changed(problem, change, config), theta)
        for change in ("none", "rounded", "ripple")
    }
    along = exact / (exact @ exact)
    ripple = (means["ripple"].mean(dim=1) - means["none"].mean(dim=1)).norm(dim=-1) / exact.norm()
    return xr.Dataset(
        {
            "steps": (
                "arm",
                steps,
                {"long_name": "steps of one particle to one update", "units": "particle-steps"},
            ),
            "kept": (
                ("arm", "horizon"),
                kept,
                {
                    "long_name": "numbers kept in a window: states, what the method carries along, "
                    "what waits for the backward pass; not noise drawn for one window alone"
                },
            ),
            "error": (
                ("arm", "batch"),
                ((means["none"] - exact) @ along).numpy(),
                {"long_name": "error along the exact gradient, relative to it; quadratic loss"},
            ),
            "rounded": (
                ("arm", "batch"),
                (means["rounded"] @ along).numpy(),
                {"long_name": "estimate on the rounded loss along the smooth loss's gradient"},
            ),
            "ripple": (
                "arm",
                ripple.numpy(),
                {"long_name": "change of the mean estimate by a ripple, relative to the gradient"},
            ),
        },
        coords={
            "arm": list(estimators(config, 1)),
            "horizon": ("horizon", list(config.horizons), {"units": "steps"}),
            "differentiated": ("arm", [arm in DIFFERENTIATED for arm in estimators(config, 1)]),
        },
    )


@quantity
def kept(result: xr.Dataset, arm: str, horizon: int) -> xr.DataArray:
    """Numbers kept in a window at a horizon."""
    return result["kept"].sel(arm=arm, horizon=horizon)


def _kept(config: Config, estimator: Any, problem: LinearUnroll, theta: Tensor) -> int:
    """Numbers kept in a window; theta, the system's matrices and fresh noise aside."""
    counter = Changed(problem, "none", config)
    saved: dict[int, Tensor] = {}
    own = {problem.matrix.data_ptr(), problem.push.data_ptr(), theta.data_ptr()}

    def pack(x: Tensor) -> Tensor:
        if x.data_ptr() not in own:
            saved[x.data_ptr()] = x.detach()  # kept alive here, so that no address comes twice
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        _, state, _ = estimator.step(estimator.init(counter, theta, 0), theta)
    held = [getattr(state, name) for name in ("influence", "u", "w") if hasattr(state, name)]
    if type(estimator) is PES:
        held.append(state.accumulated)
    elif type(estimator) is NRES:
        held.append(state.noise)
    backward = sum(x.numel() for x in saved.values())
    states = counter.widest * len(problem.start)
    return states + backward + sum(x.numel() for item in held for x in leaves(item))


def _means(config: Config, problem: Changed, theta: Tensor) -> Float[Tensor, "arms batches P"]:
    """Batch means of whole-episode estimates; deterministic methods repeat their one value."""
    rows = []
    for name, estimator in estimators(config, config.runs).items():
        seed: Any = generator(config.seed, "mean", name).initial_seed()
        where = theta
        if name == "UORO":
            seed = [
                generator(config.seed, "mean", name, i).initial_seed() for i in range(config.runs)
            ]
            where = theta.expand(config.runs, -1)
        total = episode(estimator, problem, where, seed).reshape(-1, config.dim)
        if len(total) == 1:
            total = total.expand(config.runs, -1)
        rows.append(total.view(config.batches, -1, config.dim).mean(dim=1))
    return torch.stack(rows)
