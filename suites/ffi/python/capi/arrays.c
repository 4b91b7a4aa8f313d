/* SPDX-License-Identifier: MIT */
/*
 * Strings, bytes, arrays, memory. Without an ending the memory is the object's own; _copied has copies made for each call, and
 * back where the function writes; _list takes a list of numbers.
 */
#include "capi.h"

#include <string.h>

static PyObject *text_length(PyObject *bytes, size_t (*length)(const char *))
{
    const char *text = take_text(bytes);
    return text != NULL ? PyLong_FromSize_t(length(text)) : NULL;
}

static PyObject *str_length(PyObject *self, PyObject *bytes)
{
    (void)self;
    return text_length(bytes, bl_str_length);
}

static PyObject *str_length_utf8(PyObject *self, PyObject *bytes)
{
    (void)self;
    return text_length(bytes, bl_str_length_utf8);
}

static PyObject *copied_text_length(PyObject *str, size_t (*length)(const char *))
{
    PyObject *bytes = copy_text(str);
    PyObject *result = bytes != NULL ? text_length(bytes, length) : NULL;
    Py_XDECREF(bytes);
    return result;
}

static PyObject *str_length_copied(PyObject *self, PyObject *str)
{
    (void)self;
    return copied_text_length(str, bl_str_length);
}

static PyObject *str_length_utf8_copied(PyObject *self, PyObject *str)
{
    (void)self;
    return copied_text_length(str, bl_str_length_utf8);
}

/* The address: a pointer is what is returned, and Python has no type for it. */
static PyObject *str_identity(PyObject *self, PyObject *bytes)
{
    (void)self;
    const char *text = take_text(bytes);
    return text != NULL ? PyLong_FromVoidPtr((void *)bl_str_identity(text)) : NULL;
}

static PyObject *str_identity_copied(PyObject *self, PyObject *str)
{
    (void)self;
    PyObject *bytes = copy_text(str);
    const char *text = bytes != NULL ? take_text(bytes) : NULL;
    PyObject *result = text != NULL ? PyUnicode_FromString(bl_str_identity(text)) : NULL;
    Py_XDECREF(bytes);
    return result;
}

static PyObject *str_concat(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    COUNT("str_concat", 2)
    const char *a = take_text(args[0]), *b = a != NULL ? take_text(args[1]) : NULL;
    char *both = b != NULL ? bl_str_concat(a, b) : NULL;
    if (both == NULL) {
        return b != NULL ? PyErr_NoMemory() : NULL;
    }
    PyObject *result = PyUnicode_FromString(both);
    bl_free(both);
    return result;
}

static PyObject *bytes_count_nul(PyObject *self, PyObject *object)
{
    (void)self;
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) {
        return NULL;
    }
    size_t nuls = bl_bytes_count_nul(view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    return PyLong_FromSize_t(nuls);
}

static PyObject *bytes_count_nul_copied(PyObject *self, PyObject *object)
{
    (void)self;
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) {
        return NULL;
    }
    uint8_t *copy = PyMem_Malloc((size_t)view.len + (view.len == 0));
    PyObject *result = NULL;
    if (copy != NULL) {
        memcpy(copy, view.buf, (size_t)view.len);
        result = PyLong_FromSize_t(bl_bytes_count_nul(copy, (size_t)view.len));
        PyMem_Free(copy);
    } else {
        PyErr_NoMemory();
    }
    PyBuffer_Release(&view);
    return result;
}

PyMethodDef text_methods[] = {
    {"str_length", str_length, METH_O, NULL},
    {"str_length_copied", str_length_copied, METH_O, "of a str"},
    {"str_length_utf8", str_length_utf8, METH_O, NULL},
    {"str_length_utf8_copied", str_length_utf8_copied, METH_O, "of a str"},
    {"str_identity", str_identity, METH_O, "the address of the bytes"},
    {"str_identity_copied", str_identity_copied, METH_O, "of a str; a str"},
    FAST("str_concat", str_concat, "of bytes; a str"),
    {"bytes_count_nul", bytes_count_nul, METH_O, NULL},
    {"bytes_count_nul_copied", bytes_count_nul_copied, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* What a function of one array of doubles gives. */
static PyObject *reduced(PyObject *object, double (*reduce)(const double *, size_t))
{
    Py_buffer view;
    size_t n;
    if (!take_buffer(object, 'd', false, &view, &n)) {
        return NULL;
    }
    double result = reduce(view.buf, n);
    PyBuffer_Release(&view);
    return PyFloat_FromDouble(result);
}

#define REDUCES(name)                                                                                          \
    static PyObject *name(PyObject *self, PyObject *object)                                                    \
    {                                                                                                          \
        (void)self;                                                                                            \
        return reduced(object, bl_##name);                                                                     \
    }
REDUCES(array_sum)
REDUCES(norm)
REDUCES(pairs)

static PyObject *reduced_copy(double *copy, size_t n, double (*reduce)(const double *, size_t))
{
    if (copy == NULL) {
        return NULL;
    }
    double result = reduce(copy, n);
    PyMem_Free(copy);
    return PyFloat_FromDouble(result);
}

#define REDUCES_COPY(name)                                                                                     \
    static PyObject *name##_copied(PyObject *self, PyObject *object)                                           \
    {                                                                                                          \
        (void)self;                                                                                            \
        size_t n = 0;                                                                                          \
        double *copy = copy_buffer(object, &n);                                                                \
        return reduced_copy(copy, n, bl_##name);                                                               \
    }
REDUCES_COPY(array_sum)
REDUCES_COPY(norm)
REDUCES_COPY(pairs)

static PyObject *array_sum_list(PyObject *self, PyObject *object)
{
    (void)self;
    size_t n = 0;
    double *copy = copy_list(object, &n);
    return reduced_copy(copy, n, bl_array_sum);
}

static PyObject *array_scale(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer view;
    size_t n;
    double by;
    COUNT("array_scale", 2)
    if (!take_f64(args[1], &by) || !take_buffer(args[0], 'd', true, &view, &n)) {
        return NULL;
    }
    bl_array_scale(view.buf, n, by);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

static PyObject *array_scale_copied(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer view;
    size_t n;
    double by;
    COUNT("array_scale_copied", 2)
    if (!take_f64(args[1], &by) || !take_buffer(args[0], 'd', true, &view, &n)) {
        return NULL;
    }
    double *copy = PyMem_Malloc((size_t)view.len + (n == 0));
    if (copy != NULL) {
        memcpy(copy, view.buf, (size_t)view.len);
        bl_array_scale(copy, n, by);
        memcpy(view.buf, copy, (size_t)view.len);
    }
    PyBuffer_Release(&view);
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    PyMem_Free(copy);
    Py_RETURN_NONE;
}

/* Whether so many doubles are enough; else false, with an exception set. */
static bool is_enough(size_t held, size_t n, size_t stride)
{
    if (n != 0 && (held == 0 || (stride != 0 && n - 1 > (held - 1) / stride))) {
        PyErr_SetString(PyExc_ValueError, "the array is too short");
        return false;
    }
    return true;
}

static PyObject *array_sum_strided(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer view;
    size_t n, stride, held;
    COUNT("array_sum_strided", 3)
    if (!take_size(args[1], &n) || !take_size(args[2], &stride) ||
        !take_buffer(args[0], 'd', false, &view, &held)) {
        return NULL;
    }
    PyObject *result =
        is_enough(held, n, stride) ? PyFloat_FromDouble(bl_array_sum_strided(view.buf, n, stride)) : NULL;
    PyBuffer_Release(&view);
    return result;
}

static PyObject *array_sum_strided_copied(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    size_t n, stride, held = 0;
    COUNT("array_sum_strided_copied", 3)
    if (!take_size(args[1], &n) || !take_size(args[2], &stride)) {
        return NULL;
    }
    double *copy = copy_buffer(args[0], &held);
    PyObject *result = copy != NULL && is_enough(held, n, stride)
                           ? PyFloat_FromDouble(bl_array_sum_strided(copy, n, stride))
                           : NULL;
    PyMem_Free(copy);
    return result;
}

static PyObject *array_fill_i32(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer view;
    size_t n;
    int32_t with;
    COUNT("array_fill_i32", 2)
    if (!take_i32(args[1], &with) || !take_buffer(args[0], 'i', true, &view, &n)) {
        return NULL;
    }
    bl_array_fill_i32(view.buf, n, with);
    PyBuffer_Release(&view);
    Py_RETURN_NONE;
}

/* What is there is not read: it is copied back alone. */
static PyObject *array_fill_i32_copied(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer view;
    size_t n;
    int32_t with;
    COUNT("array_fill_i32_copied", 2)
    if (!take_i32(args[1], &with) || !take_buffer(args[0], 'i', true, &view, &n)) {
        return NULL;
    }
    int32_t *filled = PyMem_Malloc((size_t)view.len + (n == 0));
    if (filled != NULL) {
        bl_array_fill_i32(filled, n, with);
        memcpy(view.buf, filled, (size_t)view.len);
    }
    PyBuffer_Release(&view);
    if (filled == NULL) {
        return PyErr_NoMemory();
    }
    PyMem_Free(filled);
    Py_RETURN_NONE;
}

static PyObject *dot(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer a, b;
    size_t n, m;
    COUNT("dot", 2)
    if (!take_buffer(args[0], 'd', false, &a, &n)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (take_buffer(args[1], 'd', false, &b, &m)) {
        if (n == m) {
            result = PyFloat_FromDouble(bl_dot(a.buf, b.buf, n));
        } else {
            PyErr_SetString(PyExc_ValueError, "the arrays differ in length");
        }
        PyBuffer_Release(&b);
    }
    PyBuffer_Release(&a);
    return result;
}

static PyObject *dot_copied(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    size_t n = 0, m = 0;
    COUNT("dot_copied", 2)
    double *a = copy_buffer(args[0], &n), *b = a != NULL ? copy_buffer(args[1], &m) : NULL;
    PyObject *result = NULL;
    if (b != NULL && n == m) {
        result = PyFloat_FromDouble(bl_dot(a, b, n));
    } else if (b != NULL) {
        PyErr_SetString(PyExc_ValueError, "the arrays differ in length");
    }
    PyMem_Free(b);
    PyMem_Free(a);
    return result;
}

#define ALIKE SIZE_MAX /* of one length, whichever that is */

/* c = a and b by `combine`, which is given n, or the length if that is ALIKE; the arrays are of `wanted` elements each. */
static PyObject *combined(PyObject *const *args, size_t wanted, size_t n,
                          void (*combine)(const double *, const double *, double *, size_t))
{
    Py_buffer views[3];
    size_t counts[3];
    int held = 0;
    while (held < 3 && take_buffer(args[held], 'd', held == 2, &views[held], &counts[held])) {
        held++;
    }
    bool fine = false;
    if (held == 3) {
        wanted = wanted != ALIKE ? wanted : counts[2];
        fine = counts[0] == wanted && counts[1] == wanted && counts[2] == wanted;
        if (fine) {
            combine(views[0].buf, views[1].buf, views[2].buf, n != ALIKE ? n : wanted);
        } else {
            PyErr_SetString(PyExc_ValueError, "the arrays' lengths do not fit");
        }
    }
    while (held > 0) {
        PyBuffer_Release(&views[--held]);
    }
    if (!fine) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *vector_add(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    COUNT("vector_add", 3)
    return combined(args, ALIKE, ALIKE, bl_vector_add);
}

/* The arrays are of `items` elements each. Without memory there is an exception afterwards. */
static void combine_copies(const double *a, const double *b, double *c, size_t items, size_t n,
                           void (*combine)(const double *, const double *, double *, size_t))
{
    size_t size = items * sizeof(double);
    double *copies = PyMem_Malloc(3 * size + (size == 0));
    if (copies == NULL) {
        PyErr_NoMemory();
        return;
    }
    memcpy(copies, a, size);
    memcpy(copies + items, b, size);
    combine(copies, copies + items, copies + 2 * items, n);
    memcpy(c, copies + 2 * items, size);
    PyMem_Free(copies);
}

static void add_copies(const double *a, const double *b, double *c, size_t n)
{
    combine_copies(a, b, c, n, n, bl_vector_add);
}

static void multiply_copies(const double *a, const double *b, double *c, size_t n)
{
    combine_copies(a, b, c, n * n, n, bl_matmul);
}

static PyObject *unless_raised(PyObject *result)
{
    if (result != NULL && PyErr_Occurred() != NULL) {
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *vector_add_copied(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    COUNT("vector_add_copied", 3)
    return unless_raised(combined(args, ALIKE, ALIKE, add_copies));
}

static bool take_rows(PyObject *object, size_t *n)
{
    if (!take_size(object, n)) {
        return false;
    }
    if (*n > UINT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "no such matrix");
        return false;
    }
    return true;
}

static PyObject *matmul(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    size_t n;
    COUNT("matmul", 4)
    return take_rows(args[3], &n) ? combined(args, n * n, n, bl_matmul) : NULL;
}

static PyObject *matmul_copied(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    size_t n;
    COUNT("matmul_copied", 4)
    return take_rows(args[3], &n) ? unless_raised(combined(args, n * n, n, multiply_copies)) : NULL;
}

static PyObject *alloc(PyObject *self, PyObject *object)
{
    (void)self;
    size_t size;
    return take_size(object, &size) ? PyLong_FromVoidPtr(bl_alloc(size)) : NULL;
}

static PyObject *alloc_aligned(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    size_t alignment, size;
    COUNT("alloc_aligned", 2)
    return take_size(args[0], &alignment) && take_size(args[1], &size)
               ? PyLong_FromVoidPtr(bl_alloc_aligned(alignment, size))
               : NULL;
}

static PyObject *free_(PyObject *self, PyObject *object)
{
    (void)self;
    void *memory = PyLong_AsVoidPtr(object);
    if (memory == NULL && PyErr_Occurred() != NULL) {
        return NULL;
    }
    bl_free(memory);
    Py_RETURN_NONE;
}

PyMethodDef array_methods[] = {
    {"array_sum", array_sum, METH_O, NULL},
    {"array_sum_copied", array_sum_copied, METH_O, NULL},
    {"array_sum_list", array_sum_list, METH_O, NULL},
    FAST("array_scale", array_scale, "(values, by), in place"),
    FAST("array_scale_copied", array_scale_copied, NULL),
    FAST("array_sum_strided", array_sum_strided, "(values, n, stride)"),
    FAST("array_sum_strided_copied", array_sum_strided_copied, NULL),
    FAST("array_fill_i32", array_fill_i32, "(values, with)"),
    FAST("array_fill_i32_copied", array_fill_i32_copied, NULL),
    FAST("matmul", matmul, "(a, b, c, n)"),
    FAST("matmul_copied", matmul_copied, NULL),
    FAST("dot", dot, NULL),
    FAST("dot_copied", dot_copied, NULL),
    FAST("vector_add", vector_add, "(a, b, c)"),
    FAST("vector_add_copied", vector_add_copied, NULL),
    {"norm", norm, METH_O, NULL},
    {"norm_copied", norm_copied, METH_O, NULL},
    {"pairs", pairs, METH_O, NULL},
    {"pairs_copied", pairs_copied, METH_O, NULL},
    {"alloc", alloc, METH_O, "the address, 0 without memory"},
    FAST("alloc_aligned", alloc_aligned, "(alignment, size)"),
    {"free", free_, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
