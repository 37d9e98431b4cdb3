"""Execute notebooks live, two at a time, one thread each, and store their outputs.

    python tools/execute_notebooks.py [--check | --read] NOTEBOOK...

A notebook's file is replaced only when all its cells have passed; an exception, a time-out, a
warning or anything else on stderr fails. What does not belong to the result (versions, timings) is
taken out, so that a second run leaves a clean `git diff`. With ``--check`` nothing is written, with
``--read`` nothing is run: a damaged file is named in one line.
Ctrl-C stops the kernels and leaves every file whole: old, or executed to its end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
import time
from pathlib import Path

import nbformat
import nbformat.reader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

AT_ONCE = 2
"""Kernels that run side by side."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
STRICT = {
    "REPLICATIONS_STRICT": "1",  # the notebooks' setup() turns warnings into errors
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the kernel's debugger writes to stderr
}
DAMAGED = (
    nbformat.reader.NotJSONError,
    nbformat.ValidationError,
    UnicodeDecodeError,
    AttributeError,  # JSON, but no object
)
RUNNING: list[NotebookClient] = []
"""What Ctrl-C has to stop: the kernels do not hear it."""


class NotebookFailed(Exception):
    """A notebook that must not be published, with the reason."""


def noise(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells wrote to stderr."""
    return [
        f"cell {number} wrote to stderr:\n{output.text}"
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", ())
        if output.output_type == "stream" and output.name == "stderr"
    ]


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Keep what the authors wrote and what the cells showed; drop the rest."""
    notebook.metadata.kernelspec = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata.language_info = {"name": "python"}
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for name in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(name, None)


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Replace the file in one step: a reader never meets half a notebook."""
    temporary = path.with_suffix(".ipynb.tmp")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook, or :class:`NotebookFailed` with what brings it back."""
    try:
        return nbformat.read(path, as_version=4)
    except DAMAGED as error:
        raise NotebookFailed(
            f"is no notebook: {str(error).splitlines()[0]:.80}\n"
            f"`git checkout {path}` brings back what is committed"
        ) from None


async def execute(path: Path, timeout: int, check: bool) -> float:
    """Run one notebook in its own folder.

    Args:
        path: the notebook.
        timeout: seconds that one cell may take.
        check: leave the file as it is.

    Returns:
        Seconds from the kernel's start to its end.

    Raises:
        NotebookFailed: a cell raised, ran out of time or wrote to stderr; the kernel did not start,
            or died; or the file cannot be written.
    """
    start = time.perf_counter()
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        shutdown_kernel="immediate",
        record_timing=False,
        coalesce_streams=True,  # a slow machine prints in several pieces
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of TCP on this very machine
        resources={"metadata": {"path": str(path.parent)}},
    )
    RUNNING.append(client)
    try:
        await client.async_execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise NotebookFailed(str(error)) from None
    except (RuntimeError, OSError) as error:  # a kernel that does not start
        raise NotebookFailed(f"{type(error).__name__}: {error}") from None
    finally:
        RUNNING.remove(client)
    if lines := noise(notebook):
        raise NotebookFailed("\n".join(lines))
    if not check:
        normalise(notebook)
        try:
            write(notebook, path)
        except OSError as error:
            raise NotebookFailed(f"cannot be written: {error}") from None
    return time.perf_counter() - start


async def execute_all(paths: list[Path], timeout: int, check: bool) -> bool:
    """Run notebooks side by side, one line each; true if all passed."""
    places = asyncio.Semaphore(AT_ONCE)
    width = max(len(path.name) for path in paths)

    async def one(path: Path) -> bool:
        async with places:
            try:
                seconds = await execute(path, timeout, check)
            except NotebookFailed as failure:
                print(f"{path.name:{width}}  FAILED\n{failure}", flush=True)
                return False
        print(f"{path.name:{width}}  {seconds:5.1f} s", flush=True)
        return True

    return all(await asyncio.gather(*map(one, paths)))


def run(paths: list[Path], timeout: int, check: bool) -> int:
    """Execute them in a thread: in the main one nbclient would take Ctrl-C for itself and go on.

    Returns:
        Exit status: 0 if all passed, 1 if one failed. After Ctrl-C the process ends with 130.
    """
    loop, done = asyncio.new_event_loop(), threading.Event()
    task = loop.create_task(execute_all(paths, timeout, check))

    def work() -> None:
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()
        done.set()

    threading.Thread(target=work).start()
    try:
        done.wait()  # an interrupted join would take the thread for ended
    except KeyboardInterrupt:
        for client in RUNNING:
            kernel = client.km and getattr(client.km.provisioner, "process", None)
            if kernel:
                kernel.kill()
                kernel.wait()
        print("\nstopped: chapters without a line above are as they were", flush=True)
        os._exit(130)  # a tidy end would report every kernel as dead
    return 0 if task.result() else 1


def read_all(paths: list[Path]) -> int:
    """Exit status 0 if all can be read; a line or two for each that cannot."""
    failed = 0
    for path in paths:
        try:
            read(path)
        except NotebookFailed as failure:
            print(f"{path} {failure}", file=sys.stderr)
            failed = 1
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 if all notebooks passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--timeout", type=int, default=300, help="seconds a cell may take")
    parser.add_argument("--check", action="store_true", help="execute, but write nothing")
    parser.add_argument("--read", action="store_true", help="only see that each can be read")
    options = parser.parse_args(arguments)
    for path in options.notebooks:
        if not path.is_file():
            parser.error(f"there is no file {path}")
    if not options.notebooks:
        print("no notebooks to execute")
        return 0
    if options.read:
        return read_all(options.notebooks)
    os.environ.update(ONE_THREAD | STRICT)
    paths = [path.resolve() for path in options.notebooks]
    return run(paths, options.timeout, options.check)


if __name__ == "__main__":
    sys.exit(main())
