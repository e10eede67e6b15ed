"""What a user may ask for is checked before anything starts and without Ray; errors are one sentence."""

import socket

import pytest

from caviar.errors import CaviarError, ClusterError, InputError
from caviar.fleet.placement import Placement


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_an_address_that_does_not_answer_is_refused_at_once(form):
    with pytest.raises(ClusterError, match="nothing answers at the Ray address"):
        Placement.of(address=form.format(free_port()))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"address": "nonsense"}, "address must be a Ray address, got 'nonsense'; try"),
        ({"address": 6379}, "got 6379"),
        ({"address": "host:many"}, "got 'host:many'"),
        ({"workers": -1}, "workers must be 'auto' or an integer >= 0, got -1"),
        ({"workers": True}, "got True"),
        ({"workers": "many"}, "got 'many'"),
        ({"resources": {"cpu": -1}}, r"resources\['cpu'\] must be a number >= 0, got -1"),
        ({"resources": {"gpu": float("nan")}}, r"resources\['gpu'\] .* got nan"),
        ({"resources": {"cpu": float("inf")}}, r"resources\['cpu'\] must be a number >= 0, got inf"),
        ({"resources": {1: 2}}, "the name of a resource must be a non-empty string, got 1"),
        ({"resources": {"cpu": 0}}, r"resources must contain an amount > 0, got {'cpu': 0}; try"),
        ({"resources": {"cpu": 1, "num_cpus": 1}}, r"resources must name each thing once, got .*; keep 'cpu'"),
        ({"resources": {"GPU": 1, "num_gpus": 1}}, r"resources must name each thing once, got .*; keep 'gpu'"),
        ({"resources": {"CPU": "two"}}, r"resources\['CPU'\] must be a number >= 0, got 'two'"),
        ({"resources": 2}, "resources must be a dict, got 2; try"),
        ({"trial_timeout": 0.0}, "trial_timeout must be .*got 0.0"),
        ({"timeout": -1}, "timeout must be .*got -1"),
    ],
)
def test_an_invalid_setting_is_one_sentence(settings, words):
    with pytest.raises(InputError, match=words) as error:
        Placement.of(**settings)
    assert isinstance(error.value, CaviarError)
    assert "\n" not in str(error.value)


def test_a_trainer_takes_one_cpu_unless_resources_name_another_amount():
    assert Placement.of(resources={"gpu": 0.5}).resources == {"cpu": 1.0, "gpu": 0.5}
    assert Placement.of(resources={"cpu": 0, "gpu": 1}).resources == {"cpu": 0, "gpu": 1}


@pytest.mark.parametrize("names", [("CPU", "GPU"), ("num_cpus", "num_gpus"), ("cpu", "num_gpus")])
def test_resources_may_have_ray_s_names_and_custom_ones_stay(names):
    resources = {names[0]: 2, names[1]: 0.5, "memory": 1e9, "tpu_host": 1}
    assert Placement.of(resources=resources).resources == {"cpu": 2, "gpu": 0.5, "memory": 1e9, "tpu_host": 1}
