"""The service's Serve configuration: Ray takes it, and our own settings take its arguments."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import pytest
import yaml

from pad_ray.placement import Bundle, Node, place
from pad_ray.serving.settings import ServeConfig
from tests.cluster.manifests import Json, groups, least_nodes, of_ray

SERVICE = of_ray()["rayservice"]
CONFIG: Json = yaml.safe_load(SERVICE["spec"]["serveConfigV2"])
[APPLICATION] = CONFIG["applications"]


def test_ray_serve_takes_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, while it is imported
        from ray.serve.schema import ServeDeploySchema
    schema = ServeDeploySchema.model_validate(CONFIG)
    # What it does not know it would ignore.
    assert CONFIG.keys() <= type(schema).model_fields.keys()
    assert APPLICATION.keys() <= type(schema.applications[0]).model_fields.keys()


def test_our_settings_take_its_arguments() -> None:
    assert ServeConfig.model_validate(APPLICATION["args"]).model == "/mnt/pad-ray/runs/gsm8k-7b/student"


def test_an_argument_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="decoderr"):
        ServeConfig.model_validate({**APPLICATION["args"], "decoderr": "greedy"})


def test_it_listens_where_the_pods_port_is() -> None:
    [head] = groups(SERVICE)["head"]["template"]["spec"]["containers"]
    assert {"containerPort": CONFIG["http_options"]["port"], "name": "serve"} in head["ports"]
    assert CONFIG["http_options"]["host"] == "0.0.0.0"


def test_tokens_reach_every_pod() -> None:
    for group in groups(SERVICE).values():
        [container] = group["template"]["spec"]["containers"]
        [tokens] = [one for one in container["env"] if one["name"] == "PAD_RAY_SERVE_TOKENS"]
        assert tokens["valueFrom"] == {"secretKeyRef": {"name": "pad-ray-serve", "key": "tokens"}}


def replicas(config: ServeConfig, most: bool) -> list[Bundle]:
    """One bundle for each replica, as few or as many as there may be."""
    parts = {"ingress": config.ingress, "decoder": config.decoders, "sandbox": config.sandboxes}
    bundles = [
        Bundle(name, part.cpus) for name, part in parts.items() for _ in range(part.most if most else part.least)
    ]
    engines = config.models.most if most else config.models.least
    resources = config.resources
    return bundles + [Bundle("model", resources.engine_cpus, resources.engine_gpus)] * engines


@pytest.mark.parametrize("most", [False, True], ids=["least", "most"])
def test_the_nodes_hold_the_replicas(most: bool) -> None:
    if most:
        nodes = [
            Node(f"{name}-{n}", 8 if name == "model" else 4, name == "model")
            for name, group in groups(SERVICE).items()
            if name != "head"
            for n in range(group["maxReplicas"])
        ]
    else:
        nodes = least_nodes(SERVICE)
    _, homeless = place(replicas(ServeConfig.model_validate(APPLICATION["args"]), most), nodes)
    assert homeless == []


@pytest.mark.skipif(find_spec("pad_ray.serving.app") is None, reason="pad_ray.serving.app is not there")
def test_the_builder_is_there() -> None:
    module, _, name = APPLICATION["import_path"].partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
