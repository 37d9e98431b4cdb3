"""Hypergradients against closed forms, finite differences, a naive transcription, torchopt."""

import math

import pytest
import torch

from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.dense_solve import Exact
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import HypergradientWarning
from replications.methods.lanczos import lanczos
from replications.methods.neumann import Neumann
from replications.methods.unrolled import unrolled_hypergradient
from replications.problems.data import diabetes, standardize
from replications.problems.newton import minimize
from replications.problems.ridge import ridge

# torch's own: torch.func.hessian, and torchopt's import, compile scripts
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")

CONVERGED = [Exact(), ConjugateGradient(60), Neumann(3000)]


def log_decays(problem):
    return torch.linspace(-2.0, 1.0, int(problem.groups.max()) + 1, dtype=torch.float64)


@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("solver", CONVERGED)
def test_closed_form_of_ridge(groups, solver):
    problem = ridge(0, groups=groups)
    decays = log_decays(problem)
    found = hypergradient(
        problem.train_loss, problem.val_loss, problem.best_response(decays), decays, solver
    )
    torch.testing.assert_close(found.total, problem.hypergradient(decays), rtol=1e-10, atol=1e-12)
    assert torch.equal(found.direct, torch.zeros_like(decays))
    assert found.stationarity < 1e-12
    eigenvalues = torch.linalg.eigvalsh(problem.hessian(decays))
    torch.testing.assert_close(found.curvature.largest, eigenvalues[-1], rtol=1e-8, atol=0)
    assert found.residual < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_the_derivative_of_what_retraining_gives(seed):
    """Automatic differentiation through the solution of the normal equations."""
    problem = ridge(seed)
    decays = log_decays(problem)
    w = problem.best_response(decays)
    found = hypergradient(problem.train_loss, problem.val_loss, w, decays, Exact()).total
    truth = torch.func.grad(lambda d: problem.val_loss(problem.best_response(d), d))(decays)
    torch.testing.assert_close(found, truth, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("groups", [None, 3])
def test_closed_form_of_ridge_by_finite_differences(groups):
    """The ground truth itself: central differences of the validation loss of the exact solution."""
    problem = ridge(1, groups=groups)
    decays = log_decays(problem)
    step = 1e-5
    for j, exact in enumerate(problem.hypergradient(decays)):
        shift = torch.zeros_like(decays)
        shift[j] = step
        up, down = (
            problem.val_loss(problem.best_response(x), x) for x in (decays + shift, decays - shift)
        )
        assert float((up - down) / (2 * step)) == pytest.approx(float(exact), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("terms", [0, 1, 7])
def test_neumann_equals_unrolled_at_the_optimum(terms):
    problem = ridge(2, groups=4)
    decays = log_decays(problem)
    w = problem.best_response(decays)
    implicit = hypergradient(
        problem.train_loss, problem.val_loss, w, decays, Neumann(terms, step=0.2)
    )
    unrolled = unrolled_hypergradient(
        problem.train_loss, problem.val_loss, w, decays, terms + 1, 0.2
    )
    torch.testing.assert_close(implicit.total, unrolled.total, rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(unrolled.params, w, rtol=1e-12, atol=1e-13)


def test_naive_transcription():
    """Equation by equation with dense matrices; a direct part, and shapes that differ."""
    torch.manual_seed(0)
    a, w, h = torch.randn(5, 5).double(), torch.randn(5).double(), torch.randn(3).double()
    b = torch.randn(5, 3).double()

    def train(w, h):
        return (w @ a @ a.T @ w) / 2 + ((b @ h).sin() * w).sum() + 0.1 * (w**4).sum() * h[0] ** 2

    def val(w, h):
        return (w.cos() * (b @ h)).sum() + (h**3).sum()

    hessian = torch.func.hessian(train)(w, h)
    mixed = torch.func.jacrev(torch.func.grad(train), argnums=1)(w, h)  # d2 L_T / dw dh^T, [5, 3]
    v, direct = torch.func.grad(val, argnums=(0, 1))(w, h)
    step = 0.5 / float(torch.linalg.eigvalsh(hessian).abs().max())
    series = torch.zeros(5, 5).double()
    for j in range(8):
        series += step * torch.linalg.matrix_power(torch.eye(5).double() - step * hessian, j)
    found = hypergradient(train, val, w, h, Neumann(7, step), tolerance=math.inf)
    torch.testing.assert_close(found.direct, direct)
    torch.testing.assert_close(found.indirect, -(v @ series @ mixed))
    torch.testing.assert_close(found.total, found.direct + found.indirect)
    residual = (v - hessian @ series @ v).norm() / v.norm()
    torch.testing.assert_close(found.residual, residual)


def test_retrained_nonconvex_network():
    """A tanh network 10-8-1 on diabetes, polished by Newton: finite differences of retraining."""
    data = diabetes()
    x, xv = (part.double() for part in standardize(data.inputs[:150], data.inputs[150:300]))
    y = ((data.targets - data.targets.mean()) / data.targets.std()).double()
    sizes = [(10, 8), (8, 1)]

    def predict(w, x):
        first, second = w.split([80, 8])
        return (torch.tanh(x @ first.view(sizes[0])) @ second.view(sizes[1])).squeeze(-1)

    def train(w, h):
        return ((predict(w, x) - y[:150]) ** 2).mean() / 2 + (h.exp() * w**2).sum() / 2

    def val(w, h):
        return ((predict(w, xv) - y[150:300]) ** 2).mean() / 2

    generator = torch.Generator().manual_seed(0)
    h = torch.full((88,), -3.0, dtype=torch.float64)
    w = minimize(lambda w: train(w, h), torch.randn(88, generator=generator, dtype=torch.float64))
    exact = hypergradient(train, val, w, h, Exact())
    assert exact.curvature.lowest > 0
    for _ in range(2):
        direction = torch.randn(88, generator=generator, dtype=torch.float64)
        step = 1e-4  # five points: the error of three, O(step^2), is 1e-5 here
        ends = [h + k * step * direction for k in (-2, -1, 1, 2)]
        f = [float(val(minimize(lambda w, end=end: train(w, end), w), end)) for end in ends]
        slope = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * step)
        assert slope == pytest.approx(float(exact.total @ direction), rel=1e-5)


def test_hessian_vector_product_and_conjugate_gradient_against_dense():
    problem = ridge(3)
    decays = log_decays(problem)
    w = problem.best_response(decays)
    v = torch.func.grad(problem.val_loss)(w, decays)
    hessian = torch.func.hessian(problem.train_loss)(w, decays)
    torch.testing.assert_close(hessian, problem.hessian(decays))
    seen = []

    class Spy:
        def solve(self, product, v):
            seen.append((v, product(v)))
            return ConjugateGradient(12).solve(product, v)

    found = hypergradient(problem.train_loss, problem.val_loss, w, decays, Spy())
    torch.testing.assert_close(seen[0][0], v)
    torch.testing.assert_close(seen[0][1], hessian @ v)
    dense = torch.linalg.solve(hessian, v)
    torch.testing.assert_close(found.total, -dense * decays.exp() * w, rtol=1e-10, atol=1e-12)


def test_damping_is_added_to_the_hessian():
    hessian = torch.diag(torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64))
    v = torch.ones(3, dtype=torch.float64)
    for solver in (ConjugateGradient(5, damping=0.5), Exact(damping=0.5)):
        found = solver.solve(lambda x: x @ hessian, v)
        torch.testing.assert_close(found.x, 1 / (hessian.diagonal() + 0.5))


def test_conjugate_gradient_rests_at_its_tolerance():
    hessian = torch.diag(torch.linspace(1.0, 50.0, 40, dtype=torch.float64))
    products = []

    def product(x):
        products.append(x)
        return x @ hessian

    found = ConjugateGradient(100, tolerance=1e-3).solve(
        product, torch.ones(40, dtype=torch.float64)
    )
    assert found.residual < 1e-3
    assert 5 < len(products) < 40


@pytest.mark.filterwarnings("ignore:.*functorch:FutureWarning")  # torchopt's use of torch
def test_torchopt_agrees():
    torchopt = pytest.importorskip("torchopt")
    problem = ridge(4)
    decays = log_decays(problem)
    w = problem.best_response(decays)

    def stationary(w, decays):
        return torch.func.grad(problem.train_loss)(w, decays)

    for solve, solver in [
        (torchopt.linear_solve.solve_cg(maxiter=40, rtol=1e-15), ConjugateGradient(40)),
        (torchopt.linear_solve.solve_inv(ns=True, maxiter=20, alpha=0.2), Neumann(20, 0.2)),
    ]:
        best = torchopt.diff.implicit.custom_root(stationary, argnums=1, solve=solve)(
            lambda _, d: problem.best_response(d.detach())
        )
        leaf = decays.clone().requires_grad_()
        theirs = torch.autograd.grad(problem.val_loss(best(w, leaf), leaf), leaf)[0]
        ours = hypergradient(problem.train_loss, problem.val_loss, w, decays, solver).total
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def nested(problem, d=12):
    """The same ridge problem with its weights and decays in trees of several shapes."""

    def flat_w(params):
        return torch.cat([params["a"].reshape(-1), params["b"][0], params["b"][1].reshape(-1)])

    def train(params, hyper):
        return problem.train_loss(
            flat_w(params), torch.cat([hyper[0].reshape(1), hyper[1]["rest"]])
        )

    def val(params, hyper):
        return problem.val_loss(flat_w(params), hyper[1]["rest"])  # which it does not read

    def split(w, decays):
        return {"a": w[:6].view(2, 3), "b": [w[6:11], w[11]]}, (decays[0], {"rest": decays[1:]})

    return train, val, split


def test_nested_structures():
    problem = ridge(5, groups=4)
    decays = log_decays(problem)
    train, val, split = nested(problem)
    params, hyper = split(problem.best_response(decays), decays)
    for found in (
        hypergradient(train, val, params, hyper, Exact()),
        unrolled_hypergradient(train, val, params, hyper, 600, 0.3),
    ):
        first, rest = found.total
        assert first.shape == () and rest["rest"].shape == (3,)
        torch.testing.assert_close(
            torch.cat([first.view(1), rest["rest"]]), problem.hypergradient(decays)
        )


@pytest.mark.parametrize(
    "solver",
    [
        Neumann(5),
        Neumann(5, 0.1),
        Neumann(5, 0.1, probes=0),
        ConjugateGradient(4),
        ConjugateGradient(90, 1e-9),
        Exact(),
    ],
)
def test_a_batch_gives_each_problem_its_own_result(solver):
    problems = [ridge(seed) for seed in range(4)]
    decays = torch.stack([log_decays(p) + 0.1 * i for i, p in enumerate(problems)])
    w = torch.stack([p.best_response(d) for p, d in zip(problems, decays, strict=True)])

    def train(w, d):
        return torch.stack([p.train_loss(*args) for p, *args in zip(problems, w, d, strict=True)])

    def val(w, d):
        return torch.stack([p.val_loss(*args) for p, *args in zip(problems, w, d, strict=True)])

    together = hypergradient(train, val, w, decays, solver)
    for i, p in enumerate(problems):
        alone = hypergradient(p.train_loss, p.val_loss, w[i], decays[i], solver)
        torch.testing.assert_close(together.total[i], alone.total, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(together.residual[i], alone.residual, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(
            together.curvature.largest[i], alone.curvature.largest, rtol=1e-6, atol=0
        )
        torch.testing.assert_close(
            together.stationarity[i], alone.stationarity, rtol=1e-6, atol=1e-12
        )
    unrolled = unrolled_hypergradient(train, val, w, decays, 3, 0.1).total
    alone = unrolled_hypergradient(
        problems[2].train_loss, problems[2].val_loss, w[2], decays[2], 3, 0.1
    ).total
    torch.testing.assert_close(unrolled[2], alone)


def test_lanczos_finds_both_ends_also_of_an_exhausted_space():
    spectrum = torch.cat([torch.linspace(-0.5, 2.0, 60), torch.tensor([7.0])]).double()
    seen = lanczos(lambda x: x * spectrum, spectrum, 25)
    assert float(seen.largest) == pytest.approx(7.0, rel=1e-6)
    assert float(seen.lowest) == pytest.approx(-0.5, rel=0.05)
    few = torch.tensor([[1.0, 3.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0]], dtype=torch.float64)
    seen = lanczos(lambda x: x * few, few, 12)
    torch.testing.assert_close(seen.largest, torch.tensor([3.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(seen.lowest, torch.tensor([1.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("probes", [12, 0])
def test_a_step_beyond_two_over_L_warns(probes):
    problem = ridge(6)
    decays = log_decays(problem)
    w = problem.best_response(decays)
    largest = float(torch.linalg.eigvalsh(problem.hessian(decays))[-1])
    hypergradient(
        problem.train_loss, problem.val_loss, w, decays, Neumann(100, 1.9 / largest, probes)
    )  # no warning
    with pytest.warns(HypergradientWarning, match="smaller step"):
        hypergradient(
            problem.train_loss, problem.val_loss, w, decays, Neumann(100, 2.1 / largest, probes)
        )
    with pytest.warns(HypergradientWarning, match="smaller step"):
        hypergradient(
            problem.train_loss, problem.val_loss, w, decays, Neumann(3000, 1e9, probes)
        )  # overflows


def test_negative_curvature_warns_and_stays_finite():
    hessian = torch.diag(torch.tensor([3.0, 1.0, -0.5], dtype=torch.float64))

    def train(w, h):
        return w @ hessian @ w / 2 + (w * h).sum()

    def val(w, h):
        return w.sum()

    zero = torch.zeros(3, dtype=torch.float64)
    with pytest.warns(HypergradientWarning, match="negative curvature"):
        found = hypergradient(train, val, zero, zero, ConjugateGradient(3))
    assert torch.isfinite(found.total).all()
    assert found.curvature.lowest < 0

    def bent_val(w, h):
        return w[2]  # the very first direction bends downwards: steepest descent's answer

    with pytest.warns(HypergradientWarning, match="negative curvature"):
        found = hypergradient(train, bent_val, zero, zero, ConjugateGradient(3))
    torch.testing.assert_close(found.total, torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64))


@pytest.mark.parametrize("solver", [Neumann(20), Neumann(20, 1.0, probes=0)])
def test_a_series_that_negative_curvature_has_spoilt_warns(solver):
    spectrum = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
    batch = torch.stack([spectrum, spectrum.abs()])
    with pytest.warns(HypergradientWarning, match="negative curvature in 1 of 2 .* fewer terms"):
        found = solver.solve(lambda x: batch * x, torch.ones(2, 3, dtype=torch.float64))
    assert found.residual[0] > 1 > found.residual[1]
    with pytest.warns(HypergradientWarning, match="negative curvature in 1 of 1"):
        solver.solve(lambda x: spectrum * x, torch.ones(3, dtype=torch.float64))


def test_a_series_that_negative_curvature_has_not_spoilt_is_silent():
    """Slightly negative curvature, few terms: a damped direction, better than nothing."""
    spectrum = torch.tensor([1.0, -0.01, 0.5], dtype=torch.float64)
    found = Neumann(20).solve(lambda x: spectrum * x, torch.ones(3, dtype=torch.float64))
    assert found.curvature.lowest < 0
    assert found.residual < 1


def test_unfinished_training_warns():
    problem = ridge(7)
    decays = log_decays(problem)
    with pytest.warns(HypergradientWarning, match="train longer"):
        found = hypergradient(
            problem.train_loss, problem.val_loss, torch.zeros_like(decays), decays, Exact()
        )
    assert found.stationarity > 0.1
    hypergradient(
        problem.train_loss,
        problem.val_loss,
        torch.zeros_like(decays),
        decays,
        Exact(),
        tolerance=math.inf,
    )


def test_a_validation_loss_without_indirect_part():
    problem = ridge(8)
    decays = log_decays(problem)
    w = problem.best_response(decays)
    found = hypergradient(
        problem.train_loss, lambda w, h: (h**2).sum(), w, decays, ConjugateGradient(5)
    )
    torch.testing.assert_close(found.total, 2 * decays)


def test_singular_hessian_is_named():
    zero = torch.zeros(2, dtype=torch.float64)
    with pytest.raises(ValueError, match="singular"):
        hypergradient(lambda w, h: (w[0] - h[0]) ** 2, lambda w, h: w.sum(), zero, zero, Exact())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Neumann(-1), "terms"),
        (lambda: Neumann(5, 0.0), "step"),
        (lambda: Neumann(5, math.nan), "step"),
        (lambda: Neumann(5, "best"), "step"),
        (lambda: Neumann(5, "auto", probes=0), "probes"),
        (lambda: ConjugateGradient(0), "iterations"),
        (lambda: ConjugateGradient(5, damping=-1.0), "damping"),
        (lambda: Exact(damping=-2), "damping"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_solvers_refuse(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_bad_input_is_named():
    problem = ridge(0)
    decays = log_decays(problem)
    w = problem.best_response(decays)
    t, v = problem.train_loss, problem.val_loss
    with pytest.raises(TypeError, match="params"):
        hypergradient(t, v, [w, 3.0], decays)
    with pytest.raises(TypeError, match="hyperparams"):
        hypergradient(lambda w, h: w.sum(), v, w, torch.zeros(12, dtype=torch.int64))
    with pytest.raises(ValueError, match="hyperparams"):
        hypergradient(lambda w, h: w.sum(), v, w, [])
    with pytest.raises(ValueError, match="one dtype"):
        hypergradient(lambda w, h: w[0].sum(), v, [w, w.float()], decays)
    with pytest.raises(ValueError, match="train_loss"):
        hypergradient(lambda w, h: w[None, None], v, w, decays)
    with pytest.raises(ValueError, match="first axis of 3"):
        hypergradient(lambda w, h: t(w, h).expand(3), v, w, decays)
    with pytest.raises(ValueError, match="val_loss"):
        hypergradient(t, lambda w, h: w, w, decays)
    with pytest.raises(ValueError, match="no best response"):
        hypergradient(lambda w, h: (w * h).sum(), v, w, decays, tolerance=math.inf)
    with pytest.raises(ValueError, match="no best response"):
        hypergradient(lambda w, h: w.sum(), v, w, decays, tolerance=math.inf)
    with pytest.raises(ValueError, match="steps"):
        unrolled_hypergradient(t, v, w, decays, -1, 0.1)
    with pytest.raises(ValueError, match="learning_rate"):
        unrolled_hypergradient(t, v, w, decays, 1, 0.0)
