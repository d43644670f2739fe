"""What each stage of a run holds at once, and whether the nodes of a cluster can hold it.

One bundle lies on one node, as Ray places it: a cluster of ten nodes with one CPU has ten CPUs, and no room for an
engine of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pad_ray.config import ResourcesConfig
from pad_ray.errors import PlacementError

SAMPLING, TRAINING = STAGES = ("sampling", "training")
JUDGE_CPUS = 0.5  # it mostly waits for its sandbox
_SLACK = 1e-6  # Ray counts in ten-thousandths; sums of halves and thirds are not exact


@dataclass(frozen=True)
class Bundle:
    """What lies on one node.

    Attributes:
        who: what holds it, such as `engine`.
        cpus: logical CPUs.
        gpus: GPUs.
    """

    who: str
    cpus: float
    gpus: float = 0

    def resources(self) -> dict[str, float]:
        """By Ray's own names."""
        return {name: amount for name, amount in (("CPU", self.cpus), ("GPU", self.gpus)) if amount}

    def __str__(self) -> str:
        return f"{self.who} ({_amounts(self.cpus, self.gpus)})"


@dataclass(frozen=True)
class Node:
    """A node, or one that an autoscaler could start.

    Attributes:
        name: as Ray knows it.
        cpus: its logical CPUs.
        gpus: its GPUs.
    """

    name: str
    cpus: float
    gpus: float = 0

    @classmethod
    def of(cls, name: str, resources: Mapping[str, float]) -> Node:
        """A node by Ray's own names of resources."""
        return cls(name, resources.get("CPU", 0), resources.get("GPU", 0))


def bundles(resources: ResourcesConfig, stages: Collection[str] = STAGES) -> dict[str, list[Bundle]]:
    """What the two wide stages hold at once, so that a start with less is refused instead of hanging.

    Sampling holds one engine (one of several GPUs is a bundle for each), one judge, and a read, cut or map before the
    engine or after it; further engines and judges are started as there is room. A resume holds the same. Training holds
    one CPU for each worker, of the fewest that it goes on with, and one for the controller's own work.

    Args:
        resources: of the run.
        stages: those that are asked about.
    """
    gpus = int(resources.engine_gpus)
    engine = [Bundle("engine", resources.engine_cpus, min(gpus, 1))] * max(1, gpus)
    workers = [Bundle("training worker", 1, 1 if resources.train_gpus else 0)] * resources.fewest_workers
    wanted = {
        SAMPLING: [*engine, Bundle("reader", 1), Bundle("judge", JUDGE_CPUS)],
        TRAINING: [*workers, Bundle("controller", 1)],
    }
    return {stage: wanted[stage] for stage in stages}


def place(wanted: Iterable[Bundle], nodes: Sequence[Node]) -> tuple[dict[str, list[Bundle]], list[Bundle]]:
    """Puts bundles on nodes, those that are hardest to place first.

    Returns:
        Bundles by name of node, and those for which there is no room.
    """
    left = {node.name: [node.cpus, node.gpus] for node in nodes}
    placed: dict[str, list[Bundle]] = {node.name: [] for node in nodes}
    homeless = []
    for bundle in sorted(wanted, key=lambda bundle: (-bundle.gpus, -bundle.cpus)):
        # Without need of a GPU it goes where none are, so that those nodes keep their CPUs for who needs both.
        order = sorted(left, key=lambda name: (left[name][1] - bundle.gpus, left[name][0]))
        fits = (name for name in order if _fits(bundle, left[name]))
        home = next(fits, None)
        if home is None:
            homeless.append(bundle)
            continue
        placed[home].append(bundle)
        left[home] = [left[home][0] - bundle.cpus, left[home][1] - bundle.gpus]
    return placed, homeless


def _fits(bundle: Bundle, left: Sequence[float]) -> bool:
    return bundle.cpus <= left[0] + _SLACK and bundle.gpus <= left[1] + _SLACK


def check(resources: ResourcesConfig, nodes: Sequence[Node], stages: Collection[str] = STAGES) -> None:
    """Refuses what these nodes can never hold.

    Args:
        resources: of the run.
        nodes: all that there are.
        stages: those that the run will come to.

    Raises:
        PlacementError: a stage does not fit; the message says what is left without a place, and what there is.
    """
    for stage, wanted in bundles(resources, stages).items():
        check_stage(stage, wanted, nodes)


def check_stage(stage: str, wanted: Sequence[Bundle], nodes: Sequence[Node]) -> None:
    """Refuses one stage, see `check`.

    Raises:
        PlacementError: it does not fit.
    """
    if place(wanted, nodes)[1]:
        raise PlacementError(lacking(stage, wanted, nodes), MENDS[stage])


def lacking(stage: str, wanted: Sequence[Bundle], nodes: Sequence[Node]) -> str:
    """What a stage needs, what of it has no place on these nodes, and what they are."""
    _, homeless = place(wanted, nodes)
    return (
        f"{stage} needs {summed(wanted)} at once, and there is no place for {listed(homeless)}: "
        f"this Ray has {described(nodes)}"
    )


MENDS = {
    SAMPLING: "Lower `resources.engine_cpus` or `resources.engine_gpus`, or add nodes "
    "(`resources.cpus` on one machine)",
    TRAINING: "Lower `resources.train_workers`, or add nodes (`resources.cpus` on one machine)",
}


def summed(wanted: Iterable[Bundle]) -> str:
    """`2.5 CPUs and 1 GPU`."""
    found = list(wanted)
    return _amounts(sum(bundle.cpus for bundle in found), sum(bundle.gpus for bundle in found))


def listed(found: Iterable[Bundle]) -> str:
    """`1 × engine (2 CPUs), 3 × judge (0.5 CPUs)`."""
    return ", ".join(f"{count} × {bundle}" for bundle, count in Counter(found).items())


def described(nodes: Sequence[Node]) -> str:
    """`2 nodes with 8 CPUs and 1 GPU, 1 node with 4 CPUs`; a node without either is left out."""
    kinds = Counter(_amounts(node.cpus, node.gpus) for node in nodes if node.cpus or node.gpus)
    if not kinds:
        return "no node with a CPU"
    return ", ".join(f"{count} {'node' if count == 1 else 'nodes'} with {kind}" for kind, count in kinds.items())


def _amounts(cpus: float, gpus: float) -> str:
    parts = [_amount(cpus, "CPU")] if cpus or not gpus else []
    return " and ".join([*parts, _amount(gpus, "GPU")] if gpus else parts)


def _amount(number: float, unit: str) -> str:
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"
