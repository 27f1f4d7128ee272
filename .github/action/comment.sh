#!/usr/bin/env bash
# Has the plan's comment kept up to date, where there is a pull request to comment on.
set -euo pipefail

case $GITHUB_EVENT_NAME in
pull_request | pull_request_target) ;;
*)
	echo 'This run is not about a pull request; the plan is in the job summary.'
	exit 0
	;;
esac
if [[ ! -s $RUNNER_TEMP/reconciler-plan.md ]]; then exit 0; fi
exec "$RUNNER_TEMP/reconciler/bin/python" -I "$GITHUB_ACTION_PATH/.github/action/comment.py" \
	"$RUNNER_TEMP/reconciler-plan.md"
