"""The command `ray`, but that a node has half an hour to come up.

Ray 2.60 gives it 30 s and has no setting for that; on a machine with other work a node may need more.
"""

from __future__ import annotations

import time
from typing import Any

_SECONDS = 1800


def main() -> None:
    """As `ray` itself."""
    from ray._private import services
    from ray.exceptions import RaySystemError
    from ray.scripts import scripts

    ask = services.get_node

    def ask_again(*names: str) -> Any:
        until = time.monotonic() + _SECONDS
        while True:
            try:
                return ask(*names)
            except (RuntimeError, RaySystemError):  # not there yet, or the head does not answer yet
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    services.get_node = ask_again
    scripts.main()


if __name__ == "__main__":
    main()
