"""What the methods refuse, and how they say so: each message begins with the argument's name.

A call of one of these functions stands alone as a statement at the head of a method. It raises or
does nothing, so it can change no number: the digests of stored results leave such statements out
(`core.digest`), and the chapters show the code without them.

Numbers that are not finite are refused where all is lost with them. Among independent problems
one may have diverged; the others go on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from replications.methods.trees import Tree, leaves

_WORDS = {"below": ("momentum", "skip"), "first_moment": ("running", "restarted", "uncorrected")}
"""Settings of Adam's family that are one word of several."""


def refuse_numbers(finite: bool = False, **numbers: Any) -> None:
    """Refuse what is no real number; their ranges are the methods' own affair.

    Args:
        finite: refuse nan and inf too.
        numbers: by the argument's name.
    """
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{name}: must be a number, got {_what(value)}")
        if finite and not math.isfinite(value):
            raise ValueError(f"{name}: must be finite, got {value}")


def refuse_counts(**counts: Any) -> None:
    """Refuse what is no whole number."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name}: must be a whole number, got {_what(value)}")


def refuse_adam_groups(groups: Sequence[dict[str, Any]]) -> None:
    """Refuse parameter groups of Adam's family that hold a wrong setting, or no floats."""
    for i, group in enumerate(groups):
        where = "" if len(groups) == 1 else f" (group {i})"
        for name in ("lr", "eps", "weight_decay"):
            value = group[name]
            if isinstance(value, Tensor) and value.numel() == 1:
                value = float(value)
            refuse_numbers(**{f"{name}{where}": value})
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}{where} must lie in [0, inf), got {value}")
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"betas{where}: must be two numbers, got {_what(betas)}")
        for j, beta in enumerate(betas):
            refuse_numbers(**{f"betas[{j}]{where}": beta})
            if not 0 <= beta < 1:
                raise ValueError(f"betas[{j}]{where} must lie in [0, 1), got {beta}")
        if "threshold" in group:
            refuse_numbers(**{f"threshold{where}": group["threshold"]})
            if not 4 <= group["threshold"] < math.inf:
                raise ValueError(f"threshold{where} must lie in [4, inf), got {group['threshold']}")
        if "freeze" in group:
            refuse_counts(**{f"freeze{where}": group["freeze"]})
            if group["freeze"] < 0:
                raise ValueError(f"freeze{where} must be at least 0, got {group['freeze']}")
        for name, words in _WORDS.items():
            if name in group and group[name] not in words:
                raise ValueError(f"{name}{where} must be one of {words}, got {group[name]!r}")
        for p in group["params"]:
            if not (p.is_floating_point() or p.is_complex()):
                raise TypeError(f"params{where}: must be floating-point tensors, got {p.dtype}")


def refuse_betas(lr: Any, betas: Any, eps: Any, weight_decay: Any) -> None:
    """Refuse settings of Adam's family that could not even be compared with their ranges."""
    for name, value in {"lr": lr, "eps": eps, "weight_decay": weight_decay}.items():
        if not isinstance(value, Real) and not (isinstance(value, Tensor) and value.numel() == 1):
            raise TypeError(f"{name}: must be a number, got {_what(value)}")
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise TypeError(f"betas: must be two numbers, got {_what(betas)}")
    refuse_numbers(**{f"betas[{i}]": beta for i, beta in enumerate(betas)})


def refuse_lookahead_state(
    state_dict: dict[str, Any], groups: Sequence[dict[str, Any]], parameters: Sequence[Tensor]
) -> None:
    """Refuse a Lookahead's state that lacks a part, or belongs to another inner optimizer.

    Args:
        state_dict: of `Lookahead.state_dict`, with its key "lookahead".
        groups: parameter groups of the optimizer that is to take it over.
        parameters: all of their parameters, in order.
    """
    own = state_dict["lookahead"]
    parts = ("slow_weights", "slow_moments", "steps", "k", "alpha", "inner_state")
    if missing := [name for name in parts if name not in own]:
        raise ValueError(f"state_dict['lookahead']: has no {', no '.join(missing)}")
    refuse_counts(**{"state_dict['lookahead']['steps']": own["steps"]})
    saved = state_dict.get("param_groups", ())
    for i, (group, other) in enumerate(zip(groups, saved, strict=False)):
        if lacking := sorted(group.keys() - other.keys()):
            raise ValueError(
                f"state_dict: comes from another inner optimizer; its group {i} has no "
                f"{', no '.join(lacking)}"
            )
    if len(saved) != len(groups):
        raise ValueError(f"state_dict: must have {len(groups)} groups, got {len(saved)}")
    moments = own["slow_moments"]
    if len(moments) != len(parameters):
        raise ValueError(
            f"state_dict['lookahead']: must have slow moments of {len(parameters)} parameters, "
            f"got {len(moments)}"
        )
    for p, found in zip(parameters, moments, strict=True):
        for name, m in found.items():
            if (m.shape, m.dtype) != (p.shape, p.dtype):
                raise ValueError(
                    f"state_dict['lookahead']: slow moment {name} is {m.dtype} {list(m.shape)}, "
                    f"its parameter {p.dtype} {list(p.shape)}; load the state before the "
                    "parameters change their dtype"
                )


def refuse_problem(problem: Any) -> None:
    """Refuse what is no unrolled problem."""
    missing = [name for name in ("horizon", "init", "step") if not hasattr(problem, name)]
    if missing:
        raise TypeError(
            f"problem: must have horizon, init and step; {type(problem).__name__} has no "
            f"{', no '.join(missing)}"
        )


def refuse_seed(seed: Any) -> None:
    """Refuse seeds that are no whole numbers."""
    for value in seed if isinstance(seed, Sequence) and not isinstance(seed, str) else (seed,):
        if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
            raise TypeError(
                f"seed: must be a whole number or a sequence of them, got {_what(seed)}"
            )


def refuse_theta(theta: Any, on_explosion: str, replicates: int | None = None) -> None:
    """Refuse parameters of the wrong kind or shape, or not finite where that is an error.

    Args:
        theta: [P], or [R, P].
        on_explosion: with "report", replicates that have diverged may stand beside others.
        replicates: R, once an episode has begun.
    """
    shape = "[P] or [R, P]" if replicates is None else f"[P] or [{replicates}, P]"
    if not isinstance(theta, Tensor):
        raise TypeError(f"theta: must be a float tensor {shape}, got {_what(theta)}")
    wrong = theta.ndim not in (1, 2) or theta.shape[-1] == 0 or not theta.is_floating_point()
    if replicates is not None and theta.ndim == 2:
        wrong = wrong or theta.shape[0] not in (1, replicates)
    if wrong:
        raise ValueError(
            f"theta must be a float tensor {shape}, got {theta.dtype} {list(theta.shape)}"
        )
    if on_explosion == "raise" and not theta.is_meta and not bool(theta.isfinite().all()):
        bad = theta.numel() - int(theta.isfinite().sum())
        raise ValueError(f"theta: {bad} of {theta.numel()} numbers are not finite")


def refuse_state(estimator: Any, state: Any) -> None:
    """Refuse a state of another kind; the evolution strategies share one."""
    wanted = type(estimator)._start.__annotations__.get("return")  # the name of its own kind
    if wanted is not None and type(state).__name__ != getattr(wanted, "__name__", wanted):
        raise TypeError(
            f"state: must come from init or step of this {type(estimator).__name__}, "
            f"got {_what(state)}"
        )


def refuse_other_theta(centre: Tensor, before: Tensor) -> None:
    """Refuse parameters unlike those that the episode began with, in number, dtype or device."""
    if centre.shape[-1] != before.shape[-1]:
        raise ValueError(
            f"theta: has {centre.shape[-1]} parameters, the episode began with {before.shape[-1]}"
        )
    if (centre.dtype, centre.device) != (before.dtype, before.device):
        raise ValueError(
            f"theta: is {centre.dtype} on {centre.device}, the episode began with {before.dtype} "
            f"on {before.device}"
        )


def refuse_particles(state: Tree, count: int) -> None:
    """Refuse states whose tensors do not have the particles first."""
    for leaf in leaves(state, "problem: its state"):
        if leaf.ndim == 0 or leaf.shape[0] != count:
            raise ValueError(
                f"problem: init({count}) and step must return tensors with a first axis of {count} "
                f"particles, got {list(leaf.shape)}; if init is right, theta or the method has "
                "changed since the episode began"
            )


def refuse_losses(loss: Any, theta: Tensor) -> None:
    """Refuse a step's losses that are not one a particle, of theta's dtype and on its device."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"problem: step must return (state, losses), got {_what(loss)} for losses")
    if loss.shape != theta.shape[:1]:
        raise ValueError(
            f"problem must return one loss a particle, [{theta.shape[0]}], got {list(loss.shape)}"
        )
    if loss.dtype != theta.dtype or loss.device != theta.device:
        raise ValueError(
            f"problem: must return losses like theta, {theta.dtype} on {theta.device}, "
            f"got {loss.dtype} on {loss.device}"
        )


def refuse_losses_of(train_loss: Any, val_loss: Any, params: Tree, hyperparams: Tree) -> None:
    """Refuse losses that cannot be called, and tensors on two devices or with nothing finite."""
    for name, loss in {"train_loss": train_loss, "val_loss": val_loss}.items():
        if not callable(loss):
            raise TypeError(
                f"{name}: must be a function of (params, hyperparams), got {_what(loss)}"
            )
    devices = {}
    for name, tree in {"params": params, "hyperparams": hyperparams}.items():
        tensors = leaves(tree, name)
        if not all(t.isfinite().all() for t in tensors if t.is_floating_point() and not t.is_meta):
            with torch.no_grad():  # one of a batch may have diverged
                alone = torch.as_tensor(train_loss(params, hyperparams)).ndim == 0
            if alone or not any(t.isfinite().any() for t in tensors):
                bad = sum(t.numel() - int(t.isfinite().sum()) for t in tensors)
                total = sum(t.numel() for t in tensors)
                raise ValueError(f"{name}: {bad} of {total} numbers are not finite")
        devices[name] = {str(t.device) for t in tensors}
    if len(devices["params"] | devices["hyperparams"]) > 1 and all(devices.values()):
        where = ", ".join(f"{name} on {' and '.join(sorted(d))}" for name, d in devices.items())
        raise ValueError(f"hyperparams: must be on the device of params, got {where}")


def refuse_no_tensor(loss: Any, name: str) -> None:
    """Refuse a loss that has not been computed by torch."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"{name}: must return a tensor, got {_what(loss)}")


def refuse_solver(solver: Any, tolerance: Any) -> None:
    """Refuse what cannot solve, and a tolerance that is no bound."""
    if isinstance(solver, type) or not callable(getattr(solver, "solve", None)):
        raise TypeError(
            "solver: must have a method solve, like Neumann(), ConjugateGradient() or Exact(), "
            f"got {_what(solver)}"
        )
    refuse_numbers(tolerance=tolerance)
    if not tolerance > 0:  # 0 would never warn: it is where there is no validation gradient
        raise ValueError(f"tolerance: must be more than 0, got {tolerance}")


def refuse_step(step: Any) -> None:
    """Refuse a step that is neither a positive number nor "auto"."""
    if not isinstance(step, str):
        refuse_numbers(step=step)
        if step == math.inf:
            raise ValueError(f"step: must be finite, got {step}")


def refuse_perceptron(weights: Any, inputs: Any, targets: Any, penalty: Any, masks: Any) -> None:
    """Refuse layers that do not fit one another, the inputs, the targets, penalty or masks."""
    layers = _tensors("weights", weights)
    first = layers[0]
    for i, w in enumerate(layers):
        if w.ndim not in (2, 3) or w.shape[:-2] != first.shape[:-2]:
            raise ValueError(
                f"weights[{i}]: must be [inputs, outputs], or [batch, inputs, outputs] with one "
                f"batch, got {list(w.shape)}"
            )
        if i and w.shape[-2] != layers[i - 1].shape[-1]:
            raise ValueError(
                f"weights[{i}]: must have {layers[i - 1].shape[-1]} inputs, the outputs of the "
                f"layer before, got {list(w.shape)}"
            )
        _like(f"weights[{i}]", w, first)
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs: must be a tensor, got {_what(inputs)}")
    if inputs.ndim not in (2, 3) or inputs.shape[-1] != first.shape[-2]:
        raise ValueError(
            f"inputs: must be [n, {first.shape[-2]}], or with a batch in front, "
            f"got {list(inputs.shape)}"
        )
    if inputs.shape[:-2] != first.shape[:-2]:
        raise ValueError(
            f"inputs: must have the weights' batch, {list(first.shape[:-2])}, "
            f"got {list(inputs.shape[:-2])}"
        )
    _like("inputs", inputs, first)
    if not bool(inputs.isfinite().all()):
        raise ValueError("inputs: must be finite")
    _classes(targets, inputs, layers[-1])
    if penalty is not None:
        penalties = _tensors("penalty", penalty)
        shapes, wanted = ([list(t.shape[-2:]) for t in x] for x in (penalties, layers))
        if shapes != wanted:
            raise ValueError(f"penalty: must be shaped like the weights, {wanted}, got {shapes}")
    if masks is not None and len(masks) != len(layers) - 1:
        raise ValueError(f"masks: must be one a hidden layer, {len(layers) - 1}, got {len(masks)}")


def refuse_vector(vector: Any, weights: Tensor) -> None:
    """Refuse a vector that is not flat like the weights."""
    if not isinstance(vector, Tensor):
        raise TypeError(f"vector: must be a tensor, got {_what(vector)}")
    if vector.shape != weights.shape:
        raise ValueError(
            f"vector: must have the shape of weights, {list(weights.shape)}, "
            f"got {list(vector.shape)}"
        )
    _like("vector", vector, weights)


def refuse_perceptrons(train: Any, val: Any) -> None:
    """Refuse what is no MLPHessian."""
    for name, value in {"train": train, "val": val}.items():
        if not hasattr(value, "product") or not hasattr(value, "penalty"):
            raise TypeError(f"{name}: must be an MLPHessian, got {_what(value)}")


def _classes(targets: Any, inputs: Tensor, last: Tensor) -> None:
    if not isinstance(targets, Tensor):
        raise TypeError(f"targets: must be a tensor, got {_what(targets)}")
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise TypeError(f"targets: must be whole numbers, the classes, got {targets.dtype}")
    if targets.shape[-1:] != inputs.shape[-2:-1]:
        raise ValueError(
            f"targets: must be [{inputs.shape[-2]}], one a row of inputs, got {list(targets.shape)}"
        )
    if targets.device != inputs.device:
        raise ValueError(f"targets: must be on {inputs.device}, got {targets.device}")
    if targets.numel() and not 0 <= int(targets.min()) <= int(targets.max()) < last.shape[-1]:
        raise ValueError(
            f"targets: must lie in [0, {last.shape[-1]}), the last layer's outputs, "
            f"got {int(targets.min())} to {int(targets.max())}"
        )


def _tensors(name: str, value: Any) -> list[Tensor]:
    if isinstance(value, Tensor) or not isinstance(value, Sequence) or not value:
        raise TypeError(f"{name}: must be a list of tensors, one a layer, got {_what(value)}")
    for tensor in value:
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise TypeError(
                f"{name}: must be a list of floating-point tensors, got {_what(tensor)}"
            )
    return list(value)


def _like(name: str, tensor: Tensor, first: Tensor) -> None:
    if (tensor.dtype, tensor.device) != (first.dtype, first.device):
        raise ValueError(
            f"{name}: must be {first.dtype} on {first.device} like the weights, "
            f"got {tensor.dtype} on {tensor.device}"
        )


def _what(value: Any) -> str:
    """A value in few words."""
    if isinstance(value, Tensor):
        return f"a tensor {value.dtype} {list(value.shape)}"
    if isinstance(value, (bool, int, float, str, tuple, type(None))):
        return f"{value!r:.60}"
    return f"a {type(value).__name__}"
