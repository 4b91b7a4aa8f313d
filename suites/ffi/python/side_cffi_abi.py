# SPDX-License-Identifier: MIT
"""The side cffi-abi: cffi calls the library by libffi; nothing is compiled, declarations were parsed at build time."""
import sys

sys.dont_write_bytecode = True
import start  # noqa: E402

start.right_interpreter()


def load():
    from with_cffi import Cffi
    ffi = start.imported("benchlib_abi", "python3-cffi").ffi
    return Cffi(ffi, ffi.dlopen(start.LIBRARY), api=False)


sys.exit(start.main(load))
