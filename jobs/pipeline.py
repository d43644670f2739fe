"""A whole run as a Ray job: sample, verify, train, evaluate, report.

ray job submit --address http://HEAD:8265 --working-dir . --runtime-env jobs/runtime_env.yaml -- \
    python jobs/pipeline.py jobs/quickstart.yaml --set runs=/shared/runs
"""

import sys

from pad_ray.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
