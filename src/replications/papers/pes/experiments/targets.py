"""What "unbiased" means, and three ways to lose it.

One number drifts by theta at every step, s_t = s_{t-1} + theta, and pays s_t^3: curved enough for
PES, NRES and the plain gradient to have three different targets. On the same problem:

* a decaying sigma, with the whole accumulator divided by today's sigma^2 (as evosax's PersistentES
  does) and with each perturbation divided by its own;
* an episode that ends inside a window, with the mixed weighting of learned_optimization's
  TruncatedPES, transcribed (it does not import today);
* theta that moves while the episode runs (hysteresis).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import generator
from replications.methods.evolution import NRES, PES, TruncatedES
from replications.papers.pes.outer import episode
from replications.problems.linear_unroll import LinearUnroll, Noise

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

NOISE: dict[str, Noise] = {"PES": "per window", "NRES": "per episode", "truncated ES": "truncated"}
EVOSAX, OWN_SIGMA = "σ shrinks: evosax's weighting", "σ shrinks: each ε over its own σ²"
LEARNED = "K ∤ T: learned_optimization's weighting"
WHOLE = "K ∤ T: window ends with the episode"
CURRENT, PATH = "θ moves: at each window's own θ", "θ moves: along the path taken"


@dataclass(frozen=True)
class Config:
    """A problem whose targets can be checked by hand."""

    start: float = -1.0
    """s_0; the loss changes its sign on the way."""
    theta: float = 0.3
    horizon: int = 10
    sigma: float = 0.5
    """Large, so that the three targets are far apart."""
    decay: float = 0.8
    """Factor of sigma from window to window in the schedule experiment."""
    crossing_window: int = 3
    """Does not divide the horizon of 10."""
    drift: float = 0.02
    """Change of theta from window to window in the hysteresis experiment."""
    pairs: int = 400_000
    batches: int = 40
    seed: int = 0


@experiment(quick=Config())
def targets(config: Config) -> xr.Dataset:
    """Run the parts, each with noise of its own."""
    one = torch.ones(1, 1, dtype=torch.float64)
    start = torch.tensor([config.start], dtype=torch.float64)
    theta = torch.tensor([config.theta], dtype=torch.float64)
    cubic, quadratic = (
        LinearUnroll(one, one, start, config.horizon, loss) for loss in ("cubic", "quadratic")
    )
    kinds = {"PES": PES, "NRES": NRES, "truncated ES": TruncatedES}
    estimates, own = [], []
    for arm, kind in kinds.items():
        seed = generator(config.seed, "cubic", arm).initial_seed()
        estimator = kind(1, config.sigma, config.pairs)
        estimates.append(_batches(config, episode(estimator, cubic, theta, seed)))
        own.append(cubic.expected_gradient(theta, 1, config.sigma, NOISE[arm]).item())

    peer, ours = _schedule(config, quadratic, theta)
    seed = generator(config.seed, "crossing", "ours").initial_seed()
    fair = episode(PES(config.crossing_window, config.sigma, config.pairs), quadratic, theta, seed)
    drifting, current, path = _drift(config, quadratic, theta)
    gradient = quadratic.expected_gradient(theta, 1).item()
    ways = {
        EVOSAX: (peer, gradient),
        OWN_SIGMA: (ours, gradient),
        LEARNED: (_crossing(config, quadratic, theta), gradient),
        WHOLE: (fair, gradient),
        CURRENT: (drifting, current),
        PATH: (drifting, path),
    }
    return xr.Dataset(
        {
            "cubic": (
                ("arm", "batch"),
                estimates,
                {"long_name": "mean estimate of an episode's gradient, cubic loss"},
            ),
            "own": ("arm", own, {"long_name": "gradient of the loss as the method smooths it"}),
            "plain": (
                (),
                cubic.expected_gradient(theta, 1).item(),
                {"long_name": "gradient of the cubic loss itself"},
            ),
            "quadratic": (
                ("way", "batch"),
                [_batches(config, samples) for samples, _ in ways.values()],
                {"long_name": "mean estimate of an episode's gradient, quadratic loss"},
            ),
            "goal": (
                "way",
                [goal for _, goal in ways.values()],
                {"long_name": "the gradient that it is held against"},
            ),
        },
        coords={"arm": list(kinds), "way": list(ways)},
    )


@quantity
def over_own(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Estimate over the gradient of the method's own smoothed cubic loss, by batch."""
    return result["cubic"].sel(arm=arm) / result["own"].sel(arm=arm)


@quantity
def over_plain(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Estimate over the gradient of the cubic loss itself, by batch."""
    return result["cubic"].sel(arm=arm) / result["plain"]


@quantity
def over_goal(result: xr.Dataset, way: str) -> xr.DataArray:
    """Estimate on the quadratic loss over the gradient that it is held against, by batch."""
    return result["quadratic"].sel(way=way) / result["goal"].sel(way=way)


def _batches(config: Config, samples: Float[Tensor, "pairs 1"]) -> Float[np.ndarray, " batches"]:
    means: np.ndarray = samples.view(config.batches, -1).mean(dim=1).numpy()
    return means


def _pair(
    problem: LinearUnroll, states: list[Tensor], theta: Tensor, noise: Tensor, t: int
) -> tuple[list[Tensor], Tensor]:
    """One step of both members of every pair; returns the states and the difference of losses."""
    (plus, gain), (minus, loss) = (
        problem.step(state, theta + sign * noise, t)
        for state, sign in zip(states, (1.0, -1.0), strict=True)
    )
    return [plus, minus], gain - loss


def _schedule(
    config: Config, problem: LinearUnroll, theta: Tensor
) -> tuple[Float[Tensor, "pairs 1"], Float[Tensor, "pairs 1"]]:
    source = generator(config.seed, "schedule")
    states = [problem.init(config.pairs)] * 2
    whole = torch.zeros(config.pairs, 1, dtype=torch.float64)
    scaled, peer, ours = torch.zeros_like(whole), torch.zeros_like(whole), torch.zeros_like(whole)
    for t in range(config.horizon):
        sigma = config.sigma * config.decay**t
        noise = sigma * torch.randn(whole.shape, generator=source, dtype=torch.float64)
        whole = whole + noise
        scaled = scaled + noise / sigma**2
        states, difference = _pair(problem, states, theta, noise, t)
        peer += whole / sigma**2 * difference[:, None] / 2
        ours += scaled * difference[:, None] / 2
    return peer, ours


def _crossing(config: Config, problem: LinearUnroll, theta: Tensor) -> Float[Tensor, "pairs 1"]:
    """Two episodes with windows that run across their boundary; one episode's share of the
    estimate.

    The weighting of the library (commit 0af28c1): in a window, the *total* difference of losses is
    multiplied by the accumulated noise at the steps before the one on which the episode ends, and
    by the window's noise alone from that step on, and averaged over the steps. One step is spent
    on the reset and pays nothing. Its windows return the mean loss of the steps that pay; here this
    is times K, so that a window without a reset has its sum.
    """
    source = generator(config.seed, "crossing", "peer")
    window, period = config.crossing_window, config.horizon + 1
    windows = period * window  # whole cycles: every position of the boundary in a window comes once
    episodes = windows * window // period
    states = [problem.init(config.pairs)] * 2
    accumulated = torch.zeros(config.pairs, 1, dtype=torch.float64)
    total = torch.zeros_like(accumulated)
    t = 0
    for _ in range(windows):
        noise = config.sigma * torch.randn(accumulated.shape, generator=source, dtype=torch.float64)
        difference = torch.zeros(config.pairs, dtype=torch.float64)
        before, paying = window, 0  # steps before the one that ends the episode; not a reset
        for i in range(window):
            if t == config.horizon:  # the step of the reset
                states, t = [problem.init(config.pairs)] * 2, 0
                continue
            states, step_difference = _pair(problem, states, theta, noise, t)
            difference += step_difference
            paying += 1
            t += 1
            if t == config.horizon:
                before = min(before, i)
        share = before / window
        weight = noise + share * accumulated
        total += weight * (window / paying) * difference[:, None] / (2 * config.sigma**2)
        accumulated = noise if before < window else accumulated + noise
    return total / episodes


def _drift(
    config: Config, problem: LinearUnroll, theta: Tensor
) -> tuple[Float[Tensor, "pairs 1"], float, float]:
    """Theta moves by `drift` after every window, as it would in an optimisation."""
    estimator = PES(1, config.sigma, config.pairs)
    state = estimator.init(problem, theta, generator(config.seed, "drift").initial_seed())
    total = torch.zeros(config.pairs, 1, dtype=torch.float64)
    mean, current, path = config.start, 0.0, 0.0
    for t in range(config.horizon):
        now = theta + config.drift * t
        _, state, info = estimator.step(state, now)
        total += info.per_pair
        mean += now.item()
        path += mean * (t + 1)  # ds/dtheta = t + 1 here, whatever theta was
        current += problem.window_jacobian(now, 1)[t].sum().item()
    return total, current, path
