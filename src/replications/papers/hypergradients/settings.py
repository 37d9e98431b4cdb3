"""What every way found, and the axis `setting` that its ways and knobs make."""

from __future__ import annotations

import torch
import xarray as xr

from replications.papers.hypergradients.ways import Price

Found = dict[str, tuple[str, float, torch.Tensor, Price]]
"""By setting: the way, its knob, its estimates in rows, and what one costs."""


def settings(found: Found) -> xr.Dataset:
    """Way, knob, price and memory of each setting."""
    ways, knobs, _, prices = zip(*found.values(), strict=True)
    return xr.Dataset(
        {
            "cost": (
                "setting",
                [price.gradients for price in prices],
                {"long_name": "price beyond the training run", "units": "gradients"},
            ),
            "memory": (
                "setting",
                [8 * price.memory for price in prices],
                {"long_name": "memory", "units": "bytes"},
            ),
        },
        coords={
            "setting": list(found),
            "way": ("setting", list(ways)),
            "knob": ("setting", list(knobs)),
        },
    )
