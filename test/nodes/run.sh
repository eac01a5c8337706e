#!/usr/bin/env bash
# Runs the tests on real nodes as two processes side by side, each with nodes of its own: mostly they wait for kubelets and controllers. With
# arguments, which are those of the test binary, it runs one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export KUBENEXUS_TEST_NODES=1
tests=(../../bin/nodes.test -test.v -test.timeout=15m)
if (($#)); then
	exec "${tests[@]}" "$@"
fi

# The first has the tests that install the scheduler in some way of their own, and the second all others.
installing='^Test(HighAvailability|ASingleReplicaThatIsKilled|FirstGang|Upgrade|BatchScheduler|Chart|ManifestsTogether)$'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${tests[@]}" -test.run="$installing" >"$log" 2>&1 &
first=$!
code=0
"${tests[@]}" -test.skip="$installing" || code=$?
wait "$first" || code=$?
cat "$log"
exit "$code"
