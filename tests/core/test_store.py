"""Digests follow the code, and stored results are whole or recomputed."""

import importlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from replications.core import store
from replications.core.digest import code_digest
from replications.core.experiment import Experiment
from tests.core import toy

EXPERIMENT = '''
"""An experiment."""
from dataclasses import dataclass
import numpy as np
import xarray as xr
from replications.core.experiment import experiment, quantity
from {package} import helper

@dataclass(frozen=True)
class Config:
    n: int = 3
    """How many."""

def run(config: Config) -> xr.Dataset:
    values = helper.scale(np.arange(config.n))
    return xr.Dataset(
        {
            "values": (("n", "i"), [values], {"units": "1"}),
            "total": ("n", [values.sum()]),
            "even": (("n", "i"), [np.arange(config.n) % 2 == 0]),
        },
        coords={"n": [config.n], "i": [f"i{i}" for i in range(config.n)]},
        attrs={"made": "here"},
    )

@quantity
def largest(result):
    return result["values"].max()
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


DECORATED = EXPERIMENT.replace("def run", "@experiment(quick=Config())\ndef run")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('result["values"].max()', "0.0"),  # a quantity reads a result, it makes none
        ("quick=Config()", "quick=Config(4)"),  # presets are in the key, as configs
    ],
)
def test_digest_leaves_out_what_makes_no_numbers(package, old, new):
    package.write("experiment", DECORATED)
    before = package.digest()
    assert old in DECORATED
    package.write("experiment", DECORATED.replace(old, new))
    assert package.digest() == before


def test_digest_skips_modules_that_say_so(package):
    package.write("helper", "MAKES_NO_NUMBERS = True\n" + HELPER)
    before = package.digest()
    package.write("helper", "MAKES_NO_NUMBERS = True\n" + HELPER.replace("2.0", "3.0"))
    assert package.digest() == before


def test_digest_covers_a_module_that_says_the_opposite(package):
    package.write("helper", "MAKES_NO_NUMBERS = False\n" + HELPER)
    before = package.digest()
    package.write("helper", "MAKES_NO_NUMBERS = False\n" + HELPER.replace("2.0", "3.0"))
    assert package.digest() != before


def experiment(module, **kwargs):
    return Experiment("slug", "demo", module.run, module.Config(), **kwargs)


def total(result):
    return result["total"].item()


def test_result_comes_back_as_it_was(package):
    module = package.load()
    fresh, again = experiment(module).result(), experiment(module).result()
    for result in (fresh, again):
        assert result.identical(module.run(module.Config()))
        assert result["values"].sel(n=3, i="i2").item() == 4.0
        assert result["even"].dtype == bool


def test_cache_is_used_and_dropped_when_the_code_changes(package, monkeypatch):
    experiment(package.load()).result()
    module = package.load()
    monkeypatch.setattr(module.helper, "scale", lambda x: x * np.nan)
    assert total(experiment(module).result()) == 6.0  # read, not run
    package.write("helper", HELPER.replace("2.0", "3.0"))
    assert total(experiment(package.load()).result()) == 9.0


def test_damaged_result_is_recomputed_with_a_warning(package):
    experiment(package.load()).result()
    (npz,) = store.cache_folder().rglob("*.npz")
    npz.write_bytes(npz.read_bytes()[:-7])
    with pytest.warns(UserWarning, match="checksum does not fit; computing it again"):
        assert total(experiment(package.load()).result()) == 6.0
    assert total(experiment(package.load()).result()) == 6.0


def test_interrupted_grid_resumes(package, monkeypatch):
    module = package.load()
    grid = tuple(module.Config(n=n) for n in (1, 2, 3))
    run = module.run

    def interrupted(config):
        if config.n == 3:
            raise KeyboardInterrupt
        return run(config)

    interrupted.__module__, interrupted.__annotations__ = run.__module__, run.__annotations__
    calls = Experiment("slug", "demo", interrupted, grid, None, "n")
    with pytest.raises(KeyboardInterrupt):
        calls.result()
    assert len(list(store.cache_folder().rglob("*.json"))) == 2
    joined = Experiment("slug", "demo", run, grid, None, "n").result()
    assert joined["total"].sel(n=[1, 2, 3]).values.tolist() == [0.0, 2.0, 6.0]
    assert joined["values"].sel(n=1, i="i2").isnull()  # a shorter part has nothing there


def test_parallel_grid_equals_serial(monkeypatch, tmp_path):
    found = []
    for jobs in (1, 2):
        monkeypatch.setenv(store.CACHE_VARIABLE, str(tmp_path / str(jobs)))
        toy.grid._memory.clear()
        found.append(toy.grid.result(jobs=jobs))
    toy.grid._memory.clear()
    assert found[0].identical(found[1])
    assert found[0]["total"].sel(n=[2, 3]).values.tolist() == [1, 3]


def test_distance_of_two_runs():
    a = xr.Dataset({"x": ("i", [1.0, -4.0, np.nan]), "name": ("i", ["a", "b", "c"])})
    assert store.distance(a, a.copy(deep=True)) == 0.0
    assert store.distance(a, a.assign(x=a["x"] + 0.2)) == pytest.approx(0.05)
    assert store.distance(a, a.assign(x=a["x"].fillna(0.0))) == np.inf
    assert store.distance(a, a.assign(name=("i", ["a", "b", "d"]))) == np.inf
    assert store.distance(a, a.drop_vars("name")) == np.inf


@pytest.mark.parametrize(
    "other",
    [
        xr.Dataset({"x": (("a", "s"), [[1, 2], [3, 4]])}, {"a": ["p", "q"], "s": [7, 9]}),
        xr.Dataset({"x": (("a", "s"), [[1, 2], [3, 4]])}, {"a": ["p", "r"], "s": [7, 8]}),
        xr.Dataset({"x": (("a", "s"), [[1, 2], [3, 4]])}, {"a": ["p", "q"]}),
        xr.Dataset({"x": (("s", "a"), [[1, 2], [3, 4]])}, {"a": ["p", "q"], "s": [7, 8]}),
        xr.Dataset({"x": (("a", "s"), [[1, 2, 5], [3, 4, 5]])}, {"a": ["p", "q"]}),
    ],
)
def test_runs_with_other_labels_axes_or_shapes_lie_infinitely_far_apart(other):
    one = xr.Dataset({"x": (("a", "s"), [[1, 2], [3, 4]])}, {"a": ["p", "q"], "s": [7, 8]})
    assert store.distance(one, one.copy(deep=True)) == 0.0
    assert store.distance(one, other) == np.inf


def test_the_distance_of_small_integers_does_not_wrap():
    one, other = (xr.Dataset({"x": ("i", np.array(x, "uint8"))}) for x in ([3, 2], [3, 3]))
    assert store.distance(one, other) == store.distance(other, one) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", store.LIBRARIES)
def test_results_of_another_version_of_a_library_are_not_read(monkeypatch, name):
    before = store.cache_path("key")
    monkeypatch.setattr(store, "version", lambda asked: "9.9" if asked == name else version(asked))
    assert store.cache_path("key") != before


def test_record_says_where_it_comes_from_and_goes_stale(package, tmp_path, monkeypatch):
    monkeypatch.setattr(Experiment, "_record", lambda self, i: tmp_path / "records" / f"demo-{i}")
    module = package.load()
    recorded = experiment(module, full=module.Config(n=4))
    with pytest.raises(store.StoreError, match="does not exist; renew it with `python -m repl"):
        recorded.check_records()
    recorded.record()
    assert total(recorded.result("full")) == 12.0
    about = json.loads((tmp_path / "records" / "demo-0.json").read_text())
    assert about["config"] == {"n": 4}
    assert {"digest", "checksum", "seconds", "machine", "versions"} <= about.keys()
    assert {"processor", "cores", "system"} <= about["machine"].keys()
    package.write("helper", HELPER.replace("2.0", "3.0"))
    with pytest.raises(store.StoreError, match="made by other code.*--only demo --tier full"):
        experiment(package.load(), full=module.Config(n=4)).check_records()


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [("a : b\nmodel name\t: A processor\nmodel name\t: ...", "A processor"), (None, "by platform")],
)
def test_a_record_names_its_processor(monkeypatch, cpuinfo, expected):
    def read(path):
        assert str(path) == "/proc/cpuinfo"
        if cpuinfo is None:
            raise OSError
        return cpuinfo

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(platform, "processor", lambda: "by platform")
    assert store.machine()["processor"] == expected


def test_failed_write_leaves_nothing(package, tmp_path):
    config = package.load().Config()
    bad = xr.Dataset({"values": ("i", np.array([object()]))})
    with pytest.raises(TypeError, match=r"\['values'\] are not plain arrays"):
        store.save(tmp_path / "bad", bad, "key", config, {})
    with pytest.raises(TypeError, match=r"must return an xarray.Dataset, got dict"):
        store.save(tmp_path / "bad", {}, "key", config, {})
    assert not list(tmp_path.glob("bad*"))


def test_tier_is_named_when_wrong(package):
    with pytest.raises(ValueError, match='tier must be "quick" or "full", got "slow"'):
        experiment(package.load()).configs("slow")
    with pytest.raises(ValueError, match="slug/demo has no full preset"):
        experiment(package.load()).result("full")


def test_an_experiment_is_its_declaration_and_no_other_of_the_same_fields():
    one, other = (Experiment("toy", "same", toy.run, toy.Config(3)) for _ in range(2))
    assert one == one and one != other and len({one, other}) == 2
