"""Whether values are what the schemas of a document say: draft 7 of JSON Schema, which AsyncAPI 3.0 extends.

    schemas.py DOCUMENT CASES    CASES: [{"schema": "#/components/schemas/Name", "value": …}, …]

Prints a line for each fault and then how many cases there were; ends with 1 where there is a fault. The schemas are checked too.
"""
import json
import sys

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

document, cases = (json.load(open(name, encoding="utf-8")) for name in sys.argv[1:3])
components = document["components"]
schemas = [(name, schema) for name, schema in components["schemas"].items()]
for name, message in components["messages"].items():
    schemas += [(f"{name}.{part}", message[part]) for part in ["headers", "payload"] if part in message]

faults = []
for name, schema in schemas:
    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        faults.append(f"{name}: {error.json_path} {error.message}")
registry = Registry().with_resource("urn:document", Resource(contents=document, specification=DRAFT7))
for number, case in enumerate(cases):
    validator = Draft7Validator({"$ref": "urn:document" + case["schema"]}, registry=registry)
    faults += [f"case {number}: {case['schema']} {error.json_path} {error.message}" for error in validator.iter_errors(case["value"])]
print("\n".join([*faults, f"{len(cases)} cases"]))
sys.exit(1 if faults else 0)
