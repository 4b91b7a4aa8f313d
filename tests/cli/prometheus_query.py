# SPDX-License-Identifier: MIT
"""Asks a Prometheus: prometheus_query.py URL ready TARGET | value EXPRESSION | count EXPRESSION | metadata FAMILY | targets

Ready is the one that was told to scrape TARGET, and not another one that has got its port. A value is that of the only
series there is; count is how many there are; metadata is the type and the unit; targets are what is scraped, and what
was wrong with the last scrape.
"""
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(path):
    with opener.open(sys.argv[1] + path, timeout=10) as answer:
        return answer.read()


def main():
    try:
        if sys.argv[2] == "ready":
            get("/-/ready")
            if sys.argv[3] not in json.loads(get("/api/v1/status/config"))["data"]["yaml"]:
                sys.exit("another one")
            return
        if sys.argv[2] == "targets":
            for target in json.loads(get("/api/v1/targets"))["data"]["activeTargets"]:
                print(target["scrapeUrl"], target["health"], target["lastError"])
            return
        if sys.argv[2] == "metadata":
            answer = json.loads(get("/api/v1/targets/metadata?" + urllib.parse.urlencode({"metric": sys.argv[3]})))
            print(*sorted({one["type"] + " " + one["unit"] for one in answer["data"]}), sep="\n")
            return
        answer = json.loads(get("/api/v1/query?" + urllib.parse.urlencode({"query": sys.argv[3]})))
    except (urllib.error.URLError, OSError) as error:
        sys.exit(f"no answer: {error}")
    result = answer["data"]["result"]
    if sys.argv[2] == "count":
        print(len(result))
        return
    if len(result) != 1:
        sys.exit(f"{len(result)} series for {sys.argv[3]}")
    print(result[0]["value"][1])


main()
