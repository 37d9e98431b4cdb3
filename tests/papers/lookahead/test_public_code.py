"""What public code does instead of Algorithm 1: our re-creations, and an installed library."""

import copy
import importlib.util
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
import torch

from replications.core.seeds import rng
from replications.methods import Lookahead
from replications.papers.lookahead.experiments import public_rules as rules
from replications.papers.lookahead.experiments.public_rules import public_rules


@pytest.mark.parametrize(
    "name, first",
    [
        ("Algorithm 1", None),
        ("slow weights start at zero", 5),
        ("slow weights copied at the first synchronisation", 5),  # the first one does nothing
        ("first synchronisation after step 1", 5),  # and none after step 5
        ("period k + 1", 5),
        ("pullback, momentum copied", None),
        ("pullback, momentum aliased", 11),  # the second synchronisation, after step 10, is wrong
        ("checkpoint without slow weights, inside a loop", 10),  # none after step 10
        ("checkpoint without slow weights, between loops", None),
    ],
)
def test_a_rule_leaves_algorithm_1_when_it_should(name, first):
    distance = public_rules.result()["distance"].sel(rule=name)
    steps = distance["step"].values[distance > 1e-12]  # float64 rounding
    assert (steps[0] if len(steps) else None) == first
    if first:
        assert distance.max() > 0.1  # of the way from start to optimum: no rounding


PACKAGES = {  # distribution, version, file of its Lookahead, rule
    "torch_optimizer": ("0.3.0", None, "first synchronisation after step 1"),
    "timm": ("1.0.31", "optim/lookahead.py", "slow weights copied at the first synchronisation"),
    "pytorch_optimizer": ("4.1.0", None, "Algorithm 1"),
}


def installed(package):
    """A package's own Lookahead; its file alone where the package would import much else."""
    wanted, file, _ = PACKAGES[package]
    try:
        found = version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed: pip install --no-deps {package}=={wanted}")
    if found != wanted:
        pytest.skip(f"found in {package} {wanted}, this is {found}")
    if file is None:
        return importlib.import_module(package).Lookahead
    home = Path(importlib.util.find_spec(package).origin).parent
    spec = importlib.util.spec_from_file_location(f"{package}_lookahead", home / file)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Lookahead


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("package", PACKAGES)
def test_an_installed_package_follows_the_rule_that_we_name(package):
    """The path of the package itself is that of the rule, step by step."""
    wrap, name = installed(package), PACKAGES[package][2]
    config = rules.Config()
    noise = rng(config.seed, "noise").standard_normal((config.steps, len(config.curvature)))
    curvature = torch.tensor(config.curvature, dtype=torch.float64)
    x = torch.full_like(curvature, config.start, requires_grad=True)
    optimizer = wrap(
        torch.optim.SGD([x], lr=config.lr, momentum=config.momentum), k=config.k, alpha=config.alpha
    )
    path = []
    for target in torch.from_numpy(noise):
        x.grad = curvature * (x.detach() - target)
        optimizer.step()
        path.append(x.detach().numpy().copy())
    rule = next(rule for rule in rules.RULES if rule.name == name)
    np.testing.assert_allclose(np.stack(path), rules._follow(rule, config, noise), atol=1e-12)


@pytest.fixture
def peer():
    """pytorch_optimizer's Lookahead, in the version that these findings are about."""
    found = version("pytorch_optimizer")
    if not found.startswith("4.1."):
        pytest.skip(f"found in pytorch_optimizer 4.1, this is {found}")
    from pytorch_optimizer import Lookahead as Peer

    return Peer


def adam_moments(wrap):
    x = torch.ones(3, requires_grad=True)
    inner = torch.optim.Adam([x], lr=0.1)
    optimizer = wrap(inner)
    for scale in (1.0, 2.0):
        x.grad = scale * torch.tensor([1.0, 2.0, 3.0])
        optimizer.step()
    return inner.state[x]["exp_avg"]


def test_pytorch_optimizer_ignores_adams_moments(peer):
    modes = [
        adam_moments(lambda inner, mode=mode: peer(inner, k=2, alpha=0.5, pullback_momentum=mode))
        for mode in ("none", "reset", "pullback")
    ]
    assert torch.equal(modes[0], modes[1])
    assert torch.equal(modes[0], modes[2])
    assert not adam_moments(lambda inner: Lookahead(inner, 2, 0.5, "reset")).any()


def test_pytorch_optimizer_rejects_alpha_1(peer):
    inner = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError):
        peer(inner, alpha=1.0)
    Lookahead(inner, alpha=1.0)


def test_pytorch_optimizer_cannot_be_copied(peer):
    inner = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    with pytest.raises(AttributeError):
        copy.deepcopy(peer(inner))
    copy.deepcopy(Lookahead(inner))


def test_pytorch_optimizer_loses_the_fast_weights_in_a_second_swap(peer):
    x = torch.ones(1, requires_grad=True)
    optimizer = peer(torch.optim.SGD([x], lr=0.1))
    x.grad = torch.ones(1)
    optimizer.step()
    fast = x.detach().clone()
    optimizer.backup_and_load_cache()
    optimizer.backup_and_load_cache()
    optimizer.clear_and_load_backup()
    assert not torch.equal(x, fast)
