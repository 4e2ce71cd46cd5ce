#!/bin/sh
# Installs what end2end needs from npm, where it is not there in the locked versions already.
set -eu
cd "$(dirname "$0")"
# npm writes this file last: it says what the folder was made of.
if [ -f node_modules/.cloakroom-lock ] && cmp -s package-lock.json node_modules/.cloakroom-lock; then
	exit 0
fi
printf '\033[1m[cloakroom]\033[0m installing the development provider and the browser tests from npm (once)\n' >&2
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error
cp package-lock.json node_modules/.cloakroom-lock
