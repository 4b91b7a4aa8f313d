/* SPDX-License-Identifier: MIT */
/* benchlib for Python by CPython's own C API: what its files share. */
#ifndef TARE_SUITES_FFI_CAPI_H
#define TARE_SUITES_FFI_CAPI_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "suites/ffi/benchlib.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* Each returns false with an exception set. */
HIDDEN bool take_i32(PyObject *object, int32_t *out);
HIDDEN bool take_u32(PyObject *object, uint32_t *out);
HIDDEN bool take_i64(PyObject *object, int64_t *out);
HIDDEN bool take_u64(PyObject *object, uint64_t *out);
HIDDEN bool take_f64(PyObject *object, double *out);
HIDDEN bool take_f32(PyObject *object, float *out);
HIDDEN bool take_bool(PyObject *object, bool *out);
HIDDEN bool take_size(PyObject *object, size_t *out);
HIDDEN const char *take_text(
    PyObject *object); /* of bytes: theirs, NUL-terminated; NULL: there is one inside, too */
HIDDEN PyObject *copy_text(PyObject *object); /* of a str: new bytes, for take_text() */

/*
 * Items of an object with the buffer protocol, where they are (array.array, memoryview, NumPy's arrays): contiguous and of
 * the type `format`, 'd' or 'i'. Released with PyBuffer_Release().
 */
HIDDEN bool take_buffer(PyObject *object, char format, bool writable, Py_buffer *view, size_t *count);
/* The same for doubles, copied; freed with PyMem_Free(). */
HIDDEN double *copy_buffer(PyObject *object, size_t *count);
HIDDEN double *copy_list(PyObject *object, size_t *count); /* of a list of numbers */

HIDDEN bool wrong_count(const char *name, Py_ssize_t given, Py_ssize_t wanted); /* false */

/* The module's functions, and what else it has: each file's, by the file of PyInit_. */
extern HIDDEN PyMethodDef scalar_methods[], text_methods[], array_methods[], struct_methods[],
    callback_methods[], target_methods[];
HIDDEN int add_struct_types(PyObject *module);

#define FAST(name, function, about)                                                                            \
    {                                                                                                          \
        name, (PyCFunction)(void (*)(void))(function), METH_FASTCALL, about                                    \
    }
#define COUNT(name, wanted)                                                                                    \
    if (count != (wanted)) {                                                                                   \
        wrong_count(name, count, wanted);                                                                      \
        return NULL;                                                                                           \
    }

#endif
