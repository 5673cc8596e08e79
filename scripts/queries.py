"""The queries of deploy/: those of the alerts, of the dashboard and of KEDA."""
import json
import pathlib

import yaml

deploy = pathlib.Path(__file__).resolve().parent.parent / "deploy"
rules_file = deploy / "prometheus/rules.yaml"


def rules():
    return yaml.safe_load(rules_file.read_text())


def panels(interval):
    """Where each query of the dashboard stands, and the query with the interval that Grafana would put into it."""
    for panel in json.loads((deploy / "grafana/herald.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            yield f"herald.json: {panel['title']}", target["expr"].replace("$__rate_interval", interval)


def scaled():
    for trigger in yaml.safe_load((deploy / "kubernetes/overlays/keda/notifiers.yaml").read_text())["spec"]["triggers"]:
        yield "keda/notifiers.yaml", trigger["metadata"]["query"]


def alerts():
    for group in rules()["groups"]:
        for rule in group["rules"]:
            yield f"rules.yaml: {rule['alert']}", rule["expr"]


def queries(interval):
    yield from alerts()
    yield from panels(interval)
    yield from scaled()
