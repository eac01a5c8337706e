# Functions for scripts that run the scenarios under conditions of which they are not the first test: on other versions of the API server,
# or with the race detector. What matters there is what is different, so a test that fails runs once more. The same tests run in
# `make test`, where nothing runs twice.

# failures prints the names of the tests that failed, and then what those tests alone printed.
failures() {
	grep -E '^ *--- FAIL|^panic:' "$1" || tail -n 5 "$1"
	awk 'NR == FNR { if ($1 == "---" && $2 == "FAIL:") failed[$3]; next }
		$1 == "===" { test = $3 }
		test in failed && !/^ *[IWE][0-9][0-9][0-9][0-9] /' "$1" "$1" | cut -c 1-400 | sed -n '1,150p'
}

# leaves prints the names of the tests that failed, without those that failed only because a test inside them did.
leaves() {
	awk '$1 == "---" && $2 == "FAIL:" { names[$3] } END {
		for (name in names) { parent = name; while (sub("/[^/]*$", "", parent)) delete names[parent] }
		for (name in names) print name }' "$1" | sort
}

# again runs each test of a log that failed once more, alone, and says which of them pass then. More than 3 are no accident.
#   again WHERE LOG COMMAND: the command is called with a pattern of tests and the file for its output
again() {
	local name names
	names=$(leaves "$2")
	if [ -z "$names" ] || [ "$(wc -l <<<"$names")" -gt 3 ]; then
		return 1
	fi
	while read -r name; do
		"$3" "^$(sed 's/[][(){}.*+?^$|\\]/\\&/g; s,/,$/^,g' <<<"$name")$" "$2.again" || return 1
		echo "Flaky $1: $name failed, and passed when it ran once more."
	done <<<"$names"
}
