#!/usr/bin/env bash
# demo.sh [FOLDER]: the main job, end to end, against a sandbox on this machine: init, plan, apply, and a plan that
# has nothing to do. Run it by `make demo`. The plan as a page, the state, and what the sandbox created stay in FOLDER
# (default: demo) for a look afterwards. At a terminal the sandbox runs until Enter is pressed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

manifest=examples/exams.yaml
folder=${1:-demo}
state=file:$folder/exams.state.json
store=$folder/sandbox.jsonl
log=$folder/sandbox.log
page=$folder/plan.html
url=
sandbox_pid=

main() {
	begin_afresh
	make_up_secrets
	start_sandbox
	run init --state "$state"
	run plan "$manifest" --state "$state" --api-url "$url"
	save "$page" plan "$manifest" --state "$state" --api-url "$url" --format html
	run apply "$manifest" --state "$state" --api-url "$url" --auto-approve
	run plan "$manifest" --state "$state" --detailed-exitcode
	say_where_to_look
}

begin_afresh() {
	mkdir -p "$folder"
	rm -f "$folder"/exams.state.json* "$store" "$log" "$page"
	: >"$log" # there to be read before the sandbox has begun to write it
}

# The sandbox takes any token. A password is whatever the learning platform has as its access code. What is set in
# the environment is for another service and another state.
make_up_secrets() {
	unset SANDBOX_TOKEN SMARTERPROCTORING_URL RECONCILER_STATE_KEY RECONCILER_STATE_KEY_OLD
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

save() {
	printf '\n$ reconciler %s >%s\n' "${*:2}" "$1"
	reconciler "${@:2}" >"$1"
}

say_where_to_look() {
	cat <<-END

		Done: each exam of $manifest was created once, and there is nothing left to do.

		  the plan, before apply   $page (open it in a browser)
		  the state                ${state#file:}
	END
	if [[ -t 0 && -t 1 && -z ${CI:-} ]]; then
		printf '  what the sandbox has     %s\n\nThe sandbox runs until you press Enter. ' "$url"
		read -r || true
	else
		local command
		command=$(type -p reconciler)
		printf '  what the sandbox has     http://127.0.0.1:8400, once you start it again:\n'
		printf '                           %s sandbox --store %s\n' "${command#"$PWD"/}" "$store"
	fi
}

main
