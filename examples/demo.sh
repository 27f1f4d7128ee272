#!/usr/bin/env bash
# demo.sh [FOLDER]: the main job, end to end, against a sandbox on this machine: init, plan, apply, and a plan that
# has nothing to do. Run it by `make demo`. The exams, the plan as a page, the state, and what the sandbox created stay
# in FOLDER (default: demo) until the next run. At a terminal the sandbox runs until Enter is pressed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
folder=${1:-demo}
url=
sandbox_pid=

main() {
	begin_afresh
	make_up_secrets
	start_sandbox
	run init
	run plan
	printf '\n$ reconciler plan --format html >plan.html\n'
	reconciler plan --format html >plan.html
	run apply --auto-approve
	run plan --detailed-exitcode
	say_where_to_look
}

begin_afresh() {
	if [[ -e $folder && ! -e $folder/sandbox.log && -n $(ls -A "$folder") ]]; then
		printf 'demo: %s holds something else than an earlier demo; name another folder\n' "$folder" >&2
		exit 1
	fi
	rm -rf "$folder"
	mkdir -p "$folder"
	: >"$folder/sandbox.log" # there to be read before the sandbox has begun to write it
	cp examples/exams.yaml "$folder"
	cd "$folder"
	printf 'In %s, with a copy of examples/exams.yaml:\n\n' "$folder"
}

# The sandbox takes any token. A password is whatever the learning platform has as its access code. What is set in
# the environment is for another service and another state.
make_up_secrets() {
	unset SANDBOX_TOKEN RECONCILER_STATE_KEY RECONCILER_STATE_KEY_OLD
	export SMARTERPROCTORING_TOKEN=a-made-up-token
	local name
	while read -r name; do
		export "$name=made-up-$RANDOM"
	done < <(sed -n 's/.*fromEnv: *\([A-Z0-9_]*\).*/\1/p' exams.yaml)
}

start_sandbox() {
	printf '$ reconciler sandbox --port 0 --store sandbox.jsonl &\n'
	trap stop_sandbox EXIT
	reconciler sandbox --port 0 --store sandbox.jsonl >sandbox.log 2>&1 &
	sandbox_pid=$!
	for _ in {1..300}; do
		url=$(sed -n 's/^sandbox: listening on \(http:[^ ]*\).*/\1/p' sandbox.log)
		if [[ -n $url ]] || ! kill -0 "$sandbox_pid" 2>/dev/null; then break; fi
		sleep 0.1
	done
	cat sandbox.log
	if [[ -z $url ]]; then
		echo 'demo: the sandbox did not start' >&2
		exit 1
	fi
	printf '$ export SMARTERPROCTORING_URL=%s\n' "$url"
	export SMARTERPROCTORING_URL=$url
}

stop_sandbox() {
	kill "$sandbox_pid" 2>/dev/null || true
	wait "$sandbox_pid" 2>/dev/null || true
}

run() {
	printf '\n$ reconciler %s\n' "$*"
	reconciler "$@"
}

say_where_to_look() {
	local command
	command=$(type -p reconciler)
	command=${command#"$root"/}
	cat <<-END

		Done: each exam of $folder/exams.yaml was created once, and there is nothing left to do.

		  the plan, before apply   $folder/plan.html (open it in a browser)
		  the state                $folder/exams.state.json
		  try next                 change a duration in $folder/exams.yaml, then run
		                           $command --chdir $folder plan
	END
	if [[ -t 0 && -t 1 && -z ${CI:-} ]]; then
		printf '  what the sandbox has     %s\n\nThe sandbox runs until you press Enter. ' "$url"
		read -r || true
	else
		printf '  what the sandbox has     %s, once you start it again:\n' "$url"
		printf '                           %s sandbox --port %s --store %s/sandbox.jsonl\n' "$command" "${url##*:}" "$folder"
	fi
}

main
