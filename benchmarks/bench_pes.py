"""Unrolls and ES generations against jax and evosax, side by side in one process, one thread.

Run as `python benchmarks/bench_pes.py`; candidates whose library is missing are left out. The peers
are written here in the way their documentation suggests: `jit` of `scan` of `vmap`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import torch
from compare import compare, report

from replications.methods.evolution import PES, FullES
from replications.methods.unroll_problem import unroll, unroll_steps
from replications.problems.data import digits
from replications.problems.digits_training import DigitsTraining
from replications.problems.influence_balancing import InfluenceBalancing

try:
    import jax
    import jax.numpy as jnp
except ImportError:
    jax = None

ROUNDS = 15


def influence(n: int) -> None:
    """100 steps with the loss of every step, float32 on both sides."""
    steps = 100
    problem = InfluenceBalancing(dtype=torch.float32)
    theta, start = torch.full((n, 1), 0.3), problem.init(n)
    candidates = {
        "ours: all steps as one product": lambda: unroll(problem, start, theta, 0, steps),
        "ours: step by step": lambda: unroll_steps(problem, start, theta, 0, steps),
    }
    if jax is not None:
        push = jnp.where(jnp.arange(23) < 10, 1.0, -1.0)[:, None]

        @jax.jit
        def banded(state, theta):  # particles last, the layout that suits it best
            def step(s, _):
                shifted = jnp.concatenate([s[1:], jnp.zeros_like(s[:1])])
                s = 0.5 * s + 0.5 * shifted + push * theta
                return s, 0.5 * (s[0] - 1) ** 2

            state, losses = jax.lax.scan(step, state, None, length=steps)
            return state, losses.sum(axis=0)

        state, flat = jnp.ones((23, n)), jnp.full(n, 0.3)
        ours = unroll(problem, start, theta, 0, steps)[1][0].item()
        theirs = float(banded(state, flat)[1][0])
        assert abs(ours - theirs) < 1e-3 * abs(theirs), (ours, theirs)
        candidates["jax: banded scan"] = lambda: jax.block_until_ready(banded(state, flat))
    matrix, full = problem._readout(steps), torch.ones(n, 24)
    candidates["limit: its one matrix product"] = lambda: full @ matrix
    baseline = "jax: banded scan" if jax is not None else "ours: step by step"
    limits = {"ours: all steps as one product": 3.0 if n < 1000 else 1.0} if jax else None
    report(
        f"Influence balancing, {n} particles, 100 steps",
        compare(candidates, baseline, ROUNDS),
        limits,
    )
    _rate(candidates, n * steps)


def _rate(candidates, particle_steps: int) -> None:
    for ratio in compare(candidates, next(iter(candidates)), rounds=5):
        rate = particle_steps / ratio.milliseconds / 1e3
        print(f"    {ratio.name:<40}{rate:10.2f} M particle-steps/s")


def network(n: int) -> None:
    """20 inner steps of the digits network with 32 hidden units."""
    steps = 20
    data = digits()
    problem = DigitsTraining(
        data.inputs, data.targets, generator=torch.Generator().manual_seed(0), hidden=32
    )
    noise = torch.randn(n, 2, generator=torch.Generator().manual_seed(1))
    theta, start = torch.tensor([-3.0, 0.0]) + 0.3 * noise, problem.init(n)
    candidates = {
        "ours: fast layout": lambda: unroll(problem, start, theta, 0, steps),
        "ours: step by step": lambda: unroll_steps(problem, start, theta, 0, steps),
    }
    if jax is not None:
        inputs = jnp.asarray(problem._inputs[:steps].numpy())
        labels = jnp.asarray(problem._onehot[:steps].permute(0, 2, 1).numpy())
        times = jnp.arange(steps) / problem.horizon

        def loss(weights, x, y):
            first, second = weights
            hidden = jax.nn.relu(x @ first.T)
            logits = hidden @ second[:, :-1].T + second[:, -1]
            return -(jax.nn.log_softmax(logits) * y).sum() / len(x)

        @jax.jit
        def peer(weights, velocity, theta):
            def one(weights, velocity, theta):
                def step(carry, data):
                    weights, velocity = carry
                    x, y, time = data
                    value, gradient = jax.value_and_grad(loss)(weights, x, y)
                    rate = jnp.exp(theta[0]) / (1 + time) ** jnp.exp(theta[1])
                    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
                    weights = jax.tree.map(lambda w, v: w - rate * v, weights, velocity)
                    return (weights, velocity), value

                carry, values = jax.lax.scan(step, (weights, velocity), (inputs, labels, times))
                return carry, values.sum()

            return jax.vmap(one)(weights, velocity, theta)

        first, v_1, second, v_2 = (jnp.asarray(x.numpy()) for x in start)
        first, v_1 = first[:, :-1], v_1[:, :-1]  # without our constant unit
        parameters = jnp.asarray(theta.numpy())
        ours = unroll(problem, start, theta, 0, steps)[1]
        theirs = torch.tensor(peer((first, second), (v_1, v_2), parameters)[1].tolist())
        assert torch.allclose(ours, theirs, rtol=1e-3), (ours - theirs).abs().max()
        candidates["jax: jit(vmap(scan(grad)))"] = lambda: jax.block_until_ready(
            peer((first, second), (v_1, v_2), parameters)
        )
    candidates["limit: the matrix products alone"] = products(n, steps)
    baseline = "jax: jit(vmap(scan(grad)))" if jax is not None else "ours: step by step"
    limits = {"ours: fast layout": 0.7 if n < 1000 else 0.6} if jax else None
    report(
        f"Digits network, {n} particles, 20 steps", compare(candidates, baseline, ROUNDS), limits
    )
    _rate(candidates, n * steps)


def products(n: int, steps: int):
    """What the network's forward and backward pass must multiply, on buffers of like shapes."""
    chunk = 128
    shapes = [min(chunk, n - i) for i in range(0, n, chunk)]
    x = torch.randn(32, 65)
    buffers = [
        (
            torch.randn(k * 33, 65),
            torch.randn(k, 33, 32),
            torch.randn(k, 10, 33),
            torch.randn(k, 10, 32),
        )
        for k in shapes
    ]

    def call():
        for first, hidden, second, error in buffers:
            for _ in range(steps):
                torch.mm(first, x.mT, out=hidden.view(-1, 32))
                torch.bmm(second, hidden, out=error)
                torch.bmm(second.mT, error, out=hidden)
                second.baddbmm_(error, hidden.mT, beta=0)
                first.addmm_(hidden.view(-1, 32), x, beta=0, alpha=1e-3)

    return call


class Free:
    """A problem whose unroll costs nothing."""

    horizon = 1000

    def init(self, n: int) -> torch.Tensor:
        """One number a particle."""
        return torch.zeros(n)

    def step(self, state, theta, t):
        """The first parameter as the loss."""
        return state, theta[:, 0]


def ours(estimator, horizon: int, dim: int):
    """A call that goes on from its last state."""
    problem, theta = Free(), torch.zeros(dim)
    problem.horizon = horizon
    state = estimator.init(problem, theta, 0)

    def call():
        nonlocal state
        _, state, _ = estimator.step(state, theta)

    return call


def peer(kind, n: int, dim: int):
    """The same for an algorithm of evosax: ask and tell as one compiled step."""
    import optax

    algorithm = kind(population_size=n, solution=jnp.zeros(dim), optimizer=optax.sgd(0.1))
    params = algorithm.default_params
    key, state = jax.random.key(1), algorithm.init(jax.random.key(0), jnp.zeros(dim), params)

    @jax.jit
    def step(key, state):
        key, ask, tell = jax.random.split(key, 3)
        population, state = algorithm.ask(ask, state, params)
        state, _ = algorithm.tell(tell, population, population[:, 0], state, params)
        return key, state

    def call():
        nonlocal key, state
        key, state = step(key, state)
        jax.block_until_ready(state.mean)

    return call


def generation(n: int, dim: int) -> None:
    """Draw, evaluate a free loss, weight: what is left of ES when the problem costs nothing."""
    floor = {"limit: drawing the normals alone": lambda: torch.empty(n // 2, dim).normal_()}
    pairs = {
        "ours: full ES": ours(FullES(0.1, n // 2), 1, dim),
        "ours: PES": ours(PES(1, 0.1, n // 2), 1000, dim),
    }
    title = f"One generation, {n} particles, {dim} parameter{'s' * (dim > 1)}"
    try:
        from evosax.algorithms import Open_ES, PersistentES
    except ImportError:
        report(title, compare({**pairs, **floor}, "ours: PES", ROUNDS, repeat=5))
        return
    for (name, call), kind in zip(pairs.items(), (Open_ES, PersistentES), strict=True):
        rival = f"evosax: {kind.__name__}"
        candidates = {name: call, rival: peer(kind, n, dim), **floor}
        report(f"{title}, {name}", compare(candidates, rival, ROUNDS, repeat=5), {name: 0.5})


if __name__ == "__main__":
    torch.set_num_threads(1)
    for particles in (100, 1000):
        influence(particles)
        network(particles)
    for particles, size in ((100, 2410), (1000, 2410), (1000, 1)):
        generation(particles, size)
