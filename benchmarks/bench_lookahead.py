"""What Lookahead's synchronisation costs beside the five inner steps that it belongs to.

The limits: 15 % of fused Adam's steps and 35 % of fused SGD's at 10^7 parameters, never more than
pytorch_optimizer's, and one more copy of the weights in memory.
"""

from __future__ import annotations

import torch
from compare import compare, report
from torch.profiler import ProfilerActivity, profile

from replications.methods import Lookahead

SHAPES = ((1, 10**7), (100, 10**5), (1000, 10**3))
"""Number of tensors, and their size."""
LIMIT = {"SGD": 0.35, "Adam": 0.15}


def parameters(count: int, size: int) -> list[torch.Tensor]:
    """Random weights with small random gradients."""
    weights = [torch.randn(size, requires_grad=True) for _ in range(count)]
    for weight in weights:
        weight.grad = 1e-3 * torch.randn(size)
    return weights


def synchronisation(count: int, size: int, inner: str) -> None:
    """One synchronisation over five fused inner steps, and over the peer's."""
    try:
        from pytorch_optimizer import Lookahead as Peer
    except ImportError:
        print("pytorch_optimizer is not installed: pip install '.[test]'")
        return
    make = {
        "SGD": lambda p: torch.optim.SGD(p, lr=1e-4, fused=True),
        "Adam": lambda p: torch.optim.Adam(p, lr=1e-4, fused=True),
    }[inner]
    optimizer = make(parameters(count, size))
    ours = Lookahead(make(parameters(count, size)))
    peer = Peer(make(parameters(count, size)), k=5, alpha=0.5)
    peer.step()  # makes its state

    def inner_steps() -> None:
        for _ in range(5):
            optimizer.step()

    def peer_synchronises() -> None:
        with torch.no_grad():
            for group in peer.param_groups:
                peer.update(group)

    fast, slow = ([torch.randn(size) for _ in range(count)] for _ in range(2))

    def moved() -> None:
        torch._foreach_mul_(fast, 0.5)
        torch._foreach_mul_(slow, 0.5)

    title = f"Lookahead's synchronisation, {count} x {size} float32"
    unit = f"unit: five steps of fused {inner}"
    candidates = {
        unit: inner_steps,
        "ours": ours._synchronise,
        "pytorch_optimizer": peer_synchronises,
        "limit: the same 16 bytes a number, moved": moved,
    }
    ratios = compare(candidates, unit)
    report(f"{title}, around {inner}", ratios, {"ours": LIMIT[inner]} if size == 10**7 else None)
    del candidates[unit]
    print("ours over the peer:")
    for ratio in compare(candidates, "pytorch_optimizer"):
        print(f"  {ratio}")


def memory() -> None:
    """Bytes allocated by construction and by a loop, in copies of the weights."""
    weights = parameters(1, 10**7)
    inner = torch.optim.SGD(weights, lr=1e-4, fused=True)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as made:
        lookahead = Lookahead(inner)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as used:
        for _ in range(5):
            lookahead.step()
    for name, found in (("construction", made), ("five steps and a synchronisation", used)):
        held = sum(event.self_cpu_memory_usage for event in found.key_averages())
        print(f"{name:<44}{held / (4 * 10**7):8.3f} copies of the weights")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for count, size in SHAPES:
        for inner in LIMIT:
            synchronisation(count, size, inner)
    print()
    memory()
