"""A Prometheus on loopback, for the checks of deploy/: it scrapes processes of a deployment and evaluates rules every second."""
import json
import pathlib
import re
import urllib.parse

from deployment import ask, is_ready, until

executable = pathlib.Path(__file__).resolve().parent.parent / ".build/tools/prometheus/usr/bin/prometheus"


class Prometheus:
    def __init__(self, processes, targets, rules):
        """Returns once every target was scraped; rules is the path of a file of them."""
        self.processes = processes
        self.set_targets(targets)
        config, log = processes.folder / "prometheus.yml", processes.folder / "prometheus.log"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "herald", "file_sd_configs": [{"files": [str(processes.folder / "targets.json")]}]}],
        }))
        processes.start(
            executable, f"--config.file={config}", f"--storage.tsdb.path={processes.folder}/series", "--web.listen-address=127.0.0.1:0",
            log=log.name)
        self.address = until("Prometheus", lambda: re.search(r'msg="Listening on" address=(\S+)', log.read_text()))[1]
        until("Prometheus to be ready", lambda: is_ready(self.address, "/-/ready"))
        until("a scrape", lambda: len(self.figures("up == 1")) == len(targets))

    def set_targets(self, targets):
        """What is scraped from now on."""
        following = self.processes.folder / "targets.next"
        following.write_text(json.dumps([{"targets": list(targets)}]))
        following.rename(self.processes.folder / "targets.json")

    def ask(self, path):
        return json.loads(ask(self.address, "GET", path))["data"]

    def figures(self, query):
        """What it has for a query now."""
        found = self.ask("/api/v1/query?" + urllib.parse.urlencode({"query": query}))["result"]
        return [float(sample["value"][1]) for sample in found]

    def firing(self):
        """The names of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self.ask("/api/v1/alerts")["alerts"] if alert["state"] == "firing"}
