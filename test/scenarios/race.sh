#!/usr/bin/env bash
# Runs the scenarios with a scheduler that was built with the race detector: `make test-race` builds it and the tests. It runs several times
# slower, and any data race ends it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
bin=$(cd ../../bin/race && pwd)
log=$bin/scenarios.log
. ./rerun.sh

# scenarios runs the tests that match a pattern, and writes what they print into a file.
scenarios() {
	KUBENEXUS_TEST_SCHEDULER=$bin/kubenexus-scheduler GORACE='halt_on_error=1 exitcode=66' \
		"$bin/scenarios.test" -test.v -test.timeout 15m -test.run "$1" >"$2" 2>&1
}

tests='^(TestScenarios|TestKilledSchedulerLosesNothing|TestLeaderKilledWhileItBinds)$'
if scenarios "$tests" "$log"; then
	echo "ok the scenarios with the race detector: $(grep -c '^ *--- PASS' "$log") tests passed, ${SECONDS}s"
	exit 0
fi
echo 'The scenarios with the race detector failed; the log is bin/race/scenarios.log.'
if grep -q 'DATA RACE' "$log"; then
	awk '/WARNING: DATA RACE/ { lines = 80 } lines-- > 0' "$log"
	exit 1
fi
failures "$log"
again 'with the race detector' "$log" scenarios
