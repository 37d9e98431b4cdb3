"""The closed forms against a recursion of moments, against the loop run naively, and by chance."""

import itertools
import math

import pytest
import torch

from replications.core.seeds import generator
from replications.problems import NoisyQuadratic
from replications.problems.noisy_quadratic import decaying_spectrum


def float64(*values):
    return torch.tensor(values, dtype=torch.float64)


# Noise variances far from 1: with 1 everywhere, Sigma and Sigma^2 cannot be told apart.
PROBLEM = NoisyQuadratic(float64(0.05, 0.3, 1.0, 1.7), float64(0.25, 4.0, 0.5, 3.0))
GRID = list(itertools.product((0.02, 0.4, 1.0, 1.15), (0.05, 0.5, 0.8, 1.0), (1, 2, 5, 6, 20)))


def recursion(lr, alpha, k, problem, loops, moment):
    """E[theta^2] loop by loop, carrying the 2x2 second moments of (slow, fast)."""
    r, kick = (1 - lr * problem.curvature, (lr * problem.curvature) ** 2 * problem.noise_variance)
    slow = moment
    for _ in range(loops):
        fast, cross = slow, slow
        for _ in range(k):
            fast, cross = r * r * fast + kick, r * cross
        slow = (1 - alpha) ** 2 * slow + 2 * alpha * (1 - alpha) * cross + alpha**2 * fast
    return slow


@pytest.mark.parametrize(("lr", "alpha", "k"), GRID)
def test_fixed_point_stands_still_under_the_recursion(lr, alpha, k):
    fixed = PROBLEM.lookahead_variance(lr, alpha, k)
    after = recursion(lr, alpha, k, PROBLEM, 1, fixed)
    # 1e-12: rounding of one loop, in units of the variance
    torch.testing.assert_close(after, fixed, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("lr", "alpha", "k"), GRID)
def test_expected_loss_follows_the_recursion(lr, alpha, k):
    mean, variance = float64(1.0, -2.0, 0.5, 0.0), float64(0.1, 0.0, 2.0, 1.0)
    for loops in (0, 1, 7):
        moment = recursion(lr, alpha, k, PROBLEM, loops, mean**2 + variance)
        loss = PROBLEM.expected_loss(
            lr, alpha, k, steps=loops * k, start=mean, start_variance=variance
        )
        expected = 0.5 * (PROBLEM.curvature * moment).sum()
        torch.testing.assert_close(loss, expected, rtol=1e-11, atol=0)  # rounding of 140 steps


@pytest.mark.parametrize(("alpha", "k"), [(0.3, 2), (0.5, 6), (1.0, 1)])
def test_where_nothing_contracts_the_noise_of_the_loops_adds_up(alpha, k):
    """At lr = 2 / curvature |lambda| is 1; an alpha of 1 alone would not tell alpha^2 from 1."""
    problem = NoisyQuadratic(float64(1.0, 0.5), float64(0.25, 3.0))
    assert problem.contraction(2.0, alpha, k)[0].abs() == 1
    start = float64(0.7, 0.0)
    for loops in (1, 7):
        moment = recursion(2.0, alpha, k, problem, loops, start**2)
        loss = problem.expected_loss(2.0, alpha, k, steps=loops * k, start=start)
        expected = 0.5 * (problem.curvature * moment).sum()
        torch.testing.assert_close(loss, expected, rtol=1e-13, atol=0)  # rounding


def test_where_it_diverges_the_loss_is_infinite_in_the_end():
    """Also from the minimum itself, where infinity would be multiplied by zero."""
    problem = NoisyQuadratic(float64(1.0), float64(1.0))
    silent = NoisyQuadratic(float64(1.0), float64(0.0))
    for steps in (2000, math.inf):
        assert problem.expected_loss(2.5, steps=steps) == math.inf
        assert silent.expected_loss(2.5, steps=steps) == 0  # nothing drives it away
        assert silent.expected_loss(2.5, steps=steps, start=1.0) == math.inf


@pytest.mark.parametrize(("lr", "alpha", "k"), GRID)
def test_a_loop_contracts_the_mean(lr, alpha, k):
    silent = NoisyQuadratic(PROBLEM.curvature, torch.zeros(4, dtype=torch.float64))
    left = recursion(lr, alpha, k, silent, 1, torch.ones(4, dtype=torch.float64)).sqrt()
    # rounding; the recursion of squares cancels to it where little is left
    torch.testing.assert_close(PROBLEM.contraction(lr, alpha, k).abs(), left, rtol=1e-9, atol=1e-7)


def test_unfinished_loop_leaves_the_slow_weights_alone():
    settings = {"start": 1.0, "lr": 0.4, "alpha": 0.5, "k": 5}
    assert PROBLEM.expected_loss(steps=14, **settings) == PROBLEM.expected_loss(
        steps=10, **settings
    )


def test_reference_values():
    """The ratio V_LA / V_SGD to six digits, from an independent study."""
    expected = {
        (0.5, 5, 0.01): 0.493798,
        (0.5, 5, 0.1): 0.442973,
        (0.5, 5, 0.3): 0.368701,
        (0.5, 5, 0.5): 0.340206,
        (0.5, 5, 1.0): 0.333333,
        (0.5, 5, 1.5): 0.326316,
        (0.5, 5, 1.9): 0.169956,
        (0.8, 5, 0.1): 0.760822,
        (0.8, 5, 0.3): 0.700252,
        (0.8, 5, 1.9): 0.450253,
        (0.2, 5, 0.1): 0.165840,
        (0.2, 5, 0.3): 0.127406,
        (0.2, 5, 1.9): 0.048696,
        (0.5, 10, 0.1): 0.402749,
        (0.5, 10, 1.9): 0.402749,
    }
    problem = NoisyQuadratic(float64(2.0), float64(3.0))
    for (alpha, k, x), ratio in expected.items():
        ours = problem.lookahead_variance(x / 2, alpha, k) / problem.sgd_variance(x / 2)
        assert ours.item() == pytest.approx(ratio, abs=6e-7)  # the printed digits


def test_papers_longer_fraction():
    """Proposition 2 as the blog prints it, by numpy-style arithmetic on one coordinate."""
    a, s2, lr, alpha, k = 0.7, 2.5, 0.9, 0.3, 3
    r = 1 - lr * a
    sgd = lr**2 * a**2 * s2 / (1 - r**2)
    top = alpha**2 * (1 - r ** (2 * k))
    fraction = top / (top + 2 * alpha * (1 - alpha) * (1 - r**k))
    problem = NoisyQuadratic(float64(a), float64(s2))
    assert problem.sgd_variance(lr).item() == pytest.approx(sgd, rel=1e-13)  # rounding
    assert problem.lookahead_variance(lr, alpha, k).item() == pytest.approx(
        fraction * sgd, rel=1e-13
    )


def test_lookahead_has_less_variance_than_sgd():
    """For every alpha in (0, 1), as the blog says of its fraction."""
    x, alpha = float64(*range(1, 100))[:, None] / 50, float64(*range(1, 100)) / 100
    problem = NoisyQuadratic(float64(1.0), float64(1.0))
    for k in range(1, 31):
        share = problem.lookahead_variance(x, alpha, k) / problem.sgd_variance(x)
        assert share.max() < 1 - 1e-9


def test_one_inner_step_is_sgd_at_alpha_times_lr():
    torch.testing.assert_close(
        PROBLEM.lookahead_variance(0.7, 0.3, 1), PROBLEM.sgd_variance(0.21), rtol=1e-13, atol=0
    )


def test_limits_of_the_ratio():
    problem = NoisyQuadratic(float64(1.0), float64(2.0))

    def ratio(x, k):
        return (problem.lookahead_variance(x, 0.3, k) / problem.sgd_variance(x)).item()

    assert ratio(1e-9, 5) == pytest.approx(0.3, abs=1e-7)  # first order in x
    assert ratio(1.0, 5) == pytest.approx(0.3 / 1.7, rel=1e-13)
    assert ratio(2 - 1e-9, 4) == pytest.approx(0.3, abs=1e-7)
    assert ratio(2 - 1e-9, 5) == pytest.approx(0.0, abs=1e-7)
    # At x = 2 SGD has no fixed point; for odd k Lookahead's is sigma^2 alpha k / (1 - alpha).
    limit = 2.0 * 0.3 * 5 / 0.7
    assert problem.lookahead_variance(2.0, 0.3, 5).item() == pytest.approx(limit, rel=1e-13)
    near = problem.lookahead_variance(2 - 1e-7, 0.3, 5).item()
    assert near == pytest.approx(limit, rel=1e-5)  # first order in the distance to 2
    assert problem.lookahead_variance(2.0, 0.3, 4).item() == math.inf
    assert problem.sgd_variance(2.0).item() == math.inf


def test_inner_profile():
    """From V_LA up towards V_SGD; the numbers of the study at x = .3, alpha = .5, k = 5."""
    problem = NoisyQuadratic(float64(1.0), float64(4.0))
    profile = problem.inner_variance(0.3, 0.5, 5, torch.arange(6)) / problem.sgd_variance(0.3)
    expected = float64(0.369, 0.691, 0.848, 0.926, 0.964, 0.982)
    torch.testing.assert_close(profile[:, 0], expected, rtol=0, atol=6e-4)  # printed digits
    for lr in (0.4, 2.0, 2.1):  # below, at and above the limit of SGD
        moment = problem.lookahead_variance(lr, 0.5, 5)
        for i in range(6):
            ours = problem.inner_variance(lr, 0.5, 5, i)
            torch.testing.assert_close(ours, moment, rtol=1e-12, atol=0)  # rounding
            moment = (1 - lr) ** 2 * moment + lr**2 * 4.0


@pytest.mark.parametrize(("alpha", "k"), list(itertools.product((0.2, 0.5, 0.8), (1, 2, 5, 6))))
def test_largest_stable_learning_rate(alpha, k):
    bound = PROBLEM.max_stable_lr(alpha, k).item()
    start = torch.ones(4, dtype=torch.float64)
    silent = NoisyQuadratic(PROBLEM.curvature, torch.zeros(4, dtype=torch.float64))
    below, above = (
        recursion(factor * bound, alpha, k, silent, 400, start)[
            -1
        ].item()  # the sharpest coordinate
        for factor in (0.999, 1.001)
    )
    assert below < 1 < above
    assert PROBLEM.lookahead_variance(0.999 * bound, alpha, k).isfinite().all()
    assert PROBLEM.lookahead_variance(1.001 * bound, alpha, k)[-1] == math.inf


def test_stability_beyond_the_limit_of_sgd():
    problem = NoisyQuadratic(float64(1.0), float64(1.0))
    bounds = problem.max_stable_lr(float64(0.5, 0.2, 0.8, 1.0), 5)
    # 5 digits of the study; alpha = 1 is SGD
    torch.testing.assert_close(bounds, float64(2.2457, 2.5518, 2.0845, 2.0), rtol=0, atol=6e-5)
    assert problem.max_stable_lr(0.5, 4) == 2.0


def test_settings_broadcast():
    lr, alpha, k = (
        float64(0.1, 0.2)[:, None, None],
        float64(0.3, 0.9)[:, None],
        torch.arange(1, 4),
    )
    together = PROBLEM.lookahead_variance(lr, alpha, k)
    assert together.shape == (2, 2, 3, 4)
    alone = PROBLEM.lookahead_variance(0.2, 0.3, 3)
    torch.testing.assert_close(together[1, 0, 2], alone, rtol=0, atol=0)
    assert PROBLEM.expected_loss(lr, alpha, k, steps=10).shape == (2, 2, 3)
    assert PROBLEM.max_stable_lr(alpha, k).shape == (2, 3)


def naive(problem, lr, alpha, k, steps, chains, gen):
    """Algorithm 1 as printed, with SGD inside."""
    phi = torch.zeros(chains, problem.curvature.numel())
    for _ in range(steps // k):
        theta = phi
        for _ in range(k):
            c = problem.noise_variance.sqrt() * torch.randn(phi.shape, generator=gen)
            theta = theta - lr * problem.curvature * (theta - c)
        phi = phi + alpha * (theta - phi)
    return phi


@pytest.mark.parametrize(("lr", "alpha", "k", "steps"), [(0.5, 0.5, 5, 33), (1.1, 0.2, 3, 12)])
def test_simulation_against_a_naive_loop(lr, alpha, k, steps):
    ours = PROBLEM.simulate(lr, alpha, k, steps=steps, chains=20, generator=generator(3, "noise"))
    plain = naive(PROBLEM, lr, alpha, k, steps, 20, generator(3, "noise"))
    # the same normals, summed in another order in float32
    torch.testing.assert_close(ours.double(), plain.double(), rtol=1e-4, atol=1e-5)


def test_simulation_against_the_closed_forms():
    """Second moments of 20000 chains: sum of the squares of chains / V is chi-square."""
    from scipy.special import chdtrc, ndtri  # scipy.stats would take 0.7 s

    chains, scores = 20_000, []
    gen = generator(11, "noise")
    for alpha, k in itertools.product((0.2, 0.5, 0.8), (1, 2, 5)):
        steps = 40 * k if alpha == 0.5 else 200 // k * k  # some runs end before they are stationary
        phi = PROBLEM.simulate(1.0, alpha, k, steps=steps, chains=chains, generator=gen)
        slow = [
            NoisyQuadratic(a[None], s[None]).expected_loss(1.0, alpha, k, steps=steps) * 2 / a
            for a, s in zip(PROBLEM.curvature, PROBLEM.noise_variance, strict=True)
        ]
        relative = phi.double().square().mean(0) / torch.stack(slow)
        scores.append((relative - 1) / math.sqrt(2 / chains))
    z = torch.cat(scores)
    # 36 scores, fixed seed: Bonferroni at 1 % two-sided, and a chi-square test at 1e-4
    assert z.abs().max() < -ndtri(0.005 / z.numel())
    assert chdtrc(z.numel(), z.square().sum().item()) > 1e-4


def test_start_and_many_blocks():
    """Chains beyond one block are run too, and a start of any shape is carried on."""
    problem = NoisyQuadratic(float64(0.5), float64(0.0))
    start = torch.arange(40_000.0)[:, None]
    phi = problem.simulate(1.0, 0.5, 2, steps=2, chains=40_000, generator=generator(0), start=start)
    torch.testing.assert_close(phi, start * 0.625, rtol=1e-6, atol=0)  # 1 - (1 - 1/4) / 2, float32
    assert start[3] == 3.0  # untouched


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.0}, "lr must be positive"),
        ({"lr": math.nan}, "lr must be positive"),
        ({"alpha": 0.0}, r"alpha must lie in \(0, 1\]"),
        ({"alpha": 1.1}, r"alpha must lie in \(0, 1\]"),
        ({"k": 0}, "k must be a whole number"),
        ({"k": 2.5}, "k must be a whole number"),
    ],
)
@pytest.mark.usefixtures("unchecked")  # some are of a wrong type
def test_bad_settings(arguments, message):
    settings = {"lr": 0.1, "alpha": 0.5, "k": 5} | arguments
    with pytest.raises(ValueError, match=message):
        PROBLEM.lookahead_variance(**settings)
    with pytest.raises(ValueError, match=message):
        PROBLEM.simulate(**settings, steps=10, chains=2, generator=generator(0))


@pytest.mark.usefixtures("unchecked")  # some are of a wrong shape
def test_bad_input():
    with pytest.raises(TypeError, match="curvature must be a float64 tensor"):
        NoisyQuadratic(torch.ones(2), torch.ones(2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"curvature must have shape \[d\]"):
        NoisyQuadratic(torch.ones(2, 2, dtype=torch.float64), torch.ones(4, dtype=torch.float64))
    with pytest.raises(ValueError, match="one length, got 1 and 2"):
        NoisyQuadratic(float64(1.0), float64(1.0, 2.0))
    with pytest.raises(ValueError, match="curvature must be positive"):
        NoisyQuadratic(float64(0.0), float64(1.0))
    with pytest.raises(ValueError, match="noise_variance must be non-negative"):
        NoisyQuadratic(float64(1.0), float64(-1.0))
    with pytest.raises(ValueError, match=r"i must be a whole number in 0\.\.k"):
        PROBLEM.inner_variance(0.1, 0.5, 5, 6)
    with pytest.raises(ValueError, match="steps must be at least 0"):
        PROBLEM.expected_loss(0.1, steps=-1)
    with pytest.raises(ValueError, match="steps must be >= 0 and chains >= 1"):
        PROBLEM.simulate(0.1, steps=1, chains=0, generator=generator(0))


def test_the_decaying_spectrum():
    problem = decaying_spectrum(4)
    torch.testing.assert_close(problem.curvature, float64(1, 1 / 2, 1 / 3, 1 / 4))
    torch.testing.assert_close(problem.noise_variance, float64(1, 2, 3, 4))
