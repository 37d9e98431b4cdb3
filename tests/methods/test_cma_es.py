"""CMA-ES on quadratics with known minima, and against the `cma` package where it is installed."""

from __future__ import annotations

import pytest
import torch

from replications.methods.cma_es import ask, population_size, start, tell


def _minimise(curvature, generations, seed, runs=1):
    generator = torch.Generator().manual_seed(seed)
    dim = len(curvature)
    size, goal = population_size(dim), torch.linspace(-1, 1, dim).double()
    search = start(torch.zeros(runs, dim, dtype=torch.float64), 0.5)
    for _ in range(generations):
        noise = torch.randn(runs, size, dim, generator=generator, dtype=torch.float64)
        population = ask(search, noise)
        search = tell(search, population, ((population - goal).square() * curvature).sum(-1))
    return search, ((search.mean - goal).square() * curvature).sum(-1)


def test_it_finds_the_minimum_of_a_badly_scaled_quadratic() -> None:
    """Without adapting C (a step size alone) the last losses would stay near one."""
    search, loss = _minimise(torch.logspace(0, 4, 8).double(), 600, seed=0)
    assert loss.item() < 1e-9
    values = torch.linalg.eigvalsh(search.covariance)[0]
    assert values[-1] / values[0] > 1000  # it has learned the scale, 10^4


def test_searches_do_not_touch_each_other() -> None:
    curvature = torch.ones(3).double()
    loss = lambda x: ((x - 1).square() * curvature).sum(-1)  # noqa: E731
    noise = torch.randn(5, 2, 7, 3, dtype=torch.float64)
    both = start(torch.zeros(2, 3, dtype=torch.float64), 0.3)
    alone = start(torch.zeros(1, 3, dtype=torch.float64), 0.3)
    for z in noise:
        x, y = ask(both, z), ask(alone, z[1:])
        both, alone = tell(both, x, loss(x)), tell(alone, y, loss(y))
    torch.testing.assert_close(both.mean[1:], alone.mean)


def test_a_generation_equals_the_cma_packages() -> None:
    cma = pytest.importorskip("cma")
    import numpy as np

    size = population_size(4)
    options = {"CMA_active": False, "verbose": -9, "seed": 1, "popsize": size}
    peer = cma.CMAEvolutionStrategy(4 * [0.2], 0.3, options)
    ours = start(torch.full((1, 4), 0.2, dtype=torch.float64), 0.3)
    for _ in range(30):
        points = np.array(peer.ask())
        loss = (points**2 * [1, 10, 100, 1000]).sum(axis=1)
        peer.tell(points, loss)
        ours = tell(ours, torch.tensor(points)[None], torch.tensor(loss)[None])
    np.testing.assert_allclose(ours.mean[0], peer.mean, rtol=1e-6)
    np.testing.assert_allclose(ours.sigma[0], peer.sigma, rtol=0.05)


def test_constants_by_hand() -> None:
    """One dimension, two better points of five: the mean moves by their weights, by rank."""
    assert [population_size(n) for n in (1, 3, 20)] == [4, 7, 12]
    search = start(torch.zeros(1, 1, dtype=torch.float64), 1.0)
    population = torch.tensor([[[3.0], [1.0], [2.0], [-1.0], [5.0]]], dtype=torch.float64)
    moved = tell(search, population, torch.tensor([[3.0, 0.0, 1.0, 2.0, 4.0]]))
    a, b = torch.tensor(3.0).log(), (torch.tensor(3.0) / 2).log()
    weights = a / (a + b), b / (a + b)
    assert moved.mean.item() == pytest.approx((weights[0] * 1 + weights[1] * 2).item())
    mass = (1 / (weights[0] ** 2 + weights[1] ** 2)).item()
    c_sigma = (mass + 2) / (1 + mass + 5)
    path = (c_sigma * (2 - c_sigma) * mass) ** 0.5 * moved.mean.item()
    assert moved.sigma_path.item() == pytest.approx(path)
    length = 1 - 1 / 4 + 1 / 21
    assert moved.sigma.item() == pytest.approx(
        torch.tensor(c_sigma / (1 + c_sigma) * (path / length - 1)).exp().item()
    )
