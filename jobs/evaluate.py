"""Base and student on the test problems as a Ray job: what is missing before them is made first.

ray job submit --address http://HEAD:8265 --working-dir . --runtime-env jobs/runtime_env.yaml -- \
    python jobs/evaluate.py jobs/quickstart.yaml --set runs=/shared/runs
"""

import sys

from pad_ray.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
