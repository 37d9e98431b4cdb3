"""CMA-ES on quadratics, against the tutorial, and the `cma` package where it is installed."""

from __future__ import annotations

import math

import numpy as np
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


def _naive(mean, sigma, populations, losses):
    """The tutorial's algorithm, without negative weights, in numpy, one sum a line;
    the eigenvalues are taken anew in each generation.
    """
    n, (size, _) = len(mean), populations[0].shape
    mu = size // 2
    w = np.array([math.log((size + 1) / 2) - math.log(i + 1) for i in range(mu)])
    w = w / w.sum()
    mu_w = 1 / (w**2).sum()
    c_c = (4 + mu_w / n) / (n + 4 + 2 * mu_w / n)
    c_s = (mu_w + 2) / (n + mu_w + 5)
    c_1 = 2 / ((n + 1.3) ** 2 + mu_w)
    c_mu = min(1 - c_1, 2 * (mu_w - 2 + 1 / mu_w) / ((n + 2) ** 2 + mu_w))
    d_s = 1 + 2 * max(0, math.sqrt((mu_w - 1) / (n + 1)) - 1) + c_s
    chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
    p_s, p_c, cov = np.zeros(n), np.zeros(n), np.eye(n)
    held = []
    for g, (x, loss) in enumerate(zip(populations, losses, strict=True)):
        order = sorted(range(size), key=lambda i: loss[i])[:mu]
        ys = [(x[i] - mean) / sigma for i in order]
        y_w = sum(weight * y for weight, y in zip(w, ys, strict=True))
        values, vectors = np.linalg.eigh(cov)
        root = vectors @ np.diag(values**-0.5) @ vectors.T
        p_s = (1 - c_s) * p_s + math.sqrt(c_s * (2 - c_s) * mu_w) * root @ y_w
        length = np.linalg.norm(p_s)
        limit = (1.4 + 2 / (n + 1)) * chi * math.sqrt(1 - (1 - c_s) ** (2 * (g + 1)))
        h = 1.0 if length < limit else 0.0
        held.append(h)
        p_c = (1 - c_c) * p_c + h * math.sqrt(c_c * (2 - c_c) * mu_w) * y_w
        rank_mu = sum(weight * np.outer(y, y) for weight, y in zip(w, ys, strict=True))
        lost = c_1 * (1 - h) * c_c * (2 - c_c)
        cov = (1 + lost - c_1 - c_mu) * cov + c_1 * np.outer(p_c, p_c) + c_mu * rank_mu
        mean = mean + sigma * y_w
        sigma = sigma * math.exp(c_s / d_s * (length / chi - 1))
    return mean, sigma, cov, held


@pytest.mark.parametrize("generations", [1, 2, 40])
def test_it_is_the_tutorials_algorithm(generations):
    generator = torch.Generator().manual_seed(0)
    search = start(torch.full((1, 4), 0.2, dtype=torch.float64), 0.01)  # far: h is 0 for a while
    populations, losses = [], []
    for _ in range(generations):
        noise = torch.randn(1, population_size(4), 4, generator=generator, dtype=torch.float64)
        x = ask(search, noise)
        loss = ((x - 5).square() * torch.logspace(0, 3, 4).double()).sum(-1)
        populations.append(x[0].numpy())
        losses.append(loss[0].tolist())
        search = tell(search, x, loss)
    mean, sigma, cov, held = _naive(np.full(4, 0.2), 0.01, populations, losses)
    if generations == 40:
        assert 0 < sum(held) < 40  # both values of h are seen
    for ours, theirs in ((search.mean, mean), (search.sigma, sigma), (search.covariance, cov)):
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-9)  # rounding of 40 eigenproblems


def test_it_adapts_as_the_cma_package_does() -> None:
    """Where it is installed. It counts the path of sigma in another way, and its c_mu has
    a quarter more in the numerator.
    """
    cma = pytest.importorskip("cma")
    size = population_size(4)
    options = {"CMA_active": False, "verbose": -9, "seed": 1, "popsize": size}
    peer = cma.CMAEvolutionStrategy(4 * [0.2], 0.3, options)
    ours = start(torch.full((1, 4), 0.2, dtype=torch.float64), 0.3)
    for generation in range(30):
        points = np.array(peer.ask())
        loss = (points**2 * [1, 10, 100, 1000]).sum(axis=1)
        peer.tell(points, loss)
        ours = tell(ours, torch.tensor(points)[None], torch.tensor(loss)[None])
        np.testing.assert_allclose(ours.mean[0], peer.mean, rtol=1e-6)  # the same points and ranks
        np.testing.assert_allclose(ours.sigma[0], peer.sigma, rtol=0.1)
        if generation == 0:
            np.testing.assert_allclose(ours.covariance[0], peer.sm.C, atol=0.02)  # that quarter
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
