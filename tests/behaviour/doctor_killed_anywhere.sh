#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# `tare doctor --apply` can be killed at any moment, and `--restore`, too: a `--restore` that comes after puts everything
# back. The machine is one of files, below TARE_ROOT.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare "$helpers/kill_at_call"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1
export TARE_ROOT=$scratch/machine
unset TARE_STATE
cpu=sys/devices/system/cpu

put() {
    mkdir -p "machine/$(dirname "$1")"
    printf '%s\n' "$2" >"machine/$1"
}

make_machine() {
    rm -rf machine
    put $cpu/cpufreq/policy0/scaling_governor powersave
    put $cpu/cpufreq/policy0/scaling_available_governors "performance powersave"
    put $cpu/cpufreq/policy0/scaling_max_freq 4000000
    put $cpu/cpufreq/boost 1
    put sys/kernel/mm/transparent_hugepage/enabled always
    put proc/sys/kernel/nmi_watchdog 1
    put proc/sys/kernel/perf_event_paranoid 3
    put proc/sys/kernel/random/boot_id 11111111-2222-3333-4444-555555555555
    mkdir machine/run
}

contents() {
    find machine -type f -exec head -n 1 {} + | sort
}

make_machine
before=$(contents)

begin_case "undisturbed"
tare doctor --apply >out 2>err
equal "exit code" $? 0
set=$(find machine -type f -path '*/scaling_governor' -exec head -n 1 {} +)
equal "the governor" "$set" performance
tare doctor --restore >out 2>err
equal "exit code of --restore" $? 0
equal "the machine" "$(contents)" "$before"

# Each call is two steps, into the kernel and out of it. What a program does to get started is left out: half of all.
first=0
for ((half = 4096; half > 0; half /= 2)); do
    kill_at_call $((first + half)) tare --version >out 2>err && first=$((first + half))
done

begin_case "--apply killed at any system call"
changed=0
for ((n = first; ; n += 2)); do
    make_machine
    kill_at_call "$n" tare doctor --apply >out 2>err
    code=$?
    [ $code -ne 77 ] || skip_all "programs cannot be traced here"
    [ $code -eq 0 ] || break
    [ "$(contents | grep -v tare-tuned)" = "$before" ] || changed=$((changed + 1))
    tare doctor --restore >out 2>err || fail "--restore after $n: $?" "$(<err)"
    [ "$(contents)" = "$before" ] || fail "not as before after $n" "$(diff <(echo "$before") <(contents))"
done
equal "its end" "$code" 3
check "some were killed when it had begun ($changed of $n)" test "$changed" -ge 5

begin_case "--restore killed at any system call"
changed=0
for ((n = first; ; n += 2)); do
    make_machine
    tare doctor --apply >out 2>err
    kill_at_call "$n" tare doctor --restore >out 2>err || break
    [ -e machine/run/tare/tuned ] || changed=$((changed + 1))
    tare doctor --restore >out 2>err || fail "--restore after $n: $?" "$(<err)"
    [ "$(contents)" = "$before" ] || fail "not as before after $n" "$(diff <(echo "$before") <(contents))"
done
check "some were killed when it was done" test "$changed" -ge 1

finish
