"""A result as a table."""

import numpy as np
import pandas as pd
import xarray as xr

from replications.core.tables import table


def test_every_number_has_its_labels():
    result = xr.Dataset(
        {
            "loss": (("arm", "seed"), np.array([[1.0, 2.0], [3.0, 4.0]]), {"units": "nats"}),
            "rate": ("arm", [0.1, 0.2]),
            "start": ((), 5.0),
        },
        coords={"arm": ["SGD", "Adam"], "seed": [7, 8]},
    )
    found = table(result)
    assert list(found) == ["variable", "arm", "seed", "value", "units"]
    assert len(found) == 4 + 2 + 1
    row = found.query("variable == 'loss' and arm == 'Adam' and seed == 7")
    assert row["value"].item() == 3.0 and row["units"].item() == "nats"
    assert pd.isna(found.query("variable == 'start'")["arm"].item())
