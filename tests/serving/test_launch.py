"""What is refused before anything is started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pad_ray.cli import main
from pad_ray.errors import ConfigError
from pad_ray.serving.deploying import check_file
from pad_ray.serving.launch import needed_cpus, serve_config
from pad_ray.serving.settings import ServeConfig
from tests.conftest import ROOT

JOB = ROOT / "jobs" / "serve.yaml"


def test_options_count_more_than_overrides_and_these_more_than_the_file(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("port: 1\nmodel: a/b\nmax_tokens: 5\n")
    config = serve_config(file, ["port=2", "max_tokens=6"], {"port": 3, "model": None})
    assert (config.port, config.max_tokens, config.model) == (3, 6, "a/b")


def test_ray_has_room_for_every_replica_that_there_may_be() -> None:
    few = ServeConfig(decoders={"most": 1}, sandboxes={"most": 1})
    many = ServeConfig(decoders={"most": 9}, sandboxes={"most": 1})
    assert needed_cpus(many) - needed_cpus(few) == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "sandboxs.most=2"], "did you mean `sandboxes`?"),
        (["--set", "decoders.most=0"], "decoders.most"),
        (["--set", "decoders.least=3"], "`most` must not be below `least`"),
        (["--set", "decoder=paper"], "decoder `paper`"),
        (["--port", "70000"], "port"),
        (["--model", "/nowhere"], "`/nowhere` is no folder"),
        (["--run", "nowhere"], "nowhere"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml does not exist"),
        (["--set", "recipe=cot"], "`cot` writes no programs"),
        (["redeploy", "x.yaml"], "none of `serve`'s"),
        (["deploy", "/nowhere.yaml"], "/nowhere.yaml does not exist"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *given]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize("given", [["--config"], ["deploy"]])
def test_a_file_that_is_no_text_is_told_in_one_line(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "serve.yaml"
    file.write_bytes(b"model: \xff\n")
    assert main(["serve", *given, str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"{file} cannot be read" in line


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"127.0.0.1:{port}" in line


def test_an_adapter_is_refused_with_the_way_to_merge_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert main(["serve", "--model", str(tmp_path)]) == 2
    assert "--merge" in capsys.readouterr().err


def test_the_file_for_clusters_is_of_the_schema_and_of_our_settings() -> None:
    [config] = check_file(JOB)
    assert config.model == "embedded"


def test_a_file_with_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text(JOB.read_text().replace("model: embedded", "modle: embedded"))
    with pytest.raises(ConfigError, match="did you mean `model`"):
        check_file(file)


def test_a_file_without_our_application_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("applications:\n  - {name: other, import_path: 'a.b:c'}\n")
    with pytest.raises(ConfigError, match=r"pad_ray\.serving\.app:build_app"):
        check_file(file)
