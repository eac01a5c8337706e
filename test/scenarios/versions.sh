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
. ./rerun.sh

count() { grep -c "$1" "$log" || true; }

# scenarios runs the tests that match a pattern, and writes what they print into a file.
scenarios() {
	KUBENEXUS_TEST_KUBE_APISERVER=$program KUBENEXUS_TEST_KUBE_APISERVER_FLAGS=$flags \
		"$bin/scenarios.test" -test.v -test.short -test.timeout 30m -test.run "$1" >"$2" 2>&1
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
		failures "$log"
		echo "The log is bin/versions/$server.log."
		again "on $server" "$log" scenarios || failed=1
	fi
done
exit $failed
