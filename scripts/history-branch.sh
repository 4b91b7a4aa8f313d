#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Keeps the history of `tare history` on a branch of its own of the project's repository, for CI jobs that have no server
# to write to.
#
#   scripts/history-branch.sh get     fetches the branch's history into the local one
#   scripts/history-branch.sh keep    puts the local one on the branch, with all that others have put there meanwhile
#   scripts/history-branch.sh change COMMAND...
#                                     gets it, runs COMMAND on the local one, and puts that on the branch as it then is:
#                                     for what takes something away (tare history prune, baseline remove), which
#                                     'keep' would bring back
#
# The branch has one commit, with one file, history.db: a clone of the project does not grow by its past. A push replaces
# the commit that was merged before, and no other (--force-with-lease); where another job was faster, its history is
# merged, too, and the push tried again; 'change' then runs COMMAND again, on all of it. So nothing is lost, whichever
# jobs run at once. An interrupted push leaves the branch as it was.
#
# What 'change' took away comes back with a local history that still has it: of a job between its 'get' and its
# 'keep', or of a clone. There 'change' does the same, or the file is removed.
#
# Environment:
#   TARE_DB               the local history (default: .tare/history.db in the work tree's root); COMMAND is given it, too
#   HISTORY_REMOTE        remote or URL of the branch (default: origin)
#   HISTORY_BRANCH        its name (default: tare-history)
#   HISTORY_TRIES         pushes that are tried (default: 10)
#   HISTORY_PUSH_TOKEN    sent as the password of HISTORY_PUSH_USER (default: oauth2), where the remote asks for one
#
# Exits 0, 1 if the branch could not be read or written, or COMMAND failed, 2 on wrong usage.
set -eu

say() {
    echo "history-branch: $*" >&2
}

case ${1:-}:$# in
    get:1 | keep:1) ;;
    change:[2-9] | change:[1-9][0-9]*) ;;
    *)
        say "usage: scripts/history-branch.sh get|keep|change COMMAND..."
        exit 2
        ;;
esac

root=$(git rev-parse --show-toplevel)
db=${TARE_DB:-$root/.tare/history.db}
remote=${HISTORY_REMOTE:-origin}
branch=${HISTORY_BRANCH:-tare-history}
tries=${HISTORY_TRIES:-10}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/tare-history-branch.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT

# The token is on no command line: git asks the helper, which has it from the environment.
remote_git() {
    if [ -n "${HISTORY_PUSH_TOKEN:-}" ]; then
        # shellcheck disable=SC2016 # the helper's shell expands it
        git -c credential.helper= -c credential.helper='!f() { test "$1" = get || exit 0
            echo "username=${HISTORY_PUSH_USER:-oauth2}"; echo "password=$HISTORY_PUSH_TOKEN"; }; f' "$@"
    else
        git "$@"
    fi
}

# The commit that the branch is at goes into $tip; empty: there is no such branch. A remote that does not answer is not
# taken for one without the branch.
find_tip() {
    local line
    line=$(remote_git ls-remote "$remote" "refs/heads/$branch") || {
        say "cannot read '$branch' of '$remote'"
        exit 1
    }
    tip=${line%%[[:space:]]*}
}

merge_tip() {
    [ -n "$tip" ] || return 0
    if ! git cat-file -e "$tip:history.db" 2>/dev/null; then
        remote_git fetch -q --no-tags --depth 1 "$remote" "refs/heads/$branch" || return 1
        # It may have moved since: then the next try is about the new one.
        git cat-file -e "$tip:history.db" 2>/dev/null || return 1
    fi
    git cat-file blob "$tip:history.db" >"$scratch/theirs.db"
    tare history merge --db "$db" "$scratch/theirs.db"
}

get() {
    find_tip
    if [ -z "$tip" ]; then
        say "there is no branch '$branch' yet: the history begins here"
        return 0
    fi
    merge_tip || {
        say "cannot get the history of '$branch'"
        return 1
    }
}

# put COMMAND...: merges, runs COMMAND if there is one, and pushes.
put() {
    local try blob tree commit
    for ((try = 1; try <= tries; try++)); do
        find_tip
        if merge_tip; then
            if [ $# -gt 0 ] && ! TARE_DB=$db "$@"; then
                say "'$*' failed: '$branch' is as it was"
                return 1
            fi
            if [ ! -e "$db" ]; then
                say "there is no history '$db' to keep"
                return 1
            fi
            # A copy by tare itself is whole, whatever journal stands beside the database.
            rm -f "$scratch/mine.db"
            tare history merge --db "$scratch/mine.db" "$db" >/dev/null
            blob=$(git hash-object -w --stdin <"$scratch/mine.db")
            tree=$(printf '100644 blob %s\thistory.db\n' "$blob" | git mktree)
            commit=$(GIT_AUTHOR_NAME=tare GIT_AUTHOR_EMAIL=tare@localhost GIT_COMMITTER_NAME=tare \
                GIT_COMMITTER_EMAIL=tare@localhost git commit-tree -m 'history: what was measured up to now' "$tree")
            if remote_git push -q --no-verify --force-with-lease="refs/heads/$branch:$tip" "$remote" \
                "$commit:refs/heads/$branch" 2>"$scratch/push"; then
                return 0
            fi
        fi
        [ "$try" -eq "$tries" ] || sleep "0.$((RANDOM % 9 + 1))"
    done
    say "'$branch' was not written in $tries tries; git says of the last:"
    cat "$scratch/push" >&2 2>/dev/null || true
    return 1
}

keep() {
    if [ ! -e "$db" ]; then
        say "there is no history '$db' to keep"
        return 1
    fi
    put
}

change() {
    put "$@"
}

"$@"
