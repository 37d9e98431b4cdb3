"""The run-time check of annotations that tests/conftest.py puts into the library."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a good float, as for mypy
