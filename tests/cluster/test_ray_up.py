"""The files for `ray up`: Ray's own checks take them, and their nodes hold the run."""

from __future__ import annotations

import json
import shlex
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from pad_ray.cli import parser
from pad_ray.config import load_config
from pad_ray.placement import check
from tests.cluster.manifests import CLUSTER, RAY_UP, ROOT, Json, documents, ray_up_nodes

by_file = pytest.mark.parametrize("path", RAY_UP, ids=lambda path: path.stem)


def ray_util() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, while it is imported
        from ray.autoscaler._private import util
    return util


def config_of(path: Path) -> Json:
    [config] = documents(path)
    return config


@by_file
def test_rays_schema_takes_it(path: Path) -> None:
    ray = find_spec("ray")
    assert ray
    assert ray.origin
    schema = json.loads(Path(ray.origin).with_name("autoscaler").joinpath("ray-schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(config_of(path))] == []


@by_file
def test_ray_fills_it_out_and_takes_it(path: Path) -> None:
    util = ray_util()
    util.validate_config(util.prepare_config(config_of(path)))


def test_ray_would_refuse_a_key_that_is_none() -> None:
    util = ray_util()
    with pytest.raises(Exception, match="max_worker"):
        util.validate_config(util.prepare_config({**config_of(RAY_UP[0]), "max_worker": 3}))


@by_file
def test_its_least_nodes_hold_the_run(path: Path) -> None:
    check(load_config(CLUSTER / "run.yaml").resources, ray_up_nodes(config_of(path)))


@by_file
def test_workers_are_of_spot(path: Path) -> None:
    for name in ("gpu", "sandbox"):
        node = config_of(path)["available_node_types"][name]["node_config"]
        market = node.get("InstanceMarketOptions", {}).get("MarketType")
        assert market == "spot" or {"preemptible": True} in node["scheduling"]


@by_file
def test_a_gpu_node_has_the_gpu_image(path: Path) -> None:
    config = config_of(path)
    assert config["available_node_types"]["gpu"]["docker"]["worker_image"] == config["docker"]["image"] + "-gpu"


@by_file
def test_who_has_no_token_is_refused(path: Path) -> None:
    config = config_of(path)
    assert "--env RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    assert config["file_mounts"] == {"/home/ray/.ray/auth_token": "~/.ray/auth_token"}


@by_file
def test_the_dashboard_is_open_to_the_head_alone(path: Path) -> None:
    assert "--dashboard-host=127.0.0.1" in " ".join(config_of(path)["head_start_ray_commands"])


@by_file
def test_docker_keeps_its_confinement(path: Path) -> None:
    options = " ".join(config_of(path)["docker"]["run_options"])
    assert "no-new-privileges" in options
    assert "unconfined" not in options
    assert "privileged " not in f"{options.replace('no-new-privileges', '')} "


@by_file
def test_every_node_proves_its_sandbox(path: Path) -> None:
    [command] = config_of(path)["setup_commands"]
    assert command == "pad-ray doctor --sandbox"
    parser().parse_args(shlex.split(command)[1:])


@by_file
def test_it_opens_with_its_command(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# ray get-auth-token --generate && ray up {path.relative_to(ROOT)}"
