#!/usr/bin/env bash
# Has the comment of a plan or a report kept up to date, where there is a pull request to comment on.
set -euo pipefail

if [[ ! -s $RUNNER_TEMP/reconciler.md ]]; then exit 0; fi
case $GITHUB_EVENT_NAME,$RECONCILER_COMMAND in
pull_request,* | pull_request_target,* | push,apply) ;;
*)
	echo 'This run is not about a pull request; the job summary has it all.'
	exit 0
	;;
esac
exec "$RUNNER_TEMP/reconciler/bin/python" -I "$GITHUB_ACTION_PATH/.github/action/comment.py" \
	"$RUNNER_TEMP/reconciler.md"
