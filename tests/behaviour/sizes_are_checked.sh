#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Sizes that cannot be, of states, top-k and frames, are errors of the compiler with a sentence that says what can be: as
# C11, C17 and C++17, with each compiler that is here, and in both ways to declare them. Those that can be compile without
# a warning, and so does all of it with TARE_DISABLE, which leaves nothing that has a size.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
include=$folder/../../include
[ -e "$include/tare/tare.h" ] || skip_all "no headers beside the tests"
cd "$scratch" || exit 1

combinations=()
for combination in gcc:c11 gcc:c17 g++:c++17 clang:c11 clang:c17 clang++:c++17; do
    ! command -v "${combination%%:*}" >/dev/null || combinations+=("$combination")
done
((${#combinations[@]})) || skip_all "neither gcc nor clang here"

# compile COMBINATION DECLARATION [OPTION...]
compile() {
    local compiler=${1%%:*} standard=${1#*:} language=c declaration=$2
    shift 2
    [ "$standard" = "${standard#c++}" ] || language=c++
    printf '#include <tare/frame.h>\nTARE_MODULE("m");\n%s\n' "$declaration" |
        "$compiler" -x "$language" -std="$standard" -I"$include" -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$@" - 2>err
}

states='"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"'
parts='"0", "1", "2", "3", "4", "5", "6", "7"'

for combination in "${combinations[@]}"; do
    begin_case "$combination: what can be"
    for declaration in 'TARE_TOPK(k, 1);' 'TARE_TOPK(k, 4096, "ns");' 'TARE_TOPK_NAMED(k, "a", 64u);' \
        'enum { SIZE = 64 }; TARE_TOPK(k, SIZE);' 'static const unsigned size = 64; TARE_TOPK(k, size);' \
        'TARE_FRAMES(f, 1, "p");' "TARE_FRAMES(f, 65536, $parts);" 'TARE_FRAMES_NAMED(f, "a", 1 << 16, "p");' \
        "TARE_STATE(s, $states);" 'TARE_STATE_NAMED(s, "a", "only");' \
        'TARE_STATE_LABELLED(s, "a", "pool=a", "", "only");' 'TARE_FRAMES_LABELLED(f, "a", 64, "", "Help", "p");'; do
        compile "$combination" "$declaration" || fail "$declaration: $(<err)"
    done

    begin_case "$combination: what cannot be"
    while IFS='|' read -r expected declaration; do
        if compile "$combination" "$declaration"; then
            fail "compiles: $declaration"
        else
            matches "$declaration" "$(<err)" "*error: *$expected*"
        fi
        compile "$combination" "$declaration" -DTARE_DISABLE || fail "disabled: $declaration: $(<err)"
    done <<END
a TARE_TOPK keeps 1 to 4096 keys|TARE_TOPK(k, 0);
a TARE_TOPK keeps 1 to 4096 keys|TARE_TOPK(k, 4097);
a TARE_TOPK keeps 1 to 4096 keys|TARE_TOPK(k, 99999, "ns", "", "Help");
a TARE_TOPK keeps 1 to 4096 keys|TARE_TOPK_NAMED(k, "a", -1);
a TARE_FRAMES keeps 1 to 65536 frames|TARE_FRAMES(f, 0, "p");
a TARE_FRAMES keeps 1 to 65536 frames|TARE_FRAMES(f, 10000000, "p");
a TARE_FRAMES keeps 1 to 65536 frames|TARE_FRAMES_NAMED(f, "a", -64, "p");
a TARE_FRAMES has up to 8 parts|TARE_FRAMES(f, 64, $parts, "8");
a TARE_STATE has 1 to 12 states|TARE_STATE(s, $states, "12");
a TARE_STATE has 1 to 12 states|TARE_STATE_LABELLED(s, "a", "pool=a", "", $states, "12");
a TARE_FRAMES keeps 1 to 65536 frames|TARE_FRAMES_LABELLED(f, "a", 0, "pool=a", "", "p");
END
done

finish
