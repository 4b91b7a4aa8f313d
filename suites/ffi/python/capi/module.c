/* SPDX-License-Identifier: MIT */
/*
 * benchlib for Python by CPython's own C API, as one would write it by hand for speed: METH_FASTCALL and METH_O instead of a
 * tuple of arguments, and the buffer protocol instead of copies. The interpreter's lock is kept: all functions are short.
 */
#include "capi.h"

static int fill(PyObject *module)
{
    PyMethodDef *const all[] = {scalar_methods, text_methods,     array_methods,
                                struct_methods, callback_methods, target_methods};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (PyModule_AddFunctions(module, all[i]) != 0) {
            return -1;
        }
    }
    return add_struct_types(module);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "benchlib_capi",
                                    .m_doc = "benchlib by CPython's C API", .m_slots = slots};

PyMODINIT_FUNC PyInit_benchlib_capi(void);

PyMODINIT_FUNC PyInit_benchlib_capi(void)
{
    return PyModuleDef_Init(&module);
}
