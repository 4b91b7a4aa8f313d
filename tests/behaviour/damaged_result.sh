#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A result that was cut short or changed is shown, or refused with one line and nothing on standard output: whatever is
# done to it, `tare report` is not killed, and neither writes half of a file nor sends control characters to a terminal.
# shellcheck disable=SC2154 # what helpers/script.bash sets
source "$(dirname "$0")/helpers/script.bash"
needs tare nested
have_python || skip_all "no python3 to damage results with"
PATH=$bin:$helpers:$PATH
cd "$scratch" || exit 1
tare run --per-process -o result.json nested >/dev/null || exit 1

cat >damage.py <<'END'
import random, subprocess, sys
whole = open("result.json", "rb").read()
dice = random.Random(20260)
formats = ("table", "json", "csv", "markdown")
shown = refused = 0

def try_one(what, data, must_fail=False):
    global shown, refused
    format = formats[(shown + refused) % len(formats)]
    with open("damaged.json", "wb") as out:
        out.write(data)
    done = subprocess.run(["tare", "report", "--all", "--format", format, "damaged.json"], capture_output=True,
                          timeout=20)
    lines = done.stderr.split(b"\n")
    if done.returncode == 0:
        shown += 1
        fine = not must_fail and done.stdout and not done.stderr
    else:
        refused += 1
        fine = done.returncode == 2 and not done.stdout and len(lines) == 2 and lines[1] == b"" and \
            lines[0].startswith(b"tare: cannot read 'damaged.json': ")
    text = (done.stdout + done.stderr).replace(b"\n", b"").replace(b"\r", b"")
    if not fine or any(byte < 0x20 or byte == 0x7f for byte in text):
        print("%s, as %s: code %d, %r, %r" % (what, format, done.returncode, done.stdout[:200], done.stderr[:400]))

def cut():
    end = len(whole.rstrip())
    for size in sorted({end * i // 150 for i in range(150)} | {end - 1, end - 2, 1, 7, 8}):
        try_one("cut at %d" % size, whole[:size], must_fail=True)

def change():
    for _ in range(250):
        at, byte = dice.randrange(len(whole)), dice.choice(b'\0\x1b\xff\x80"{}[],:\\0-9e.t\n')
        try_one("byte %d is %d" % (at, byte), whole[:at] + bytes([byte]) + whole[at + 1:])

def move():
    """Pieces left out, twice, or somewhere else."""
    for _ in range(100):
        a, b = sorted(dice.choices(range(len(whole)), k=2))
        b = min(b, a + dice.randrange(1, 400))
        c = dice.randrange(len(whole))
        try_one("without %d to %d" % (a, b), whole[:a] + whole[b:])
        try_one("%d to %d again at %d" % (a, b, c), whole[:c] + whole[a:b] + whole[c:])

{"cut": cut, "change": change, "move": move}[sys.argv[1]]()
print(shown, refused)
END

# damage HOW: prints complaints, and as the last line how many were shown and refused.
damage() {
    local said
    said=$(python damage.py "$1")
    [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$said"
    read -r shown refused <<<"$(tail -n 1 <<<"$said")"
}

begin_case "whole, it is shown"
check "tare report" tare report result.json >/dev/null

begin_case "cut short"
damage cut
equal "shown" "$shown" 0
check "refused ($refused)" test "$refused" -gt 100

begin_case "with a byte changed"
damage change
check "some shown ($shown), some refused ($refused)" test "$shown" -gt 10 -a "$refused" -gt 10

begin_case "with pieces missing, or twice"
damage move
check "some refused ($refused)" test "$refused" -gt 100

begin_case "on standard input"
head -c 1000 result.json | tare report - >out 2>err
equal "exit code" "${PIPESTATUS[1]}" 2
equal "output" "$(<out)" ""
one_line "errors" err
tare report - <result.json >out 2>err
equal "exit code, whole" $? 0

begin_case "what was there under the name of the output stays"
head -c 1000 result.json >damaged.json
echo old >copy.json
tare report damaged.json -o copy.json 2>err
equal "exit code" $? 2
one_line "errors" err
equal "content" "$(<copy.json)" old

finish
