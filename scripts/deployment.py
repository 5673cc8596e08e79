"""Processes on loopback for the checks of deploy/: they end with the block that starts them."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HEADERS = {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-ID": "demo", "X-Roles": "admin", "Content-Type": "application/json"}
DEADLINE_S = 60


def until(what, check):
    """Waits until a check gives something, and gives that."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: waited {DEADLINE_S} s in vain for {what}")


def is_ready(address, path):
    """Whether something answers 200."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status == 200


def ask(connection, method, path, body=None):
    """The body of an answer below 400; the connection is a http.client's, or an address."""
    if isinstance(connection, str):
        connection = http.client.HTTPConnection(connection, timeout=30)
    connection.request(method, path, None if body is None else json.dumps(body), HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status >= 400:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {method} {path} is {answer.status}: {text.decode()}")
    return text


def ready_file(path):
    """The addresses of a process, as host:port; a notifier has one."""
    found = until(path.name, lambda: path.exists() and json.loads(path.read_text()))
    return {name: str(value).removeprefix("http://") for name, value in found.items()}


class Processes:
    """What was started, in a folder of its own; it ends with the block."""

    def __init__(self):
        self.started = []
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
            # One that is stopped would not see the other signal.
            process.send_signal(signal.SIGCONT)
            process.wait()
        self.temporary.cleanup()

    def start(self, *command, log, settings=None):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HERALD_")}
        with (self.folder / log).open("w") as file:
            self.started.append(subprocess.Popen(command, env=environment | (settings or {}), stdout=file, stderr=subprocess.STDOUT))
        return self.started[-1]

    def start_deployment(self, executables):
        """The folder of a `herald dev`, and the addresses of its API and its notifier."""
        folder = self.folder / "deployment"
        self.start(
            executables / "herald", "dev", "--directory", folder, "--listen", "127.0.0.1:0", log="dev.log",
            settings={"HERALD_API_ADMIN_MODE": "true"})
        return folder, *(ready_file(folder / f"{process}.json") for process in ("herald-api", "herald-notifier"))
