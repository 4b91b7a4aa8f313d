#!/bin/bash
# SPDX-License-Identifier: MIT
# What an installed tare is to its users. Installs the build into a scratch prefix and, from there alone, builds
# consumer.c, consumer_sets.c and consumer_bench.c with pkg-config (shared, static) and with find_package, in C11, C17 and C++17; checks
# what the libraries export and need, that the installed command finds its preload library, and what TARE_DISABLE leaves
# behind (nothing).
# Prints TAP. Needs TARE_SOURCE_DIR and TARE_BUILD_DIR, which ctest gives.
set -u

source_dir=${TARE_SOURCE_DIR:?run this by ctest}
build_dir=${TARE_BUILD_DIR:?run this by ctest}
here=$source_dir/tests/install
CC=${CC:-cc}
CXX=${CXX:-}
for tool in pkg-config nm readelf cmake; do
    if ! command -v $tool >/dev/null; then
        echo "needs $tool"
        exit 77
    fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
log=$scratch/log
count=0
failures=0

# check "what" command...: one TAP line; what a failing command said follows it as comments.
check() {
    local what=$1
    shift
    count=$((count + 1))
    if "$@" >"$log" 2>&1; then
        echo "ok $count $what"
    else
        failures=$((failures + 1))
        echo "not ok $count $what"
        tail -n 20 "$log" | sed 's/^/# /'
    fi
}

skip() { # what, reason
    count=$((count + 1))
    echo "ok $count $1 # skip $2"
}

check "installs into a prefix" cmake --install "$build_dir" --prefix "$prefix"
libdir=$(cd "$prefix" && find . -name libtare.so -printf '%h\n' | head -n 1)
libdir=$prefix/${libdir#./}
export PKG_CONFIG_PATH=$libdir/pkgconfig
unset PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH

warnings="-Wall -Wextra -Wpedantic -Werror"
flags() {
    pkg-config "$@" tare
}

build_and_run() { # compiler, language option, standard, pkg-config arguments...
    build_and_run_one consumer.c "$@" && build_and_run_one consumer_sets.c "$@"
}

build_and_run_one() { # source, and the rest
    local source=$1 compiler=$2 language=$3 standard=$4
    shift 4
    local program=$scratch/consumer-$standard
    local link=() words
    words=$(flags --cflags --libs "$@") || return 1
    [ "$*" = "" ] || link=(-static)
    # shellcheck disable=SC2086 # words of options, all of them
    $compiler -std="$standard" $warnings -x "$language" "$here/$source" -x none "${link[@]}" $words \
        -o "$program" || return 1
    LD_LIBRARY_PATH=$libdir "$program"
}

for standard in c11 c17 c++17; do
    language=c compiler=$CC
    if [ $standard = c++17 ]; then
        language=c++ compiler=$CXX
    fi
    for how in shared static; do
        what="$standard, $how, by pkg-config"
        if [ -z "$compiler" ]; then
            skip "$what" "no C++ compiler"
        elif [ $how = static ]; then
            check "$what" build_and_run "$compiler" $language $standard --static
        else
            check "$what" build_and_run "$compiler" $language $standard
        fi
    done
done

# Benchmarks: <tare/bench.h> and tare-bench.pc, also with the other compiler, where it is here.
bench_builds_and_runs() { # compiler, language, standard, options...
    local compiler=$1 language=$2 standard=$3 program=$scratch/bench link=() words
    shift 3
    words=$(pkg-config --cflags --libs ${1:+"$1"} tare-bench) || return 1
    [ -z "${1:-}" ] || link=(-static)
    # shellcheck disable=SC2086 # words of options, all of them
    $compiler -std="$standard" $warnings -O2 $define -x "$language" "$here/consumer_bench.c" -x none "${link[@]}" $words \
        -o "$program" || return 1
    LD_LIBRARY_PATH=$libdir "$program" --time 0.02 >"$scratch/table" || return 1
    cat "$scratch/table"
    [ "$(grep -cE '^(copy/(16|64|256|1024)|wait/threads:[12]) ' "$scratch/table")" -eq 6 ] || return 1
    [ -z "$define" ] || return 0
    [ "$(grep -c '^    timer consumer::copy: 1.00 calls of ' "$scratch/table")" -eq 4 ]
}
for define in '' -DTARE_DISABLE; do
    for pair in gcc:g++ clang:clang++; do
        for standard in c11 c17 c++17; do
            [ -z "$define" ] || [ $standard != c11 ] || continue
            language=c compiler=${pair%%:*}
            if [ $standard = c++17 ]; then
                language=c++ compiler=${pair#*:}
            fi
            what="benchmarks, ${compiler##*/} -std=$standard${define:+ $define}, by pkg-config"
            if ! command -v "${compiler:-no}" >/dev/null; then
                skip "$what" "no such compiler"
            else
                check "$what" bench_builds_and_runs "$compiler" $language $standard
            fi
        done
    done
done
define=
check "benchmarks, linked statically" bench_builds_and_runs "$CC" c c17 --static

find_package() {
    cmake -S "$here/project" -B "$scratch/project" -DCMAKE_PREFIX_PATH="$prefix" -DCONSUMER="$here/consumer.c" \
        -DCONSUMER_BENCH="$here/consumer_bench.c" \
        -DCMAKE_C_COMPILER="$CC" ${CXX:+-DCMAKE_CXX_COMPILER="$CXX"} &&
        cmake --build "$scratch/project" &&
        ctest --test-dir "$scratch/project" --output-on-failure --no-tests=error
}
check "by find_package, both libraries" find_package

# The names that the map lists and those that the library defines, compared; the version's own node is no name.
exports() {
    sed -n '/global:/,/local:/s/^ *\([a-z_0-9]*\);$/\1/p' "$source_dir/runtime/libtare.map" | sort >"$scratch/listed"
    nm -D --defined-only "$libdir/libtare.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort \
        >"$scratch/defined"
    [ -s "$scratch/listed" ] && diff "$scratch/listed" "$scratch/defined"
}
check "libtare.so exports what its map lists, and nothing else" exports

soname() {
    readelf -d "$libdir/libtare.so" | grep -F 'SONAME' | grep -F '[libtare.so.0]'
}
check "its soname is libtare.so.0" soname

# The loader counts as libc: it is where some of libc's thread-local storage lives.
needs_libc_alone() {
    readelf -d "$libdir/libtare.so" | grep -F '(NEEDED)' >"$scratch/needed"
    cat "$scratch/needed"
    ! grep -vE '\[(libc\.so\.[0-9]+|ld-linux[^]]*)\]' "$scratch/needed"
}
check "libtare.so needs libc alone" needs_libc_alone

disabled() { # compiler, language, standard
    disabled_one consumer.c "$@" && disabled_one consumer_sets.c "$@"
}

disabled_one() { # source, and the rest
    local object=$scratch/disabled.o source=$1
    shift
    # shellcheck disable=SC2086 # words of options
    "$1" -std="$3" $warnings -O0 -DTARE_DISABLE -I"$prefix/include" -x "$2" -c "$here/$source" -o "$object" ||
        return 1
    if nm "$object" | grep -i tare || readelf -SW "$object" | grep -i tare; then
        return 1
    fi
    "$1" "$object" -o "$scratch/disabled" && "$scratch/disabled"
}
for standard in c11 c17 c++17; do
    what="$standard, TARE_DISABLE leaves no symbol and no section, and links without the library"
    if [ $standard != c++17 ]; then
        check "$what" disabled "$CC" c $standard
    elif [ -n "$CXX" ]; then
        check "$what" disabled "$CXX" c++ $standard
    else
        skip "$what" "no C++ compiler"
    fi
done

# Casts that users want to be warned of in their own C++, they must not be warned of in what our macros make of it.
warns_of_nothing() { # compiler, definition, options...
    local compiler=$1 define=$2
    shift 2
    # shellcheck disable=SC2086 # words of options
    "$compiler" -std=c++17 $warnings "$define" -Wold-style-cast -Wzero-as-null-pointer-constant "$@" \
        -I"$prefix/include" -fsyntax-only "$here/consumer_warnings.cpp"
}
for compiler in g++ clang++; do
    for define in -DWITH_TARE -DTARE_DISABLE; do
        what="$compiler $define warns of no cast in the macros"
        if ! command -v $compiler >/dev/null; then
            skip "$what" "no such compiler"
        elif [ $compiler = g++ ]; then
            check "$what" warns_of_nothing $compiler $define -Wuseless-cast
        else
            check "$what" warns_of_nothing $compiler $define
        fi
    done
done

installed_files() {
    local missing=0 file
    for file in include/tare/tare.h include/tare/page.h include/tare/bench.h include/tare/frame.h \
        include/tare/jit.h include/tare/gfx.h include/tare/cpu.h include/tare/memory.h include/tare/latency.h share/doc/tare/page-format.md "$@"; do
        if [ ! -f "$prefix/$file" ]; then
            echo "not installed: $file"
            missing=1
        fi
    done
    return $missing
}
if [ -x "$build_dir/bin/tare" ]; then
    check "the command, its completions and the schema are installed" installed_files bin/tare libexec/tare/tare-rungs libexec/tare/tare-ld \
        share/bash-completion/completions/tare share/zsh/site-functions/_tare share/doc/tare/result.schema.json
    check "the installed command runs" "$prefix/bin/tare" info
    verify() { # either verdict is right; that the program which it measures is the installed one shows in its absence
        local program=$prefix/libexec/tare/tare-rungs code=0
        "$prefix/bin/tare" verify --clock clock --time 0.1 || code=$?
        [ $code -le 1 ] || return 1
        mv "$program" "$program.away"
        code=0
        "$prefix/bin/tare" verify --clock clock --time 0.1 || code=$?
        mv "$program.away" "$program"
        [ $code -eq 2 ]
    }
    check "it finds the installed tare-rungs" verify
    history() {
        "$prefix/bin/tare" stat --history="$scratch/history.db" -- true &&
            "$prefix/bin/tare" history show --db "$scratch/history.db" | grep -q wall
    }
    if [ -x "$build_dir/libexec/tare/tare-history" ]; then
        check "it finds the installed tare-history" history
    else
        skip "it finds the installed tare-history" "built without it"
    fi
    preload() {
        "$prefix/bin/tare" run --libc --format json -o "$scratch/result.json" -- sh -c 'echo hello' &&
            grep -q '"libc"' "$scratch/result.json"
    }
    if [ "${TARE_HAVE_PRELOAD:-}" = 0 ]; then
        skip "it finds the installed libtare-libc.so" "built without it"
    else
        check "it finds the installed libtare-libc.so" preload
    fi
else
    check "headers and documents are installed" installed_files
    skip "the installed command runs" "built without the command"
fi
# What man pages cite, and the schemas of the history's JSON, which no page has to name.
cited() {
    local file missing=0
    for file in $(grep -ohE 'docs/[a-z.-]+\.(md|json)' "$source_dir"/docs/man/*.scd | sed 's|^docs/||' | sort -u) \
        history-check.schema.json history-page.schema.json; do
        [ -s "$prefix/share/doc/tare/$file" ] || { echo "not installed: $file"; missing=1; }
    done
    return $missing
}
check "what man pages cite is installed" cited
if command -v scdoc >/dev/null; then
    man_pages() {
        local source page
        for source in "$source_dir"/docs/man/*.scd; do
            page=$(basename "$source" .scd)
            [ -s "$prefix/share/man/man${page##*.}/$page" ] || { echo "not installed: $page"; return 1; }
        done
    }
    check "the man pages are installed" man_pages
else
    skip "the man pages are installed" "needs scdoc"
fi

echo "1..$count"
[ $failures -eq 0 ]
