#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# build.sh FOLDER: programs that others wrote, for the sandbox and for this machine, from the source packages of the
# distribution (Debian's sqlite3 and zlib): FOLDER/sqlite3, sqlite3.wasm, minigzip, minigzip.wasm. Needs a network, apt with
# its keys, dpkg-dev, tclsh and clang with wasi-libc; apt checks signatures as it always does. Nothing of the system is
# changed: sources are asked for in lists of its own, which stay in FOLDER with the sources. What is there already is not
# made again. Exit code: 0; 77 if something is missing here, with what it is; 1 if it cannot be compiled.
# Environment: CC, WASM_CC (clang).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
if [ $# -ne 1 ]; then
    echo "usage: build.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1" && out=$(cd "$1" && pwd) || exit 1
cc=${CC:-cc} wasm_cc=${WASM_CC:-clang}

missing() {
    echo "build.sh: $1" >&2
    exit 77
}

all_there() {
    local name
    for name in sqlite3 sqlite3.wasm minigzip minigzip.wasm; do
        [ -s "$out/$name" ] || return 1
    done
}
all_there && exit 0

for pair in apt-get:apt dpkg-source:dpkg-dev tclsh:tcl make:make "$cc:gcc" "$wasm_cc:clang"; do
    command -v "${pair%%:*}" >/dev/null || missing "no '${pair%%:*}': install ${pair##*:}"
done
echo 'int main(void) { return 0; }' >"$out/empty.c"
"$wasm_cc" --target=wasm32-wasi -o "$out/empty.wasm" "$out/empty.c" 2>/dev/null ||
    missing "'$wasm_cc' makes no WebAssembly: install wasi-libc lld libclang-rt-14-dev-wasm32"
rm -f "$out/empty.c" "$out/empty.wasm"

# The machine's sources, with the packages' sources in place of the packages.
mkdir -p "$out/sources/parts" "$out/sources/lists/partial" || exit 1
found=no
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    if [ -f "$list" ]; then
        sed -nE 's/^deb(-src)?[[:space:]]/deb-src /p' "$list" | sort -u >"$out/sources/parts/$(basename "$list" .list).list" && found=yes
    fi
done
for list in /etc/apt/sources.list.d/*.sources; do
    if [ -f "$list" ]; then
        sed -E 's/^Types:.*/Types: deb-src/' "$list" >"$out/sources/parts/$(basename "$list")" && found=yes
    fi
done
[ $found = yes ] || missing "apt has no sources here: this is for Debian and its children"
apt=(apt-get -qq -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$out/sources/parts"
    -o "Dir::State::Lists=$out/sources/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=1
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o APT::Sandbox::User=)

get() { # get PACKAGE: into $folder
    folder=
    local each
    for each in "$out/sources/$1"-*/; do
        if [ -d "$each" ] && [ -f "$out/sources/$1.unpacked" ]; then
            folder=$each
            return
        fi
    done
    rm -rf "$out/sources/$1"-*/ # half of it
    (cd "$out/sources" && "${apt[@]}" source --only-source "$1") >"$out/sources/$1.log" 2>&1 ||
        missing "cannot get the source of $1: $(grep -m1 '^[EW]:' "$out/sources/$1.log" || echo 'no reason given')"
    touch "$out/sources/$1.unpacked"
    for each in "$out/sources/$1"-*/; do
        folder=$each
    done
}

compiled() { # compiled NAME COMMAND...: its output is NAME, whole or not at all
    local name=$1
    shift
    if ! "$@" -o "$out/$name.new" >"$out/sources/$name.log" 2>&1; then
        echo "build.sh: cannot compile $name: $out/sources/$name.log" >&2
        exit 1
    fi
    mv "$out/$name.new" "$out/$name" || exit 1
}

echo "build.sh: asking for the lists of source packages" >&2
"${apt[@]}" update >"$out/sources/update.log" 2>&1 ||
    missing "cannot get the lists: $(grep -m1 '^[EW]:' "$out/sources/update.log" || echo 'no reason given')"
compgen -G "$out/sources/lists/*Sources*" >/dev/null || # apt-get calls that a warning
    missing "no network, or no archive: $(grep -m1 '^[EW]:' "$out/sources/update.log" || echo 'no lists of sources came')"

wasm=("$wasm_cc" --target=wasm32-wasi -O2 -w '-Wl,--strip-debug')

get zlib
parts=(test/minigzip.c adler32.c crc32.c deflate.c inflate.c inftrees.c inffast.c trees.c zutil.c gzclose.c gzlib.c gzread.c gzwrite.c)
cd "$folder" || exit 1
echo "build.sh: zlib of $(basename "$folder")" >&2
compiled minigzip "$cc" -O2 -w -DHAVE_UNISTD_H -I. "${parts[@]}"
compiled minigzip.wasm "${wasm[@]}" -DHAVE_UNISTD_H -I. "${parts[@]}"

get sqlite3
cd "$folder" || exit 1
echo "build.sh: sqlite3 of $(basename "$folder"), which takes a minute" >&2
if [ ! -s sqlite3.c ] || [ ! -s shell.c ]; then
    if ! { ./configure --disable-tcl --disable-readline && make sqlite3.c shell.c; } >"$out/sources/sqlite3.log" 2>&1; then
        echo "build.sh: cannot make sqlite3.c: $out/sources/sqlite3.log" >&2
        exit 1
    fi
fi
# The same for both: without threads, libraries that are loaded, other programs, shared memory, and locks.
options=(-DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_POPEN -DSQLITE_NOHAVE_SYSTEM -DSQLITE_OMIT_WAL
    -DSQLITE_MAX_MMAP_SIZE=0 '-DSQLITE_DEFAULT_UNIX_VFS="unix-none"')
compiled sqlite3 "$cc" -O2 -w "${options[@]}" shell.c sqlite3.c -lm
compiled sqlite3.wasm "${wasm[@]}" -I "$here/wasi" -include wasi.h "${options[@]}" \
    -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS shell.c sqlite3.c \
    -lwasi-emulated-getpid -lwasi-emulated-signal -lwasi-emulated-process-clocks
