r"""What public implementations do instead of Algorithm 1, and how far it takes them.

Each rule is re-created here from its description, in our own words: heavy-ball SGD on a noisy
quadratic in float64, with one thing changed. The reference is `methods.Lookahead` itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.core.seeds import rng
from replications.methods.lookahead import Lookahead


@dataclass(frozen=True)
class Rule:
    """Algorithm 1 with one thing changed; the defaults change nothing."""

    name: str
    slow: str = "copied at the start"
    """Or "zero" at the start, or "copied late", when the first synchronisation comes."""
    first: int = 0
    """Step of the first synchronisation; 0 means after k steps."""
    period: int = 0
    """Added to k."""
    inner_state: str = "maintain"
    aliased: bool = False
    """The momentum kept for the pull-back is the momentum buffer itself, not a copy."""
    resumed: int = 0
    """After this step a checkpoint without slow weights and counter is loaded; 0 means never."""


RULES = (
    Rule("Algorithm 1"),
    Rule("slow weights start at zero", slow="zero"),
    Rule("slow weights copied at the first synchronisation", slow="copied late"),
    Rule("first synchronisation after step 1", slow="copied late", first=1),
    Rule("period k + 1", period=1),
    Rule("pullback, momentum copied", inner_state="pullback"),
    Rule("pullback, momentum aliased", inner_state="pullback", aliased=True),
    Rule("checkpoint without slow weights, inside a loop", resumed=7),
    Rule("checkpoint without slow weights, between loops", resumed=10),
)
"""The first and the sixth are the paper's, the last is right by luck; the rest are bugs."""


@dataclass(frozen=True)
class Config:
    """A small noisy quadratic."""

    curvature: tuple[float, ...] = (1.0, 0.3, 0.05)
    """Ours: steep to flat."""
    start: float = 3.0
    """Ours: some noise standard deviations from the optimum."""
    lr: float = 0.1
    """Ours."""
    momentum: float = 0.9
    """The usual one."""
    k: int = 5
    """As in the paper's figure 8."""
    alpha: float = 0.5
    """As in the paper's figure 8."""
    steps: int = 40
    """Eight loops."""
    seed: int = 0
    """Of the noise."""


@experiment(quick=Config())
def public_rules(config: Config) -> xr.Dataset:
    """Follow every rule on the same noise."""
    noise = rng(config.seed, "noise").standard_normal((config.steps, len(config.curvature)))
    scale = config.start * np.sqrt(len(config.curvature))
    gaps = [_follow(r, config, noise) - _reference(r.inner_state, config, noise) for r in RULES]
    return xr.Dataset(
        {
            "distance": (
                ("rule", "step"),
                np.linalg.norm(gaps, axis=2) / scale,
                {
                    "long_name": "distance of the weights from those of Algorithm 1",
                    "units": "distance of start and optimum",
                },
            )
        },
        coords={"rule": [r.name for r in RULES], "step": np.arange(1, config.steps + 1)},
    )


def _follow(rule: Rule, config: Config, noise: np.ndarray) -> np.ndarray:
    """Fast weights after every step."""
    curvature = np.array(config.curvature)
    x = np.full(curvature.shape, config.start)
    momentum, kept = np.zeros_like(x), np.zeros_like(x)
    slow = {"copied at the start": x.copy(), "zero": np.zeros_like(x)}.get(rule.slow)
    period = config.k + rule.period
    count, path = 0, []
    for step, target in enumerate(noise, 1):
        momentum *= config.momentum  # in place, so that an alias is one
        momentum += curvature * (x - target)
        x = x - config.lr * momentum
        count += 1
        if count % period == rule.first % period:
            slow = x if slow is None else slow + config.alpha * (x - slow)
            x = slow
            if rule.inner_state == "pullback":
                momentum *= config.alpha
                momentum += (1 - config.alpha) * kept
                kept = momentum if rule.aliased else momentum.copy()
        if step == rule.resumed:
            slow, count = x, 0
        path.append(x)
    return np.stack(path)


def _reference(inner_state: str, config: Config, noise: np.ndarray) -> np.ndarray:
    curvature = torch.tensor(config.curvature, dtype=torch.float64)
    x = torch.full_like(curvature, config.start, requires_grad=True)
    inner = torch.optim.SGD([x], lr=config.lr, momentum=config.momentum)
    lookahead = Lookahead(inner, config.k, config.alpha, inner_state)
    path = []
    for target in torch.from_numpy(noise):
        x.grad = curvature * (x.detach() - target)
        lookahead.step()
        path.append(x.detach().numpy().copy())
    return np.stack(path)


@quantity
def largest(result: xr.Dataset, rule: str) -> xr.DataArray:
    """The largest distance of a rule over the run."""
    return result["distance"].sel(rule=rule).max("step")
