#!/usr/bin/env bash
# Runs one command of the action. All that the caller said comes in RECONCILER_… variables (see action.yml).
set -euo pipefail

python=$RUNNER_TEMP/reconciler/bin/python
markdown=$RUNNER_TEMP/reconciler.md
page=$RUNNER_TEMP/plan.html
report=$RUNNER_TEMP/apply-report.json
run=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
arguments=()

main() {
	rm -f "$markdown" "$page" "$report"
	PATH=$RUNNER_TEMP/reconciler/command:$PATH
	cd "$RECONCILER_DIRECTORY"
	case $RECONCILER_COMMAND in
	install) ;;
	validate) validate ;;
	plan) plan ;;
	apply) apply ;;
	*)
		echo "::error title=reconciler::the input 'command' is validate, plan, apply or install"
		exit 1
		;;
	esac
}

validate() {
	take --env "$RECONCILER_ENV"
	take_paths
	local code=0
	reconciler validate --format github "${arguments[@]}" || code=$?
	output exit-code "$code"
	exit "$code"
}

# A plan that differs is what a pull request is for, and an exam in doubt is no fault of it: neither fails the job.
# One that apply would refuse does, and is shown like any other; where nothing was printed, there is no plan.
plan() {
	take_scope
	take_paths
	local code=0
	reconciler plan --format markdown --detailed-exitcode --out "$RECONCILER_PLAN_FILE" "${arguments[@]}" \
		>"$markdown" || code=$?
	output exit-code "$code"
	case $code in
	0 | 2) ;;
	3) echo '::warning title=reconciler::an exam is in doubt; the plan says how to settle it' ;;
	*)
		if [[ $code -ne 1 || ! -s $markdown ]]; then
			say_that_there_is_none plan 'There is no plan'
			exit "$code"
		fi
		echo '::error title=reconciler::apply would refuse this plan; the plan says why'
		;;
	esac
	show_markdown
	output plan-file "$(realpath "$RECONCILER_PLAN_FILE")"
	reconciler show --format html -- "$RECONCILER_PLAN_FILE" >"$page"
	output page-file "$page"
	output fingerprint "$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["fingerprint"])' "$RECONCILER_PLAN_FILE")"
	if [[ $code -eq 1 ]]; then exit 1; fi
}

# The summary and the comment lead to the run, whose artifacts have it all.
show_markdown() {
	printf '\n<sub>[This run](%s)</sub>\n' "$run" >>"$markdown"
	cat "$markdown" >>"$GITHUB_STEP_SUMMARY"
}

# say_that_there_is_none COMMAND SENTENCE: the comment of an earlier run must not stand there as if it were this one's.
say_that_there_is_none() {
	local name
	name=$("$python" -c 'import sys, urllib.parse as url; print(url.quote(sys.argv[1], safe="").replace("--", "-%2D"))' \
		"$RECONCILER_ENV")
	printf '<!-- reconciler:%s environment=%s fingerprint= -->\n**%s%s.** The run says why: %s\n' \
		"$1" "$name" "$2" "${name:+ for $name}" "$run" >"$markdown"
	cat "$markdown" >>"$GITHUB_STEP_SUMMARY"
}

# What a plan prints is text of the repository's, in which no line may be taken for a command to the runner.
apply() {
	take_scope
	take --expect "$RECONCILER_EXPECT"
	take --secrets-dir "$RECONCILER_SECRETS_DIR"
	take --lock-timeout "$RECONCILER_LOCK_TIMEOUT"
	take --recovery-dir "$RECONCILER_RECOVERY_DIR"
	take_paths
	local code=0 word
	word=$("$python" -c 'import secrets; print(secrets.token_hex(16))')
	echo "::stop-commands::$word"
	with_signals_passed_on reconciler apply --auto-approve --out="$report" --summary="$markdown" "${arguments[@]}" ||
		code=$?
	echo "::$word::"
	output exit-code "$code"
	if [[ -s $markdown && -s $report ]]; then
		show_markdown
		output report-file "$report"
	else
		say_that_there_is_none apply "Apply ended with exit code $code and without a report"
	fi
	exit "$code"
}

# A cancelled run gets SIGINT, then SIGTERM: the first lets the creates in flight end, the second abandons them as
# in doubt. The shell sends them on as SIGTERM, since what it started in the background ignores SIGINT.
with_signals_passed_on() {
	local pid code
	"$@" &
	pid=$!
	trap 'kill -TERM "$pid" 2>/dev/null || true' INT TERM
	while :; do
		code=0
		wait "$pid" || code=$?
		if ! kill -0 "$pid" 2>/dev/null; then break; fi
	done
	trap - INT TERM
	return "$code"
}

take_scope() {
	take --env "$RECONCILER_ENV"
	take --state "$RECONCILER_STATE"
	take --api-url "$RECONCILER_API_URL"
	take --max-creates "$RECONCILER_MAX_CREATES"
}

# take OPTION VALUE: hand it on if the caller gave a value.
take() {
	if [[ -n $2 ]]; then arguments+=("$1=$2"); fi
}

take_paths() {
	if [[ $RECONCILER_STRICT == true ]]; then arguments+=(--strict); fi
	arguments+=(--)
	local path
	while IFS= read -r path; do
		if [[ -n $path ]]; then arguments+=("$path"); fi
	done <<<"$RECONCILER_PATHS"
}

output() {
	printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

main
