#!/usr/bin/env bash
# demo.sh [FOLDER]: the main job, end to end, against a sandbox on this machine: init, plan, apply, and a plan that
# has nothing to do. Run it by `make demo`. State, and what the sandbox created, stay in FOLDER (default: demo) for a
# look afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

manifest=examples/exams.yaml
folder=${1:-demo}
state=file:$folder/exams.state.json
store=$folder/sandbox.jsonl
log=$folder/sandbox.log
url=
sandbox_pid=

main() {
	begin_afresh
	make_up_secrets
	start_sandbox
	run init --state "$state"
	run plan "$manifest" --state "$state" --api-url "$url"
	run apply "$manifest" --state "$state" --api-url "$url" --auto-approve
	run plan "$manifest" --state "$state" --detailed-exitcode
	printf '\nDone: each exam of %s was created once, and there is nothing left to do.\n' "$manifest"
	printf 'State is in %s, and what the sandbox created in %s.\n' "${state#file:}" "$store"
}

begin_afresh() {
	mkdir -p "$folder"
	rm -f "$folder"/exams.state.json* "$store" "$log"
	: >"$log" # there to be read before the sandbox has begun to write it
}

# The sandbox takes any token. A password is whatever the learning platform has as its access code.
make_up_secrets() {
	export SMARTERPROCTORING_TOKEN=a-made-up-token
	local name
	while read -r name; do
		export "$name=made-up-$RANDOM"
	done < <(sed -n 's/.*fromEnv: *\([A-Z0-9_]*\).*/\1/p' "$manifest")
}

start_sandbox() {
	printf '$ reconciler sandbox --port 0 --store %s &\n' "$store"
	trap stop_sandbox EXIT
	reconciler sandbox --port 0 --store "$store" >"$log" 2>&1 &
	sandbox_pid=$!
	for _ in {1..300}; do
		url=$(sed -n 's/^sandbox: listening on \(http:[^ ]*\).*/\1/p' "$log")
		if [[ -n $url ]] || ! kill -0 "$sandbox_pid" 2>/dev/null; then break; fi
		sleep 0.1
	done
	cat "$log"
	if [[ -z $url ]]; then
		echo 'demo: the sandbox did not start' >&2
		exit 1
	fi
}

stop_sandbox() {
	kill "$sandbox_pid" 2>/dev/null || true
	wait "$sandbox_pid" 2>/dev/null || true
}

run() {
	printf '\n$ reconciler %s\n' "$*"
	reconciler "$@"
}

main
