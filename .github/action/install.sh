#!/usr/bin/env bash
# Puts `reconciler`, as it stands in the action's own checkout, on the path: in an environment of its own below
# RUNNER_TEMP, with the pinned dependencies and no others. Nothing is built, so that no build tool is downloaded.
set -euo pipefail

home=$RUNNER_TEMP/reconciler
python=$RECONCILER_PYTHON

# An earlier step of the job has done it. RUNNER_TEMP is emptied before each job.
if [[ -x $home/command/reconciler ]]; then exit 0; fi

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	echo "::error title=reconciler::$python is not Python 3.11 or newer: use actions/setup-python before, or the input 'python'"
	exit 1
fi
"$python" -m venv "$home"
"$home/bin/python" -m pip --disable-pip-version-check --quiet install \
	--require-hashes --requirement "$GITHUB_ACTION_PATH/requirements/runtime.txt"
packages=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$GITHUB_ACTION_PATH" >"$packages/reconciler-checkout.pth"

# -I: no module of the repository at hand can stand in for one of ours.
mkdir "$home/command"
cat >"$home/command/reconciler" <<-END
	#!/usr/bin/env bash
	exec "$home/bin/python" -I -m reconciler "\$@"
END
chmod +x "$home/command/reconciler"
"$home/command/reconciler" --version
printf '%s\n' "$home/command" >>"$GITHUB_PATH"
