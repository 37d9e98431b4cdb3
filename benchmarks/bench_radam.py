"""RAdam's step beside torch's, pytorch_optimizer's and optax's; the closed form; Monte Carlo.

The limits: at most 1.1 times fused Adam for large tensors; at least 3 times faster than any other
RAdam, 5 times where tensors are small; 0.7 of optax's; two buffers a parameter; the exact variance
for 500 rhos in 1 ms; its Monte Carlo check 0.3 of numpy's chi squares.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from compare import compare, report

from replications.methods import RAdam, rectification
from replications.problems.gaussian_gradients import simple_average_rates

SHAPES = ((1, 10**7), (100, 10**5), (1000, 10**3))
"""Number of tensors, and their size."""


NOTE = (
    "All RAdams rectify here. Fused Adam, which never does, is there for the scale: the same "
    "memory traffic in one pass. The limit moves as many bytes as a step must, four arrays read "
    "and three written, in three passes of torch in place."
)


def parameters(count: int, size: int) -> list[torch.Tensor]:
    """Random weights with small random gradients."""
    weights = [torch.randn(size, requires_grad=True) for _ in range(count)]
    for weight in weights:
        weight.grad = 1e-3 * torch.randn(size)
    return weights


def step(count: int, size: int) -> None:
    """One rectified step of every implementation, on weights of its own."""
    make: dict[str, Callable[[list[torch.Tensor]], torch.optim.Optimizer]] = {
        "ours": lambda p: RAdam(p),
        "unit: torch Adam, fused": lambda p: torch.optim.Adam(p, fused=True),
        "torch RAdam": lambda p: torch.optim.RAdam(p, foreach=False),
        "torch RAdam, foreach": lambda p: torch.optim.RAdam(p, foreach=True),
    }
    try:
        from pytorch_optimizer import RAdam as Peer

        make["pytorch_optimizer"] = lambda p: Peer(p)
    except ImportError:
        print("pytorch_optimizer is not installed: pip install '.[test]'")
    calls: dict[str, Callable[[], object]] = {}
    for name, maker in make.items():
        optimizer = maker(parameters(count, size))
        for _ in range(6):  # to where RAdam rectifies
            optimizer.step()
        calls[name] = optimizer.step
    if call := optax_step(count, size):
        calls["optax, jit"] = call
    calls["limit: the same 28 bytes a number, moved"] = moved(count, size)

    ratios = compare(calls, "ours", rounds=11)
    report(f"RAdam's step, {count} x {size} float32", ratios, note=NOTE)
    for ratio in ratios:
        if ratio.name == "unit: torch Adam, fused" and size >= 10**5:
            verdict("at most 1.1 of fused Adam", 1 / ratio.median, 1.1)
        if "RAdam" in ratio.name or ratio.name == "pytorch_optimizer":
            times = 5 if ratio.name == "torch RAdam" and size < 10**4 else 3
            verdict(f"{times} times faster than {ratio.name}", times / ratio.median, 1)
        if "optax" in ratio.name:
            verdict("at most 0.7 of optax", 1 / ratio.median, 0.7)


def moved(count: int, size: int) -> Callable[[], object]:
    """Read four arrays and write three, and compute next to nothing."""
    p, g, m, v = ([torch.randn(size) for _ in range(count)] for _ in range(4))

    def call() -> None:
        torch._foreach_add_(p, g)
        torch._foreach_mul_(m, 0.5)
        torch._foreach_mul_(v, 0.5)

    return call


def optax_step(count: int, size: int) -> Callable[[], object] | None:
    """optax's RAdam, compiled with its buffers given away; None without jax."""
    try:
        import jax
        import optax
    except ImportError:
        print("jax and optax are not installed: pip install '.[bench]'")
        return None
    rule = optax.radam(1e-3)

    def gradient(seed: int) -> list[jax.Array]:  # compiled as one program, it takes minutes
        random = np.random.default_rng(seed)
        return [
            jax.numpy.asarray(1e-3 * random.standard_normal(size, "float32")) for _ in range(count)
        ]

    grads = gradient(0)

    def update(params, state, grads):  # type: ignore[no-untyped-def]
        moves, state = rule.update(grads, state, params)
        return optax.apply_updates(params, moves), state

    compiled = jax.jit(update, donate_argnums=(0, 1))
    box = [gradient(1)]
    box.append(rule.init(box[0]))

    def call() -> None:
        box[:] = compiled(*box, grads)
        jax.block_until_ready(box)

    for _ in range(6):
        call()
    return call


def state_size() -> None:
    """Numbers kept for each parameter."""
    weights = parameters(10, 1000)
    optimizer = RAdam(weights)
    optimizer.step()
    kept = sum(
        value.numel()
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    )
    print()
    verdict("buffers a parameter", kept / 10_000, 2)


def variance() -> None:
    """The exact variance for rho = 1 to 500, and its check by 10 000 draws each."""
    rhos, random = np.arange(1, 501), np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)

    def monte_carlo() -> torch.Tensor:
        sums = [
            (psi.sum(), psi.dot(psi))
            for psi in simple_average_rates(range(1, 501), (10_000,), generator)
        ]
        first, second = torch.tensor(sums).T / 10_000
        return second - first**2

    def chi_squares() -> None:
        for rho in rhos:
            random.chisquare(rho, 10_000)

    calls = {
        "numpy chisquare": chi_squares,
        "ours: Monte Carlo": monte_carlo,
        "ours: closed form": lambda: rectification.adaptive_lr_variance(rhos),
    }
    ratios = compare(calls, "numpy chisquare", rounds=11)
    report("Var[psi] for rho = 1 to 500", ratios, {"ours: Monte Carlo": 0.3})
    verdict("closed form, ms", ratios[2].milliseconds, 1.0)


def verdict(what: str, value: float, limit: float) -> None:
    """Print whether a limit is kept."""
    print(f"  {what:<52}{value:8.3f}   limit {limit:g}: {'kept' if value <= limit else 'MISSED'}")


def main() -> None:
    """Print all ratios."""
    torch.set_num_threads(1)
    for count, size in SHAPES:
        step(count, size)
    state_size()
    variance()


if __name__ == "__main__":
    main()
