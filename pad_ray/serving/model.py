"""The model's deployment: vLLM through `ray.serve.llm`, or transformers for what vLLM does not serve."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.errors import ModelError
from pad_ray.generation.engines import ADAPTER_FILE, engine_for
from pad_ray.generation.step_serve import RemoteStepEngine, ServeStepEngine
from pad_ray.generation.step_tokens import StepTokenizer
from pad_ray.generation.vllm import engine_arguments, engine_environment, longest_of
from pad_ray.models import EMBEDDED, resolve_model
from pad_ray.serving.settings import ReplicasConfig, ServeConfig

_NAME = "student"  # inside the application; what clients call it is the ingress's business
_ROUTER = "ray.serve.experimental.consistent_hash_router:ConsistentHashRouter"


def resolve_student(name: str) -> str:
    """The model that a setting names, as engines load it.

    Raises:
        ModelError: there is none, or it is an adapter that is not merged.
    """
    if name != EMBEDDED and (Path(name).expanduser() / ADAPTER_FILE).is_file():
        raise ModelError(
            f"{name} is a LoRA adapter, and a served student is a whole model",
            "Merge it with `pad-ray export RUN --merge`, and serve the run's `student-merged`",
        )
    return resolve_model(name)


def model_application(config: ServeConfig, model: str) -> Any:
    """The deployment of a resolved model, bound.

    vLLM serves it where it can; there a job's calls stay on the replica that has its prompt in the cache.
    """
    if engine_for(model) == "vllm":
        from ray.serve.llm import build_llm_deployment

        return build_llm_deployment(llm_config(config, model), name_prefix="Model:")
    return _transformers(config, model)


def llm_config(config: ServeConfig, model: str) -> Any:
    """Of `ray.serve.llm`, for a CPU or for GPUs."""
    from ray.serve.llm import LLMConfig

    resources = config.resources
    bundle: dict[str, float] = {"CPU": resources.engine_cpus}
    if resources.engine_gpus:
        bundle["GPU"] = 1
    longest = longest_of(model, resources)
    # The engine's own figures go where all of a node's go, unless a setting keeps it from counting.
    silent = bool(resources.engine_kwargs.get("disable_log_stats", False))
    engine = engine_arguments(resources, longest) | {
        "enable_prefix_caching": True,
        "enable_prompt_tokens_details": True,
        "disable_log_stats": silent,
    }
    return LLMConfig(
        model_loading_config={"model_id": _NAME, "model_source": model},
        engine_kwargs=engine,
        placement_group_config={"bundle_per_worker": bundle},
        deployment_config={
            **scaling(config.models),
            "ray_actor_options": {"num_cpus": config.models.cpus},
            "request_router_config": session_routing(),
            "health_check_timeout_s": 60,
        },
        runtime_env={"env_vars": environment(resources)},
        log_engine_metrics=not silent,
    )


def environment(resources: ResourcesConfig) -> dict[str, str]:
    """Environment variables of an engine's processes."""
    offline = {"HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "0"), "TOKENIZERS_PARALLELISM": "false"}
    return {**offline, **engine_environment(resources)}


def scaling(replicas: ReplicasConfig) -> dict[str, Any]:
    """A deployment's replicas, in Serve's words."""
    return {
        "max_ongoing_requests": replicas.in_flight,
        "autoscaling_config": {
            "min_replicas": replicas.least,
            "max_replicas": replicas.most,
            "initial_replicas": replicas.least,
            "target_ongoing_requests": replicas.target,
            "upscale_delay_s": replicas.upscale_seconds,
            "downscale_delay_s": replicas.downscale_seconds,
        },
    }


def session_routing() -> Any:
    """Of a deployment whose replicas keep the prompts of a session in memory."""
    from ray.serve.config import RequestRouterConfig

    return RequestRouterConfig(request_router_class=_ROUTER)  # type: ignore[arg-type]


class StepServer:
    """Replica of a model that transformers holds.

    Args:
        model: a folder or a hub name.
    """

    def __init__(self, model: str) -> None:
        from pad_ray.generation.step_transformers import TransformersStepEngine

        self._engine = TransformersStepEngine(model)

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        """As `StepEngine.propose`."""
        return await self._engine.propose(prompt, beams, draw)

    async def check_health(self) -> None:
        """It lives while its model is loaded, which it is from the beginning."""


def _transformers(config: ServeConfig, model: str) -> Any:
    from ray import serve

    resources = config.resources
    options = {"num_cpus": config.models.cpus + resources.engine_cpus, "num_gpus": min(1, resources.engine_gpus)}
    deployment = serve.deployment(
        name="Model",
        ray_actor_options={**options, "runtime_env": {"env_vars": environment(resources)}},
        request_router_config=session_routing(),
        **scaling(config.models),
    )
    return deployment(StepServer).bind(model)


def step_engine(handle: Any, config: ServeConfig, model: str) -> ServeStepEngine | RemoteStepEngine:
    """The engine by which a decoder asks the deployment of a resolved model."""
    from transformers import AutoTokenizer, GenerationConfig

    try:
        ends = GenerationConfig.from_pretrained(model).eos_token_id
    except OSError:
        ends = None  # the model has no such file, and the tokenizer's own end counts
    tokenizer = StepTokenizer(AutoTokenizer.from_pretrained(model), ends)
    if engine_for(model) == "vllm":
        return ServeStepEngine(handle, _NAME, tokenizer, longest_of(model, config.resources))
    return RemoteStepEngine(handle, tokenizer)
