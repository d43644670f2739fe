"""What a run needs that only the run can tell: its models and files, and the places of its stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pad_ray.config import RunConfig
from pad_ray.doctor.check import Check
from pad_ray.doctor.machine import gpus
from pad_ray.errors import PadRayError
from pad_ray.placement import Bundle, Node, bundles, described, listed, place, summed


def placing_checks(config: RunConfig) -> Iterator[Check]:
    """Models by name, then each wide stage."""
    from pad_ray.runtime import local_cpus, nodes_here

    for who, name in (("teacher", config.teacher.model), ("student", config.student.model)):
        if who == "student" or config.teacher.kind in ("vllm", "transformers"):
            yield _model(who, name)
    try:
        nodes, address = nodes_here()
    except PadRayError as error:
        yield Check("Ray", "bad", error.problem, error.mend)
        return
    if not nodes:
        nodes = [Node("this machine", local_cpus(config.resources), len(gpus()))]
    where = f"the Ray at {address}" if address else "a local Ray, started for the run"
    yield Check("Ray", "good", f"{where}: {described(nodes)}")
    for stage, wanted in bundles(config.resources).items():
        yield _places(stage, wanted, nodes)


def _places(stage: str, wanted: Sequence[Bundle], nodes: Sequence[Node]) -> Check:
    placed, homeless = place(wanted, nodes)
    homes = [f"on {name} {listed(there)}" for name, there in placed.items() if there]
    says = f"{summed(wanted)}: {'; '.join(homes)}"
    if homeless:
        says += f"; no place for {listed(homeless)}"
        return Check(f"places for {stage}", "bad", says, "Lower `resources`, or add nodes")
    return Check(f"places for {stage}", "good", says)


def _model(who: str, name: str) -> Check:
    from pad_ray.models import resolve_model

    try:
        return Check(f"model of the {who}", "good", f"{name}: {resolve_model(name)}")
    except PadRayError as error:
        return Check(f"model of the {who}", "bad", error.problem, error.mend)
