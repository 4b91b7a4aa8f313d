#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare doctor on the machine: what it tells, and what it sets and puts back. Machines that are set are made of files, below
# TARE_ROOT: the real one is only looked at.

load common
unset TARE_ROOT TARE_STATE

cpu=/sys/devices/system/cpu

# put FILE TEXT: below the machine's root.
put() {
    mkdir -p "$TARE_ROOT$(dirname "$1")"
    printf '%s\n' "$2" >"$TARE_ROOT$1"
}

get() { # a longer value that stood there before sticks out behind the line; in /proc and /sys it does not
    head -n 1 "$TARE_ROOT$1"
}

# A laptop out of the box.
make_machine() {
    export TARE_ROOT=$BATS_TEST_TMPDIR/machine
    unset TARE_STATE
    local policy
    for policy in 0 1; do
        put $cpu/cpufreq/policy$policy/scaling_governor powersave
        put $cpu/cpufreq/policy$policy/scaling_available_governors "performance powersave"
        put $cpu/cpufreq/policy$policy/scaling_driver intel_pstate
    done
    put $cpu/intel_pstate/no_turbo 0
    put $cpu/online 0-1
    put $cpu/isolated ''
    put $cpu/smt/active 1
    put $cpu/smt/control on
    put /sys/kernel/mm/transparent_hugepage/enabled "[always] madvise never"
    put /proc/sys/kernel/nmi_watchdog 1
    put /proc/sys/kernel/perf_event_paranoid 4
    put /proc/sys/kernel/randomize_va_space 2
    put /proc/sys/kernel/random/boot_id 11111111-2222-3333-4444-555555555555
    mkdir -p "$TARE_ROOT/run"
}

# Everything that there is, with its content.
contents() {
    (cd "$TARE_ROOT" && find . -type f | sort | xargs grep -m 1 -H '')
}

of_json() {
    python -c 'import json, sys
document = json.loads(sys.stdin.read())
print(eval(sys.argv[1], {"d": document, "f": {x["name"]: x for x in document.get("findings", [])}}))' "$1" <<<"$output"
}

names=('other load' interruptions steal frequency governor turbo temperature virtualization SMT 'isolated CPUs' 'CPU set'
    'cgroup quota' clocksource mitigations ASLR 'huge pages' 'NMI watchdog' 'NUMA balancing' 'perf paranoid' PMU LBR)

@test "every finding has a rating, a value and an effect, within 80 columns" {
    run -0 --separate-stderr tare doctor --quick
    [ -z "$stderr" ]
    for name in "${names[@]}"; do
        grep -qE "^(fine|note|harms|unknown) +$name +[^ ]" <<<"$output" || fail "no '$name'" "$output"
    done
    # A command to be copied stands in one piece.
    wide=$(grep -E '.{81}' <<<"$output" | grep -vE '^        (echo|sudo|setarch) ' || true)
    [ -z "$wide" ] || fail "too wide" "$wide"
}

@test "JSON says the same" {
    run -0 --separate-stderr tare doctor --quick --format json
    [ "$(of_json 'd["schema"], d["schema_version"], d["measured"], d["incomplete"]')" = "('tare-doctor', 1, False, False)" ]
    [ "$(of_json '";".join(x["name"] for x in d["findings"])')" = "$(IFS=';' && echo "${names[*]}")" ]
    [ "$(of_json 'all(x["rating"] in ("fine", "note", "harms", "unknown") for x in d["findings"])')" = True ]
    [ "$(of_json 'all(x["value"] and x["effect"] for x in d["findings"])')" = True ]
    [ "$(of_json 'sum(d["summary"][r] for r in ("fine", "note", "harms", "unknown")) == len(d["findings"])')" = True ]
    [ "$(of_json 'f["other load"]["rating"], f["interruptions"]["rating"]')" = "('unknown', 'unknown')" ]
}

@test "what is measured is told with its figures" {
    run -0 --separate-stderr tare doctor --format json
    [ "$(of_json 'd["measured"]')" = True ]
    [ "$(of_json 'f["interruptions"]["figures"]["seconds"] >= 0.5')" = True ]
    [ "$(of_json '0 <= f["interruptions"]["figures"]["lost_share"] <= 1')" = True ]
    [ "$(of_json '(lambda x: x["p99_ns"] is None or x["p99_ns"] <= x["max_ns"])(f["interruptions"]["figures"])')" = True ]
    [ "$(of_json 'f["clocksource"]["figures"]["clock_gettime_ns"] > 0')" = True ]
    [ "$(of_json 'f["mitigations"]["figures"]["system_call_ns"] > 0')" = True ]
    [ "$(of_json 'f["frequency"]["figures"]["spread"] is None or f["frequency"]["figures"]["spread"] >= 0')" = True ]
    [ "$(of_json 'f["other load"]["figures"]["seconds"] >= 1')" = True ]
    [ "$(of_json 'd["summary"]["first"] is None or f[d["summary"]["first"]]["rating"] == "harms"')" = True ]
}

@test "a signal ends measuring, not the report" {
    for signal in INT TERM; do
        env --default-signal=INT,TERM "$(command -v tare)" doctor --format json >out 2>err 3>&- &
        pid=$!
        started+=("$pid")
        await catches_signals "$pid"
        kill -$signal "$pid"
        wait "$pid" || fail "exit code $?" "$(cat err)"
        output=$(<out)
        [ "$(of_json 'd["incomplete"]')" = True ] || fail "it was not interrupted" "$output"
        [ "$(of_json 'f["frequency"]["value"]')" = "not measured: it was interrupted" ]
        [ "$(of_json 'len(d["findings"])')" = "${#names[@]}" ]
    done
}

catches_signals() { # SIGINT and SIGTERM are caught, by tare and not by the shell that is about to become it
    local mask
    [ "$(<"/proc/$1/comm")" = tare ] || return
    mask=$(sed -n 's/^SigCgt:\t//p' "/proc/$1/status")
    (((0x$mask & 0x4002) == 0x4002))
}

@test "Ctrl-C on a terminal, too" {
    run -0 on_terminal --at "measuring 1 of 3" ^C tare doctor
    expect output "$output" "*not measured: it was interrupted*tare: interrupted: what was not measured is unknown*"
}

@test "progress on a terminal" {
    run -0 on_terminal tare doctor
    expect output "$output" $'*measuring 1 of 3: *\033[K*'
    run -0 on_terminal tare doctor --quick
    [[ $output != *measuring\ 1* ]] || fail "progress without measuring" "$output"
}

@test "as wide as the terminal" {
    make_machine
    for columns in 60 80; do
        run -0 on_terminal --columns $columns tare doctor --quick
        lines=$(tr -d '\r' <<<"$output" | grep -vE '^        (echo|sudo|setarch) ')
        [ "$(wc -L <<<"$lines")" -le $columns ] || fail "wider than $columns" "$lines"
        [ "$(wc -L <<<"$lines")" -gt $((columns - 15)) ] || fail "narrower than $columns" "$lines"
    done
}

@test "in ASCII where there is no UTF-8" {
    LC_ALL=C run -0 --separate-stderr tare doctor
    ! LC_ALL=C grep -q '[^ -~]' <<<"$output" || fail "not ASCII" "$output"
}

@test "settings are read below TARE_ROOT" {
    make_machine
    run -0 --separate-stderr tare doctor --quick --format json
    [ "$(of_json 'f["governor"]["rating"], f["governor"]["value"]')" = "('harms', 'powersave (driver intel_pstate)')" ]
    [ "$(of_json 'f["governor"]["command"]')" = "echo performance | sudo tee $cpu/cpufreq/policy*/scaling_governor" ]
    [ "$(of_json 'f["turbo"]["value"], f["turbo"]["command"]')" = "('on', 'echo 1 | sudo tee $cpu/intel_pstate/no_turbo')" ]
    [ "$(of_json 'f["SMT"]["rating"], f["huge pages"]["rating"], f["NMI watchdog"]["rating"]')" = "('note', 'note', 'note')" ]
    [ "$(of_json 'f["clocksource"]["rating"], f["cgroup quota"]["rating"]')" = "('unknown', 'unknown')" ]
    expect summary "$(of_json 'd["summary"]["text"]')" "* harm* measurements here, first of all *"
}

@test "--fix prints commands that a shell can run, and changes nothing" {
    make_machine
    before=$(contents)
    run -0 --separate-stderr tare doctor --fix
    [ "$before" = "$(contents)" ]
    expect output "$output" "echo performance >$cpu/cpufreq/policy0/scaling_governor
echo performance >$cpu/cpufreq/policy1/scaling_governor
echo 1 >$cpu/intel_pstate/no_turbo
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
echo 0 >/proc/sys/kernel/nmi_watchdog
echo 1 >/proc/sys/kernel/perf_event_paranoid"
    sed "s| >| >$TARE_ROOT|" <<<"$output" | sh -e
    run -0 --separate-stderr tare doctor --fix
    [ -z "$output" ]
    expect stderr "$stderr" "tare: nothing to set: *"
    run -0 --separate-stderr tare doctor --fix --format json
    [ "$(of_json 'd["schema"], d["action"], d["commands"]')" = "('tare-tune', 'fix', [])" ]
    run -0 --separate-stderr tare doctor --quick --format json
    [ "$(of_json 'f["governor"]["rating"], f["turbo"]["rating"], f["huge pages"]["rating"], f["NMI watchdog"]["rating"]')" = \
        "('fine', 'fine', 'fine', 'fine')" ]
}

@test "--apply saves and sets, --restore puts everything back" {
    make_machine
    put /sys/kernel/mm/transparent_hugepage/enabled always
    before=$(contents)
    run -0 --separate-stderr tare doctor --apply
    [ -z "$stderr" ]
    expect output "$output" "$cpu/cpufreq/policy0/scaling_governor: powersave -> performance
*
/proc/sys/kernel/perf_event_paranoid: 4 -> 1
to put it back: tare doctor --restore (saved in '$TARE_ROOT/run/tare/tuned')"
    [ "$(get $cpu/cpufreq/policy1/scaling_governor)" = performance ]
    [ "$(get $cpu/intel_pstate/no_turbo)" = 1 ]
    run -0 --separate-stderr tare doctor --fix --apply # the same
    [ "$output" = "nothing to set: what can be set here is as it should be" ]
    run -0 --separate-stderr tare doctor --restore
    [ "$before" = "$(contents)" ] || fail "not as before" "$(diff <(echo "$before") <(contents))"
    [ "${#lines[@]}" -eq 6 ]
    run -0 --separate-stderr tare doctor --restore
    [ "$output" = "nothing to put back: nothing is saved in '$TARE_ROOT/run/tare/tuned'" ]
}

@test "what somebody else has set meanwhile is left alone, with the command that would set it" {
    make_machine
    export TARE_STATE=$PWD/folder/state
    tare doctor --apply >/dev/null
    put $cpu/cpufreq/policy0/scaling_governor ondemand
    run -0 --separate-stderr tare doctor --restore
    expect output "$output" "*
$cpu/cpufreq/policy0/scaling_governor: left at ondemand, which somebody else has set; it was powersave:
  echo powersave | sudo tee $cpu/cpufreq/policy0/scaling_governor"
    [ "$(get $cpu/cpufreq/policy0/scaling_governor)" = ondemand ]
    [ "$(get $cpu/cpufreq/policy1/scaling_governor)" = powersave ]
    [ ! -e "$TARE_STATE" ]
}

@test "in a folder that others may write, nothing is saved" {
    make_machine
    export TARE_STATE=$PWD/folder/state
    before=$(contents)
    mkdir folder
    chmod 777 folder
    for action in --apply --restore; do
        run -2 --separate-stderr tare doctor $action
        [ -z "$output" ]
        expect stderr "$stderr" "tare: the folder of '$TARE_STATE' cannot be trusted: another user's, or others may write it: nothing was changed; name a file elsewhere with TARE_STATE"
    done
    [ "$(contents)" = "$before" ]
    [ -z "$(ls folder)" ]
    chmod 1777 folder
    run -0 --separate-stderr tare doctor --apply
    run -0 --separate-stderr tare doctor --restore
}

@test "killed while it sets: --restore puts back what was set by then" {
    make_machine
    before=$(contents | grep -v hugepage)
    # As --apply leaves it when it dies between two settings: all is saved, the first ones are set.
    tare doctor --apply >/dev/null
    put /proc/sys/kernel/nmi_watchdog 1
    put /proc/sys/kernel/perf_event_paranoid 4
    run -0 --separate-stderr tare doctor --restore --format json
    [ "$(of_json '[x["outcome"] for x in d["changes"] if "kernel/" in x["path"]]')" = "['same', 'same', 'set']" ]
    [ "$before" = "$(contents | grep -v hugepage)" ]
}

@test "one that cannot be set: a line, a code, and all is as it was" {
    make_machine
    before=$(contents)
    rm "$TARE_ROOT$cpu/intel_pstate/no_turbo"
    # Reads "allow"; takes only "allow" and "deny".
    [ "$(cat /proc/self/setgroups 2>&1)" = allow ] || skip "no /proc/self/setgroups"
    ln -sf /proc/self/setgroups "$TARE_ROOT$cpu/cpufreq/policy1/scaling_governor"
    run -2 --separate-stderr tare doctor --apply
    expect output "$output" "$cpu/cpufreq/policy0/scaling_governor: put back to powersave
$cpu/cpufreq/policy1/scaling_governor: did not take performance: *"
    expect stderr "$stderr" "tare: '$cpu/cpufreq/policy1/scaling_governor' cannot be set: *: everything is as it was"
    rm "$TARE_ROOT$cpu/cpufreq/policy1/scaling_governor"
    put $cpu/cpufreq/policy1/scaling_governor powersave
    put $cpu/intel_pstate/no_turbo 0
    [ "$before" = "$(contents)" ]
}

@test "--apply without permission: one line, and nothing is changed" {
    command -v setpriv >/dev/null || [ "$(id -u)" -ne 0 ] || skip "no setpriv to become another user with"
    make_machine
    chmod -R a+rX,a-w "$TARE_ROOT"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
    before=$(contents)
    as_other=()
    [ "$(id -u)" -ne 0 ] || as_other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${as_other[@]}" cat "$TARE_ROOT$cpu/online" >/dev/null || skip "another user cannot read what the test makes"
    "${as_other[@]}" tare --version >/dev/null || skip "another user cannot run what was built"
    run -2 --separate-stderr "${as_other[@]}" tare doctor --apply
    [ -z "$output" ]
    expect stderr "$stderr" "tare: cannot write '$cpu/cpufreq/policy0/scaling_governor': Permission denied: nothing was changed; run it as root"
    [ "$before" = "$(contents)" ]
    [ ! -e "$TARE_ROOT/run/tare" ]
    chmod -R u+w "$TARE_ROOT"
}

@test "--apply on the real machine without permission: the same" {
    [ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null || skip "no setpriv to become another user with"
    as_other=()
    [ "$(id -u)" -ne 0 ] || as_other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${as_other[@]}" tare --version >/dev/null || skip "another user cannot run what was built"
    export TARE_STATE=$PWD/state
    [ -n "$(tare doctor --fix 2>/dev/null)" ] || skip "there is nothing to set on this machine"
    run -2 --separate-stderr "${as_other[@]}" tare doctor --apply
    [ -z "$output" ]
    expect stderr "$stderr" "tare: cannot write '/*': *: nothing was changed; *"
    [ ! -e state ]
}

@test "a damaged file of saved settings: one line, nothing is changed, nothing is lost" {
    make_machine
    tare doctor --apply >/dev/null
    truncate -s -3 "$TARE_ROOT/run/tare/tuned"
    put /proc/sys/kernel/nmi_watchdog 1
    before=$(contents)
    for option in --restore --apply; do
        run -2 --separate-stderr tare doctor $option
        [ -z "$output" ]
        expect stderr "$stderr" "tare: '$TARE_ROOT/run/tare/tuned' is damaged, or no list of saved settings: nothing was changed; *"
        [ "$before" = "$(contents)" ]
    done
    chmod 666 "$TARE_ROOT/run/tare/tuned"
    run -2 --separate-stderr tare doctor --restore
    expect stderr "$stderr" "tare: '$TARE_ROOT/run/tare/tuned' cannot be trusted: *"
    export TARE_STATE=$PWD/no/such/folder/state
    run -2 --separate-stderr tare doctor --apply
    expect stderr "$stderr" "tare: cannot save settings in '$TARE_STATE': No such file or directory: name another file with TARE_STATE"
    [ "$before" = "$(contents)" ]
}

@test "after a restart there is nothing to put back" {
    make_machine
    tare doctor --apply >/dev/null
    put /proc/sys/kernel/random/boot_id 99999999-2222-3333-4444-555555555555
    before=$(get $cpu/cpufreq/policy0/scaling_governor)
    run -0 --separate-stderr tare doctor --restore
    [ "$output" = "nothing to put back: the machine was restarted since, and its settings with it" ]
    [ "$(get $cpu/cpufreq/policy0/scaling_governor)" = "$before" ]
    [ ! -e "$TARE_ROOT/run/tare/tuned" ]
}

@test "what cannot go together: one line" {
    make_machine
    before=$(contents)
    refused() { # MESSAGE ARGUMENT...
        run -2 --separate-stderr tare doctor "${@:2}"
        [ -z "$output" ]
        [ "$(wc -l <<<"$stderr")" -eq 1 ] || fail "tare doctor ${*:2}" "$stderr"
        expect "tare doctor ${*:2}" "$stderr" "tare: $1"
    }
    refused "'--restore' undoes what '--apply' does: *" --apply --restore
    refused "'--restore' undoes what '--fix' does: *" --fix --restore
    refused "'--apply' is for the machine: it cannot go with the program 'scenes'" --apply scenes
    refused "'--restore' is for the machine: *" --restore scenes
    refused "'--fix' cannot go with '--against': *" --fix --against r.json
    refused "'--against' compares machines: *'scenes'" --against r.json scenes
    refused "'plain' is one word too many: *" scenes plain
    refused "unknown format 'csv': *" --format csv
    refused "unknown option '--aply': did you mean '--apply'*" --aply
    refused "option '--against' needs an argument" --against
    [ "$before" = "$(contents)" ]
}

@test "output that cannot be written: a message and a code" {
    for format in table json; do
        run -2 bash -c "tare doctor --quick --format $format 2>&1 >/dev/full"
        expect output "${lines[0]}" "tare: cannot write to standard output*"
    done
}
