# SPDX-License-Identifier: MIT
"""The side ctypes: nothing is compiled, and any Python will do."""
import sys

sys.dont_write_bytecode = True
import start  # noqa: E402


def load():
    from with_ctypes import Ctypes
    return Ctypes(start.LIBRARY)


sys.exit(start.main(load))
