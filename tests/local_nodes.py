"""Ray's nodes on a machine that has much else to do: they are given minutes to come up.

Ray 2.60 gives a node 30 s, and lets nobody change that. As a program this is the command `ray` with more of it;
`Provider` starts nodes of this machine for Ray's autoscaler.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from ray._private import services
from ray.autoscaler._private.fake_multi_node.node_provider import FakeMultiNodeProvider
from ray.exceptions import RaySystemError

_SECONDS = 1800
_ask_once = services.get_node


def _ask(gcs_address: str, node_id: str) -> Any:
    """A node by its id, which may have to join first."""
    until = time.monotonic() + _SECONDS
    while True:
        try:
            return _ask_once(gcs_address, node_id)  # type: ignore[no-untyped-call]
        except (RuntimeError, RaySystemError):  # not there yet, or the head does not answer yet
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


services.get_node = _ask


class Provider(FakeMultiNodeProvider):
    """Nodes that are processes of this machine."""


if __name__ == "__main__":
    from ray.scripts.scripts import main

    sys.argv[0] = "ray"
    main()
