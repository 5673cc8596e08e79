"""The figure by which KEDA scales notifiers, as deploy/kubernetes/overlays/keda asks Prometheus for it, read from the processes themselves."""
import http.client
import re
import threading
import time

WANTED = re.compile(r'^(?:herald_events_pending\{.*|herald_deliveries_pending\{.*state="(?:ready|in_flight)".*) ([0-9.e+]+)$', re.MULTILINE)


def backlog(processes):
    """Of one exporter; nothing while there is none."""
    found = []
    for process in processes:
        connection = http.client.HTTPConnection(process.ready["admin"], timeout=10)
        connection.request("GET", "/metrics")
        found += WANTED.findall(connection.getresponse().read().decode())
        connection.close()
    return sum(float(value) for value in found) if found else None


class Watch:
    """The figure every half a second, from the first one above 0 until it is 0 again."""

    def __init__(self, processes):
        self.processes, self.figures, self.ending = processes, [], threading.Event()
        self.begun = time.monotonic()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ending.wait(0.5):
            figure = backlog(self.processes)
            if figure is not None and (not self.figures or figure != self.figures[-1][1]):
                self.figures.append((time.monotonic() - self.begun, figure))

    def end(self):
        self.ending.set()
        self.thread.join()

    def text(self):
        """Each value with the seconds since the start at which it was first shown."""
        return ", ".join(f"{at:.0f} s {figure:,.0f}" for at, figure in self.figures)
