"""What the rows share: builds, private servers, and the table they end in."""
import contextlib
import functools
import os
import pathlib
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

repository = pathlib.Path(__file__).resolve().parent.parent


def provenance():
    """Machine, commit and command: figures without them say nothing."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    cores = len([line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")])
    commit = output(["git", "rev-parse", "--short", "HEAD"])
    if output(["git", "status", "--porcelain"]):
        commit += " with changes"
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    return (f"{model}, {cores} cores, Linux {platform.release()}, load {load} before the run\n"
            f"commit {commit}, {time.strftime('%Y-%m-%d')}, "
            f"{' '.join(['Benchmarks/' + os.path.basename(sys.argv[0]), *sys.argv[1:]])}")


def output(command):
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout.strip()


@functools.cache
def release():
    """Builds everything for release, once a run, and gives the folder of the executables.

    HERALD_BENCH_PROGRAMS names a folder of executables that are there already.
    """
    if folder := os.environ.get("HERALD_BENCH_PROGRAMS"):
        return pathlib.Path(folder).resolve()
    command = ["swift", "build", "-c", "release", "--explicit-target-dependency-import-check", "error"]
    built = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    if built.returncode != 0:
        raise SystemExit(built.stdout + built.stderr)
    return pathlib.Path(output([*command, "--show-bin-path"]))


def program(product):
    """The path of an executable of this build."""
    return str(release() / product)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    """Until a process listens on a loopback port."""
    for _ in range(1_000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise SystemExit(f"no process listens on port {port}")


@contextlib.contextmanager
def redis_server(*arguments):
    """A private Redis on a loopback port, without persistence unless the arguments say so."""
    folder, port = tempfile.mkdtemp(prefix="herald-bench-"), free_port()
    server = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no",
         *arguments], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def median(values):
    return statistics.median(values)


class Table:
    """Columns of text, a line per measurement, and whether what we promise holds."""

    def __init__(self, title, columns):
        self.title, self.columns, self.lines, self.promises, self.notes = title, columns, [], [], []

    def add(self, *cells):
        self.lines.append([cell if isinstance(cell, str) else f"{cell:,.0f}" for cell in cells])

    def promise(self, text, holds):
        self.promises.append((text, holds))

    def note(self, text):
        """A sentence below the table."""
        self.notes.append(text)

    @property
    def holds(self):
        return all(holds for _, holds in self.promises)

    def __str__(self):
        widths = [max(len(line[index]) for line in [self.columns, *self.lines]) for index in range(len(self.columns))]
        def text(line):
            first, *rest = (cell.ljust(width) if index == 0 else cell.rjust(width)
                            for index, (cell, width) in enumerate(zip(line, widths)))
            return "| " + " | ".join([first, *rest]) + " |"
        rule = "|" + "|".join(("-" * (width + 1) + (":" if index else "-")) for index, width in enumerate(widths)) + "|"
        promises = [f"{'held' if holds else 'MISSED'}: {text}" for text, holds in self.promises]
        return "\n".join([self.title, "", text(self.columns), rule, *map(text, self.lines), "", *promises, *self.notes])
