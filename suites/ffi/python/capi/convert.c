/* SPDX-License-Identifier: MIT */
/* From Python's objects to what C takes. What does not fit is an OverflowError, as in every Python module by hand. */
#include "capi.h"

#include <stdlib.h>
#include <string.h>

static bool too_large(void)
{
    PyErr_SetString(PyExc_OverflowError, "the number is out of range");
    return false;
}

bool take_i32(PyObject *object, int32_t *out)
{
    long value = PyLong_AsLong(object);
    if (value == -1 && PyErr_Occurred() != NULL) {
        return false;
    }
    *out = (int32_t)value;
    return *out == value || too_large();
}

bool take_u32(PyObject *object, uint32_t *out)
{
    unsigned long value = PyLong_AsUnsignedLong(object);
    if (value == (unsigned long)-1 && PyErr_Occurred() != NULL) {
        return false;
    }
    *out = (uint32_t)value;
    return *out == value || too_large();
}

bool take_i64(PyObject *object, int64_t *out)
{
    *out = PyLong_AsLongLong(object);
    return *out != -1 || PyErr_Occurred() == NULL;
}

bool take_u64(PyObject *object, uint64_t *out)
{
    *out = PyLong_AsUnsignedLongLong(object);
    return *out != UINT64_MAX || PyErr_Occurred() == NULL;
}

bool take_f64(PyObject *object, double *out)
{
    *out = PyFloat_AsDouble(object);
    return *out != -1 || PyErr_Occurred() == NULL;
}

bool take_f32(PyObject *object, float *out)
{
    double value;
    if (!take_f64(object, &value)) {
        return false;
    }
    *out = (float)value;
    return true;
}

bool take_bool(PyObject *object, bool *out)
{
    int value = PyObject_IsTrue(object);
    *out = value > 0;
    return value >= 0;
}

bool take_size(PyObject *object, size_t *out)
{
    *out = PyLong_AsSize_t(object);
    return *out != (size_t)-1 || PyErr_Occurred() == NULL;
}

const char *take_text(PyObject *object)
{
    char *text;
    return PyBytes_AsStringAndSize(object, &text, NULL) == 0 ? text : NULL;
}

PyObject *copy_text(PyObject *object)
{
    return PyUnicode_AsUTF8String(object);
}

bool take_buffer(PyObject *object, char format, bool writable, Py_buffer *view, size_t *count)
{
    int flags = PyBUF_ND | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) != 0) {
        return false;
    }
    size_t item = format == 'd' ? sizeof(double) : sizeof(int32_t);
    const char *given = view->format != NULL ? view->format : "B";
    given +=
        *given == '@' || *given == '=' || *given == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>');
    if (given[0] != format || given[1] != '\0' || view->itemsize != (Py_ssize_t)item) {
        PyBuffer_Release(view);
        PyErr_Format(PyExc_TypeError, "items of type '%c' are needed", format);
        return false;
    }
    *count = (size_t)view->len / item;
    return true;
}

double *copy_buffer(PyObject *object, size_t *count)
{
    Py_buffer view;
    if (!take_buffer(object, 'd', false, &view, count)) {
        return NULL;
    }
    double *copy = PyMem_Malloc((size_t)view.len + (view.len == 0));
    if (copy != NULL) {
        memcpy(copy, view.buf, (size_t)view.len);
    } else {
        PyErr_NoMemory();
    }
    PyBuffer_Release(&view);
    return copy;
}

double *copy_list(PyObject *object, size_t *count)
{
    PyObject *items = PySequence_Fast(object, "a list of numbers is needed");
    if (items == NULL) {
        return NULL;
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(items);
    double *copy = PyMem_New(double, n + 1);
    if (copy == NULL) {
        PyErr_NoMemory();
    }
    /* A number's own code may change the list. */
    for (Py_ssize_t i = 0; copy != NULL && i < n; i++) {
        if (i >= PySequence_Fast_GET_SIZE(items) || !take_f64(PySequence_Fast_GET_ITEM(items, i), &copy[i])) {
            if (PyErr_Occurred() == NULL) {
                PyErr_SetString(PyExc_RuntimeError, "the list changed meanwhile");
            }
            PyMem_Free(copy);
            copy = NULL;
        }
    }
    Py_DECREF(items);
    *count = (size_t)n;
    return copy;
}

bool wrong_count(const char *name, Py_ssize_t given, Py_ssize_t wanted)
{
    PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, not %zd", name, wanted, given);
    return false;
}
