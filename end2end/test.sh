#!/bin/sh
# The tests of the tools here, then the browser tests with the built program.
set -eu
cd "$(dirname "$0")"
sh install.sh
for browser in "${CHROMIUM_BIN:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
	if [ -n "$browser" ] && [ -x "$browser" ]; then
		found=$browser
		break
	fi
done
if [ -z "${found:-}" ]; then
	printf '\033[1m[cloakroom]\033[0m no Chromium is installed: fetching the one Playwright brings (once)\n' >&2
	npx playwright install chromium
fi
npm run --silent test:tools
exec npx playwright test "$@"
