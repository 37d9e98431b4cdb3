"""What a user can mend: the command line prints it in one line."""

MAKES_NO_NUMBERS = True  # no part of a result's key, see `digest`


class ArgumentError(Exception):
    """An argument names what is not there."""


class DataError(Exception):
    """Data that the user has to bring are missing or damaged."""


class LibraryError(Exception):
    """An experiment asks a library that is not installed."""


class ClusterError(Exception):
    """A cluster is not there, or not fit for a sweep."""
