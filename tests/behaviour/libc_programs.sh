#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Programs that know nothing of tare print the same and exit with the same code with libtare-libc.so in front of
# libc, while everything is being timed, while nothing is, and with TARE=off; and while everything is timed, a
# page that counted something is left behind. Programs that are not installed are skipped, by name. Environment:
# TARE_LIB_DIR, or TARE_BUILD_DIR in which the library is looked for.
set -u

if [ -n "${TARE_SANITIZER:-}" ]; then
    echo "skipped: a sanitizer takes libc's calls for itself"
    exit 77
fi
if [ "${TARE_HAVE_PRELOAD:-}" = 0 ]; then
    echo "skipped: built without libtare-libc.so"
    exit 77
fi
lib=${TARE_LIB_DIR:+$TARE_LIB_DIR/libtare-libc.so}
if [ -z "$lib" ] && [ -n "${TARE_BUILD_DIR:-}" ]; then
    lib=$(find "$TARE_BUILD_DIR" -maxdepth 3 -name libtare-libc.so -print -quit)
fi
if [ ! -e "$lib" ]; then
    echo "libc_programs: set TARE_LIB_DIR to the folder of libtare-libc.so" >&2
    exit 1
fi
lib=$(realpath "$lib")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-libc-programs.XXXXXX") || exit 1
pages=$(mktemp -d /dev/shm/tare-libc-programs.XXXXXX) || exit 1
trap 'rm -rf -- "$scratch" "$pages"' EXIT
unset TARE TARE_ENABLE TARE_PAGE TARE_CLOCK TARE_REPORT TARE_HISTOGRAM TARE_TIMERS TARE_THREADS LD_PRELOAD
failures=0
checked=0

fail() {
    echo "not ok: $*"
    failures=$((failures + 1))
}

# once MODE VARIABLE=VALUE... -- COMMAND...: runs it, keeping stdout, stderr and exit code under the mode's
# name.
once() {
    local mode=$1
    local -a environment=()
    shift
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    {
        # A subshell of its own, whose words about a signal that ended the program are not ours.
        (cd "$scratch/work" && timeout 60 env "${environment[@]}" "$@" </dev/null \
            >"$scratch/$mode.out" 2>"$scratch/$mode.err")
        echo $? >"$scratch/$mode.code"
    } 2>/dev/null
}

# same NAME COMMAND...: compares the three ways with the plain one.
same() {
    local name=$1 mode part
    shift
    if ! command -v "$1" >/dev/null; then
        echo "skipped: $name: no program '$1'"
        return
    fi
    rm -rf -- "${pages:?}"/* "$scratch/work"
    mkdir "$scratch/work"
    once plain -- "$@"
    once timed LD_PRELOAD="$lib" TARE_ENABLE='*' TARE_PAGE="$pages/%p" -- "$@"
    once idle LD_PRELOAD="$lib" -- "$@"
    once off LD_PRELOAD="$lib" TARE=off -- "$@"
    for mode in timed idle off; do
        for part in out err code; do
            cmp -s "$scratch/plain.$part" "$scratch/$mode.$part" ||
                fail "$name: $part differs when $mode: $(diff "$scratch/plain.$part" "$scratch/$mode.$part" | head -n 5)"
        done
    done
    [ -n "$(ls -A "$pages")" ] || fail "$name: no page"
    checked=$((checked + 1))
    echo "checked: $name, exit code $(cat "$scratch/plain.code"), $(find "$pages" -type f | wc -l) pages"
}

mkdir "$scratch/data"
seq 1 60000 | shuf --random-source=<(yes) >"$scratch/data/numbers"
for i in $(seq 40); do seq "$i" 500 >"$scratch/data/file$i"; done

same ls ls -lR /usr/include/linux
same 'ls of nothing' ls /nonexistent
same cat cat "$scratch/data/numbers"
same sort sort --parallel=2 -n "$scratch/data/numbers"
same gzip gzip -9cn "$scratch/data/numbers"
same tar tar cf /dev/null --sort=name -v "$scratch/data"
same find find /usr/include/linux -name '*.h' -newer /etc/hostname
same sed sed -n 's/1/one/p' "$scratch/data/numbers"
same awk awk '{ sum += $1 } END { print sum }' "$scratch/data/numbers"
same xargs xargs -P 2 -n 5 -a "$scratch/data/file1" true
same bash bash -c 'for i in 1 2 3 4 5; do /bin/true; done; x=$(echo sub | cat); echo $x; kill -TERM $$'
same sh sh -c 'ls /etc/hostname | (sleep 0; cat); exit 3'
same 'an exit code' bash -c 'exit 42'
same python3 python3 -c 'import hashlib, os, subprocess, threading
threads = [threading.Thread(target=lambda: [bytearray(i) for i in range(3000)]) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(hashlib.sha256(b"x" * 100000).hexdigest(), subprocess.run(["true"]).returncode, os.waitstatus_to_exitcode(os.system("exit 5")))'
same sqlite3 sqlite3 :memory: 'create table t(a integer, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i * 7919 % 20011, hex(i) from n;
create index t_b on t(b); select count(*), sum(a), max(b) from t; select b from t where a = 5;'
same 'sqlite3 on disk' sqlite3 "$scratch/work/db" 'drop table if exists t; create table t(a); insert into t values(1), (2); select * from t;'
same git git --version
same 'git init and commit' bash -c 'rm -rf r && git init -q r && cd r && echo x >f && git add f &&
GIT_AUTHOR_DATE="@1 +0000" GIT_COMMITTER_DATE="@1 +0000" git -c user.name=a -c user.email=b commit -qm c && git status -s && git log --format=%H'
same perl perl -e 'my @a = map { $_ * 2 } 1 .. 50000; print scalar(@a), "\n"; print `echo child`; exit 7'
same gcc gcc -xc -O2 -S -o - /usr/include/elf.h
same curl curl --version
same 'a crash' bash -c 'kill -SEGV $$'

# dd reads and writes each block with one call, and says how many: so must the report.
LC_ALL=C LD_PRELOAD=$lib TARE_ENABLE='libc::read,libc::write' TARE_REPORT="$scratch/report" \
    dd if=/dev/zero of=/dev/null bs=1000 count=17 2>"$scratch/said" || fail "dd: exit code $?"
grep -q '^17+0 records out' "$scratch/said" || fail "dd says: $(cat "$scratch/said")"
grep -Eq '^libc::read +17 ' "$scratch/report" || fail "no row with 17 reads in: $(cat "$scratch/report")"
grep -Eq '^libc::write +1[78] ' "$scratch/report" || fail "no row with 17 writes in: $(cat "$scratch/report")"

echo "$checked programs"
[ "$checked" -gt 0 ] && [ "$failures" -eq 0 ]
