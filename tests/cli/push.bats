#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare serve --push: what it sends, keeps, says, and what arrives across a kill -9. push_victoria.bats has a real store.

load common
load serve_helpers

# pushed COUNT: so many batches have arrived at the sink.
pushed() {
    [ "$(grep -c '^# ' sink.txt)" -ge "$1" ]
}

# start_sink CODE...: a server that takes what is pushed into sink.txt. $sink is its address.
start_sink() {
    local fifo=$BATS_TEST_TMPDIR/sink.fifo interpreter=/usr/bin/python3
    [ -x "$interpreter" ] || interpreter=python3
    mkfifo "$fifo"
    # No function: what is killed in the end is the server, and not a shell that waits for it.
    "$interpreter" "$here/serve_client.py" sink sink.txt "$@" 3>&- >"$fifo" &
    started+=("$!")
    read -r -t 30 sink <"$fifo"
}

@test "pushing: in order, each once; a 5xx is tried again, what is not understood is dropped and said" {
    needs_push
    start instruments
    program=$pid
    touch sink.txt
    start_sink 503 400
    begin_serving --push "$sink" --push-dir spool --push-interval 0.2 "$program"
    await pushed 8
    ask_for 200 GET /metrics
    expect metrics "$body" $'*\ntare_push_refused_total 1\n*'
    end_serving
    grep -q "^tare: warning: cannot push to '$sink': it answered 503: batches are kept in 'spool'$" serve.err
    grep -q "^tare: warning: '$sink' refused a batch, which is lost: it answered 400$" serve.err
    [ "$(grep -c "cannot be asked what has arrived" serve.err)" = 1 ]
    python - <<'END'
import re
last, taken = 0, 0
for batch in re.split(r"^# ", open("sink.txt").read(), flags=re.M)[1:]:
    code, _, text = batch.partition("\n")
    times = {int(line.rsplit(" ", 1)[1]) for line in text.splitlines()}
    assert len(times) == 1, times
    time = times.pop()
    if code == "204":
        assert time > last, "out of order, or twice"
        last = time
        taken += 1
    assert re.search(r"^panel_beats_total\{.*\} \d+ \d+$", text, re.M), text[:500]
assert taken >= 6
END
}

@test "pushing: an answer that says nothing of the batch loses none, and is said once" {
    needs_push
    start instruments
    program=$pid
    touch sink.txt
    start_sink 401 401 403 404 302 429
    begin_serving --push "$sink" --push-dir spool --push-interval 0.2 "$program"
    await pushed 9
    ask_for 200 GET /metrics
    expect metrics "$body" $'*\ntare_push_refused_total 0\n*'
    end_serving
    for code in 401 403 404 302 429; do
        [ "$(grep -c "^tare: warning: cannot push to '$sink': it answered $code: batches are kept in 'spool'$" serve.err)" = 1 ]
    done
    # The first batch is the one that was turned away six times.
    python - <<'END'
import re
batches = re.split(r"^# ", open("sink.txt").read(), flags=re.M)[1:]
times = [{line.rsplit(" ", 1)[1] for line in batch.partition("\n")[2].splitlines()} for batch in batches]
assert all(t == times[0] for t in times[:7]), times[:8]
assert times[7] != times[0]
END
}

@test "pushing: refusals of many batches are said once" {
    needs_push
    start instruments
    program=$pid
    touch sink.txt
    start_sink 400 413 422 400 400 400
    begin_serving --push "$sink" --push-dir spool --push-interval 0.1 "$program"
    await pushed 8
    end_serving
    [ "$(grep -c "refused a batch, which is lost" serve.err)" = 1 ]
    grep -q "^tare: warning: '$sink' refused 5 batches, which are lost: since that was said last$" serve.err
}

@test "pushing: credentials are in a file, and in no message" {
    needs_push
    start instruments
    program=$pid
    touch sink.txt
    start_sink 503
    echo 'me:secret word' >auth
    chmod 644 auth
    run -2 tare serve --listen 127.0.0.1:0 --push "$sink" --push-auth auth
    [ "$output" = "tare: others may read the credentials in 'auth': chmod 600 it" ]
    chmod 600 auth
    begin_serving --push "$sink" --push-auth auth --push-dir spool --push-interval 0.2 "$program"
    await grep -q '^# 204 Basic bWU6c2VjcmV0IHdvcmQ=$' sink.txt
    end_serving
    echo 'abc.def' >auth
    begin_serving --push "$sink" --push-auth auth --push-dir spool --push-interval 0.2 "$program"
    await grep -q '^# 204 Bearer abc.def$' sink.txt
    end_serving
    begin_serving --push "http://me:hidden@${sink#http://}" --push-dir spool --push-interval 0.2 "$program"
    await grep -q '^# 204 Basic bWU6aGlkZGVu$' sink.txt
    end_serving
    grep -q "^tare: warning: who can list processes sees the credentials for '$sink': use --push-auth$" serve.err
    run -2 tare serve --listen 127.0.0.1:0 --push ftp://me:hidden@127.0.0.1/ --push-dir other
    [[ $output != *hidden* ]]
    begin_serving --push http://me:hidden@127.0.0.1:1/x --push-dir other "$program"
    await grep -q "cannot push to 'http://127.0.0.1:1/x'" serve.err
    end_serving
    [[ $(cat serve.err) != *hidden* ]]
}

@test "pushing: options that are nothing without it" {
    needs_server
    for option in '--push-dir x' '--push-interval 1' '--push-size 1' '--push-auth x' '--push-ask x'; do
        # shellcheck disable=SC2086 # two words
        run -2 tare serve --listen 127.0.0.1:0 $option
        [ "$output" = "tare: '${option% *}' is for pushing: give --push, too" ]
    done
}

@test "pushing: a spool is used by one, and addresses that are none" {
    needs_push
    start instruments 50
    begin_serving --push http://127.0.0.1:1/ --push-dir spool "$pid"
    run -2 tare serve --listen 127.0.0.1:0 --push http://127.0.0.1:1/ --push-dir spool
    [ "$output" = "tare: the spool 'spool' is used by another tare: end that one, or give another --push-dir" ]
    run -2 tare serve --listen 127.0.0.1:0 --push ftp://127.0.0.1/ --push-dir other
    expect output "$output" "tare: 'ftp://127.0.0.1/' is no address to push to: *"
    run -2 tare serve --listen 127.0.0.1:0 --push http://127.0.0.1:1/ --push-ask ftp://me:hidden@127.0.0.1/ --push-dir other
    expect output "$output" "tare: 'ftp://127.0.0.1/' is no address to ask at: *"
    touch file
    run -2 tare serve --listen 127.0.0.1:0 --push http://127.0.0.1:1/ --push-dir file
    expect output "$output" "tare: cannot use the spool 'file': *"
}

# spool_holds COUNT: batches, at least.
spool_holds() {
    [ "$(cat spool/*.spool | grep -ac TSP1)" -ge "$1" ]
}

@test "pushing: what is damaged in the spool is said with how many, and all else is sent" {
    needs_push
    start instruments
    program=$pid
    touch sink.txt
    begin_serving --push http://127.0.0.1:1/ --push-dir spool --push-interval 0.1 "$program"
    await spool_holds 8
    end_serving
    # A byte of the second batch, and one of the fourth's header.
    python - spool/*.spool <<'END'
import sys
assert len(sys.argv) == 2, sys.argv
with open(sys.argv[1], "r+b") as file:
    data, at, starts = file.read(), 0, []
    while at < len(data):
        starts.append(at)
        at += 32 + int.from_bytes(data[at + 4:at + 8], "little")
    for place in (starts[1] + 40, starts[3] + 5):
        file.seek(place)
        file.write(bytes([data[place] ^ 1]))
    times = [int.from_bytes(data[at + 16:at + 24], "little") for at in starts]
    open("expected", "w").write("".join("%d\n" % t for i, t in enumerate(times) if i not in (1, 3)))
    open("gone", "w").write("%d\n%d\n" % (times[1], times[3]))
END
    start_sink
    begin_serving --push "$sink" --push-dir spool --push-interval 0.1 "$program"
    await pushed "$(($(wc -l <expected) + 1))"
    ask_for 200 GET /metrics
    expect metrics "$body" $'*\ntare_push_dropped_total 2\n*'
    end_serving
    grep -q "^tare: warning: 2 batches are lost, since what is in the spool 'spool' was cut off or damaged$" serve.err
    grep -v '^#' sink.txt | grep -o ' [0-9]*$' | tr -d ' ' | uniq >arrived
    cmp expected <(head -n "$(wc -l <expected)" arrived)
    run ! grep -xFf gone arrived
}

@test "pushing: a store that stalls keeps nothing off the disk; after a kill -9 all of it arrives, each sample once" {
    needs_push
    start instruments
    program=$pid
    python "$here/push_stall.py" "$program" || fail "$(tail -20 serve.err)"
}
