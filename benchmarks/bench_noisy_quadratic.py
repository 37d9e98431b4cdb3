"""The noisy quadratic: simulation against drawing its normals, and the cost of the closed forms."""

from __future__ import annotations

import time

import torch
from compare import compare, report

from replications.problems import NoisyQuadratic

CHAINS, STEPS = 10_000, 1000
LIMIT = "limit: drawing the normals alone"


def main() -> None:
    """Print the ratio for two shapes, then milliseconds for 400 points."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    for title, chains, d in (
        (f"Noisy quadratic, {CHAINS} chains, 1 coordinate, {STEPS} steps", CHAINS, 1),
        (
            f"Noisy quadratic, {CHAINS // 100} chains, 100 coordinates, {STEPS} steps",
            CHAINS // 100,
            100,
        ),
    ):
        curvature = torch.full((d,), 0.3, dtype=torch.float64)
        problem = NoisyQuadratic(curvature, 0.25 * torch.ones_like(curvature))
        normals = torch.empty(chains, d)

        def draw(normals: torch.Tensor = normals) -> None:
            for _ in range(STEPS):
                normals.normal_(generator=generator)

        def simulate(problem: NoisyQuadratic = problem, chains: int = chains) -> None:
            problem.simulate(1.0, 0.5, 5, steps=STEPS, chains=chains, generator=generator)

        report(
            title,
            compare({"ours": simulate, LIMIT: draw}, rounds=15, baseline=LIMIT),
            limits={"ours": 1.6},
        )

    problem = NoisyQuadratic(
        torch.tensor([1.0], dtype=torch.float64), torch.tensor([0.25], dtype=torch.float64)
    )
    lr, alpha = torch.linspace(0.01, 1.9, 400, dtype=torch.float64), 0.5
    calls = {
        "sgd_variance": lambda: problem.sgd_variance(lr),
        "lookahead_variance": lambda: problem.lookahead_variance(lr, alpha, 5),
        "inner_variance": lambda: problem.inner_variance(lr, alpha, 5, 3),
        "expected_loss": lambda: problem.expected_loss(lr, alpha, 5, steps=1000, start=1.0),
        "max_stable_lr": lambda: problem.max_stable_lr(lr / 2, 5),
    }
    print("\nclosed forms, 400 points (target: under 1 ms)")
    for name, call in calls.items():
        call()
        start = time.process_time()
        for _ in range(200):
            call()
        print(f"  {name:20s} {(time.process_time() - start) / 200 * 1e3:.3f} ms")


if __name__ == "__main__":
    main()
