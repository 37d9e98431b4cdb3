"""An experiment: a function from a frozen config to a labelled dataset, with its presets.

QUICK runs live, in the notebook; FULL is recorded in the package (`papers/<slug>/records/`), so
that a notebook opened alone has it too. PAPER has the size of the paper, reads data that the user
has, and no page shows it. All are the same code::

    @experiment(quick=Config(), full=Config(seeds=20))
    def digits(config: Config) -> xr.Dataset: ...

Beside an experiment stand its *quantities*: functions from the dataset to what is asked of it.
"""

from __future__ import annotations

import functools
import importlib
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from replications.core import registry, store
from replications.core.errors import DataError, LibraryError
from replications.core.sweep import sweep

if TYPE_CHECKING:
    import xarray as xr

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`

Tier = Literal["quick", "full"]
TIERS: tuple[Tier, ...] = ("quick", "full")
DATA_VARIABLE = "REPLICATIONS_DATA"
"""Environment variable that names the folder of the standard data sets."""
Run = Callable[[Any], "xr.Dataset"]
Function = TypeVar("Function", bound=Callable[..., Any])


def quantity(function: Function) -> Function:
    """Mark a function that reads a result: it is no part of the key of the records beside it."""
    return function


@dataclass(eq=False)  # compared by identity: one declaration, one experiment
class Experiment:
    """One experiment of one paper. Call it with a config to run it."""

    slug: str
    """The paper's folder, such as "lookahead"."""
    name: str
    """Unique within the paper; names its records."""
    run: Run
    """From a config to a dataset whose arms, seeds, steps and settings are named coordinates."""
    quick: Any = None
    """A config, or a tuple of configs: a grid, whose parts are stored one by one."""
    full: Any = None
    """The same, for the recorded run; None where QUICK already is the whole experiment."""
    along: str | None = None
    """The axis along which a grid's parts are joined to one dataset; each part has it with
    length 1."""
    paper: Any = None
    """The same at the paper's size; its configs have the fields `folder` and `device`."""
    _memory: dict[tuple[Tier, bool], xr.Dataset] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for preset in (self.quick, self.full, self.paper):
            if isinstance(preset, tuple) != (self.along is not None) and preset is not None:
                raise ValueError(
                    f"{self.slug}/{self.name}: a tuple of configs needs along=, one config has none"
                )
        functools.update_wrapper(self, self.run)

    def __call__(self, config: Any) -> xr.Dataset:
        """Run one config, past the store."""
        return self.run(config)

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers find it by its name."""
        return _registered, (self.run.__module__, self.slug, self.name)

    @property
    def place_in_code(self) -> tuple[str, int, str]:
        """Module, line and name: the order in which experiments are listed."""
        return self.run.__module__, self.run.__code__.co_firstlineno, self.name

    @property
    def main_tier(self) -> Tier:
        """What claims are judged on: FULL where there is one."""
        return "quick" if self.full is None else "full"

    def configs(self, tier: Tier) -> tuple[Any, ...]:
        """The tier's configs, as a tuple also where there is only one."""
        if tier not in TIERS:
            raise ValueError(f'tier must be "quick" or "full", got "{tier}"')
        preset = self.quick if tier == "quick" else self.full
        if preset is None:
            raise ValueError(f"experiment {self.slug}/{self.name} has no {tier} preset")
        return preset if isinstance(preset, tuple) else (preset,)

    def result(
        self, tier: Tier = "quick", jobs: int | None = None, fresh: bool = False
    ) -> xr.Dataset:
        """The result of a preset: computed (or found in the cache) if quick, read if full.

        Args:
            tier: "quick" or "full".
            jobs: processes at a time, as for :func:`~replications.core.sweep.sweep`.
            fresh: compute FULL too, or find it in the cache, whatever is recorded; inside
                :func:`store.anew` it is always computed.

        Raises:
            store.StoreError: if a record is missing, damaged or stale; it names the command that
                renews it.
            LibraryError: if it asks a library that is not installed.
        """
        key = (tier, fresh)
        if key not in self._memory:
            live = fresh or tier == "quick"
            parts = self.compute(tier, jobs) if live else self._read_records()
            self._memory[key] = self._joined(parts)
        return self._memory[key]

    def compute(self, tier: Tier, jobs: int | None = None) -> tuple[xr.Dataset, ...]:
        """Run what the cache does not hold yet, keeping each part as soon as it is done."""
        return self._compute(self.configs(tier), jobs)

    def _compute(self, configs: Sequence[Any], jobs: int | None) -> tuple[xr.Dataset, ...]:
        parts = [store.cached(self.name, self.run, config) for config in configs]
        missing = [i for i, part in enumerate(parts) if part is None]
        if missing:
            store.check_writable(store.cache_folder())  # before, not after an hour's work
        here = store.libraries()
        todo = [(store.digest(self.name, self.run, configs[i]), here, configs[i]) for i in missing]
        for i, (result, where), seconds in sweep(self._at_worker, todo, jobs, self.name):
            key, _, config = todo[i]
            made = {"seconds": round(seconds, 2), **where}
            parts[missing[i]] = store.keep(key, config, result, made)
        return tuple(part for part in parts if part is not None)

    def _at_worker(self, task: tuple[str, str, Any]) -> tuple[xr.Dataset, dict[str, Any]]:
        """One config where it is run: the result, and on what it was made.

        Raises:
            store.StoreError: the worker's code or libraries are not the caller's, under whose key
                and versions the result would be kept.
            LibraryError: what the run asks is not installed.
        """
        key, libraries, config = task
        if store.digest(self.name, self.run, config) != key:
            raise store.StoreError(
                f"the worker {platform.node()} has other code of {self.slug}/{self.name} than "
                "this machine; install the same there"
            )
        if store.libraries() != libraries:
            raise store.StoreError(
                f"the worker {platform.node()} has {store.libraries()} and this machine "
                f"{libraries}; install the same there"
            )
        try:
            return self.run(config), store.surroundings()
        except ImportError as error:
            raise LibraryError(f"{self.slug}/{self.name} cannot run: {error}") from error

    def at_paper_size(
        self, folder: str | Path | None = None, device: str = "cuda", jobs: int | None = None
    ) -> xr.Dataset:
        """Run PAPER, or find what of it is in the cache: hours on a GPU.

        Args:
            folder: of the standard files; by default $REPLICATIONS_DATA.
            device: "cuda" or "cpu".
            jobs: as for :meth:`result`.

        Raises:
            DataError: if there is no such folder, or a file in it is missing or damaged.
        """
        if self.paper is None:
            raise ValueError(f"experiment {self.slug}/{self.name} has no paper preset")
        folder = folder or os.environ.get(DATA_VARIABLE)
        if not folder:
            raise DataError(
                f"{self.slug}/{self.name} reads standard files: name their folder by --data FOLDER "
                f"or {DATA_VARIABLE}"
            )
        found = Path(folder).expanduser().resolve()
        if not found.is_dir():
            raise DataError(f"there is no folder {folder}")
        presets = self.paper if isinstance(self.paper, tuple) else (self.paper,)
        place = {"folder": str(found), "device": device}
        return self._joined(self._compute([replace(one, **place) for one in presets], jobs))

    def record(self, jobs: int | None = None) -> list[Path]:
        """Compute FULL and write its records into the package. Returns their paths."""
        configs = self.configs("full")
        paths = self.stored("full")
        store.check_writable(paths[0].parent)
        for path, config, result in zip(paths, configs, self.compute("full", jobs), strict=True):
            key = store.digest(self.name, self.run, config)
            store.save(path, result, key, config, store.provenance(store.cache_path(key)))
        self._memory.clear()
        return paths

    def stored(self, tier: Tier) -> list[Path]:
        """Where a preset's parts are kept (without suffix), whether they are there or not."""
        if getattr(self, tier) is None:
            return []
        configs = self.configs(tier)
        if tier == "full":
            return [self._record(i) for i in range(len(configs))]
        return [store.cache_path(store.digest(self.name, self.run, c)) for c in configs]

    def used(self, tier: Tier) -> bool:
        """Whether a preset's result has been asked for since this process began."""
        return any(asked == tier for asked, _ in self._memory)

    def check_records(self) -> None:
        """Raise :class:`store.StoreError` unless every record is whole and of today's code."""
        if self.full is not None:
            self._read_records()

    def _joined(self, parts: Sequence[xr.Dataset]) -> xr.Dataset:
        if self.along is None:
            return parts[0]
        import xarray as xr

        return xr.concat(
            parts,
            self.along,
            data_vars="minimal",  # what lacks the axis must be the same in all parts
            coords="minimal",
            compat="equals",
            join="outer",  # a part that looks at fewer steps has nan at the others
            combine_attrs="drop_conflicts",
        )

    def _read_records(self) -> tuple[xr.Dataset, ...]:
        try:
            return tuple(
                store.load(path, store.digest(self.name, self.run, config))
                for path, config in zip(self.stored("full"), self.configs("full"), strict=True)
            )
        except store.StoreError as error:
            raise store.StoreError(
                f"{error}; renew it with "
                f"`python -m replications run {self.slug} --only {self.name} --tier full`"
            ) from error

    def _record(self, index: int) -> Path:
        folder = Path(str(files(f"{registry.PAPERS}.{self.slug}"))) / "records"
        return folder / f"{self.name}-{index}"


def experiment(
    name: str | None = None,
    *,
    quick: Any = None,
    full: Any = None,
    paper: Any = None,
    along: str | None = None,
) -> Callable[[Run], Experiment]:
    """Register a function of a config as an experiment of the paper in whose folder it stands.

    Args:
        name: by default the function's, with hyphens for underscores.
        quick: a frozen dataclass of numbers, strings and tuples, or a tuple of such: a grid.
        full: the same for the recorded run, or None.
        paper: the same at the paper's size, or None.
        along: of a grid, the axis along which its parts are joined.
    """

    def declare(run: Run) -> Experiment:
        slug, own = registry.slug_of(run.__module__), name or run.__name__.replace("_", "-")
        declared = Experiment(slug, own, run, quick, full, along, paper)
        registry.register("experiments", slug, own, declared, run.__module__)
        return declared

    return declare


def _registered(module: str, slug: str, name: str) -> Experiment:
    importlib.import_module(module)
    return registry.registered(slug).experiments[name]
