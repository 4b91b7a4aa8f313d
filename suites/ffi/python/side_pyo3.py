# SPDX-License-Identifier: MIT
"""The side pyo3: a module in Rust."""
import sys

sys.dont_write_bytecode = True
import start  # noqa: E402

start.right_interpreter()
sys.exit(start.main(start.native("benchlib_pyo3", "python3-dev cargo librust-pyo3-dev")))
