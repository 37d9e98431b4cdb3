r"""Forward-mode differentiation, as RTRL and UORO use it.

A dual number carries a tangent along: :math:`f(x + v\,dt) = f(x) + (df/dx\, v)\, dt`. One
pass so gives the derivative of everything along one direction, and nothing waits for a backward
pass.
"""

from __future__ import annotations

import warnings
from functools import cache

import torch
from torch import Tensor
from torch.autograd import forward_ad


@cache
def load_forward_mode() -> None:
    """Use forward mode once: torch then compiles its rules, and warns of its own deprecated
    compiler.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        with forward_ad.dual_level():
            forward_ad.make_dual(torch.zeros(1), torch.zeros(1))


def tangent_of(dual: Tensor) -> Tensor:
    """The tangent of a dual tensor; zeros for a tensor that does not depend on the direction."""
    primal, tangent = forward_ad.unpack_dual(dual)
    return torch.zeros_like(primal) if tangent is None else tangent
