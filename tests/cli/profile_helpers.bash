# SPDX-License-Identifier: MIT
# What the tests of tare profile share.

# What all these tests need: enough processor time for some samples at 997 Hz, in the shell.
busy='i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done'

needs_sampler() {
    needs_preload
    not_with_sanitizer "it cannot be loaded before the sanitizer"
    [ -n "$(find "$build_dir"/lib* -name libtare-profile.so)" ] || skip "built without libtare-profile.so"
}

needs_perf() {
    perf record -q -o /dev/null -e cpu-clock true 2>/dev/null || skip "no perf here, or it is forbidden"
}

# The script on standard input in the place of perf.
fake_perf() {
    mkdir -p fake
    cat >fake/perf
    chmod +x fake/perf
    PATH=$PWD/fake:$PATH
}

# in_profile FILE EXPRESSION: prints what it is; p is the profile, r the result.
in_profile() {
    python -c 'import json, sys
r = json.load(open(sys.argv[1])); p = r["profile"]
print(eval(sys.argv[2]))' "$1" "$2"
}
