# SPDX-License-Identifier: MIT
# For scripts about builds of other people's projects, sourced behind script.bash: git and compilers without settings of
# the caller's, a TMPDIR of the script's own, and `revision`, whose output goes to $scratch/out.
# shellcheck shell=bash disable=SC2034,SC2154
needs "$helpers/revision"
command -v git >/dev/null || skip_all "no git"
PATH=$helpers:$PATH
unset MAKEFLAGS MAKELEVEL MFLAGS CFLAGS LDFLAGS COMPILER_PATH "${!GIT_@}" "${!CMAKE_@}"
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} # before it goes
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$scratch/gitconfig TMPDIR=$scratch/tmp CC=${CC:-cc}
export TARE_LD=${TARE_LD:-$bin/../libexec/tare/tare-ld}
mkdir "$TMPDIR"
cat >"$GIT_CONFIG_GLOBAL" <<'END'
[user]
    name = Nobody
    email = nobody@example.org
[init]
    defaultBranch = main
[protocol "file"]
    allow = always
END

# value NAME: the first that `revision` has printed under that name.
value() { sed -n "s/^$1: //p" "$scratch/out" | head -n 1; }

# build_revision ARGUMENTS...: `revision worktree`; what B prints is in $printed, and its file is copied to $scratch/B.
build_revision() {
    local line pid input
    printed=
    rm -f "$scratch/B"
    coproc holder { exec revision worktree "$@" --hold 2>"$scratch/err"; }
    pid=$holder_PID input=${holder[1]}
    : >"$scratch/out"
    while IFS= read -r line <&"${holder[0]}"; do
        echo "$line" >>"$scratch/out"
        if [ "$line" = ready ]; then
            printed=$("$(value executable)")
            cp "$(value executable)" "$scratch/B"
            exec {input}>&-
        fi
    done 2>/dev/null
    wait "$pid"
}

# nothing_left: neither of ours nor in git's list.
nothing_left() {
    equal "what is left in TMPDIR" "$(ls -A "$TMPDIR")" ""
    [ ! -e .git ] || equal "worktrees" "$(git worktree list | wc -l)" 1
}
