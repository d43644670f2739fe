"""Who answers requests: one of several kinds of teacher, all with the same rows in and out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pad_ray.config import Kind, ResourcesConfig, TeacherConfig
from pad_ray.decoding.settings import TOKEN_BEAMS, decoder_of
from pad_ray.generation import vllm
from pad_ray.generation.annotations import AnnotationsTeacher
from pad_ray.generation.decoding import DecoderTeacher
from pad_ray.generation.engines import engine_for
from pad_ray.generation.http import HttpTeacher
from pad_ray.generation.http_check import check_endpoint
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.generation.recorded import RecordedTeacher, check_recorded
from pad_ray.generation.transformers import TransformersTeacher
from pad_ray.models import model_identity, resolve_model
from pad_ray.ray_names import named
from pad_ray.records import content_hash, file_hash
from pad_ray.release import engine_mark

_FREE_BLOCK = 256  # rows that cost nothing to ask again


@dataclass(frozen=True)
class Teacher:
    """What answers requests.

    Attributes:
        kind: see `TeacherConfig.kind`.
        model: what the engine loads (a folder or a hub name), the name at an endpoint, or a file.
        identity: hash of what defines the answers: the model's content, not the place where it lies.
        adapter: folder of a LoRA adapter, or None.
        http: the endpoint, of the kind `http`.
        decodes: requests say how they are decoded, see `pad_ray.generation.decoding`.
        recipe: name of the recipe that reads completions; for decoders and annotations.
    """

    kind: Kind
    model: str
    identity: str
    adapter: str | None = None
    http: HttpConfig | None = None
    decodes: bool = False
    recipe: str = "pad"

    @property
    def engine(self) -> bool:
        """Whether a vLLM engine answers."""
        return self.kind == "vllm"

    @property
    def name(self) -> str:
        """As people know it: the kind and the model, without the folders above it."""
        return self.kind if self.kind == "annotations" else f"{self.kind}: {Path(self.model).name}"

    @property
    def counts(self) -> str:
        """What it counts in its tally while no row is done; empty where rows come often enough."""
        return ""

    def block_rows(self, resources: ResourcesConfig) -> int:
        """Rows of a block, the grain of parallelism and of what a kill costs."""
        if self.http:
            return max(1, min(16, self.http.max_in_flight // 4))
        if self.decodes:
            return max(1, resources.decode_in_flight // 4)
        return resources.block_rows if self.kind in ("vllm", "transformers") else _FREE_BLOCK

    @classmethod
    def of(cls, settings: TeacherConfig) -> Teacher:
        """The teacher that settings name.

        Raises:
            ModelError, DataError, ConfigError: a model, adapter, file or key that is not there.
        """
        if settings.kind == "recorded" and settings.file:
            check_recorded(Path(settings.file))
            return cls("recorded", settings.file, file_hash(Path(settings.file)))
        if settings.kind == "annotations":
            return cls("annotations", "annotations", "annotations")
        if settings.kind == "http" and settings.http:
            identity = content_hash(settings.model, settings.http.identity())
            return cls("http", settings.model, identity, http=settings.http)
        teacher = cls.local(settings.model, settings.kind, settings.adapter)
        if teacher.engine:
            vllm.check_served(teacher.model, teacher.adapter)
        return teacher

    @classmethod
    def local(cls, name: str, kind: Kind | None = None, adapter: str | None = None) -> Teacher:
        """A model that is loaded here.

        Args:
            name: `embedded`, a folder, or a hub name.
            kind: who loads it; None leaves it to the architecture, as for students, which are of any.
            adapter: folder of a LoRA adapter to put on the model.

        Raises:
            ModelError: no such model or adapter.
        """
        model = resolve_model(name)
        identity = model_identity(model)
        if adapter:
            adapter = vllm.checked_adapter(adapter)
            identity = content_hash(identity, model_identity(adapter))
        return cls(kind or engine_for(model, adapters=adapter is not None), model, identity, adapter)

    def asked_by(self, recipe: str) -> Teacher:
        """The same teacher, asked by a recipe of that name."""
        return replace(self, recipe=recipe)

    def decoding(self, decoder: str, recipe: str) -> Teacher:
        """The same model, answering by a decoder, one of `pad_ray.decoding.settings.NAMES`."""
        kind: Kind = "transformers" if decoder_of(decoder) in TOKEN_BEAMS else self.kind
        return replace(self, kind=kind, decodes=True, recipe=recipe)

    def _decode(self, requests: Any, resources: ResourcesConfig, name: str) -> Any:
        from ray.data import ActorPoolStrategy

        # One block more than may be in flight, since a block is given on with its last row.
        calls = 1 + math.ceil(resources.decode_in_flight / self.block_rows(resources))
        pool = ActorPoolStrategy(
            min_size=1,
            max_size=resources.engines,
            max_concurrent_calls_per_actor=calls,
            max_tasks_in_flight_per_actor=calls,
        )
        variables = vllm.engine_environment(resources) if self.kind == "vllm" else engine_mark()
        return requests.map_batches(
            named(DecoderTeacher, name),
            fn_constructor_args=(self.kind, self.model, self.adapter, resources, self.recipe),
            batch_size=None,
            batch_format="pyarrow",
            zero_copy_batch=True,
            compute=pool,
            num_cpus=resources.engine_cpus,
            num_gpus=resources.engine_gpus,
            runtime_env={"env_vars": variables},
        )

    def check(self) -> None:
        """Sees that an endpoint is there, knows the model and takes the key, before anything is asked.

        Raises:
            ModelError, ConfigError: it does not.
        """
        if self.http:
            check_endpoint(self.http, self.model)

    def complete(
        self, requests: Any, resources: ResourcesConfig, tally: Any, spent: float = 0.0, name: str = ""
    ) -> Any:
        """Answers requests.

        Args:
            requests: a `ray.data.Dataset` of the record `request`, in small blocks.
            resources: engines, devices, memory.
            tally: an actor of `pad_ray.tally` for what a teacher counts as it goes.
            spent: money that earlier runs of the stage spent.
            name: of the stage, for Ray's dashboard; vLLM's own actors keep theirs.

        Returns:
            A lazy `ray.data.Dataset` of rows that `completion_of` understands, one for each request, unordered.
        """
        from ray.data import ActorPoolStrategy

        if self.decodes:
            return self._decode(requests, resources, name)
        if self.kind == "vllm":
            return vllm.complete(requests, self.model, resources, self.adapter)
        options: dict[str, Any] = {"batch_format": "pyarrow", "zero_copy_batch": True}
        if self.kind == "transformers":
            options["compute"] = ActorPoolStrategy(min_size=1, max_size=resources.engines)
            options |= {"num_cpus": resources.engine_cpus, "num_gpus": resources.engine_gpus}
            options["runtime_env"] = {"env_vars": engine_mark()}
            arguments: tuple[Any, ...] = (self.model, resources.threads, self.adapter)
            engine = named(TransformersTeacher, name)
            return requests.map_batches(engine, fn_constructor_args=arguments, batch_size=16, **options)
        if self.kind == "http":
            assert self.http is not None
            # One block more than may be in flight, since a block is given on with its last row.
            calls = 1 + math.ceil(self.http.max_in_flight / self.block_rows(resources))
            # None waits in line at the actor, which goes on for a moment when the driver is gone.
            pool = ActorPoolStrategy(size=1, max_concurrent_calls_per_actor=calls, max_tasks_in_flight_per_actor=calls)
            options |= {"compute": pool, "num_cpus": 0.5}
            arguments = (self.http, self.model, tally, spent)
            return requests.map_batches(
                named(HttpTeacher, name),
                fn_constructor_args=arguments,
                batch_size=None,
                **options,
            )
        if self.kind == "recorded":
            options |= {"compute": ActorPoolStrategy(size=1), "num_cpus": 0.5}
            reader = named(RecordedTeacher, name)
            return requests.map_batches(reader, fn_constructor_args=(self.model,), batch_size=None, **options)
        return requests.map_batches(AnnotationsTeacher(self.recipe), batch_size=None, num_cpus=0.5, **options)
