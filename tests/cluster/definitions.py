"""An outline of KubeRay's resource definitions, against which our files can be checked without them.

`definitions.json` beside this file holds, for every level that ours in `cluster/` use, all keys that KubeRay knows
there and the types of those used. It is generated from the definitions of a KubeRay release, too large to keep here:

    python -m tests.cluster.definitions FOLDER      # with ray.io_rayclusters.yaml.gz and ray.io_rayjobs.yaml.gz
"""

import gzip
import json
import sys
from pathlib import Path

import yaml

OUTLINE = Path(__file__).with_name("definitions.json")
CLUSTER = Path(__file__).parents[2] / "cluster"
KINDS = {"RayCluster": "kuberay.yaml", "RayJob": "kuberay-job.yaml"}


def subject(kind):
    """Our object of a kind, without its metadata, which the definitions leave open."""
    (subject,) = yaml.safe_load_all((CLUSTER / KINDS[kind]).read_text())
    assert subject["kind"] == kind
    return {**subject, "metadata": {}}


def definition(folder, kind):
    """The full schema of a kind, which refuses unknown keys."""
    path = Path(folder) / f"ray.io_{kind.lower()}s.yaml.gz"
    versions = yaml.load(gzip.decompress(path.read_bytes()), yaml.CSafeLoader)["spec"]["versions"]
    return strict(next(version["schema"]["openAPIV3Schema"] for version in versions if version["name"] == "v1"))


def strict(schema):
    """A Kubernetes schema that refuses unknown keys, and accepts Kubernetes' integers or strings."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items() if key not in ("format", "description")}
    if isinstance(made.get("properties"), dict) and "additionalProperties" not in made:
        made["additionalProperties"] = False
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("anyOf", None)
        made["type"] = ["integer", "string"]
    return made


def outlined(schema, value):
    """The part of a schema that a value uses; only the names of what it does not use."""
    made = {key: part for key, part in schema.items() if key in ("type", "enum", "required", "additionalProperties")}
    if "properties" in schema:
        used = value if isinstance(value, dict) else {}
        made["properties"] = {
            name: outlined(part, used[name]) if name in used else {} for name, part in schema["properties"].items()
        }
    if "items" in schema:
        made["items"] = outlined(schema["items"], value[0])
    return made


if __name__ == "__main__":
    outlines = {kind: outlined(definition(sys.argv[1], kind), subject(kind)) for kind in KINDS}
    OUTLINE.write_text(json.dumps(outlines, separators=(",", ":")) + "\n")
