#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Where nothing can be written, neither here nor in /tmp nor in /dev/shm, `tare run` works, as its pages are in no file
# system; and TARE_PAGE=FILE, of which a line says so, and TARE_REPORT=FILE, which cannot be had, do no harm.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
[ "$(id -u)" -eq 0 ] || skip_all "not root: cannot mount"
command -v unshare >/dev/null || skip_all "no unshare"
needs tare "$helpers/load_static"
reason=$(unshare -m true 2>&1) || skip_all "no mounts of our own here: $reason"
cd "$scratch" || exit 1

# What is run is copied there, as mounts may hide where it was built.
mkdir nothing
cp "$bin/tare" "$helpers/load_static" nothing/
cat >everywhere.sh <<'END'
mount --bind nothing nothing && mount -o remount,ro,bind nothing || exit 77
here=$PWD/nothing
cd "$here" || exit 77
exec 3>"$OLDPWD/said"
mount --bind "$here" /tmp && mount --bind "$here" /dev/shm || exit 77
cd /tmp || exit 77
if (: >written) 2>/dev/null || (: >/dev/shm/written) 2>/dev/null; then
    exit 77
fi
say() {
    printf '%s\n' "$*" >&3
}
say "plain: $(./load_static count 3 print said exit 4 2>&1), $?"
say "run: $( (./tare run --format csv ./load_static count 3 forks 2 print said exit 4; echo $?) 2>&1 | cut -d , -f -3 | tr '\n' ';')"
say "page: $(TARE_PAGE=page ./load_static count 3 forks 2 print said exit 4 2>&3), $?"
say "page: $(TARE_PAGE=/dev/shm/page ./load_static count 3 print said exit 4 2>&3), $?"
say "report: $(TARE_REPORT=report ./load_static count 3 print said exit 4 2>&1), $?"
say "both: $(TARE_PAGE=page TARE_REPORT=stdout ./load_static count 3 print said exit 4 2>&1 | grep -Eo '^said|^load::work +3 ' | tr -s '\n ' ';')"
say "output: $(./tare run -o result.json ./load_static print said 2>&1), $?"
END
unshare -m bash everywhere.sh 2>err
code=$?
[ "$code" -ne 77 ] || skip_all "file systems cannot be mounted read-only here: $(tail -n 1 err)"

# said WORD: what came of it.
said() {
    sed -n "s/^$1: //p" said
}

begin_case "a program that nobody measures"
equal "exit code of all" "$code" 0
equal "errors of all" "$(<err)" ""
equal "output and code" "$(said plain)" "said, 4"

begin_case "tare run"
matches "output" "$(said run)" "said;module,name,calls;load,work,3;load,child,20;4;"

begin_case "TARE_PAGE=FILE"
equal "output and code" "$(said page)" $'said, 4\nsaid, 4'
equal "what it says" "$(grep ^tare: said)" "tare: cannot make the page 'page': Read-only file system: it is in memory
tare: cannot make the page '/dev/shm/page': Read-only file system: it is in memory"

begin_case "TARE_REPORT=FILE"
equal "output and code" "$(said report)" "said, 4"

begin_case "TARE_PAGE=FILE, and a report of what was counted in memory"
equal "output" "$(said both)" "said;load::work;3;"

begin_case "tare run -o FILE: said before the program runs"
matches "output" "$(said output)" "tare: cannot create 'result.json': Read-only file system, 125"

finish
