#!/usr/bin/env bash
# The main job, end to end, against a sandbox on this machine: init, plan, apply, and a plan with nothing to do.
# Run it by `make demo`. State and what the sandbox created stay in demo/ for a look afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

manifest=examples/exams.yaml
state=file:demo/exams.state.json
log=demo/sandbox.log
sandbox_pid=

main() {
	rm -rf demo
	mkdir demo
	make_up_secrets
	start_sandbox
	run init --state "$state"
	run plan "$manifest" --state "$state"
	run apply "$manifest" --state "$state" --api-url "$url" --auto-approve
	run plan "$manifest" --state "$state" --detailed-exitcode
	printf '\nDone: every exam of %s exists once, and a second plan has nothing to do.\n' "$manifest"
	printf 'State is in %s, and what the sandbox created in demo/sandbox.jsonl.\n' "${state#file:}"
}

# The sandbox takes any token, and a password is whatever the learning platform has as its access code.
make_up_secrets() {
	export SMARTERPROCTORING_TOKEN=a-made-up-token
	local name
	for name in $(sed -n 's/.*fromEnv: *\([A-Z0-9_]*\).*/\1/p' "$manifest"); do
		export "$name=made-up-$RANDOM"
	done
}

start_sandbox() {
	printf '$ reconciler sandbox --port 0 --store demo/sandbox.jsonl &\n'
	trap stop_sandbox EXIT
	reconciler sandbox --port 0 --store demo/sandbox.jsonl 2>"$log" >&2 &
	sandbox_pid=$!
	local tries
	for tries in {1..150}; do
		url=$(sed -n 's/^sandbox: listening on \(http:[^ ]*\).*/\1/p' "$log")
		[[ -n $url ]] && break
		kill -0 "$sandbox_pid" 2>/dev/null || break
		sleep 0.1
	done
	cat "$log"
	[[ -n $url ]] || {
		echo "demo: the sandbox did not start" >&2
		exit 1
	}
}

stop_sandbox() {
	[[ -z $sandbox_pid ]] || {
		kill "$sandbox_pid" 2>/dev/null || true
		wait "$sandbox_pid" 2>/dev/null || true
	}
}

run() {
	printf '\n$ reconciler %s\n' "$*"
	reconciler "$@"
}

main
