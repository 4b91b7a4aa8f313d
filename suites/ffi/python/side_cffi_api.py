# SPDX-License-Identifier: MIT
"""The side cffi-api: a module in C, which cffi wrote."""
import sys

sys.dont_write_bytecode = True
import start  # noqa: E402

start.right_interpreter()


def load():
    from with_cffi import Cffi
    module = start.imported("benchlib_api", "python3-dev python3-cffi")
    return Cffi(module.ffi, module.lib, api=True)


sys.exit(start.main(load))
