"""What a record says of the machine that made it."""

import re
from pathlib import Path

import pytest

from replications.core.store import machine

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.skipif(not CPUINFO.exists(), reason="the processor's name is read from /proc")
def test_the_processor_is_the_one_that_the_system_names():
    names = re.findall(r"^model name\s*: (.+)$", CPUINFO.read_text(), re.M)
    assert machine()["processor"] in (names or [machine()["processor"]])
    assert machine()["processor"] != ""


def test_an_unreadable_system_is_no_error(monkeypatch):
    def unreadable(*_):
        raise OSError

    monkeypatch.setattr(Path, "read_text", unreadable)
    assert machine()["processor"]
