"""The application that Ray Serve runs: `import_path: pad_ray.serving.app:build_app`."""

# No `from __future__ import annotations` here: Serve makes a `ServeConfig` of a file's `args` only where the builder's
# annotation is the class itself.
from typing import Any

from pad_ray.serving.decoder import DecoderServer, ServeBackend
from pad_ray.serving.model import model_application, resolve_student, scaling
from pad_ray.serving.runner import SandboxServer
from pad_ray.serving.settings import ReplicasConfig, ServeConfig

DECODER = "Decoder"


def build_app(config: ServeConfig) -> Any:
    """Ingress, decoder, sandbox and model, wired (a `ray.serve.Application`).

    Args:
        config: what is served; in a file of Serve's it stands under `args`.

    Raises:
        ModelError, ConfigError: no such model or recipe.
    """
    from ray import serve

    model = resolve_student(config.model)
    models = model_application(config, model)
    sandboxes = _deployment(SandboxServer, "Sandbox", config.sandboxes).bind(1)
    queue = {"max_queued_requests": config.queue.in_flight}
    decoders = _deployment(DecoderServer, DECODER, config.decoders, **queue).bind(config, model, models, sandboxes)
    web = serve.ingress(_web(config))()
    return _deployment(web, "Ingress", config.ingress).bind(decoders)


def _deployment(cls: Any, name: str, replicas: ReplicasConfig, **options: Any) -> Any:
    from ray import serve

    actors = {"num_cpus": replicas.cpus}
    return serve.deployment(name=name, ray_actor_options=actors, **scaling(replicas), **options)(cls)


def _web(config: ServeConfig) -> Any:
    """Makes the web application within a replica, where the decoder's handle is to be had."""

    def build() -> Any:
        from ray import serve

        from pad_ray.serving.ingress import build_ingress

        handle = serve.get_deployment_handle(DECODER, app_name=serve.get_replica_context().app_name)
        return build_ingress(config, ServeBackend(handle))

    return build
