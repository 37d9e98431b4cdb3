"""The matched trial: is it the variance of the adaptive rate, or the length of the first steps?

Adam as it is, and Adam with a linear warm-up, lead. Beside each run others with the same weights,
sentences and learning rates, whose second moment has seen n gradients before the first update and
not one. For the first updates each of them is rescaled to the length of its leader's, seed by seed:
two runs differ in n, or in the length, and in nothing else. One run has its leader's length in
every tensor, not only over the whole network.

The reverse: at step 100 of the run with warm-up, whose loss has begun to fall, Adam's moments are
thrown away, with full steps or with the run's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.estimates import Estimate, proportion
from replications.core.experiment import experiment, quantity
from replications.methods.adam_step import adam_coefficients, adam_step_
from replications.methods.adam_variants import linear_warmup
from replications.papers.radam.experiments.translation import PEAK, TRAINED
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer

if TYPE_CHECKING:
    from jaxtyping import Float

BETAS = (0.9, 0.999)


@dataclass(frozen=True)
class Config:
    """Both halves of the trial on all seeds."""

    gradients: tuple[int, ...] = (1, 3, 10, 50, 200)
    """Behind the second moment at the first update, where the steps are Adam's; 1 is Adam. The
    paper's Adam-2k has 2001 of 72000."""
    short_gradients: tuple[int, ...] = (1, 200)
    """The same, where the steps are those of the warm-up; 1 is Adam with warm-up."""
    matched: int = 30
    """First updates that have their leader's length; from then on every run goes by its own rule,
    with at least as many gradients behind v."""
    warmup: int = 100
    """Steps of the linear warm-up, as in the chapter's first figure."""
    reset_at: int = 100
    """After this step of the run with warm-up the moments are thrown away."""
    learning_rate: float = PEAK
    batch: int = 16
    """Sentences: half as many as in the chapter's first figure, so that v's first gradients are
    noisier, and a run costs half as much."""
    steps: int = 400
    """The learning rate falls linearly to 0 at the end."""
    together: int = 2
    """Seeds that are trained at the same time."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)


@dataclass(frozen=True)
class Arm:
    """One rule for an update; m and v have seen so many gradients more than updates were made."""

    name: str
    warmup: int = 0
    seen_m: int = 0
    seen_v: int = 0
    leader: str = ""
    """Whose length the first updates have; "" is its own."""
    by_tensor: bool = False
    """Each tensor of weights has the leader's length, not only the network."""


@dataclass
class State:
    """Of one arm on several seeds."""

    params: list[Tensor]
    m: list[Tensor]
    v: list[Tensor]


Lengths = dict[tuple[str, int], "Float[Tensor, 'parts seeds']"]
"""By arm and step: of the whole network, then of each tensor."""


@experiment(quick=Config(gradients=(1, 3), steps=6, matched=3, reset_at=3, seeds=(0,)),
            full=Config())  # fmt: skip
def matched(config: Config) -> xr.Dataset:
    """Train every arm on every seed."""
    parts = [
        _trial(config, config.seeds[i : i + config.together])
        for i in range(0, len(config.seeds), config.together)
    ]
    return xr.concat(parts, "seed", data_vars="minimal")


def _trial(config: Config, seeds: tuple[int, ...]) -> xr.Dataset:
    net, task = Transformer(), Reversal(seeds)
    start = net.init(seeds)
    moments = _second_moments(config, net, task, start)
    full = [Arm(f"full {n}", 0, 0, n - 1, "full 1") for n in config.gradients]
    tensors = replace(full[-1], name=f"{full[-1].name}, by tensor", by_tensor=True)
    short = [Arm(f"short {n}", config.warmup, 0, n - 1, "short 1") for n in config.short_gradients]
    arms = [replace(a, leader="") if a.name == a.leader else a for a in [*full, tensors, *short]]
    states = [
        State([p.clone() for p in start], _zeros(start), [v.clone() for v in moments[arm.seen_v]])
        for arm in arms
    ]
    lengths: Lengths = {}
    losses, healthy = _follow(config, net, task, arms, states, lengths, 0)

    back = config.reset_at
    again = [
        Arm("restart", 0, -back, -back),
        Arm("restart, usual steps", 0, -back, -back, "short 1"),
        Arm("v kept, restart's steps", 0, -back, 0, "restart"),
    ]
    states = [
        State(
            [p.clone() for p in healthy.params],
            _zeros(start),
            [v.clone() for v in healthy.v] if arm.seen_v == 0 else _zeros(start),
        )
        for arm in again
    ]
    more, _ = _follow(config, net, task, again, states, lengths, back)
    leader = losses["short 1"][:, :back]
    losses |= {name: torch.cat([leader, loss], 1) for name, loss in more.items()}

    names = [arm.name for arm in arms + again]
    missing = torch.full((1 + len(start), len(seeds)), torch.nan)
    watched = [
        torch.stack([lengths.get((name, t), missing) for t in _watched(config)]) for name in names
    ]
    by_part = torch.stack(watched).permute(2, 0, 3, 1)
    return xr.Dataset(
        {
            "loss": (
                ("arm", "seed", "step"),
                torch.stack([losses[name] for name in names]).numpy(),
                {"long_name": "training loss of a word, before the update", "units": "nats"},
            ),
            "length": (
                ("arm", "seed", "watched"),
                by_part[0].numpy(),
                {"long_name": "update, root mean square over the weights, after rescaling"},
            ),
            "apart": (
                ("arm", "seed", "watched"),
                _apart(by_part[1:], names).numpy(),
                {"long_name": "largest relative distance of a tensor's length from Adam's"},
            ),
            "entropy": (
                (),
                task.entropy,
                {"long_name": "loss of knowing the words' frequencies only", "units": "nats"},
            ),
        },
        coords={
            "arm": names,
            "seed": list(seeds),
            "step": np.arange(1, config.steps + 1),
            "watched": ("watched", _watched(config), {"long_name": "step of the update"}),
        },
    )


def _second_moments(
    config: Config, net: Transformer, task: Reversal, params: list[Tensor]
) -> dict[int, list[Tensor]]:
    """v after 0, 1, 2, ... gradients at the start, kept where an arm wants it."""
    wanted = {n - 1 for n in (*config.gradients, *config.short_gradients)}
    v = _zeros(params)
    found = {0: [x.clone() for x in v]}
    weights = [p.clone().requires_grad_() for p in params]
    for seen, source in enumerate(task.batches(max(wanted), config.batch, "frozen"), start=1):
        _, grads = net.gradients(weights, source, task.translate(source))
        torch._foreach_mul_(v, BETAS[1])
        torch._foreach_addcmul_(v, grads, grads, value=1 - BETAS[1])
        if seen in wanted:
            found[seen] = [x.clone() for x in v]
    return found


def _follow(
    config: Config,
    net: Transformer,
    task: Reversal,
    arms: Sequence[Arm],
    states: Sequence[State],
    lengths: Lengths,
    done: int,
) -> tuple[dict[str, Float[Tensor, "seeds steps"]], State]:
    """Train the arms side by side from step done + 1 on, leaders before those they lead.

    Returns:
        Their losses, and the state of "short 1" after step `reset_at`.
    """
    count = len(task.seeds)
    params = [torch.cat(p).requires_grad_() for p in zip(*(s.params for s in states), strict=True)]
    views = [
        [p.detach()[i * count : (i + 1) * count] for p in params] for i in range(len(states))
    ]  # the same memory
    losses, kept = [], states[0]
    for t, source in enumerate(task.batches(config.steps, config.batch)[done:], start=done + 1):
        copies = source.repeat(len(arms), 1, 1)
        loss, grads = net.gradients(params, copies, task.translate(source).repeat(len(arms), 1, 1))
        losses.append(loss.view(len(arms), count))
        for i, (arm, state, own) in enumerate(zip(arms, states, views, strict=True)):
            part = [g[i * count : (i + 1) * count] for g in grads]
            _update(config, arm, state, own, part, lengths, t, t <= done + config.matched)
            if arm.name == "short 1" and t == config.reset_at:
                kept = State(*([x.clone() for x in xs] for xs in (own, state.m, state.v)))
    by_arm = torch.stack(losses, 2)
    return {arm.name: by_arm[i] for i, arm in enumerate(arms)}, kept


def _update(
    config: Config,
    arm: Arm,
    state: State,
    params: list[Tensor],
    grads: list[Tensor],
    lengths: Lengths,
    t: int,
    led: bool,
) -> None:
    """Adam's step, rescaled to the leader's length, where it is led by one."""
    rate = config.learning_rate * (1 - (t - 1) / config.steps)
    rate *= linear_warmup(t, arm.warmup) if arm.warmup else 1.0
    rule = adam_coefficients(rate, BETAS, 1e-8, 1e-4, seen_m=t + arm.seen_m, seen_v=t + arm.seen_v)
    before = [p.clone() for p in params] if t in _watched(config) else []
    adam_step_(params, grads, state.m, state.v, BETAS, rule)
    if not before:
        return
    moved = [p - q for p, q in zip(params, before, strict=True)]
    flat = [x.flatten(1) for x in moved]
    length = torch.stack([x.square().mean(1).sqrt() for x in (torch.cat(flat, 1), *flat)])
    if led and arm.leader:
        factors = lengths[arm.leader, t] / length
        factors = factors[1:] if arm.by_tensor else factors[:1].expand(len(flat), -1)
        for p, q, x, factor in zip(params, before, moved, factors, strict=True):
            p.copy_(q + factor[:, None, None] * x)
        parts = length[1:] * factors
        sizes = torch.tensor([[x.shape[1]] for x in flat])
        whole = ((parts.square() * sizes).sum(0) / sizes.sum()).sqrt()
        length = torch.cat([whole[None], parts])
    lengths[arm.name, t] = length


def _watched(config: Config) -> list[int]:
    """Steps at which lengths are compared: the first ones, and those after the reset."""
    first = range(1, config.matched + 1)
    return [*first, *range(config.reset_at + 1, config.reset_at + 1 + config.matched)]


def _apart(
    lengths: Float[Tensor, "tensors arms seeds watched"], names: list[str]
) -> Float[Tensor, "arms seeds watched"]:
    adams = lengths[:, names.index("full 1")][:, None]
    return (lengths / adams - 1).abs().amax(0)


def _zeros(like: list[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(p) for p in like]


@quantity
def last(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Mean training loss of the last 50 steps, by seed."""
    end = int(result["step"].max())
    return result["loss"].sel(arm=arm, step=slice(end - 49, end)).mean("step")


@quantity
def success(result: xr.Dataset, arm: str) -> Estimate:
    """The share of seeds that have trained."""
    found = last(result, arm) < TRAINED
    how = f"seeds with a final loss below {TRAINED:g} nats, Clopper-Pearson"
    return proportion(int(found.sum()), found.size, how)
