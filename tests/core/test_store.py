"""Digests follow the code, and stored results are whole or recomputed."""

import dataclasses
import importlib
import json
import sys

import numpy as np
import pytest

from replications.core import store
from replications.core.digest import code_digest
from replications.core.experiment import Experiment

EXPERIMENT = '''
"""An experiment."""
from dataclasses import dataclass
import numpy as np
from {package} import helper

@dataclass(frozen=True)
class Config:
    n: int = 3
    """How many."""

@dataclass(frozen=True)
class Result:
    values: np.ndarray
    label: str
    total: float

def run(config: Config) -> Result:
    values = helper.scale(np.arange(config.n))
    return Result(values, "values", float(values.sum()))
'''
HELPER = "def scale(x):\n    return 2.0 * x\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A fresh package on disk, `write(file, text)` changes it, `digest()` hashes it."""
    monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    # bytecode is found by size and time in whole seconds: a quick rewrite would be read as the old
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    name = f"pkg_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()

    class Package:
        def write(self, file, text):
            (folder / f"{file}.py").write_text(text.replace("{package}", name))
            code_digest.cache_clear()
            importlib.invalidate_caches()
            for module in [m for m in sys.modules if m.startswith(name)]:
                del sys.modules[module]

        def digest(self, module="experiment"):
            return code_digest(f"{name}.{module}")

        def load(self):
            return importlib.import_module(f"{name}.experiment")

    package = Package()
    package.write("__init__", "")
    package.write("helper", HELPER)
    package.write("experiment", EXPERIMENT)
    yield package
    code_digest.cache_clear()


def test_digest_ignores_prose(package):
    before = package.digest()
    package.write("helper", '"""New."""\n# comment\ndef scale(x):\n\n    "doc"\n    return 2.0*x\n')
    package.write("experiment", EXPERIMENT.replace("How many.", "The number of values."))
    assert package.digest() == before


@pytest.mark.parametrize(("old", "new"), [("2.0", "3.0"), ("*", "+"), ("return", "x = -x; return")])
def test_digest_sees_a_changed_helper(package, old, new):
    before = package.digest()
    package.write("helper", HELPER.replace(old, new))
    assert package.digest() != before


@pytest.mark.parametrize(
    "statement",
    [
        "import {package}.deep",
        "from {package} import deep",
        "from {package}.deep import f",
        "from . import deep",
        "from .deep import f",
        "def g():\n    from {package}.deep import f",
    ],
)
def test_digest_follows_every_form_of_import(package, statement):
    package.write("helper", f"{statement}\n{HELPER}")
    package.write("deep", "f = 1\n")
    before = package.digest()
    package.write("deep", "f = 2\n")
    assert package.digest() != before


def test_digest_of_a_missing_module(package):
    with pytest.raises(ModuleNotFoundError, match="no source file"):
        package.digest("nothing")


def experiment(module, **kwargs):
    return Experiment("slug", "demo", module.run, module.Config(), **kwargs)


def test_result_comes_back_as_it_was(package):
    module = package.load()
    fresh, again = experiment(module).result(), experiment(module).result()
    for result in (fresh, again):
        np.testing.assert_array_equal(result.values, [0.0, 2.0, 4.0])
        assert (result.label, result.total) == ("values", 6.0)
        assert isinstance(result, module.Result)


def test_cache_is_used_and_dropped_when_the_code_changes(package, monkeypatch):
    experiment(package.load()).result()
    module = package.load()
    monkeypatch.setattr(module.helper, "scale", lambda x: x * np.nan)
    assert experiment(module).result().total == 6.0  # read, not run
    package.write("helper", HELPER.replace("2.0", "3.0"))
    assert experiment(package.load()).result().total == 9.0


def test_damaged_result_is_recomputed_with_a_warning(package):
    experiment(package.load()).result()
    (npz,) = store.cache_folder().rglob("*.npz")
    npz.write_bytes(npz.read_bytes()[:-7])
    with pytest.warns(UserWarning, match="checksum does not fit; computing it again"):
        assert experiment(package.load()).result().total == 6.0
    assert experiment(package.load()).result().total == 6.0


def test_interrupted_grid_resumes(package, monkeypatch):
    module = package.load()
    grid = tuple(module.Config(n=n) for n in (1, 2, 3))
    run = module.run

    def interrupted(config):
        if config.n == 3:
            raise KeyboardInterrupt
        return run(config)

    interrupted.__module__, interrupted.__annotations__ = run.__module__, run.__annotations__
    calls = Experiment("slug", "demo", interrupted, grid)
    with pytest.raises(KeyboardInterrupt):
        calls.result()
    assert len(list(store.cache_folder().rglob("*.json"))) == 2
    results = Experiment("slug", "demo", run, grid).result()
    assert [r.total for r in results] == [0.0, 2.0, 6.0]


def test_parallel_grid_equals_serial(monkeypatch, tmp_path):
    from tests.core import toy

    grid = tuple(toy.Config(n=n) for n in (2, 3, 4))
    totals = []
    for jobs in (1, 2):
        monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / str(jobs)))
        results = Experiment("slug", "toy", toy.run, grid).result(jobs=jobs)
        totals.append([r.total for r in results])
    assert totals[0] == totals[1] == [1.0, 3.0, 6.0]


def test_record_says_where_it_comes_from_and_goes_stale(package, tmp_path, monkeypatch):
    monkeypatch.setattr(Experiment, "_record", lambda self, i: tmp_path / "records" / f"demo-{i}")
    module = package.load()
    recorded = experiment(module, full=module.Config(n=4))
    with pytest.raises(store.StoreError, match="does not exist; renew it with `python -m repl"):
        recorded.check_records()
    recorded.record()
    assert recorded.result("full").total == 12.0
    about = json.loads((tmp_path / "records" / "demo-0.json").read_text())
    assert about["config"] == {"n": 4}
    assert {"digest", "checksum", "seconds", "machine", "versions"} <= about.keys()
    package.write("helper", HELPER.replace("2.0", "3.0"))
    with pytest.raises(store.StoreError, match="made by other code.*--only demo --tier full"):
        experiment(package.load(), full=module.Config(n=4)).check_records()


def test_failed_write_leaves_nothing(package, tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Bad:
        values: object

    with pytest.raises(TypeError, match=r"fields \['values'\] of Bad are not plain arrays"):
        store.save(tmp_path / "bad", Bad(object()), "key", package.load().Config(), 0.0)
    assert not list(tmp_path.glob("bad*"))


def test_tier_is_named_when_wrong(package):
    with pytest.raises(ValueError, match='tier must be "quick" or "full", got "slow"'):
        experiment(package.load()).configs("slow")
    with pytest.raises(ValueError, match="slug/demo has no full preset"):
        experiment(package.load()).result("full")
