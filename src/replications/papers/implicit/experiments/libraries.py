"""Public hypergradient libraries on one ridge problem with a closed form: who is right?

QUICK runs our package and our transcriptions of two formulas, one of them shared by two libraries;
FULL runs the libraries themselves, where they are installed, and its record is what the chapter's
table shows. The extra `bench` brings betty-ml and the extra `test` torchopt; hypergrad 0.0.1 and
hippotrainer 1.0.0 are in no extra and must be installed by hand.
"""

from __future__ import annotations

import importlib
import types
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from replications.core.experiment import experiment, quantity
from replications.methods.conjugate_gradient import ConjugateGradient
from replications.methods.dense_solve import Exact
from replications.methods.implicit import hypergradient
from replications.methods.inverse_hessian import Product
from replications.methods.neumann import Neumann
from replications.problems.ridge import Ridge, ridge

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Config:
    """The problem, and which libraries to ask."""

    problems: int = 10
    """Independent draws."""
    terms: int = 20
    """Order of every solver."""
    libraries: tuple[str, ...] = ()
    """Names of installed packages."""


@experiment(
    quick=Config(), full=Config(libraries=("betty", "hypergrad", "hippotrainer", "torchopt"))
)
def libraries(config: Config) -> xr.Dataset:
    """Ask every solver about every problem."""
    names: list[str] = []
    rows: list[list[tuple[float, float, float]]] = []
    for k in range(config.problems):
        problem = ridge(k)
        h = torch.linspace(-2, 1, 12, dtype=torch.float64)
        w, exact = problem.best_response(h), problem.hypergradient(h)
        step = 1 / float(torch.linalg.eigvalsh(problem.hessian(h))[-1])
        loss = (problem.train_loss, problem.val_loss)
        series = hypergradient(*loss, w, h, Neumann(config.terms, step)).total
        solvers = _ours(problem, w, h, config.terms, step)
        for name in config.libraries:
            solvers |= _LIBRARIES[name](problem, w, h, config.terms, step)
        if not names:
            names = list(solvers)
            rows = [[] for _ in names]
        for row, solver in zip(rows, solvers.values(), strict=True):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the libraries' own deprecated calls
                got = solver().detach()
            error = float((got - exact).norm() / exact.norm())
            cosine = float(torch.cosine_similarity(got, exact, dim=0))
            row.append((error, cosine, float((got - series).norm() / series.norm())))
    values = np.array(rows)
    long_names = {
        "error": "relative error to the closed form",
        "cosine": "cosine with the closed form",
        "series": "relative distance to the correct series of the same order and step",
    }
    return xr.Dataset(
        {
            name: (("solver", "problem"), values[..., i], {"long_name": long_name})
            for i, (name, long_name) in enumerate(long_names.items())
        },
        coords={"solver": names, "problem": np.arange(config.problems)},
    )


Solvers = dict[str, "Callable[[], Tensor]"]


def _ours(problem: Ridge, w: Tensor, h: Tensor, terms: int, step: float) -> Solvers:
    v = torch.func.grad(problem.val_loss)(w, h)

    def product(x: Tensor) -> Tensor:
        return problem.hessian(h) @ x

    def mixed(x: Tensor) -> Tensor:
        return -x * h.exp() * w

    def ask(solver: Any) -> Callable[[], Tensor]:
        return lambda: hypergradient(problem.train_loss, problem.val_loss, w, h, solver).total

    return {
        "this package: exact": ask(Exact()),
        "this package: Neumann": ask(Neumann(terms, step)),
        "this package: CG": ask(ConjugateGradient(terms)),
        "transcribed: CG with the old residual": lambda: mixed(_stale_cg(product, v, terms)),
        "transcribed: Neumann, sum rescaled each time": lambda: mixed(
            _shrinking_neumann(product, v, terms, step)
        ),
    }


def _stale_cg(product: Product, v: Tensor, iterations: int) -> Tensor:
    """Conjugate gradients with the old residual: a slip of two libraries."""
    x, r, p = torch.zeros_like(v), v, v
    for _ in range(iterations):
        bent = product(p)
        alpha = r @ r / (p @ bent)
        new = r - alpha * bent
        x, p, r = x + alpha * p, r + (new @ new) / (r @ r) * p, new
    return x


def _shrinking_neumann(product: Product, v: Tensor, terms: int, step: float) -> Tensor:
    """A series whose running sum is multiplied by the step at every term: one library's slip."""
    p = v
    for _ in range(terms):
        v = v - step * product(v)
        p = step * (p + v)
    return p


def _betty(problem: Ridge, w: Tensor, h: Tensor, terms: int, step: float) -> Solvers:
    leaf, hyper = w.clone().requires_grad_(), h.clone().requires_grad_()
    config = types.SimpleNamespace(
        neumann_iterations=terms, neumann_alpha=step, cg_iterations=terms, cg_alpha=1.0
    )
    lower = types.SimpleNamespace(
        paths=[],
        config=config,
        cur_batch=None,
        training_step_exec=lambda _: problem.train_loss(leaf, hyper),
        trainable_parameters=lambda: [leaf],
        parameters=lambda: [leaf],
    )
    upper = types.SimpleNamespace(trainable_parameters=lambda: [hyper])

    def ask(name: str) -> Tensor:
        solve = getattr(importlib.import_module(f"betty.hypergradient.{name}"), name)
        vector = torch.autograd.grad(problem.val_loss(leaf, hyper), [leaf])
        found: Tensor = solve(vector, lower, upper)[0]
        return found

    title = f"betty-ml {version('betty-ml')}"
    return {f"{title}: Neumann": lambda: ask("neumann"), f"{title}: CG": lambda: ask("cg")}


def _hypergrad(problem: Ridge, w: Tensor, h: Tensor, terms: int, step: float) -> Solvers:
    def ask(name: str, rate: float) -> Tensor:
        solve = getattr(importlib.import_module("hypergrad.approx_hypergrad"), name)

        def inner(w: tuple[Tensor], h: tuple[Tensor]) -> Tensor:
            return problem.train_loss(w[0], h[0])

        def outer(w: tuple[Tensor], h: tuple[Tensor]) -> Tensor:
            return problem.val_loss(w[0], h[0]) + 0 * h[0].sum()

        found: Tensor = solve(inner, outer, (w,), (h,), terms, rate)[0]
        return found

    title = f"hypergrad {version('hypergrad')}"
    return {
        f"{title}: Neumann": lambda: ask("neumann", step),
        f"{title}: CG": lambda: ask("conjugate_gradient", 1.0),
    }


def _hippotrainer(problem: Ridge, w: Tensor, h: Tensor, terms: int, step: float) -> Solvers:
    def ask() -> Tensor:
        module = importlib.import_module("hippotrainer.neumann")
        model = torch.nn.Module()
        model.w = torch.nn.Parameter(w.clone())
        hyper = {"h": h.clone().requires_grad_()}
        sgd = torch.optim.SGD(model.parameters(), lr=step)
        found = module.Neumann(hyper, model=model, optimizer=sgd, num_terms=terms)
        hyper["h"].requires_grad_()  # its constructor switches that off
        train = problem.train_loss(model.w, hyper["h"])
        val = problem.val_loss(model.w, hyper["h"]) + 0 * hyper["h"].sum()
        grad: Tensor = found.hyper_grad(train, val)[0]
        return grad

    return {f"hippotrainer {version('hippotrainer')}: Neumann": ask}


def _torchopt(problem: Ridge, w: Tensor, h: Tensor, terms: int, step: float) -> Solvers:
    def ask(name: str, **keywords: Any) -> Tensor:
        torchopt = importlib.import_module("torchopt")
        solve = getattr(torchopt.linear_solve, name)(maxiter=terms, **keywords)

        def stationary(w: Tensor, h: Tensor) -> Tensor:
            found: Tensor = torch.func.grad(problem.train_loss)(w, h)
            return found

        root = torchopt.diff.implicit.custom_root(stationary, argnums=1, solve=solve)
        leaf = h.clone().requires_grad_()
        best = root(lambda _, h: problem.best_response(h.detach()))(w, leaf)
        grad: Tensor = torch.autograd.grad(problem.val_loss(best, leaf), leaf)[0]
        return grad

    title = f"torchopt {version('torchopt')}"
    return {
        f"{title}: Neumann": lambda: ask("solve_inv", ns=True, alpha=step),
        f"{title}: CG": lambda: ask("solve_cg", rtol=0.0),
    }


_LIBRARIES = {
    "betty": _betty,
    "hypergrad": _hypergrad,
    "hippotrainer": _hippotrainer,
    "torchopt": _torchopt,
}


@quantity
def table(result: xr.Dataset) -> xr.Dataset:
    """Means over the problems, without the transcriptions."""
    shown = [x for x in result.solver.values.tolist() if not x.startswith("transcribed")]
    return result.sel(solver=shown).mean("problem")
