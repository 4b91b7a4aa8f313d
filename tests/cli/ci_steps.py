#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the shell steps of a CI template in the current folder, in their order and with what the service would give them.

    ci_steps.py github FILE JOB [NAME=VALUE...]   NAME: what stands in ${{ NAME }}, or a variable of the environment
    ci_steps.py gitlab FILE JOB [NAME=VALUE...]   NAME: a variable that GitLab sets
    ci_steps.py parse FILE...                     only reads them, and looks for what every job has to have

Each step that is run, and each that is left out because it is an action of GitHub's own, is named on standard output, with
what it wrote. Of GitHub's expressions only names are known: one that was not given is an error, so that no step is run with
less than it would have. Exits with the code of the step that failed, or 0; 2 where the template is at fault.
"""
import os
import re
import subprocess
import sys
import tempfile

import yaml


def wrong(message):
    sys.stdout.flush()
    print("ci_steps: " + message, file=sys.stderr)
    sys.exit(2)


def load(path):
    with open(path, encoding="utf-8") as file:
        try:
            document = yaml.safe_load(file)
        except yaml.YAMLError as error:
            wrong("'%s' is not YAML: %s" % (path, error))
    if not isinstance(document, dict):
        wrong("'%s' is not a mapping" % path)
    return document


def shell(script, environment):
    """As both services run one: it ends with the first command that fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(script + "\n")
        file.flush()
        sys.stdout.flush()
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", file.name], env=environment,
                              check=False).returncode


def expand(value, names):
    def one(match):
        name = match.group(1)
        if name not in names:
            wrong("nobody gave '%s'" % name)
        return names[name]
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", one, str(value))


def reached(condition, failed, outcomes):
    """Of a step's `if`, the terms that the templates have, joined by &&. Nothing is cancelled here."""
    match = re.fullmatch(r"\$\{\{(.*)\}\}", str(condition).strip())
    if "!" in str(condition) and not match:
        wrong("'%s' begins with a tag for YAML: put it into ${{ }}" % condition)
    terms = [term.strip() for term in (match.group(1) if match else str(condition)).split("&&")]
    if not {"always()", "!cancelled()"} & set(terms):
        terms.append("success()")  # as GitHub does
    for term in terms:
        asked = re.fullmatch(r"steps\.(\w+)\.outcome == '(success|failure|skipped)'", term)
        if asked and asked.group(1) not in outcomes:
            wrong("'%s' is about no step before it" % condition)
        if asked and outcomes[asked.group(1)] != asked.group(2) or term == "success()" and failed:
            return False
        if not asked and term not in ("always()", "!cancelled()", "success()"):
            wrong("'%s' is no condition that is known here" % term)
    return True


def assignments(path):
    """What a step wrote into $GITHUB_ENV or $GITHUB_OUTPUT; the forms of several lines are not used."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.rstrip("\n").partition("=")
            if not equals:
                wrong("'%s' assigns nothing" % line.rstrip("\n"))
            found[name] = value
    return found


def github(document, job_name, given):
    job = document["jobs"][job_name]
    shells = {job.get("defaults", {}).get("run", {}).get("shell")} | {step.get("shell") for step in job["steps"]} - {None}
    if shells != {"bash"}:
        wrong("the job's shell is not bash, which is what runs it here: %s" % shells)
    names, environment = dict(given), dict(os.environ)
    for name, value in given.items():
        if re.fullmatch(r"[A-Z_]+", name):
            environment[name] = value
    for level in (document, job):
        for name, value in (level.get("env") or {}).items():
            environment.setdefault(name, expand(value, names))  # the caller's count: its benchmarks are faster
    code, outcomes = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        for number, step in enumerate(job["steps"]):
            title = step.get("name") or step.get("uses") or step["run"].splitlines()[0]
            outcomes[step.get("id")] = "skipped"
            if not reached(step.get("if", "success()"), code != 0, outcomes):
                print("-- not reached: %s" % title)
                continue
            outcomes[step.get("id")] = "success"
            if "uses" in step:
                print("-- left out: %s" % step["uses"])
                continue
            print("-- %s" % title)
            own = dict(environment)
            for name, value in (step.get("env") or {}).items():
                own[name] = expand(value, names)
            if "${{" in step["run"]:
                wrong("'%s' has an expression in its script: what others wrote would be run as code" % title)
            for name in ("ENV", "PATH", "OUTPUT"):
                own["GITHUB_" + name] = os.path.join(folder, "%d.%s" % (number, name))
                open(own["GITHUB_" + name], "w", encoding="utf-8").close()
            failed = shell(step["run"], own)
            environment.update(assignments(own["GITHUB_ENV"]))
            with open(own["GITHUB_PATH"], encoding="utf-8") as file:
                for line in file:
                    environment["PATH"] = line.rstrip("\n") + ":" + environment["PATH"]
            if "id" in step:
                for name, value in assignments(own["GITHUB_OUTPUT"]).items():
                    names["steps.%s.outputs.%s" % (step["id"], name)] = value
            if failed:
                outcomes[step.get("id")] = "failure"
            code = code or failed
    return code


def gitlab(document, job_name, given):
    job = dict(document[job_name])
    if "extends" in job:
        job = {**document[job["extends"]], **job}
    environment = {**os.environ, **given}
    for level in (document, job):
        for name, value in (level.get("variables") or {}).items():
            if name not in os.environ:  # the caller's count
                environment[name] = re.sub(r"\$(\w+)", lambda match: environment.get(match.group(1), ""), str(value))
    lines = job.get("before_script", []) + job["script"]
    for line in lines:
        print("-- %s" % line)
    return shell("\n".join(lines), environment)


def parse(path):
    document = load(path)
    if "jobs" in document:
        if True not in document and "on" not in document:  # YAML 1.1 takes the word for a truth value
            wrong("'%s' says not when it runs" % path)
        if document.get("permissions") != {"contents": "read"}:
            wrong("'%s' has more permissions than reading, outside of the job that needs them" % path)
        for name, job in document["jobs"].items():
            if "runs-on" not in job or not job.get("steps"):
                wrong("job '%s' of '%s' has no runner or no steps" % (name, path))
            for step in job["steps"]:
                if ("run" in step) == ("uses" in step):
                    wrong("a step of '%s' has neither or both of run and uses" % path)
                if "uses" in step and not re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]):
                    wrong("'%s' is no action of GitHub's own, with a version" % step["uses"])
    else:
        jobs = [job for name, job in document.items() if name != "variables" and not name.startswith(".")]
        for job in jobs:
            lines = job.get("script")
            if not lines or not all(isinstance(line, str) for line in lines):
                wrong("a script of '%s' is not a list of lines" % path)  # "a: b" would be a mapping
            if not job.get("rules"):
                wrong("a job of '%s' would run in every pipeline" % path)
    print("%s: %s" % (path, ", ".join(document.get("jobs") or [n for n in document if n != "variables"])))


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "parse":
        for path in sys.argv[2:]:
            parse(path)
        return 0
    if len(sys.argv) < 4 or sys.argv[1] not in ("github", "gitlab"):
        wrong(__doc__)
    given = dict(word.split("=", 1) for word in sys.argv[4:])
    return {"github": github, "gitlab": gitlab}[sys.argv[1]](load(sys.argv[2]), sys.argv[3], given)


if __name__ == "__main__":
    sys.exit(main())
