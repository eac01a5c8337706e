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
	KUBENEXUS_TEST_KUBE_APISERVER=$program KUBENEXUS_TEST_KUBE_APISERVER_FLAGS=$flags \
		"$bin/scenarios.test" -test.v -test.short -test.timeout 30m -test.run "$tests" >"$log" 2>&1 || result=FAILED
	echo "$result $server: $(count '^--- PASS') tests and $(count '^ *--- PASS: TestScenarios/') text scenarios passed," \
		"$(count '^--- SKIP') tests skipped, $((SECONDS - began))s"
	if [ "$result" != ok ]; then
		failed=1
		failures "$log" | cut -c 1-400 | head -n 150
		echo "The log is bin/versions/$server.log."
	fi
done
exit $failed
