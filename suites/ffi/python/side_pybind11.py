# SPDX-License-Identifier: MIT
"""The side pybind11: a module in C++."""
import sys

sys.dont_write_bytecode = True
import start  # noqa: E402

start.right_interpreter()
sys.exit(start.main(start.native("benchlib_pybind11", "python3-dev pybind11-dev")))
