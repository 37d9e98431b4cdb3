"""Hypergradients of a perceptron with one log decay a weight: ours, betty-ml, torchopt, jax.

Times are also given in units of one gradient of the training loss. Every candidate computes the
validation gradient, the inverse-Hessian product and the mixed product; no checks of the step. A
timing of the small network is ten calls in a row, as in a training loop.
"""

from __future__ import annotations

import importlib.util
import math
import os
import time
import types
import warnings
from itertools import pairwise

import torch
from compare import compare, report

from replications.methods import (
    ConjugateGradient,
    Exact,
    MLPHessian,
    Neumann,
    decay_hypergradient,
    hypergradient,
)

K, STEP = 20, 0.01
NOTE = (
    "Ours is the general route by automatic differentiation; the R operator serves "
    "perceptrons only. The limit is what their matrix products alone take."
)


def problem(sizes, n, dtype=torch.float32):
    """Weights, decays and losses; the same formula for every candidate."""
    g = torch.Generator().manual_seed(0)
    weights = [
        ((2 * torch.rand(i, o, generator=g, dtype=dtype) - 1) / math.sqrt(i)).requires_grad_()
        for i, o in pairwise(sizes)
    ]
    # decays of 1 make the Hessian positive definite, which conjugate gradients need
    decays = [torch.zeros_like(w).requires_grad_() for w in weights]
    x, xv = torch.randn(2, n, sizes[0], generator=g, dtype=dtype)
    y, yv = torch.randint(sizes[-1], (2, n), generator=g)

    def fit(weights, x, y):
        for w in weights[:-1]:
            x = torch.relu(x @ w)
        return torch.nn.functional.cross_entropy(x @ weights[-1], y)

    def train(weights, decays):
        penalty = sum((d.exp() * w * w).sum() for d, w in zip(decays, weights, strict=True))
        return fit(weights, x, y) + 0.5 * penalty

    def val(weights, _):
        return fit(weights, xv, yv)

    def direct(solver):
        w = [w.detach() for w in weights]
        at = MLPHessian(w, x, y, [d.detach().exp() for d in decays])
        found = decay_hypergradient(at, MLPHessian(w, xv, yv), solver, tolerance=math.inf)
        return (at.penalty * found.total,)

    return weights, decays, train, val, direct, (x, y, xv, yv)


def ours(solver, weights, decays, train, val):
    """Our general route."""
    return hypergradient(train, val, weights, decays, solver, tolerance=math.inf).total


def betty(name, weights, decays, train, val):
    """betty-ml's function, without its engine: the smallest object that it accepts."""
    module = importlib.import_module(f"betty.hypergradient.{name}")
    config = types.SimpleNamespace(
        neumann_iterations=K, neumann_alpha=STEP, cg_iterations=K, cg_alpha=1.0
    )
    lower = types.SimpleNamespace(
        paths=[],
        config=config,
        cur_batch=None,
        training_step_exec=lambda _: train(weights, decays),
        trainable_parameters=lambda: weights,
        parameters=lambda: weights,
    )
    upper = types.SimpleNamespace(trainable_parameters=lambda: decays)
    vector = torch.autograd.grad(val(weights, decays), weights)
    return getattr(module, name)(vector, lower, upper)


def torchopt_(solve, weights, decays, train, val):
    """torchopt's custom_root around the trained weights."""
    import torchopt

    def stationary(weights, decays):
        return torch.func.grad(train)(weights, decays)

    root = torchopt.diff.implicit.custom_root(stationary, argnums=1, solve=solve)
    best = root(lambda _, d: tuple(w.detach().requires_grad_() for w in weights))
    return torch.autograd.grad(val(best(tuple(weights), tuple(decays)), decays), decays)


def jax_loop(weights, decays, data):
    """The training gradient linearised once, the series one scan, all of it jitted."""
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )
    import jax
    import jax.numpy as jnp

    own = [[jnp.array(t.detach().numpy()) for t in part] for part in (weights, decays, data)]
    (w, d, (x, y, xv, yv)), tree = own, jax.tree.map

    def fit(w, x, y):
        for layer in w[:-1]:
            x = jax.nn.relu(x @ layer)
        return -jnp.take_along_axis(jax.nn.log_softmax(x @ w[-1]), y[:, None], 1).mean()

    @jax.grad
    def gradient(w, d):
        penalty = sum((jnp.exp(c) * u * u).sum() for c, u in zip(d, w, strict=True))
        return fit(w, x, y) + 0.5 * penalty

    @jax.jit
    def hyper(w, d):
        v = jax.grad(fit)(w, xv, yv)
        product = jax.linearize(lambda w: gradient(w, d), w)[1]

        def more(sums, _):
            term = tree(lambda t, bent: t - STEP * bent, sums[0], product(sums[0]))
            return (term, tree(jnp.add, sums[1], term)), None

        (_, total), _ = jax.lax.scan(more, (v, v), None, length=K)
        return tree(lambda g: -STEP * g, jax.vjp(lambda d: gradient(w, d), d)[1](total)[0])

    def call():
        return [torch.from_dlpack(g) for g in jax.block_until_ready(hyper(w, d))]

    start = time.process_time()
    call()
    print(f"jax: the first call took {time.process_time() - start:.1f} s")
    return call


def main() -> None:
    """Print one table for each size and solver."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers' deprecated calls
    small = problem((4, 16, 16, 3), 60, torch.float64)[:4]
    dense = flat(ours(Exact(), *small))
    error = float((flat(ours(ConjugateGradient(K), *small)) - dense).norm() / dense.norm())
    kept = "kept" if error <= 1e-12 else "MISSED"
    print(f"CG {K} on 4-16-16-3, float64: error {error:.1e}   limit 1e-12: {kept}")
    have = {
        name: importlib.util.find_spec(name) is not None for name in ("betty", "torchopt", "jax")
    }
    for title, sizes, n, limits in (
        (
            "4-128-128-3, 17,280 weights, n = 60",
            (4, 128, 128, 3),
            60,
            {"ours": 0.85, "ours, R operator": 0.4},
        ),
        ("64-256-256-10, 84,480 weights, n = 500", (64, 256, 256, 10), 500, {"ours": 1.0}),
    ):
        repeat = 10 if n < 100 else 1
        args = problem(sizes, n)
        four, direct = args[:4], args[4]

        def gradient(args=args):
            return torch.autograd.grad(args[2](args[0], args[1]), args[0])

        neumann, cg = Neumann(K, STEP, probes=0), ConjugateGradient(K)
        calls = {
            "unit: one gradient": gradient,
            "ours": lambda four=four, s=neumann: ours(s, *four),
            "ours, R operator": lambda direct=direct, s=neumann: direct(s),
            "ours, step checked": lambda four=four: ours(Neumann(K, STEP), *four),
        }
        if have["torchopt"]:
            import torchopt

            inverse = torchopt.linear_solve.solve_inv(ns=True, maxiter=K, alpha=STEP)
            calls["torchopt"] = lambda four=four, s=inverse: torchopt_(s, *four)
        if have["betty"]:
            calls["betty-ml"] = lambda four=four: betty("neumann", *four)
        if have["jax"]:
            calls["jax: one jitted loop"] = jax_loop(*args[:2], args[5])
        calls["limit: the matrix products alone"] = products(sizes, n, torch.float32)
        agree({k: v for k, v in calls.items() if ":" not in k})
        base = "betty-ml" if have["betty"] else "ours"
        found = compare(calls, base, repeat=repeat)
        kept = limits if have["betty"] else None
        note = NOTE + " jax's compilation, a second or more, is not counted."
        report(f"Hypergradient by {K} Neumann terms, {title}, float32", found, kept, note)
        in_gradients(found)

        # conjugate gradients in double precision, where 20 iterations are not yet converged
        args = problem(sizes, n, torch.float64)
        four, direct = args[:4], args[4]

        def gradient_64(args=args):
            return torch.autograd.grad(args[2](args[0], args[1]), args[0])

        calls = {
            "unit: one gradient": gradient_64,
            "ours": lambda four=four, s=cg: ours(s, *four),
            "ours, R operator": lambda direct=direct, s=cg: direct(s),
        }
        if have["betty"]:
            calls["betty-ml (wrong)"] = lambda four=four: betty("cg", *four)
        if have["torchopt"]:
            solve = torchopt.linear_solve.solve_cg(maxiter=K, rtol=0.0)
            calls["torchopt"] = lambda four=four, s=solve: torchopt_(s, *four)
        calls["limit: the matrix products alone"] = products(sizes, n, torch.float64)
        if have["torchopt"]:
            apart = flat(calls["ours, R operator"]()) - flat(calls["torchopt"]())
            assert apart.norm() < 1e-9 * flat(calls["ours"]()).norm()
        base = "torchopt" if have["torchopt"] else "ours"
        found = compare(calls, base, repeat=repeat)
        limit = {"ours, R operator": 0.65} if have["torchopt"] else None
        name = f"Hypergradient by {K} conjugate gradients, {title}, float64"
        report(name, found, limit, NOTE + " betty-ml's conjugate gradients return a wrong answer.")
        in_gradients(found)


def products(sizes, n, dtype):
    """The matrix products of K Hessian-vector products, and nothing else: 14 for three layers."""
    layers = []
    for inputs, outputs in pairwise(sizes):
        a, w, d = (
            torch.randn(*s, dtype=dtype) for s in ((n, inputs), (inputs, outputs), (n, outputs))
        )
        layers.append((a, w, d, torch.empty_like(d), torch.empty_like(w), torch.empty_like(a)))

    def call():
        for _ in range(K):
            for i, (a, w, d, z, g, back) in enumerate(layers):
                torch.mm(a, w, out=z)
                torch.mm(a.mT, d, out=g)
                if i:  # the first layer's inputs do not depend on the weights
                    z.addmm_(a, w)
                    g.addmm_(a.mT, d)
                    torch.mm(d, w.mT, out=back)
                    back.addmm_(d, w.mT)

    return call


def in_gradients(found) -> None:
    """The same medians in units of one gradient of the training loss."""
    unit = next(r.milliseconds for r in found if r.name == "unit: one gradient")
    print("in gradients: " + ", ".join(f"{r.name} {r.milliseconds / unit:.1f}" for r in found))


def flat(tensors):
    """One vector."""
    return torch.cat([t.flatten() for t in tensors])


def agree(calls) -> None:
    """All candidates must return the same hypergradient before they are timed."""
    values = {name: flat(call()) for name, call in calls.items()}
    reference = values["ours"]
    for name, value in values.items():
        error = float((value - reference).norm() / reference.norm())
        assert error < 1e-5, f"{name} differs by {error:.1e}"


if __name__ == "__main__":
    main()
