"""An experiment: a function of a frozen config, with a QUICK and a FULL preset.

QUICK runs live, in the notebook; FULL is recorded in the package (`papers/<slug>/records/`), so
that a notebook opened alone has it too. Both are the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from replications.core import store
from replications.core.sweep import sweep

Tier = Literal["quick", "full"]
TIERS: tuple[Tier, ...] = ("quick", "full")


@dataclass(frozen=True, eq=False)  # compared by identity: one declaration, one experiment
class Experiment:
    """One experiment of one paper."""

    slug: str
    """The paper's folder, such as "lookahead"."""
    name: str
    """Unique within the paper; names its records."""
    run: Callable[[Any], Any]
    """From a config to a Result: a frozen dataclass of arrays. It names the Result in its
    return annotation."""
    quick: Any
    """A config, or a tuple of configs: a grid, whose parts are stored one by one."""
    full: Any = None
    """The same, for the recorded run; None where QUICK already is the whole experiment."""
    _memory: dict[Tier, Any] = field(default_factory=dict, repr=False)

    def configs(self, tier: Tier) -> tuple[Any, ...]:
        """The tier's configs, as a tuple also where there is only one."""
        if tier not in TIERS:
            raise ValueError(f'tier must be "quick" or "full", got "{tier}"')
        preset = self.quick if tier == "quick" else self.full
        if preset is None:
            raise ValueError(f"experiment {self.slug}/{self.name} has no {tier} preset")
        return preset if isinstance(preset, tuple) else (preset,)

    def result(self, tier: Tier = "quick", jobs: int | None = None) -> Any:
        """The result of a preset: computed (or found in the cache) if quick, read if full.

        Returns:
            One Result, or a tuple of them for a grid.

        Raises:
            store.StoreError: if a record is missing, damaged or stale; it names the command that
                renews it.
        """
        if tier not in self._memory:
            parts = self.compute("quick", jobs) if tier == "quick" else self._read_records()
            self._memory[tier] = parts if isinstance(getattr(self, tier), tuple) else parts[0]
        return self._memory[tier]

    def compute(self, tier: Tier, jobs: int | None = None) -> tuple[Any, ...]:
        """Run what the cache does not hold yet, keeping each part as soon as it is done."""
        configs = self.configs(tier)
        parts = [store.cached(self.name, self.run, config) for config in configs]
        missing = [i for i, part in enumerate(parts) if part is None]
        todo = [configs[i] for i in missing]
        for i, result, seconds in sweep(self.run, todo, jobs, self.name):
            parts[missing[i]] = store.keep(self.name, self.run, todo[i], result, seconds)
        return tuple(parts)

    def record(self, jobs: int | None = None) -> list[Path]:
        """Compute FULL and write its records into the package. Returns their paths."""
        configs = self.configs("full")
        paths = self.stored("full")
        for path, config, result in zip(paths, configs, self.compute("full", jobs), strict=True):
            key = store.digest(self.name, self.run, config)
            seconds = store.provenance(store.cache_path(key))["seconds"]
            store.save(path, result, key, config, seconds)
        self._memory.pop("full", None)
        return paths

    def stored(self, tier: Tier) -> list[Path]:
        """Where a preset's parts are kept (without suffix), whether they are there or not."""
        if getattr(self, tier) is None:
            return []
        configs = self.configs(tier)
        if tier == "full":
            return [self._record(i) for i in range(len(configs))]
        return [store.cache_path(store.digest(self.name, self.run, c)) for c in configs]

    def check_records(self) -> None:
        """Raise :class:`store.StoreError` unless every record is whole and of today's code."""
        if self.full is not None:
            self._read_records()

    def _read_records(self) -> tuple[Any, ...]:
        try:
            return tuple(
                store.load(path, self.run, store.digest(self.name, self.run, config))
                for path, config in zip(self.stored("full"), self.configs("full"), strict=True)
            )
        except store.StoreError as error:
            raise store.StoreError(
                f"{error}; renew it with "
                f"`python -m replications run {self.slug} --only {self.name} --tier full`"
            ) from error

    def _record(self, index: int) -> Path:
        folder = Path(str(files(f"replications.papers.{self.slug}"))) / "records"
        return folder / f"{self.name}-{index}"
