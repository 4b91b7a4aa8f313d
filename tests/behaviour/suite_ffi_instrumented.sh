#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The suite ffi in the profile `instrumented`, which a build of another type says nothing about: configured and built in a folder
# of its own within the build tree, where it stays, so that the next run builds only what has changed. Functions in C, C++ and
# Rust keep frame pointers there, as the machine code shows, and each side still gives the right results.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
cache=${TARE_BUILD_DIR:-$bin/..}/CMakeCache.txt
source=${TARE_SOURCE_DIR:-$(cd "$folder/../.." && pwd)}
there=${TARE_BUILD_DIR:-$bin/..}/tests/behaviour/instrumented
cd "$scratch" || exit 1
[ -e "$cache" ] || skip_all "no '$cache': what is installed cannot be built anew"
needs tare

# of_cache NAME: what the build was configured with.
of_cache() {
    sed -n "s/^$1:[A-Z]*=//p" "$cache"
}

cmake=$(of_cache CMAKE_COMMAND)
[ -x "$cmake" ] || skip_all "no cmake: '$cmake'"
case $(of_cache CMAKE_BUILD_TYPE) in
Instrumented) skip_all "the build is of that type itself: suite_ffi and suite_ffi_python look at it" ;;
Asan | Tsan) skip_all "it has nothing to do with a sanitizer: another leg has this" ;;
esac
[ "$(of_cache TARE_BUILD_COMMAND)" = ON ] || skip_all "the build is without the command, and so without suites"

begin_case "it can be configured"
mkdir -p "$there"
check "configure" "$cmake" -S "$source" -B "$there" -G "$(of_cache CMAKE_GENERATOR)" -DCMAKE_BUILD_TYPE=Instrumented \
    -DCMAKE_C_COMPILER="$(of_cache CMAKE_C_COMPILER)" -DCMAKE_CXX_COMPILER="$(of_cache CMAKE_CXX_COMPILER)" \
    -DTARE_PYTHON="$(of_cache TARE_PYTHON)" -DTARE_BUILD_TESTS=OFF -DTARE_BUILD_EXAMPLES=OFF >"$scratch/configured" 2>&1
((case_failed)) && tail -n 20 "$scratch/configured" | sed 's/^/# /'

begin_case "it can be built"
mapfile -t targets < <("$cmake" --build "$there" --target help | grep -Eo '\<ffi_[a-z0-9_]+' | sort -u)
check "targets: ${targets[*]}" [ "${#targets[@]}" -ge 5 ]
check "build" "$cmake" --build "$there" --parallel 2 --target "${targets[@]}" >"$scratch/built" 2>&1
((case_failed)) && tail -n 20 "$scratch/built" | sed 's/^/# /'
if ((case_failed)); then
    finish
fi
ffi=$(dirname "$(find "$there" -name libbenchlib.so -print -quit)")

# left_out MODULE WHAT: why, as the configuration said it.
left_out() {
    skip_case "$2: $(grep -Eo "tare: .*" "$scratch/configured" | grep -E "suite ffi (is|has)" | tr '\n' ';')"
}

begin_case "functions in C keep frame pointers"
if ! "$bin/tare" doctor "$ffi/libbenchlib.so" | grep -q '^  frame pointers  *[yn]'; then
    skip_case "tare doctor cannot tell: libelf"
else
    for file in libbenchlib.so c c-plt c-noplt c-dlopen; do
        check "$file" grep -q '^  frame pointers  *yes' <("$bin/tare" doctor "$ffi/$file")
    done
    for file in "$ffi"/node/benchlib.node "$ffi"/python/benchlib_{capi,api}.*.so; do
        [ -e "$file" ] || continue
        check "$file" grep -q '^  frame pointers  *yes' <("$bin/tare" doctor "$file")
    done

    begin_case "functions in C++ keep frame pointers"
    if [ -e "$ffi/python/side_pybind11.py" ]; then
        check "pybind11" grep -q '^  frame pointers  *yes' <("$bin/tare" doctor "$ffi"/python/benchlib_pybind11.*.so)
    else
        left_out pybind11 "no pybind11"
    fi
fi

# Rust's own library comes compiled, without them, so that only functions of our own file are looked at.
begin_case "functions in Rust keep frame pointers"
if [ ! -e "$ffi/python/side_pyo3.py" ]; then
    left_out pyo3 "no PyO3"
elif ! command -v objdump >/dev/null; then
    skip_case "no objdump: binutils"
elif [[ $(uname -m) != x86_64 ]]; then
    skip_case "how they begin is known of x86_64 alone"
else
    objdump -d --no-show-raw-insn "$ffi"/python/benchlib_pyo3.*.so |
        awk '/^[0-9a-f]+ <_ZN13benchlib_pyo3.*>:$/ { getline a; getline b; all++
             kept += a ~ /push +%rbp/ && b ~ /mov +%rsp,%rbp/ } END { print all + 0, kept + 0 }' >rust
    read -r all kept <rust
    check "functions of ours: $all" [ "$all" -ge 50 ]
    check "kept in $kept of $all" [ $((kept * 10)) -ge $((all * 9)) ]
fi

begin_case "they give the right results"
for name in c c-plt c-noplt c-dlopen; do
    check "$name" "$ffi/$name" verify
done
if [ -e "$ffi/python/interpreter" ]; then
    for side in "$ffi"/python/side_*.py; do
        check "$side" "$(<"$ffi/python/interpreter")" -sB "$side" verify
    done
fi

finish
