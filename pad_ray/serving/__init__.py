"""The step-verified decoder as a service on Ray Serve.

    ingress ──▶ decoder ──▶ model            each a deployment of its own, and each scales by its own queue
                   └──────▶ sandbox

A request becomes a `Job`, a job gives events, and the last event is the answer. Only `deployments` knows Ray Serve.
"""
