"""What each paper has: experiments, figures and claims register where they are defined.

`@experiment`, `@figure` and `@claim` put what they decorate in here, under the paper in whose
folder the module lies. :func:`paper` imports all modules of a paper and returns its entries.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replications.core.claims import Claim
    from replications.core.experiment import Experiment
    from replications.core.figures import Figure

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`
PAPERS = "replications.papers"


@dataclass
class Paper:
    """The entries of one paper, each by its name."""

    experiments: dict[str, Experiment] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)


_papers: dict[str, Paper] = {}
_origins: dict[tuple[str, str, str], str] = {}


def slug_of(module: str) -> str:
    """The paper of a module: the folder below `papers`, or else the module's own last name."""
    return module.removeprefix(f"{PAPERS}.").split(".")[0 if module.startswith(PAPERS) else -1]


def register(kind: str, slug: str, name: str, entry: Any, module: str) -> None:
    """Enter something under "experiments", "figures" or "claims" of a paper.

    Raises:
        ValueError: if another module has already entered that name. The same module may enter it
            again, as it does when it is reloaded.
    """
    place = (kind, slug, name)
    if _origins.setdefault(place, module) != module:
        raise ValueError(f"{name} is registered twice: in {_origins[place]} and in {module}")
    getattr(_papers.setdefault(slug, Paper()), kind)[name] = entry


def registered(slug: str) -> Paper:
    """What has been entered so far, without importing anything."""
    return _papers[slug]


def slugs() -> list[str]:
    """The papers of the book: the folders below `papers`."""
    path = importlib.import_module(PAPERS).__path__
    return sorted(module.name for module in pkgutil.iter_modules(path) if module.ispkg)


def home(slug: str) -> ModuleType:
    """A paper's package, whose PAPER is its bibliography key."""
    return importlib.import_module(f"{PAPERS}.{slug}")


def paper(slug: str) -> Paper:
    """A paper's entries, in the order of its modules' names and of the lines within them.

    Raises:
        ValueError: if there is no such paper.
    """
    if slug in slugs():
        package = home(slug)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    if slug not in _papers:
        raise ValueError(f"slug must be one of {', '.join(slugs())}, got {slug!r}")
    found = _papers[slug]
    return Paper(_in_order(found.experiments), _in_order(found.figures), _in_order(found.claims))


def _in_order(entries: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items(), key=lambda item: item[1].place_in_code))
