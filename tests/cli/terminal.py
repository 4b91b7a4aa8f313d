#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command on a terminal of its own and prints what it wrote there. Its exit code is ours; 128 + N for a signal.

    terminal.py [--columns N] [--stderr FILE] [--at TEXT KEYS]... COMMAND [ARGUMENT...]

--columns   how wide the terminal is (80)
--stderr    standard error goes into FILE instead of the terminal
--at        once TEXT was written, KEYS are typed: ^C, ^\\, or text. Several come one after the other
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

LIMIT_S = 30
KEYS = {"^C": b"\x03", "^\\": b"\x1c"}


def start(arguments, columns, stderr):
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        attributes = termios.tcgetattr(0)
        attributes[1] &= ~termios.OPOST  # line ends as they were written
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSANOW, attributes)
        if stderr is not None:
            os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
        try:
            os.execvp(arguments[0], arguments)
        except OSError as error:
            sys.stderr.write(f"terminal.py: {arguments[0]}: {error}\n")
        os._exit(127)
    return pid, terminal


def converse(terminal, script):
    """Reads until the other side has closed. A text that has been answered is not looked for again."""
    seen, searched, end = b"", 0, time.monotonic() + LIMIT_S
    while True:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            sys.stdout.buffer.write(seen)
            sys.exit(f"terminal.py: nothing more came within {LIMIT_S} s; waited for {script!r}")
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: nobody has it open any more
            data = b""
        if not data:
            return seen
        seen += data
        while script and script[0][0] in seen[searched:]:
            text, keys = script.pop(0)
            searched = seen.index(text, searched) + len(text)
            os.write(terminal, keys)


def main():
    arguments, columns, stderr, script = sys.argv[1:], 80, None, []
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)
        if option == "--columns":
            columns = int(arguments.pop(0))
        elif option == "--stderr":
            stderr = arguments.pop(0)
        elif option == "--at":
            text, keys = arguments.pop(0), arguments.pop(0)
            script.append((text.encode(), KEYS.get(keys, keys.encode())))
        else:
            sys.exit(__doc__)
    pid, terminal = start(arguments, columns, stderr)
    seen = converse(terminal, script)
    sys.stdout.buffer.write(seen)
    sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


if __name__ == "__main__":
    main()
