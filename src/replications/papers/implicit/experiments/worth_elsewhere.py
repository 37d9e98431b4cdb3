"""When are many decays worth it? The same question of a second data set, and of a million decays.

Predicted before the runs. On breast cancer, standardised, as on digits: one decay a weight brings
the validation loss below that of one decay by grid and has the higher test loss, and one decay by
hypergradient ends within a fiftieth of a nat of the grid.

A million decays belong to a network with two hidden layers of 1024 units for digits. Tuned from
e^-4, which is far too much for so many weights, they bring the test loss far down from there, and
the validation loss below that of one decay by grid at equal compute; in the test loss that one
decay is as good or better.
"""

from __future__ import annotations

from dataclasses import replace

from replications.core.experiment import experiment
from replications.papers.implicit.experiments.worth import EACH, GRID, ONE, UNTUNED, Config, compare
from replications.papers.implicit.experiments.worth import worth as digits

_QUICK = Config(
    "breast cancer", shares=(0.5,), arms=(UNTUNED, GRID, EACH), splits=2, steps=40, trials=3
)
cancer = experiment(
    "worth-cancer",
    quick=(_QUICK,),
    full=tuple(replace(config, data="breast cancer") for config in digits.full),
    along="arm",
)(compare)

_WIDE = Config(
    hidden=(1024, 1024),
    shares=(0.5,),
    splits=5,
    steps=150,
    inner_rate=1e-3,  # a tenth: the network is thirty times as wide
    trials=5,
    inner=10,
    terms=5,
)
million_tuned = experiment(
    "million-tuned",
    quick=(replace(_WIDE, hidden=(32, 32), arms=(UNTUNED, GRID, EACH), splits=2, steps=40),),
    full=tuple(replace(_WIDE, arms=(arm,)) for arm in (UNTUNED, GRID, EACH, ONE)),
    along="arm",
)(compare)
