"""The tools and the extensions of Sphinx are no package: tests import them from their folders."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("tools", "_ext")]
