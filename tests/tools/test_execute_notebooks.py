"""Outputs are stored only when every cell has passed, and a second run changes nothing."""

import os
import signal
import subprocess
import sys

import execute_notebooks
import nbformat
import pytest
from execute_notebooks import main
from nbformat.v4 import new_code_cell, new_notebook

from tests.core.test_sweeps import LONG, wait_until

# The clients' sockets and loops close when they are collected, which may be in a later test.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def notebook(tmp_path):
    def write(*cells, name="a.ipynb"):
        path = tmp_path / name
        nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
        return path

    return write


def test_outputs_are_stored_and_a_second_run_is_the_same_file(notebook, capsys):
    path = notebook("print('seen')", "6 * 7")
    assert main([str(path)]) == 0
    first = path.read_bytes()
    assert b"seen" in first
    assert b"42" in first
    assert main([str(path)]) == 0
    assert path.read_bytes() == first
    assert capsys.readouterr().out.count("a.ipynb") == 2


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings; warnings.warn('odd')", "odd"),
        ("import sys; print('noise', file=sys.stderr)", "noise"),
        ("import time; time.sleep(60)", "timed out"),
        ("import os; os._exit(1)", "Kernel died"),
    ],
)
def test_a_failure_leaves_the_file_as_it_was(notebook, capsys, cell, reason):
    path = notebook("print('seen')", cell)
    before = path.read_bytes()
    assert main([str(path), "--timeout", "3"]) == 1
    assert reason in capsys.readouterr().out
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["a.ipynb"]


def test_one_failure_does_not_stop_the_others(notebook, capsys):
    good = notebook("print('seen')", name="good.ipynb")
    assert main([str(notebook("1 / 0")), str(good)]) == 1
    assert b"seen" in good.read_bytes()


@pytest.mark.parametrize("error", [RuntimeError("Kernel didn't respond"), OSError("no memory")])
def test_a_kernel_that_does_not_start_fails_its_notebook_alone(
    notebook, capsys, monkeypatch, error
):
    start = execute_notebooks.NotebookClient.async_execute

    async def execute(client):
        if client.nb.cells[0].source == "'bad'":
            raise error
        return await start(client)

    monkeypatch.setattr(execute_notebooks.NotebookClient, "async_execute", execute)
    good = notebook("print('seen')", name="good.ipynb")
    assert main([str(notebook("'bad'")), str(good)]) == 1
    assert f"a.ipynb     FAILED\n{type(error).__name__}: {error}\n" in capsys.readouterr().out
    assert b"seen" in good.read_bytes()


def test_a_file_that_cannot_be_written_fails_its_notebook(notebook, capsys, monkeypatch):
    def full(notebook, path):
        raise OSError("no space left")

    monkeypatch.setattr(execute_notebooks, "write", full)
    assert main([str(notebook("1"))]) == 1
    assert "a.ipynb  FAILED\ncannot be written: no space left\n" in capsys.readouterr().out


def test_what_is_no_notebook_is_named(tmp_path, capsys):
    path = tmp_path / "half.ipynb"
    path.write_text('{"cells": [')
    assert main([str(path)]) == 1
    printed = capsys.readouterr().out
    assert "half.ipynb  FAILED\nis no notebook" in printed and f"`git checkout {path}`" in printed


@pytest.mark.parametrize("text", ['{"cells": [', "{}", "[]", "", "\udcff", '{"nbformat": 4}'])
def test_reading_only_names_what_is_damaged_and_runs_nothing(notebook, tmp_path, capsys, text):
    whole = notebook("1 / 0")
    assert main(["--read", str(whole)]) == 0
    path = tmp_path / "half.ipynb"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert main(["--read", str(whole), str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines()[0].startswith(f"{path} is no notebook: ")
    assert printed.err.splitlines()[1:] == [f"`git checkout {path}` brings back what is committed"]
    assert not printed.out


def test_prints_in_pieces_are_one_output(notebook):
    path = notebook("import time\nprint('a', flush=True)\ntime.sleep(0.5)\nprint('b')")
    assert main([str(path)]) == 0
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.text == "a\nb\n"


def test_check_writes_nothing(notebook):
    path = notebook("print('seen')")
    before = path.read_bytes()
    assert main(["--check", str(path)]) == 0
    assert path.read_bytes() == before


def test_ctrl_c_stops_the_kernels_and_leaves_the_files_whole(notebook, tmp_path, ctrl_c):
    cell = "import os, time; open('kernel', 'w').write(str(os.getpid())); time.sleep(999)"
    path = notebook(cell)
    other = notebook(cell.replace("'kernel'", "'second'"), name="b.ipynb")
    before = path.read_bytes()
    script = [sys.executable, execute_notebooks.__file__, str(path), str(other)]
    run = subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    kernels = [tmp_path / "kernel", tmp_path / "second"]
    wait_until(lambda: all(kernel.exists() and kernel.read_text() for kernel in kernels))
    run.send_signal(signal.SIGINT)
    printed, _ = run.communicate(timeout=LONG)
    assert run.returncode == 130
    assert printed == "\nstopped: chapters without a line above are as they were\n"
    assert path.read_bytes() == before
    for kernel in kernels:
        with pytest.raises(ProcessLookupError):
            os.kill(int(kernel.read_text()), 0)
