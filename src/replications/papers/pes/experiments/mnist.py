"""The learning-rate schedule of a perceptron on MNIST, tuned by PES: the official hyperopt.py.

Not run for this book: no number of it stands in any chapter. The small relative on 8x8 digits is
`digits`. One config is one estimator, one window and one seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import xarray as xr

from replications.core.experiment import experiment
from replications.core.seeds import generator
from replications.methods.evolution import PES, TruncatedES
from replications.methods.unroll_problem import unroll
from replications.papers.pes.outer import descend
from replications.problems import standard_files
from replications.problems.data import split
from replications.problems.digits_training import DigitsTraining

ESTIMATORS = {"PES": PES, "truncated ES": TruncatedES}


@dataclass(frozen=True)
class Config:
    """Read in the official code (hyperopt.py and its README) where nothing else is said."""

    estimator: str = "PES"
    window: int = 10
    """10 or 100."""
    horizon: int = 5000
    pairs: int = 500
    """N = 1000 particles."""
    sigma: float = 0.1
    learning_rate: float = 0.01
    """Of Adam on theta."""
    updates: int = 5000
    hidden: int = 100
    """The official network has two such layers, our problem one."""
    batch: int = 100
    """Ours."""
    train: int = 50_000
    """Images to train on, ours."""
    theta: tuple[float, float] = (-5.8, 1.1)
    """Logarithms of rate and decay exponent at the start, those of the small relative."""
    fresh: int = 3
    """Runs with other first weights and batches that judge the result, ours."""
    points: int = 50
    seed: int = 0
    folder: str = ""
    """Of MNIST's files: given on the command line."""
    device: str = "cuda"


PAPER = tuple(
    Config(estimator, window, seed=seed)
    for estimator in ESTIMATORS
    for window in (10, 100)
    for seed in range(3)
)


@experiment(paper=PAPER, along="run")
def mnist(config: Config) -> xr.Dataset:
    """Tune by one estimator; the mean training loss of an episode is the objective."""
    device = standard_files.usable(config.device)
    images, classes = standard_files.mnist(config.folder)
    (chosen,) = split(len(images), (config.train,), config.seed)
    x, y = images[chosen].flatten(1).to(device) / 255, classes[chosen].to(device)

    def problem(name: str, number: int) -> DigitsTraining:
        return DigitsTraining(
            x,
            y,
            generator=generator(config.seed, "mnist", name, number),
            horizon=config.horizon,
            hidden=config.hidden,
            batch=config.batch,
        )

    estimator = ESTIMATORS[config.estimator](config.window, config.sigma, config.pairs)
    start = torch.tensor([config.theta], device=device)
    adam = partial(torch.optim.Adam, lr=config.learning_rate)
    noise = generator(config.seed, "mnist", config.estimator).initial_seed()
    every = max(1, config.updates // config.points)
    tuning = problem("tuning", 0)
    path = descend(estimator, tuning, start, [noise], config.updates, adam, every)[:, 0]
    del tuning  # its batches fill a gigabyte
    judged = []
    for number in range(config.fresh):
        fresh = problem("fresh", number)
        ends = path[[0, -1]]
        judged.append(unroll(fresh, fresh.init(2), ends, 0, config.horizon)[1].cpu().numpy())
    return xr.Dataset(
        {
            "path": (
                ("run", "update", "parameter"),
                path.cpu().numpy()[None],
                {"long_name": "logarithms of learning rate and decay exponent"},
            ),
            "loss": (
                ("run", "fresh", "when"),
                np.stack(judged)[None] / config.horizon,
                {"long_name": "mean training loss of a fresh run", "units": "nats"},
            ),
        },
        coords={
            "run": [f"{config.estimator}, K = {config.window}, seed {config.seed}"],
            "estimator": ("run", [config.estimator]),
            "window": ("run", [config.window]),
            "seed": ("run", [config.seed]),
            "update": np.arange(0, config.updates + 1, every),
            "parameter": ["rate", "decay"],
            "when": ["start", "tuned"],
        },
    )
