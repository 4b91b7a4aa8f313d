#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare profile: what it says of samples that are lost and stacks that are cut, and that it advises nothing that is no help.

load common
load profile_helpers

@test "profile: with events that are all taken, what loses fewer is no lower frequency" {
    needs_perf
    fake_perf <<END
#!/bin/sh
[ "\$1" = script ] && echo 'sh 5/5 1.000000001: PERF_RECORD_LOST lost 7'
exec $(command -v perf) "\$@"
END
    run -0 --separate-stderr tare profile --mode fp -e page-faults -o p.json -- sh -c true
    expect notes "$(in_profile p.json 'r["notes"]')" "*perf lost 7 samples or records, as its memory was full: each event is taken, and -F takes fewer'*"
    run -0 --separate-stderr tare profile --mode dwarf -o p.json -- sh -c "$busy"
    expect notes "$(in_profile p.json 'r["notes"]')" "*perf lost 7 samples or records, as its memory was full: a lower frequency or a smaller --stack-size loses fewer'*"
}

# What is behind the kernel's last tick of one thread is chance, and no matter of threads that are short.
@test "profile: a program of one thread has no threads that are too short" {
    needs_sampler
    cat >short.c <<'END'
#include <time.h>
int main(void) {
    struct timespec taken = {0};
    while (taken.tv_nsec < 57000000 && taken.tv_sec == 0) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &taken);
    }
}
END
    cc -O1 short.c -o short
    for _ in 1 2 3 4 5 6; do
        run -0 --separate-stderr tare profile --mode built-in -o p.json -- ./short
        [[ $(in_profile p.json 'r["notes"]') != *"in no sample"* ]]
    done
    run -0 --separate-stderr tare profile --mode built-in -F 9999 -o p.json -- ./short
    [[ $(in_profile p.json 'r["notes"]') != *"too short for the kernel"* ]]
}

# A stack of more than --stack-size.
make_deep() {
    cat >deep.c <<'END'
#include <string.h>
volatile unsigned long sum;
__attribute__((noinline)) void loop(void) {
    for (unsigned long i = 0; i < 100000000; i++) {
        sum += i;
    }
}
__attribute__((noinline)) void far_up(void) {
    volatile char room[20000];
    memset((char *)room, 1, sizeof room);
    loop();
    sum += room[0];
}
int main(void) {
    far_up();
    return 0;
}
END
    cc -O1 -g deep.c -o deep "$@"
}

@test "profile: where most of dwarf's stacks are cut, what would reach further is named" {
    needs_sampler
    needs_perf
    make_deep -fomit-frame-pointer
    run -0 --separate-stderr tare profile --mode dwarf -o p.json -- ./deep
    expect notes "$(in_profile p.json 'r["notes"]')" "*than the 8192 bytes that were copied (--stack-size takes more); --mode built-in copies nothing, and may reach it*"
    run -0 --separate-stderr tare profile --mode dwarf --stack-size 32768 -o p.json -- ./deep
    [[ $(in_profile p.json 'r["notes"]') != *"--mode built-in"* ]]
}

@test "profile: unwind tables that perf may pass over are not counted on" {
    needs_perf
    make_deep -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables
    run -0 --separate-stderr tare doctor ./deep
    expect doctor "$output" "*dwarf*unknown: only .debug_frame describes all of it,*"
    for mode in auto dwarf; do
        run -0 --separate-stderr tare profile --mode $mode -o p.json -- ./deep
        expect notes "$(in_profile p.json 'r["notes"]')" "*callers may be missing*only .debug_frame describes all of it, which perf may pass over*"
        [[ $(in_profile p.json 'r["notes"]') != *"--stack-size"* ]]
        [[ $(in_profile p.json 'r["notes"]') != *"better: --mode"* ]]
    done
}

@test "profile: of a static program no mode is advised that cannot work" {
    needs_perf
    make_deep -fomit-frame-pointer -static 2>/dev/null || skip "the C library cannot be linked statically here"
    run tare doctor ./deep
    [[ $output == *"but not .eh_frame_hdr"* ]] || skip "static programs have .eh_frame_hdr here"
    run -0 --separate-stderr tare profile -o p.json -- ./deep
    [ "$(in_profile p.json 'p["mode"]')" = fp ]
    [[ $(in_profile p.json 'r["notes"]') != *"--mode dwarf"* ]]
    run -0 --separate-stderr tare profile --mode dwarf -o p.json -- ./deep
    [[ $(in_profile p.json 'r["notes"]') != *"--stack-size"* ]]
}

@test "profile: a perf that does nothing is given up, and the program runs" {
    needs_sampler
    fake_perf <<'END'
#!/bin/sh
exec sleep 300
END
    run -0 --separate-stderr tare profile -F 997 -o p.json -- sh -c "$busy"
    [ "$(in_profile p.json 'p["mode"]')" = built-in ]
    expect reason "$(in_profile p.json 'p["reason"]')" "*/perf' does not say its version: it did nothing for 5 s, and was ended"
}
