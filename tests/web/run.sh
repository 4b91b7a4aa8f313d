#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a test of web pages: run.sh FILE.test.js. Exits 77 with the reason where it cannot run.
set -u
here=$(cd "$(dirname "$0")" && pwd)

skip() {
    echo "skipped: $*"
    exit 77
}

command -v node >/dev/null || skip "no node: scripts/deps.sh --for test gets it"
node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' || skip "node $(node --version) is older than 18"
[ -d "$here/node_modules/playwright-core" ] || skip "no playwright-core: 'npm ci' in '$here' gets it, with a network"
chromium=
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && chromium=$(command -v "$name"); then
        break
    fi
done
[ -n "$chromium" ] || skip "no Chromium: scripts/deps.sh --for test gets it"

# A folder for what the test writes and for all that the browser keeps, which is gone afterwards.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP INT TERM
mkdir "$work/home" "$work/tmp"
cd "$work" || exit 1
HOME=$work/home TMPDIR=$work/tmp CHROMIUM=$chromium TARE_WEB_WORK=$work node --test --test-reporter=tap "$1" >tap
status=$?
cat tap
# A file whose tests were all skipped, by what they themselves need, has shown nothing.
if [ $status -eq 0 ] && grep -qx '# pass 0' tap; then
    exit 77
fi
exit $status
