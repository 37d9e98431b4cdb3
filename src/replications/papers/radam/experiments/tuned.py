"""Best against best: every method at its own learning rate, on the post-LN and the pre-LN
Transformer.

One seed tries the rates, and five others judge the best of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from replications.core.experiment import experiment, quantity
from replications.papers.radam.experiments import translation


@dataclass(frozen=True)
class Config:
    """One method on one network."""

    arm: translation.Config
    """Its rule, network and name; learning rate and seeds are set here."""
    rates: tuple[float, ...] = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4)
    """The paper trains its Transformer at 3e-4, eight times wider than ours, without a search. The
    largest was added, for every arm, after RAdam had chosen 1e-2, the largest until then."""
    chooser: int = 10
    """The seed that chooses the rate: by the smallest final loss, nothing else."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Those that judge it."""


SHORT = replace(translation.ADAM, batch=16, steps=400, horizon=400)
"""As in the matched trial."""
RADAM = replace(SHORT, arm="RAdam", optimizer="RAdam")
BRIEF = Config(replace(RADAM, steps=2), (3e-3, 1e-3), 10, (0,))
"""A few steps; the chapter shows the recorded runs."""


@experiment(
    quick=(BRIEF,),
    full=(
        Config(replace(SHORT, arm="Adam")),
        Config(RADAM),
        Config(replace(SHORT, arm="warm-up 100", warmup=100)),
        Config(replace(SHORT, arm="warm-up 30", warmup=30)),
        Config(replace(SHORT, arm="pre-LN Adam", pre_norm=True)),
        Config(replace(RADAM, arm="pre-LN RAdam", pre_norm=True)),
        Config(replace(SHORT, arm="warm-up 400", warmup=400)),
        Config(replace(SHORT, arm="Adam-2k", freeze=200)),
        Config(replace(SHORT, arm="pre-LN warm-up 100", warmup=100, pre_norm=True)),
    ),
    along="arm",
)
def tuned(config: Config) -> xr.Dataset:
    """Try the rates, take the best, run it on the other seeds."""
    arm = replace(config.arm, looks=(1,), watched=1)

    def final(rate: float, seeds: tuple[int, ...]) -> np.ndarray:
        runs = translation.train(replace(arm, learning_rate=rate, seeds=seeds))
        last = int(runs["step"].max())
        loss = runs["loss"].sel(arm=arm.arm, step=slice(last - 49, last)).mean("step")
        return np.asarray(loss.values, dtype=np.float64)

    tried = np.array([final(rate, (config.chooser,))[0] for rate in config.rates])
    best = config.rates[int(np.nanargmin(tried))]
    return xr.Dataset(
        {
            "tried": (
                ("arm", "lr"),
                tried[None],
                {"long_name": "mean of the last 50 losses, the choosing seed", "units": "nats"},
            ),
            "best": ("arm", [best], {"long_name": "rate with the smallest of them"}),
            "loss": (
                ("arm", "seed"),
                final(best, config.seeds)[None],
                {"long_name": "mean of the last 50 losses at that rate", "units": "nats"},
            ),
        },
        coords={
            "arm": [arm.arm],
            "lr": ("lr", list(config.rates), {"long_name": "learning rate"}),
            "seed": list(config.seeds),
        },
    )


@quantity
def at_best(result: xr.Dataset, arm: str) -> xr.DataArray:
    """Final loss of one arm at its own rate, by judging seed."""
    return result["loss"].sel(arm=arm)


@quantity
def best_warmup(result: xr.Dataset) -> str:
    """The post-LN warm-up whose best rate the choosing seed liked best."""
    arms = [arm for arm in result["arm"].values.tolist() if arm.startswith("warm-up")]
    return str(result["tried"].min("lr").sel(arm=arms).idxmin("arm").item())
