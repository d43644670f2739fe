"""What the files start, started: heads and workers by their options, with a token, and a job by its entrypoint."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.cluster.manifests import RAY_UP, ROOT, Json, documents, groups, in_repository, of_ray
from tests.cluster.tiny_run import write_run
from tests.ray_cluster import cluster_environment, ray_cluster

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
JOB = of_ray()["rayjob-synthesis"]
# Ports and files of machines that are not there: the tests have their own.
_NOT_HERE = ("--head", "--port", "--address", "--dashboard-port", "--autoscaling-config", "--disable-usage-stats")


def ray_up_options(config: Json, role: str) -> list[str]:
    """The options of `ray start` in the last command of a `ray up` file, but for those of its machines."""
    _, _, options = config[f"{role}_start_ray_commands"][-1].partition("ray start ")
    return [word for word in shlex.split(options) if word.partition("=")[0] not in _NOT_HERE]


def kuberay_options(group: Json) -> list[str]:
    """As KubeRay makes them of `rayStartParams`, and of the limits where these name no CPUs."""
    limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
    return [f"--{name}={value}" for name, value in {"num-cpus": limits["cpu"], **group["rayStartParams"]}.items()]


def ask(address: str, path: str, token: Mapping[str, str] | None) -> Json:
    headers = {"Authorization": f"Bearer {token['RAY_AUTH_TOKEN']}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(address + path, headers=headers), timeout=60) as answer:
        found: Json = json.load(answer)
        return found


def nodes(address: str) -> list[Json]:
    found = ask(address, "/api/v0/nodes", TOKEN)
    rows: list[Json] = found["data"]["result"]["result"]
    return [row for row in rows if row["state"] == "ALIVE"]


def await_nodes(address: str, number: int) -> list[Json]:
    until = time.monotonic() + 180
    while len(found := nodes(address)) < number:
        assert time.monotonic() < until, f"{len(found)} of {number} nodes came"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def kuberay() -> Iterator[str]:
    """A cluster as the job for synthesis starts it: its head, and a node of its group `sandbox`."""
    head, worker = (kuberay_options(groups(JOB)[name]) for name in ("head", "sandbox"))
    with ray_cluster(variables=TOKEN, head=head, worker=worker) as address:
        await_nodes(address, 2)
        yield address


@pytest.mark.parametrize("path", RAY_UP, ids=lambda path: path.stem)
def test_ray_takes_the_options_of_ray_up(path: Path) -> None:
    config = documents(path)[0]
    head, worker = (ray_up_options(config, role) for role in ("head", "worker"))
    # Two nodes of one machine cannot both have the port for objects.
    assert {re.sub(r"=\d+", "", word) for word in worker} == {"--object-manager-port"}
    head = [word for word in head if not word.startswith("--object-manager-port")]
    with ray_cluster(variables=TOKEN, head=head) as address:
        assert sorted(node["resources_total"].get("CPU", 0) for node in await_nodes(address, 2)) == [0, 3]


def test_kuberays_head_counts_no_cpus_and_its_workers_their_limit(kuberay: str) -> None:
    assert sorted(node["resources_total"].get("CPU", 0) for node in nodes(kuberay)) == [0, 4]


def test_the_dashboard_refuses_who_has_no_token(kuberay: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(kuberay, "/api/jobs/", None)
    refusal.value.close()
    assert refusal.value.code in (401, 403)


def test_the_jobs_entrypoint_makes_examples(kuberay: str, tmp_path: Path) -> None:
    python, script, _, *sets = shlex.split(JOB["spec"]["entrypoint"])
    config = write_run(tmp_path, problems=40)
    sets = [word.replace("/mnt/pad-ray/runs", f"{tmp_path}/runs") for word in sets]
    entrypoint = [python, str(in_repository(script)), str(config), *sets]
    environment = yaml.safe_load(JOB["spec"]["runtimeEnvYAML"])
    environment["env_vars"]["PYTHONPATH"] = str(ROOT)
    submit = ("-m", "ray.scripts.scripts", "job", "submit", "--address", kuberay)
    command = [sys.executable, *submit, "--runtime-env-json", json.dumps(environment), "--", *entrypoint]
    variables = cluster_environment() | TOKEN
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    [mark] = tmp_path.glob("runs/mine/samples/*/done.json")
    assert json.loads(mark.read_text())["rows"] == 40
    assert list(tmp_path.glob("runs/mine/examples/*/done.json"))
