# SPDX-License-Identifier: MIT
"""build.py abi|api MODULE CDEF OUTPUT: what cffi makes of the declarations in CDEF (benchlib.h, as cffi reads it).

abi: a Python module that has the parsed declarations, so that they are not parsed in each process. api: a C file, which our own
build compiles and links with benchlib.
"""
import sys

import cffi

CALLBACKS = """
extern "Python" int32_t called_i32(int32_t x);
extern "Python" bool called_size(size_t i, void *user);
extern "Python" double called_f64(double x);
"""


def main():
    kind, module, source, output = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    text += "".join("int32_t bl_target_%02d(int32_t x);\n" % number for number in range(100))
    ffi = cffi.FFI()
    if kind == "abi":
        ffi.cdef(text)
        ffi.set_source(module, None)
        ffi.emit_python_code(output)
    else:
        ffi.cdef(text + CALLBACKS)
        ffi.set_source(module, '#include "suites/ffi/benchlib.h"')
        ffi.emit_c_code(output)


main()
