"""Shapes are checked at run time in the tests: jaxtyping's annotations by beartype.

The library imports jaxtyping's names for type checkers only, so that it needs no such package at
run time; here the flag that guards them is up while `methods` and `problems` are imported.
"""

import importlib
import pkgutil
import signal
import typing
from collections.abc import Iterator

import beartype  # noqa: F401  # these first: the flag is not for their own guarded imports
import jaxtyping
import numpy  # noqa: F401
import pytest
import scipy.special  # noqa: F401
import torch  # noqa: F401

import tests.shapes  # noqa: F401  # the hook names it

CHECKED = ("replications.methods", "replications.problems")


def _import_checked() -> None:
    with jaxtyping.install_import_hook(list(CHECKED), "tests.shapes.check"):
        typing.TYPE_CHECKING = True
        try:
            for name in CHECKED:
                package = importlib.import_module(name)
                for module in pkgutil.iter_modules(package.__path__):
                    importlib.import_module(f"{name}.{module.name}")
        finally:
            typing.TYPE_CHECKING = False


_import_checked()


@pytest.fixture
def unchecked() -> Iterator[None]:
    """For tests of the library's own errors, which a wrong type would not reach."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Processes of the test hear Ctrl-C: those of a shell's background job are born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
