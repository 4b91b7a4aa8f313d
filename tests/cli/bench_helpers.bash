# SPDX-License-Identifier: MIT
# What bench.bats and bench_commands.bats share.

# For what no figure is asserted of.
quick=(--time 0.02 --no-counts)

# look FILE: runs the Python on standard input with the result as r, its benchmarks by name as b, and arm(NAME, LABEL).
look() {
    {
        printf '%s\n' 'import json, sys' 'r = json.load(open(sys.argv[1]))' \
            'b = {one["name"]: one for one in r["bench"]["benchmarks"]}' \
            'arm = lambda name, label="A": {a["label"]: a for a in b[name]["arms"]}[label]'
        cat
    } | python - "$1"
}

is_valid() {
    python "$here/check_result.py" schema "$source_dir/docs/result.schema.json" "$@"
}

# background COMMAND...: with its output in out and err, and Ctrl-C not ignored, as bash has it for what it starts so.
# $pid is its id.
background() {
    local python=/usr/bin/python3 # not the function: its subshell would be $pid
    [ -x $python ] || python=python3
    $python -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" >out 2>err 3>&- &
    pid=$!
    started+=("$pid")
}

# code_of PID: its exit code, when it has ended, goes into $code.
code_of() {
    code=0
    wait "$1" || code=$?
}

# copy_program PROGRAM: to this folder, so that its processes can be told from those of others.
copy_program() {
    cp "$build_dir/tests/programs/$1" .
    export LD_LIBRARY_PATH=$build_dir/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# lives PROGRAM: whether a process executes the program in this folder.
lives() {
    local exe
    for exe in /proc/[0-9]*/exe; do
        [ "$(readlink "$exe" 2>/dev/null)" != "$PWD/$1" ] || return 0
    done
    return 1
}

is_gone() {
    ! lives "$1" || fail "a process of '$1' lives on"
}

# expect_said PATTERN: in the output of run, wherever its lines are broken.
expect_said() {
    expect output "$(tr -s '\n ' ' ' <<<"$output")" "$1"
}
