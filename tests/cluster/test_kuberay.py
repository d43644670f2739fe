"""KubeRay's manifests: its schemas take them, their pods are confined, their nodes hold the runs that they start."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from pad_ray.cli import parser
from pad_ray.config import RunConfig, load_config
from pad_ray.errors import PlacementError
from pad_ray.placement import Node, check
from tests.cluster.crds import crd, part, problems
from tests.cluster.manifests import (
    CLUSTER,
    KUBERAY,
    ROOT,
    Json,
    cluster_spec,
    containers,
    documents,
    groups,
    in_repository,
    least_nodes,
    of_ray,
    pods,
)

MANIFESTS, PODS = of_ray(), pods()
JOBS = {name: one for name, one in MANIFESTS.items() if one["kind"] == "RayJob"}


@pytest.fixture(scope="module")
def crds(data_folder: Path) -> Path:
    folder = data_folder / "kuberay_crds"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_schema_of_its_kind_takes_it(name: str, crds: Path) -> None:
    assert problems(crd(crds, MANIFESTS[name]["kind"]), MANIFESTS[name]) == []


def test_the_schema_takes_the_pod_and_the_claim_of_the_storage(crds: Path) -> None:
    template = part(crd(crds, "RayCluster"), "spec", "headGroupSpec", "template", "spec")
    claim = part(template, "volumes", "*", "ephemeral", "volumeClaimTemplate", "spec")
    found = {one["kind"]: one["spec"] for one in documents(CLUSTER / "kuberay/storage.yaml")}
    assert problems(template, found["Pod"]) + problems(claim, found["PersistentVolumeClaim"]) == []


def test_an_unknown_field_anywhere_is_refused(crds: Path) -> None:
    manifest = documents(CLUSTER / "kuberay/raycluster.yaml")[0]
    containers = manifest["spec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"]
    containers[0]["imagePullPolice"] = "Always"
    assert "imagePullPolice" in " ".join(problems(crd(crds, "RayCluster"), manifest))


@pytest.mark.parametrize("name", MANIFESTS)
def test_ray_is_that_of_the_lock(name: str) -> None:
    locked = dict(line.split("==") for line in (ROOT / "requirements/gpu.txt").read_text().splitlines() if "==" in line)
    assert cluster_spec(MANIFESTS[name])["rayVersion"] == locked["ray"]


@pytest.mark.parametrize("name", MANIFESTS)
def test_who_has_no_token_is_refused(name: str) -> None:
    assert cluster_spec(MANIFESTS[name])["authOptions"] == {"mode": "token"}


@pytest.mark.parametrize("name", MANIFESTS)
def test_nothing_is_computed_on_the_head(name: str) -> None:
    assert groups(MANIFESTS[name])["head"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_no_root(name: str) -> None:
    context = PODS[name]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == 1000


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_the_seccomp_profile_of_its_runtime(name: str) -> None:
    assert PODS[name]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


@pytest.mark.parametrize("name", PODS)
def test_a_container_gains_no_privileges(name: str) -> None:
    for container in containers(PODS[name]):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize("name", PODS)
def test_a_container_says_what_it_takes(name: str) -> None:
    for container in containers(PODS[name]):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys() & container["resources"]["limits"].keys()


@pytest.mark.parametrize("name", [name for name in PODS if not name.endswith("/head")])
def test_a_worker_has_no_account_in_kubernetes(name: str) -> None:
    assert PODS[name]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", PODS)
def test_keys_come_from_secrets(name: str) -> None:
    plain = [variable for one in containers(PODS[name]) for variable in one.get("env", []) if "value" in variable]
    assert {variable["name"] for variable in plain} <= {"HF_HOME", "PAD_RAY_DATA"}


@pytest.mark.parametrize("name", [name for name in PODS if name.endswith("/sandbox")])
def test_a_sandbox_node_proves_itself_first(name: str) -> None:
    [first] = PODS[name]["initContainers"]
    parser().parse_args(first["command"][1:])
    assert first["command"] == ["pad-ray", "doctor", "--sandbox"]
    assert first["image"] == PODS[name]["containers"][0]["image"]


def entrypoint(name: str) -> list[str]:
    return shlex.split(JOBS[name]["spec"]["entrypoint"])


def job_config(name: str) -> RunConfig:
    python, script, config, *overrides = entrypoint(name)
    assert (python, overrides[::2]) == ("python", ["--set"] * (len(overrides) // 2))
    assert in_repository(script).is_file()
    return load_config(in_repository(config), overrides[1::2])


@pytest.mark.parametrize("name", JOBS)
def test_a_jobs_entrypoint_names_files_that_are_there(name: str) -> None:
    assert job_config(name).runs == "/mnt/pad-ray/runs"


@pytest.mark.parametrize("name", JOBS)
def test_a_jobs_nodes_hold_its_run_before_any_are_added(name: str) -> None:
    check(job_config(name).resources, least_nodes(JOBS[name]))


def test_the_clusters_nodes_hold_the_run_before_any_are_added() -> None:
    check(load_config(CLUSTER / "run.yaml").resources, least_nodes(MANIFESTS["raycluster"]))


def test_nodes_without_gpus_would_not() -> None:
    nodes = [Node(node.name, node.cpus) for node in least_nodes(MANIFESTS["raycluster"])]
    with pytest.raises(PlacementError, match="GPU"):
        check(load_config(CLUSTER / "run.yaml").resources, nodes)


def test_training_takes_what_synthesis_made() -> None:
    made, taken = (
        job_config(name).model_dump(exclude={"resources"}) for name in ("rayjob-synthesis", "rayjob-training")
    )
    assert made == taken


@pytest.mark.parametrize("name", JOBS)
def test_a_job_tries_again_and_ends(name: str) -> None:
    spec = JOBS[name]["spec"]
    assert spec["backoffLimit"] > 0
    assert spec["activeDeadlineSeconds"] > 0
    # KubeRay takes one of the two, and no `DeleteWorkers` where it autoscales.
    assert spec.get("shutdownAfterJobFinishes", False) != ("deletionStrategy" in spec)
    rules = spec.get("deletionStrategy", {}).get("deletionRules", [])
    autoscales = cluster_spec(JOBS[name]).get("enableInTreeAutoscaling", False)
    assert not (autoscales and any(rule["policy"] == "DeleteWorkers" for rule in rules))


@pytest.mark.parametrize("name", JOBS)
def test_a_jobs_environment_is_a_mapping(name: str) -> None:
    environment: Json = yaml.safe_load(JOBS[name]["spec"]["runtimeEnvYAML"])
    assert environment["env_vars"] == {"VLLM_NO_USAGE_STATS": "1"}


@pytest.mark.parametrize("path", KUBERAY, ids=lambda path: path.stem)
def test_a_file_opens_with_its_command(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# kubectl apply -f {path.relative_to(ROOT)}"
