"""A synthesis on a cluster that has no nodes until there is work: nodes come for the rows and go after them.

    python -m tests.bench.autoscaling [--rows N] [--engines N] [--judges N] [--idle SECONDS] [--plot FILE.png]

Ray's own autoscaler (v2) starts and ends nodes that are processes of this machine: a group for engines, whose nodes
have a logical GPU, and one for the sandbox. The engine is transformers with random weights, so it is busy and its
programs are wrong: what is looked at are nodes and rows, not answers, and on few cores more nodes make nothing faster.
The run is `pad-ray run` with ordinary settings. Prints a table in Markdown, and draws it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from pad_ray.markdown import markdown_table
from pad_ray.report.svg import figure
from tests.node_watch import Look, Watch
from tests.ray_cluster import cluster_environment, growing_cluster
from tests.training.tiny import make_student

TEACHER, SANDBOX = "teacher", "sandbox"
_HAS = {TEACHER: {"CPU": 2, "GPU": 1}, SANDBOX: {"CPU": 2}}
_SECONDS = 3600
_ROOT = Path(__file__).parents[2]


def settings(folder: Path, rows: int, engines: int, judges: int) -> Path:
    """Writes a configuration of a run on GPUs, with the built-in problems and a model of random weights."""
    model = make_student("gpt2", folder / "model")
    run = {
        "name": "autoscaling",
        "runs": str(folder / "runs"),
        "problems": {"sizes": {"train": rows, "validation": 3, "test": 3, "unseen": 3}},
        "teacher": {"kind": "transformers", "model": model, "samples": 1, "shots": 0, "max_tokens": 64},
        "resources": {"engines": engines, "engine_gpus": 1, "sandbox_workers": judges, "engine_rows": 64},
    }
    path = folder / "autoscaling.yaml"
    path.write_text(yaml.safe_dump(run))
    return path


def observe(folder: Path, config: Path, most: int, idle: float) -> tuple[list[Look], int]:
    """Runs the configuration on a cluster of its own.

    Returns:
        What was seen from before the run until the last node had gone, and the run's exit code.
    """
    with growing_cluster(_HAS, most=most, idle_seconds=idle) as address:
        watch = Watch(address, folder / "runs")
        command = [sys.executable, "-m", "pad_ray.cli", "run", str(config), "--until", "samples"]
        environment = {**cluster_environment(), "RAY_ADDRESS": address, "HF_HUB_OFFLINE": "1"}
        run = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=sys.stderr)
        watch.until(lambda look: run.poll() is not None, _SECONDS)
        watch.until(lambda look: not look.nodes, _SECONDS)
        return watch.looks, run.wait()


def changes(looks: Sequence[Look]) -> Iterator[Look]:
    """The looks at which nodes had come or gone, with the first and the last."""
    before: Look | None = None
    for look in looks:
        if before is None or look.nodes != before.nodes or look is looks[-1]:
            yield look
        before = look


def table_of(looks: Sequence[Look]) -> str:
    """A line for each change."""
    return markdown_table(
        ["s", "teacher nodes", "sandbox nodes", "rows"],
        (
            [f"{look.seconds:.0f}", *(str(look.nodes.get(group, 0)) for group in _HAS), f"{look.rows:,}"]
            for look in changes(looks)
        ),
    )


def draw(looks: Sequence[Look], path: Path) -> None:
    """Nodes by group above, rows below, over the same seconds."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        drawn = figure(720, 380)
        nodes, rows = drawn.subplots(2, sharex=True, height_ratios=(3, 2))
        seconds = [look.seconds for look in looks]
        # The second line is broken, so that the first one is seen where both are the same.
        for group, colour, line in ((TEACHER, _ACCENT, "solid"), (SANDBOX, _BASE, (0, (3, 3)))):
            counts = [look.nodes.get(group, 0) for look in looks]
            nodes.step(
                seconds, counts, where="post", color=colour, linewidth=2.2, linestyle=line, label=f"{group} nodes"
            )
        rows.plot(seconds, [look.rows for look in looks], color=_INK, linewidth=1.6)
        nodes.yaxis.get_major_locator().set_params(integer=True)
        nodes.legend(frameon=False, ncols=2, loc="upper right")
        for axes, name in ((nodes, "nodes alive"), (rows, "samples on disk")):
            axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
            axes.set_ylabel(name)
            axes.grid(axis="y", linewidth=1)
            axes.tick_params(length=0)
            axes.spines[["top", "right", "left"]].set_visible(False)
        rows.set_xlabel("seconds since the cluster was up")
        drawn.savefig(path, dpi=144)


# The report's colours (pad_ray/report/style.css), in the light.
_ACCENT, _BASE, _INK, _MUTED, _RULE, _PAGE = "#0b7067", "#88919a", "#1b1f23", "#626a73", "#e4e6e8", "#fdfdfc"
_STYLE: dict[Any, Any] = {
    "figure.facecolor": _PAGE,
    "axes.facecolor": _PAGE,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "grid.color": _RULE,
    "text.color": _INK,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _INK,
    "font.size": 12,
}


def main() -> int:
    """Command line; the run's exit code is its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--engines", type=int, default=2, help="at most, a node each")
    parser.add_argument("--judges", type=int, default=4, help="at most")
    parser.add_argument("--idle", type=float, default=20, help="seconds after which an idle node goes")
    parser.add_argument("--plot", type=Path, help="a PNG file to draw")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = settings(folder, args.rows, args.engines, args.judges)
        looks, code = observe(folder, config, args.engines, args.idle)
    print(table_of(looks))
    if args.plot:
        draw(looks, args.plot)
    return code


if __name__ == "__main__":
    sys.exit(main())
