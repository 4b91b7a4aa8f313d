#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tare history html: the dashboard's file, its data, and the same as Markdown.

load common

# a_past BENCHMARKS RUNS [NAME [SUBJECT]]: in the store history.db, of the project demo.
a_past() {
    needs_history
    export TARE_DB=$PWD/history.db TARE_PROJECT=demo
    python "$here/make_history.py" "$@" >past.json
    tare history import past.json >/dev/null
}

needs_history() {
    tare info --format json | python -c 'import json, sys
libraries = json.load(sys.stdin)["libraries"]
sys.exit(0 if libraries["sqlite3"] and libraries["zlib"] else 1)' || skip "built without SQLite or zlib"
}

# data_of FILE: what is in the page, on standard output; there is one such element.
data_of() {
    python - "$1" <<'END'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
assert len(found) == 1, len(found)
assert "<" not in found[0], "'<' in the data"
sys.stdout.write(found[0])
END
}

# columns.py: columns of the data as lists, whichever form they have.
write_columns() {
    cat >columns.py <<'END'
def wholes(column):
    if isinstance(column, list):
        return column
    steps = [(step, 1) for step in column.get("deltas", [])]
    steps += zip(column.get("steps", [])[::2], column.get("steps", [])[1::2])
    found = []
    for step, times in steps:
        for _ in range(times):
            found.append((found[-1] if found else 0) + step)
    return found


def texts(column, count):
    return [None] * count if column is None else [column["texts"][i] if i >= 0 else None for i in wholes(column["at"])]


def links(commits):
    found = texts(commits["link"], len(commits["id"]))
    return [link and link.replace("{commit}", id) for link, id in zip(found, commits["id"])]
END
}

# The whole page is one document, and every script and style in it is allowed by its own policy.
check_page() {
    python - "$1" <<'END'
import base64, hashlib, re, sys
from html.parser import HTMLParser
text = open(sys.argv[1], encoding="utf-8").read()
seen = []
class Look(HTMLParser):
    def handle_starttag(self, tag, attributes):
        seen.append((tag, dict(attributes)))
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "srcset"), (tag, name)
            if name == "href":
                assert value.startswith(("#", "data:,")), (tag, value)
Look().feed(text)
tags = [tag for tag, _ in seen]
assert tags.count("html") == tags.count("style") == 1, tags
scripts = [attributes for tag, attributes in seen if tag == "script"]
assert [each.get("type") for each in scripts] == ["application/json", "module"], scripts
policy = next(a["content"] for tag, a in seen if a.get("http-equiv") == "Content-Security-Policy")
assert policy.startswith("default-src 'none'"), policy
for tag, kind in (("style", "<style"), ("script", '<script type="module"')):
    body = re.search(kind + r"[^>]*>(.*?)</" + tag + ">", text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    assert "'sha256-" + digest + "'" in policy, (tag, policy)
assert not any(a.get("name") == "tare-live" for tag, a in seen), "a page on disk asks nobody"
assert "<!-- data -->" not in text and "<!-- live -->" not in text
END
}

@test "the page is one document with the data in it, which are what the schema says" {
    a_past 8 100
    tare history html -o perf.html
    check_page perf.html
    data_of perf.html >data.json
    tare history html --data >other.json
    write_columns
    python - "$source_dir/docs/history-page.schema.json" <<'END'
import json, jsonschema, sys
sys.path.insert(0, ".")
from columns import links, texts, wholes
data, other = (json.load(open(name, encoding="utf-8")) for name in ("data.json", "other.json"))
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(data)
assert {**data, "made": ""} == {**other, "made": ""}
assert data["project"] == "demo" and data["title"] == "demo: performance history", data["title"]
assert len(data["series"]) == 8 and data["runs"]["count"] == 100 == len(data["commits"]["id"])
started, commit = (wholes(data["runs"][name]) for name in ("started", "commit"))
assert len(started) == len(commit) == len(wholes(data["runs"]["dirty"])) == 100
assert len(wholes(data["commits"]["time"])) == len(data["commits"]["subject"]) == 100
for name in ("branch", "link", "tool"):
    assert len(texts(data["runs"][name], 100)) == 100, name
for series in data["series"]:
    points = series["points"]
    runs = wholes(points["run"])
    assert len(runs) == 100
    assert all(column is None or len(wholes(column)) == 100 for column in points.values())
    assert all(0 <= run < 100 for run in runs)
    times = [started[run] for run in runs]
    assert times == sorted(times), "oldest first"
    assert all(below > 0 and above > 0 for below, above in zip(points["below"], points["above"]))
past = json.load(open("past.json"))["entries"]["Benchmark"]
assert data["commits"]["id"] == [entry["commit"]["id"] for entry in past]
assert links(data["commits"]) == [entry["commit"]["url"] for entry in past]
assert set(data["commits"]["subject"]) == {"ring: wait less, and never twice"}
zero = next(s for s in data["series"] if "write_0" in s["title"])
for value, entry in zip(zero["points"]["value"], past):
    assert abs(value / entry["benches"][0]["value"] - 1) < 1e-7, value
assert zero["status"] == "regressed", zero["status"]
change = next(c for c in zero["changes"] if c["weight"] == "counts")
assert change["direction"] == "worse" and abs(change["at"] - 50) <= 3 and 1.05 < change["ratio"] < 1.15, change
assert commit[wholes(zero["points"]["run"])[change["at"]]] == change["likely"], change
assert zero["ratio"] == change["ratio"], zero["ratio"]
for i in (0, 99):
    half = float(past[i]["benches"][0]["range"].split()[1])
    for side in ("below", "above"):
        assert half * (1 - 1e-5) <= zero["points"][side][i] <= half * 1.011, (side, i)
steady = next(s for s in data["series"] if "write_1" in s["title"])
assert steady["status"] in ("steady", "changed"), steady["status"]
END
}

@test "the page's own script shows it" {
    [ -d "$source_dir/tests/web/node_modules/playwright-core" ] || skip "no playwright-core: scripts/deps.sh --for test gets it"
    browser=${CHROMIUM:-/usr/bin/chromium}
    [ -x "$browser" ] || skip "no '$browser'"
    a_past 8 100
    tare history html -o perf.html
    HOME=$PWD node - "$source_dir/tests/web/node_modules/playwright-core" "$browser" "$PWD/perf.html" <<'END'
const [, , playwright, executablePath, file] = process.argv;
const {chromium} = require(playwright);
(async () => {
    const browser = await chromium.launch({executablePath, args: ["--no-sandbox"]});
    const page = await browser.newPage();
    const problems = [], asked = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => { if (message.type() === "error") { problems.push(message.text()); } });
    page.on("request", (request) => { if (!/^(file|data|blob):/.test(request.url())) { asked.push(request.url()); } });
    await page.goto("file://" + file);
    await page.waitForFunction(() => document.body.textContent.includes("write_0"), null, {timeout: 30000});
    await browser.close();
    if (problems.length > 0 || asked.length > 0) {
        console.error(problems, asked);
        process.exit(1);
    }
})().catch((error) => { console.error(error); process.exit(1); });
END
}

@test "names, subjects and titles that try to be markup stay text" {
    a_past 3 12 '</script><script>alert({})</script><!-- "&amp;' '<img src=x onerror=alert(1)> </SCRIPT>'
    tare history html -o perf.html --title '</title><script>alert(2)</script>'
    check_page perf.html
    data_of perf.html | python -c 'import json, sys
data = json.load(sys.stdin)
assert data["title"] == "</title><script>alert(2)</script>"
assert any("</script><script>alert(0)</script>" in s["title"] for s in data["series"]), data["series"][0]["title"]
assert set(data["commits"]["subject"]) == {"<img src=x onerror=alert(1)> </SCRIPT>"}'
    run -0 tare history html --markdown --title '# <b>[x](http://evil) @all'
    expect heading "${lines[0]}" '### \# &lt;b&gt;\[x\](http\://evil) \@all'
    [[ $output != *'<script'* && $output != *'<img'* ]] || fail "markup came through" "$output"
}

@test "links: of http alone, a commit's own or by --link-commit" {
    a_past 1 12
    write_columns
    tare history html --data --link-commit 'https://host/x/commit/{commit}' | python -c 'import json, sys
sys.path.insert(0, ".")
from columns import links
commits = json.load(sys.stdin)["commits"]
assert links(commits) == ["https://host/x/commit/" + id for id in commits["id"]], commits["link"]'
    for address in 'javascript:{commit}' 'https://host/x' 'ftp://host/{commit}' 'https://ho st/{commit}'; do
        run -2 tare history html --data --link-commit "$address"
        [ "$output" = "tare: '$address' is no address of commits: it begins with http:// or https://, and has {commit} in it" ]
    done
    sed -i 's|"url": "https://[^"]*"|"url": "javascript:alert(1)"|g' past.json
    TARE_DB=$PWD/other.db tare history import past.json >/dev/null
    TARE_DB=$PWD/other.db tare history html --data >data.json
    python -c 'import json
assert json.load(open("data.json"))["commits"]["link"] is None'
}

@test "patterns and the rule: what is asked for, and nothing else" {
    a_past 8 100
    tare history html --data '*write_3*' --margin 2% --alpha 0.005 --window 20 >data.json
    python -c 'import json
data = json.load(open("data.json"))
assert [s["title"] for s in data["series"]] == [s["title"] for s in data["series"] if "write_3" in s["title"]]
assert len(data["series"]) == 1
rule = data["rule"]
assert (rule["margin"], rule["alpha"], rule["window"]) == (0.02, 0.005, 20), rule'
    run -2 tare history html --data '*nothing-is-called-so*'
    [ "${#lines[@]}" -le 2 ]
}

@test "two branches in one store: html judges what check judges, and says which" {
    a_past 1 60
    # The same commits measured twice: on main it got worse in the middle; on a branch, measured later, it did not.
    python - <<'END'
import json
past = json.load(open("past.json"))
for n, entry in enumerate(past["entries"]["Benchmark"]):
    entry["date"] += 7 * 86400000
    for bench in entry["benches"]:
        bench["value"] = 80 + n % 3 * 0.5
json.dump(past, open("topic.json", "w"))
END
    rm history.db
    tare history import past.json --branch main >/dev/null
    tare history import topic.json --branch topic >/dev/null
    for branch in '' main topic; do
        code=0
        tare history check ${branch:+--branch "$branch"} --format json >check.json || code=$?
        tare history html ${branch:+--branch "$branch"} --data >data.json
        tare history html ${branch:+--branch "$branch"} --markdown >page.md
        python - "${branch:-topic}" "$code" <<'END'
import json, sys
branch, code = sys.argv[1], int(sys.argv[2])
check, data = (json.load(open(name)) for name in ("check.json", "data.json"))
assert data["rule"]["branch"] == branch == check["branch"], (data["rule"], check["branch"])
[mine], [theirs] = data["series"], check["series"]
worse = branch == "main"
assert mine["status"] == theirs["status"] == ("regressed" if worse else "steady"), (branch, mine["status"])
assert code == (1 if worse else 0), code
assert len(mine["points"]["value"]) == 60, "of one branch"
assert f"\nBranch {branch}. " in open("page.md").read()
END
    done
}

@test "series that never changed are counted alone in the Markdown" {
    a_past 3 12
    python - <<'END'
import json
past = json.load(open("past.json"))
for entry in past["entries"]["Benchmark"]:
    for bench in entry["benches"][1:]:
        bench["value"] = 64
json.dump(past, open("past.json", "w"))
END
    rm history.db
    tare history import past.json >/dev/null
    run -0 tare history html --markdown
    [[ $output == *$'\n2 series never changed.\n'* ]] || fail "not said" "$output"
    [[ $output != *write*_1* ]] || fail "a row of what never changed" "$output"
}

@test "Markdown: what changed first, the rest folded away, and an end where GitHub has it" {
    a_past 8 100
    run -0 tare history html --markdown --link-commit 'https://host/{commit}'
    expect output "$output" '### demo: performance history

?*Worse.*?8 series: 2 regressed*
| ??regressed?? | *ring::write\_? *| +*.? % (+*.? % to +*.? %)*](<https://host/*>)*
<summary>? without a change that counts</summary>*
What counts: changes in the newest 50 points*'
    rm history.db
    a_past 900 12 'a rather long name of a benchmark, so that all of them are too long together {}'
    tare history html --markdown -o long.md
    python - <<'END'
text = open("long.md", encoding="utf-8").read()
assert 50000 < len(text) <= 65536, len(text)
rows = sum(line.startswith("| ") for line in text.splitlines())
assert " more series are left out, as this would be too long." in text
assert all(line.endswith("|") for line in text.splitlines() if line.startswith("|")), "a row was cut"
assert text.rstrip().endswith("interval."), text[-200:]
END
}

@test "where it goes: a file that is whole or not there, standard output, a full disk" {
    a_past 2 12
    run -2 tare history html
    [ "$output" = "tare: where to? give -o FILE, as in 'tare history html -o perf.html'; '-o -' is standard output" ]
    run -2 tare history html --markdown --data
    [ "$output" = "tare: '--markdown' and '--data' are two things: give one of them" ]
    tare history html -o - >page.html
    check_page page.html
    run -2 tare history html -o no/such/folder.html
    expect output "$output" "tare: cannot create 'no/such/folder.html': *"
    [ -c /dev/full ] || skip "no /dev/full"
    for what in --data --markdown '-o -'; do
        # shellcheck disable=SC2086 # two words
        run -2 --separate-stderr bash -c "tare history html $what >/dev/full"
        expect stderr "$stderr" "tare: cannot write to standard output: *"
    done
    echo old >perf.html
    run -2 bash -c 'ulimit -f 64; tare history html -o perf.html' # KiB: the page is larger
    expect output "$output" "tare: cannot write 'perf.html': *"
    [ "$(cat perf.html)" = old ]
    [ -z "$(compgen -G 'perf.html.*')" ] || fail "a part was left behind" "$(ls)"
    run -2 env TARE_DB="$PWD/none.db" tare history html -o other.html
    [ ! -e other.html ] && [ ! -e none.db ]
}
