# SPDX-License-Identifier: MIT
"""The side py-c-api: a module in C, by CPython's own C API."""
import sys

sys.dont_write_bytecode = True
import start  # noqa: E402

start.right_interpreter()
sys.exit(start.main(start.native("benchlib_capi", "python3-dev")))
