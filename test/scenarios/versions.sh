#!/usr/bin/env bash
# Runs the scenarios on API servers of other versions, one after another: `make test-versions` builds what is needed. Those that take long
# whatever the version are left out (-short).
#   emulated-1.34  the API server in the test binary, which behaves as 1.34
#   real-1.34      bin/kube-apiserver-1.34
#   claims-1.33    bin/kube-apiserver-1.33 with the resource claims of its time turned on
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
bin=$(cd ../../bin && pwd)
mkdir -p "$bin/versions"

count() { grep -c "$1" "$log" || true; }

# failures prints the names of the tests that failed, and then what those tests alone printed.
failures() {
	grep -E '^ *--- FAIL|^panic:' "$1" || tail -n 5 "$1"
	awk 'NR == FNR { if ($1 == "---" && $2 == "FAIL:") failed[$3]; next }
		$1 == "===" { test = $3 }
		test in failed && !/^ *[IWE][0-9][0-9][0-9][0-9] /' "$1" "$1"
}

# leaves prints the names of the tests that failed, without those that failed only because a test inside them did.
leaves() {
	awk '$1 == "---" && $2 == "FAIL:" { names[$3] } END {
		for (name in names) { parent = name; while (sub("/[^/]*$", "", parent)) delete names[parent] }
		for (name in names) print name }' "$1" | sort
}

# scenarios runs the tests that match a pattern, and writes what they print into a file.
scenarios() {
	KUBENEXUS_TEST_KUBE_APISERVER=$program KUBENEXUS_TEST_KUBE_APISERVER_FLAGS=$flags \
		"$bin/scenarios.test" -test.v -test.short -test.timeout 30m -test.run "$1" >"$2" 2>&1
}

# again runs each test that failed once more, alone, and says which of them pass then. These tests also run on the current API server,
# where nothing runs twice: what matters here is whether another version behaves differently.
again() {
	local name names
	names=$(leaves "$log")
	if [ -z "$names" ] || [ "$(wc -l <<<"$names")" -gt 3 ]; then
		return 1
	fi
	while read -r name; do
		scenarios "^$(sed 's/[][(){}.*+?^$|\\]/\\&/g; s,/,$/^,g' <<<"$name")$" "$log.again" || return 1
		echo "Flaky on $server: $name failed, and passed when it ran once more."
	done <<<"$names"
}

failed=0
for server; do
	version=${server##*-}
	program=$bin/kube-apiserver-$version flags='' tests=.
	case $server in
	emulated-*) program='' flags=--emulated-version=kube=$version ;;
	claims-*)
		flags='--feature-gates=DynamicResourceAllocation=true --runtime-config=resource.k8s.io/v1beta2=true'
		tests='^(TestPodsWithClaimsWait|TestOlderAPIServerIsSaidOnce)$'
		;;
	esac
	echo "==> $server: ${program:+$("$program" --version) }$flags (after ${SECONDS}s)"
	log=$bin/versions/$server.log
	began=$SECONDS
	result=ok
	scenarios "$tests" "$log" || result=FAILED
	echo "$result $server: $(count '^--- PASS') tests and $(count '^ *--- PASS: TestScenarios/') text scenarios passed," \
		"$(count '^--- SKIP') tests skipped, $((SECONDS - began))s"
	if [ "$result" != ok ]; then
		failures "$log" | cut -c 1-400 | head -n 150
		echo "The log is bin/versions/$server.log."
		again || failed=1
	fi
done
exit $failed
