"""Rates on an axis: many learning rates at once, and for each seed the one that suits the others.

Methods that update more often want smaller steps. So a comparison runs every method at several
rates, and takes for each seed the rate that was best, in the median, for the *other* seeds: every
method at its own best setting, and none chosen by the run that it is judged on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


class AdamByRow:
    """Adam with a learning rate of its own for each row; a gradient that is not finite counts as 0.

    Args:
        parameters: one tensor [R, P].
        rates: [R].
        betas: as torch's.
    """

    def __init__(
        self,
        parameters: list[Tensor],
        rates: Float[Tensor, " R"],
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        (self.theta,) = parameters
        self.rates = rates[:, None]
        self.adam = torch.optim.Adam(parameters, lr=1.0, betas=betas, foreach=False)

    @torch.no_grad()
    def step(self) -> None:
        """One update by the rows' gradients."""
        before = self.theta.clone()
        if self.theta.grad is not None:
            self.theta.grad.nan_to_num_(0.0, 0.0, 0.0)
        self.adam.step()
        self.theta.copy_(torch.lerp(before, self.theta, self.rates))


def at_own_rate(values: xr.DataArray, score: xr.DataArray) -> xr.DataArray:
    """Values at the rate whose median score over the other seeds is lowest, by seed.

    Args:
        values: with axes `rate` and `seed`, and any others.
        score: with these two only; lower is better.
    """
    seeds = score["seed"].values
    picks = [score.sel(seed=seeds[seeds != s]).median("seed").argmin("rate").item() for s in seeds]
    found = [values.sel(seed=s).isel(rate=k, drop=True) for s, k in zip(seeds, picks, strict=True)]
    return xr.concat(found, "seed", coords="minimal", compat="override").assign_coords(seed=seeds)


def grid(rates: tuple[float, ...], seeds: int) -> Float[np.ndarray, " R"]:
    """The rates of all rows, seeds slowest."""
    return np.tile(np.array(rates), seeds)
