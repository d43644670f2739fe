"""What people get wrong, and the line that each of it gets: the cases of test_bad_input.py.

`python -m tests.cli.bad_input` runs them all and prints the table of docs/bad-input.md.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.circumstances import CIRCUMSTANCES, Done, command, run
from tests.weights import safetensors

RUN = ("run", "run.yaml")
VERIFY = ("verify", "--input", "in.jsonl", "--output", "out.jsonl")
GOOD = '{"program": "ans = 1", "answer": 1}\n'
HTTP = 'teacher: {kind: http, model: m, http: {base_url: "http://127.0.0.1:9/v1"}}\nstudent: {model: model}\n'
PROBLEMS = "problems: {train: problems.jsonl}\n"


@dataclass(frozen=True)
class Case:
    """One mistake.

    Attributes:
        kind: of mistake: missing, malformed, mistyped, too long, model, permission, network, command.
        argv: what is typed after `pad-ray`.
        says: how the line begins; `{folder}` stands for the working directory.
        files: written before, over those that are right.
        environment: set before.
        code: the exit code.
    """

    kind: str
    argv: tuple[str, ...]
    says: str
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    code: int = 2

    def __str__(self) -> str:
        words = [word if len(word) < 60 else f"{word[:40]}…" for word in self.argv]
        told = [f"{name}: {text.strip()[:60]!r}" for name, text in self.files.items()]
        return f"{self.kind}: {' '.join([*words, *told])}"


def setting(kind: str, override: str, says: str) -> Case:
    """A run with one setting that cannot be used."""
    return Case(kind, (*RUN, "--set", override), says)


def config(kind: str, text: str, says: str) -> Case:
    """A configuration that cannot be used."""
    return Case(kind, RUN, says, files={"run.yaml": text})


def problems(kind: str, text: str, says: str) -> Case:
    """Problems that cannot be used."""
    return Case(kind, RUN, says, files={"problems.jsonl": text})


def damaged(verb: str, name: str, text: str, says: str) -> Case:
    """A run on disk in which a file was spoilt."""
    run_yaml = {"runs/small/run.yaml": "name: small\n"}
    return Case("malformed", (verb, "small"), says, files={**run_yaml, f"runs/small/{name}": text})


def programs(kind: str, text: str, says: str, *more: str) -> Case:
    """Programs to judge that cannot be used."""
    return Case(kind, (*VERIFY, *more), says, files={"in.jsonl": text})


CASES = [
    # missing
    Case("missing", ("run", "nowhere.yaml"), "configuration file nowhere.yaml does not exist. Give the path of a YAML"),
    Case("missing", ("run", "."), "configuration file . does not exist. Give the path of a YAML file"),
    Case("missing", ("run", "run.yaml/a.yaml"), "configuration file run.yaml/a.yaml does not exist. Give the path"),
    problems("missing", "", "problems.jsonl: the file has no rows. Write one JSON object a line."),
    problems("missing", "{}\n", "problems.jsonl, line 1: field `question` is missing."),
    problems("missing", '{"question": "Why?"}', "problems.jsonl, line 1: no gold: field `answer` is missing. Give"),
    problems("missing", '{"question": "Why?", "answer": 1}', "problems.jsonl: 1 problems are too few to hold some"),
    setting("missing", "problems.train=nowhere.jsonl", "nowhere.jsonl: there is no such file. Check the path."),
    setting("missing", "problems.test=nowhere.jsonl", "nowhere.jsonl: there is no such file. Check the path."),
    setting("missing", "teacher.examples=nowhere", "nowhere: no such file, and no built-in examples of that name."),
    setting("missing", "samples.from=nowhere", "samples.from: there are no samples in {folder}/runs/nowhere/samples."),
    config("missing", HTTP.replace("v1", 'v1", api_key_env: "NO_KEY') + PROBLEMS, "the environment variable NO_KEY,"),
    Case("missing", VERIFY, "in.jsonl: there is no such file"),
    programs("missing", GOOD + '{"program": "ans = 1"}\n', "in.jsonl, line 2: field `answer` is missing"),
    programs("missing", GOOD + '{"answer": 1}\n', "in.jsonl, line 2: field `program` or `completion` is missing"),
    Case(
        "missing", ("verify", "--input", "in.jsonl"), "nothing to verify. Give a run's folder, or --input and --output"
    ),
    Case("missing", ("report", "nowhere"), "there is no run `nowhere` in runs. Give the folder of a run, or --runs"),
    Case("missing", ("status", "nowhere"), "there is no run `nowhere` in runs. Give the folder of a run, or --runs"),
    Case("missing", ("clean", "nowhere"), "there is no run `nowhere` in runs. Give the folder of a run, or --runs"),
    Case("missing", ("samples", "nowhere"), "there is no run `nowhere` in runs. Give the folder of a run, or --runs"),
    Case(
        "missing", ("show", "nowhere", "abc"), "there is no run `nowhere` in runs. Give the folder of a run, or --runs"
    ),
    Case("missing", ("export", "nowhere", "--merge"), "there is no run `nowhere` in runs. Give the folder of a run"),
    Case("missing", ("rounds", "nowhere"), "there is no run `nowhere` in runs. Give the folder of a run, or --runs"),
    Case("missing", ("refine", "nowhere.yaml"), "configuration file nowhere.yaml does not exist. Give the path"),
    Case("missing", ("compare", "nowhere.yaml"), "configuration file nowhere.yaml does not exist. Give the path of a"),
    Case("missing", ("serve", "--config", "nowhere.yaml"), "configuration file nowhere.yaml does not exist. Give"),
    Case("missing", ("serve", "--run", "nowhere"), "there is no run `nowhere` in runs. Give the folder of a run, or"),
    Case("missing", ("serve", "deploy", "nowhere.yaml"), "configuration file nowhere.yaml does not exist. Give the"),
    Case("missing", ("compare", "run.yaml"), "run.yaml: `run`: must be given", files={"run.yaml": "arms: {a: {}}\n"}),
    Case("missing", ("submit", "run.yaml"), "no cluster is named. Give --address http://HEAD:8265, or set"),
    Case("missing", ("submit", "--address", "http://h:1"), "nothing to submit. Give a configuration, or --follow"),
    Case("missing", ("completion",), "no shell is named. Give bash, zsh or fish"),
    # malformed
    config(
        "malformed", "training: [1", "configuration file run.yaml cannot be read: line 1, column 13: expected ',' or"
    ),
    config("malformed", "- training", "configuration file run.yaml must be a mapping of keys to values"),
    config("malformed", "\x00", "configuration file run.yaml cannot be read: "),
    problems("malformed", '{"question": "Why?", "answer": 1}\n{"que', "problems.jsonl, line 2: malformed JSON at"),
    programs("malformed", GOOD + "{\n", "in.jsonl, line 2: no JSON"),
    programs("malformed", GOOD + "[1]\n", "in.jsonl, line 2: not an object"),
    setting("malformed", "training.epochs", "`--set training.epochs` is not of the form key.path=value"),
    setting("malformed", "training.epochs=[", "`--set training.epochs=[`: the value cannot be read"),
    setting("malformed", "name=a/b", "run.yaml: `name`: must be letters, digits"),
    setting(
        "malformed", "runs=nowhere://runs", "nowhere://runs is no place to keep runs: Unrecognized filesystem type"
    ),
    Case(
        "malformed",
        ("submit", "run.yaml", "--address", "head:8265", "--set", "runs=/r"),
        "`head:8265` is no address of a dashboard. Give the dashboard of a cluster's head, such as http://HEAD:8265",
    ),
    config(
        "malformed",
        "training: {epochs: 1}\ntraining: {seed: 2}\n",
        "run.yaml, line 2: key `training` stands twice. Keep",
    ),
    Case(
        "malformed",
        ("serve", "deploy", "serve.yaml"),
        "serve.yaml has no application of `import_path: pad_ray.serving.app:build_app`. See jobs/serve.yaml",
        files={"serve.yaml": "applications:\n  - {name: other, import_path: 'a.b:c'}\n"},
    ),
    damaged("report", "run.yaml", "a: [", "configuration file {folder}/runs/small/run.yaml cannot be read: "),
    damaged("report", "stages.json", "3", "{folder}/runs/small/stages.json is no JSON list. Remove it: the same"),
    damaged("status", "evaluation/results.json", '[{"a": 1}]', "{folder}/runs/small/evaluation/results.json holds"),
    damaged("rounds", "rounds/0.json", "{", "{folder}/runs/small/rounds/0.json is no manifest of a round. Remove it"),
    damaged("status", "student/done.json", "{", "{folder}/runs/small/student/done.json is no done mark. Remove it"),
    # mistyped
    config(
        "mistyped", "training: {epoch: 3}", "run.yaml: unknown key `training.epoch`; did you mean `training.epochs`?"
    ),
    config("mistyped", '"a\\nb": 3', "run.yaml: unknown key `a b`; there are: name, runs, recipe"),
    config("mistyped", "training: {epochs: two}", "run.yaml: `training.epochs`: must be a number, not 'two'"),
    setting(
        "mistyped", "training.batch_size=2.5", "run.yaml: `training.batch_size`: must be a whole number, not '2.5'"
    ),
    setting("mistyped", "teacher.ask=talk", "run.yaml: `teacher.ask`: input should be 'completion' or 'chat'"),
    setting("mistyped", "resources.train_gpus=some", "run.yaml: `resources.train_gpus`: must be true or false, not"),
    config("mistyped", "training:", "run.yaml: `training`: must be a section, with keys of its own"),
    setting("mistyped", "recipe=pod", "recipe `pod` is unknown. There are: answer_only, cot, "),
    setting("mistyped", "evaluation.decoders=[gredy]", "run.yaml: `evaluation.decoders`: 'gredy' is no decoder; there"),
    setting("mistyped", "refinement={own: false, repair: {ratio: 0}}", "rounds would teach nothing new. Set"),
    Case("mistyped", ("status", "--set", "runs.x=1"), "--set: `runs`: must be text"),
    Case("mistyped", ("status", "--set", "name=x"), "--set name=x: `status` takes a run as it is, so"),
    Case(
        "mistyped", ("serve", "--set", "sandboxs.most=2"), "settings: unknown key `sandboxs`; did you mean `sandboxes`?"
    ),
    Case("mistyped", ("serve", "--set", "decoders.least=3"), "settings: `decoders`: `most` must not be below `least`"),
    setting("mistyped", "teacher.http.base_uri=x", "run.yaml: unknown key `teacher.http.base_uri`; did you mean"),
    setting("mistyped", "problems.test=problems.jsonl", "problem 0 is in train and in test. Keep it in one"),
    problems("mistyped", '{"question": 3, "answer": 1}', "problems.jsonl, line 1: field `question` is a number."),
    programs("mistyped", GOOD + '{"program": 1, "answer": 1}\n', "in.jsonl, line 2: field `program` is not a string"),
    programs("mistyped", GOOD, "--relative -1.0, --absolute 0.001: tolerances must be finite and not", "--relative=-1"),
    programs("mistyped", GOOD, "--relative 1e-06, --absolute nan: tolerances must be finite and not", "--absolute=nan"),
    programs("mistyped", GOOD, "--workers 0 is too few. Give 1 to ", "--workers=0"),
    programs("mistyped", GOOD, "--workers 1000000 is too many. Give 1 to ", "--workers=1000000"),
    Case("mistyped", (*RUN, "--probe=5"), "--probe 5 belongs to --dry-run. Give both, or neither"),
    Case("mistyped", (*RUN, "--dry-run", "--probe=-5"), "--probe -5 is too few. Give a number of rows, 0 to ask"),
    setting("mistyped", "teacher.shots=999", "999 worked examples are asked for and there are "),
    # too long
    setting("too long", f"name={'n' * 300}", "cannot write to {folder}/runs/nnn"),
    setting("too long", f"teacher.model={'m' * 5000}", "model `mmm"),
    setting("too long", f"problems.train={'p' * 5000}.jsonl", "ppp"),
    programs("too long", f'{{"program": "{"x" * 2**24}", "answer": 1}}\n', "in.jsonl, line 1: longer than 16,777,216"),
    # a wrong model
    setting("model", "teacher.model=/nowhere", "model `/nowhere` is no folder with a config.json. Give `embedded`, a"),
    setting("model", "student.model=problems.jsonl", "model `problems.jsonl` is no folder with a config.json. Give"),
    setting("model", "teacher.model=.", "model folder {folder} has no config.json"),
    Case("model", ("serve", "--model", "/nowhere"), "model `/nowhere` is no folder with a config.json. Give"),
    Case("model", RUN, "model folder {folder}/model has no config.json", files={"model/config.json": ""}),
    Case("model", RUN, "{folder}/model/config.json names no `model_type`, so", files={"model/config.json": "{}"}),
    Case("model", RUN, "model folder {folder}/model has no weights", files={"model/model.safetensors": ""}),
    Case(
        "model",
        RUN,
        "{folder}/model/model.safetensors is cut off, or no safetensors file. Fetch it again, with its large files",
        files={"model/model.safetensors": "version https://git-lfs.github.com/spec/v1\n"},
    ),
    # permission
    setting("permission", "runs=/sys/runs", "cannot write to /sys/runs/run: "),
    setting(
        "permission", "runs=problems.jsonl", "cannot write to {folder}/problems.jsonl/run: Not a directory. Choose"
    ),
    programs("permission", GOOD, ".: is a folder. Name the file that verdicts are written to.", "--output=."),
    programs("permission", GOOD, "nowhere/out.jsonl: cannot be written", "--output=nowhere/out.jsonl"),
    Case("permission", ("init", "own", "/sys/own.yaml"), "/sys/own.yaml: cannot be written ("),
    Case("permission", ("init", "own", "run.yaml"), "run.yaml is there already. Name another file, or write over it"),
    # network
    setting("network", "student.model=org/none", "model `org/none` is no local folder, and the hub cannot be reached"),
    config("network", HTTP + PROBLEMS, "the endpoint http://127.0.0.1:9/v1 does not answer: "),
    Case(
        "network",
        ("submit", "run.yaml", "--address", "http://127.0.0.1:9", "--set", "runs=/r"),
        "no Ray dashboard answers at http://127.0.0.1:9: Failed to connect",
    ),
    Case(
        "network",
        ("submit", "run.yaml", "--address", "http://127.0.0.1:9"),
        "`runs: runs` would lie in the job's own copy of its files, which is thrown away with it. Give a folder",
    ),
    config("network", HTTP.replace("http://", "ftp://") + PROBLEMS, "run.yaml: `teacher.http.base_url`: must be an"),
    # a command that is none
    Case("command", (), "the following arguments are required: COMMAND; see pad-ray --help"),
    Case("command", ("rum",), "argument COMMAND: invalid choice: 'rum'"),
    Case("command", ("run",), "pad-ray run: the following arguments are required: CONFIG; see pad-ray run --help"),
    Case("command", ("init", "what"), "pad-ray init: argument KIND: invalid choice: 'what'"),
    Case("command", ("verify", "--workers", "two"), "pad-ray verify: argument --workers: invalid int value: 'two';"),
    Case("command", ("serve", "redeploy", "x.yaml"), "`redeploy x.yaml` is none of `serve`'s. Give `deploy` and one"),
    Case("command", ("export", "mine"), "pad-ray export: one of the arguments --merge --push --jsonl is required;"),
    Case("command", ("samples", "x", "--limit", "0"), "there is no run `x` in runs."),
]


def write_folder(folder: Path) -> None:
    """All that a run needs, so that each case breaks just one thing."""
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "model" / "model.safetensors").write_bytes(safetensors())
    rows = [{"id": n, "question": f"What is {n}?", "answer": n} for n in range(9)]
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "run.yaml").write_text("teacher: {model: model}\nstudent: {model: model}\n" + PROBLEMS)


def break_folder(folder: Path, case: Case) -> None:
    """Writes what a case brings; an empty file of the model is one that is missing."""
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        if name.startswith("model/") and not text:
            (folder / name).unlink()


def _lines() -> Iterator[str]:
    yield "| kind | input | line | code |"
    yield "|---|---|---|---|"
    for case in CASES:
        with _folder() as folder:
            break_folder(folder, case)
            yield _line(case.kind, str(case).partition(": ")[2], folder, run(folder, *command(*case.argv)))
    for kind, what, make in CIRCUMSTANCES:
        with _folder() as folder:
            yield _line(kind, what, folder, make(folder))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        write_folder(Path(place))
        yield Path(place)


def _line(kind: str, what: str, folder: Path, done: Done) -> str:
    cells = [what[:120], done.stderr.strip().replace(str(folder), "…")[:300]]
    told = [f"`{cell.replace('|', '/').replace('`', chr(39))}`" for cell in cells]
    return f"| {kind} | {told[0]} | {told[1]} | {done.returncode} |"


_HEAD = """\
# What is said of bad input

Made by `python -m tests.cli.bad_input > docs/bad-input.md`: what was typed or stood in a file, the one line that it
gets, the exit code. Tests hold each line.
"""

if __name__ == "__main__":
    print(_HEAD)
    for line in _lines():
        print(line, flush=True)
