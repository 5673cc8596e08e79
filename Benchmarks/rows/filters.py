"""Decisions by a filter policy of three keys, beside the plain reading of the same bodies."""
import json
import subprocess

import kit

SECONDS = 6
SIZES = [200, 2_048, 65_536]
PROMISE = 1.0


def measure():
    ran = subprocess.run([kit.program("filter-rate"), str(SECONDS), *map(str, SIZES)],
                         capture_output=True, text=True, check=True)
    table = kit.Table(
        f"Decisions by a filter policy of three keys, nanoseconds a message, medians of rounds within {SECONDS} s",
        ["bytes of the body", "matches", "refuses", "JSONReader alone", "ratio"])
    for figures in map(json.loads, ran.stdout.splitlines()):
        ratio = figures["filter_ns"] / figures["scan_ns"]
        table.add(f"{figures['bytes']:,}", figures["filter_ns"], figures["refusal_ns"], figures["scan_ns"], f"{ratio:.2f}")
        if figures["bytes"] > 1_000:
            table.promise(f"{figures['bytes']:,} bytes: no longer than reading them", ratio <= PROMISE)
    return table
