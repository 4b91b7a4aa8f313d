# SPDX-License-Identifier: MIT
"""What the sides have in common: the interpreter that the modules were built for, where things lie, and what is asked for.

A module fits one version of Python alone. Beside this file lies `interpreter`, the path of the one that the build found;
started by another one, a side with a module starts that in its own place. ctypes needs nothing that was built, and takes any.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.join(os.path.dirname(HERE), "libbenchlib.so")
VECTORS = os.path.join(os.path.dirname(HERE), "vectors.txt")
USAGE = """\
usage: %s list | run CASE SECONDS | check | verify
  list              names of the cases
  run CASE SECONDS  makes the call for so long, for who wants to look at it: under 'tare profile', say
  check             answers the lines of vectors.txt, from standard input
  verify            whether its answers are those of vectors.txt
Without an argument it is a program for 'tare bench', which starts it with TARE_BENCH_DRIVE in its environment."""


def right_interpreter():
    """Returns if this is the one, or there is no other."""
    try:
        with open(os.path.join(HERE, "interpreter"), encoding="utf-8") as file:
            wanted = file.read().strip()
    except OSError:
        return
    same = os.path.realpath(wanted) == os.path.realpath(sys.executable or "")
    if not same and os.access(wanted, os.X_OK) and "TARE_SUITE_PYTHON_STARTED" not in os.environ:
        # Said once: where the two paths cannot be told to be the same, it would go on for ever.
        environment = dict(os.environ, TARE_SUITE_PYTHON_STARTED="1")
        os.execve(wanted, [wanted, "-sB"] + sys.argv, environment)


def native(module, packages):
    """The binding that is a module of that name."""
    def load():
        from native import Native
        return Native(imported(module, packages))
    return load


def imported(module, packages):
    try:
        return __import__(module)
    except ModuleNotFoundError as error:
        from harness import Skip
        raise Skip("%s (packages %s, and build again)" % (error, packages)) from None


def run_case(known, name, seconds):
    """The exit code."""
    from harness import RAW, Skip, compile_loop, now_of
    case = next((case for case in known if case.name == name), None)
    if case is None:
        print("no case '%s': 'list' names them" % name, file=sys.stderr)
        return 2
    try:
        call = case.make()
    except Skip as reason:
        print("skipped: %s" % reason, file=sys.stderr)
        return 77
    run, count, iterations = compile_loop(call.text, call.names), 1, 0
    began = now_of(RAW)
    while True:
        ns = run(count)
        iterations += count
        elapsed = now_of(RAW) - began
        if elapsed >= seconds * 1e9:
            print("%s: %d calls, %.1f ns each, with the loop" % (name, iterations, elapsed / iterations))
            return 0
        if ns < 1e7:
            count *= 2


def main(load):
    """load() gives the binding, or raises Skip. The exit code."""
    os.environ.pop("TARE_SUITE_PYTHON_STARTED", None)
    from cases import cases
    from harness import Skip, drive
    known = cases(load)
    arguments = sys.argv[1:]
    code = drive(known) if not arguments else None
    if code is not None:
        return code
    if arguments == ["list"]:
        print("\n".join(case.name for case in known))
        return 0
    if arguments in (["check"], ["verify"]):
        from check import check, verify
        try:
            return check(load()) if arguments == ["check"] else verify(load(), VECTORS)
        except Skip as reason:
            print("skipped: %s" % reason, file=sys.stderr)
            return 77
    if len(arguments) == 3 and arguments[0] == "run" and arguments[2].replace(".", "", 1).isdigit():
        return run_case(known, arguments[1], float(arguments[2]))
    print(USAGE % os.path.basename(sys.argv[0]), file=sys.stderr)
    return 2
