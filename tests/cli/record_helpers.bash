# SPDX-License-Identifier: MIT
# What the tests of captures share.

# capture_of FILE EXPRESSION...: values of expressions in python, with c the capture, r the result, i(name) an instrument
# of the first process, and v(name, column) its values.
capture_of() {
    python - "$@" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1]))
c = r["capture"]
def i(name):
    return [x for x in c["processes"][0]["instruments"] if x["name"] == name][0]
def v(name, column):
    return [x["values"] for x in i(name)["series"]["columns"] if x["name"] == column][0]
for expression in sys.argv[2:]:
    print(eval(expression))
PYTHON
}

# refuse MESSAGE ARGUMENTS...: exit code 2, one line of error that matches, and nothing else.
refuse() {
    run -2 --separate-stderr tare record "${@:2}"
    [ -z "$output" ]
    expect stderr "$stderr" "tare: $1"
    [ "$(wc -l <<<"$stderr")" -eq 1 ]
}

# until_recording PID: it has a page open, which it does once signals cannot end it any more without a capture.
until_recording() {
    for _ in {1..600}; do
        [[ $(readlink "/proc/$1/fd/"* 2>/dev/null) != */memfd:* ]] || return 0
        sleep 0.1
    done
    fail "it does not record"
}
