/* SPDX-License-Identifier: MIT */
/* Structs as Python types that have the C struct in them, and callbacks. */
#include "capi.h"

#include <structmember.h>

#include <math.h>
#include <stddef.h>
#include <string.h>

struct point_object {
    PyObject_HEAD struct bl_point point;
};
struct record_object {
    PyObject_HEAD struct bl_record record;
};
struct block_object {
    PyObject_HEAD struct bl_block block;
};

/* Of the module's types; one interpreter has one module. */
static PyTypeObject *point_type, *record_type, *block_type;

static void plain_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

static int point_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    struct bl_point *point = &((struct point_object *)self)->point;
    (void)keywords;
    return PyArg_ParseTuple(args, "dd:Point", &point->x, &point->y) ? 0 : -1;
}

static PyMemberDef point_members[] = {
    {"x", T_DOUBLE, offsetof(struct point_object, point.x), 0, NULL},
    {"y", T_DOUBLE, offsetof(struct point_object, point.y), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot point_slots[] = {
    {Py_tp_init, point_init}, {Py_tp_members, point_members}, {Py_tp_dealloc, plain_dealloc}, {0, NULL}};
static PyType_Spec point_spec = {"benchlib_capi.Point", sizeof(struct point_object), 0, Py_TPFLAGS_DEFAULT,
                                 point_slots};

static struct bl_point *take_point(PyObject *object)
{
    if (!Py_IS_TYPE(object, point_type)) {
        PyErr_SetString(PyExc_TypeError, "a Point is needed");
        return NULL;
    }
    return &((struct point_object *)object)->point;
}

static PyObject *point_add(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    COUNT("point_add", 2)
    const struct bl_point *a = take_point(args[0]), *b = a != NULL ? take_point(args[1]) : NULL;
    struct point_object *sum = b != NULL ? PyObject_New(struct point_object, point_type) : NULL;
    if (sum != NULL) {
        sum->point = bl_point_add(*a, *b);
    }
    return (PyObject *)sum;
}

static PyObject *point_norm2(PyObject *self, PyObject *object)
{
    (void)self;
    const struct bl_point *point = take_point(object);
    return point != NULL ? PyFloat_FromDouble(bl_point_norm2(point)) : NULL;
}

static PyObject *point_norm2_copied(PyObject *self, PyObject *object)
{
    (void)self;
    const struct bl_point *point = take_point(object);
    struct bl_point *copy = point != NULL ? PyMem_Malloc(sizeof(*copy)) : NULL;
    if (copy == NULL) {
        return point != NULL ? PyErr_NoMemory() : NULL;
    }
    *copy = *point;
    double result = bl_point_norm2(copy);
    PyMem_Free(copy);
    return PyFloat_FromDouble(result);
}

/* Record(id, values, counts, name): 8 numbers, 6 integers, text of at most 15 bytes. */
static int record_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    struct bl_record *record = &((struct record_object *)self)->record;
    PyObject *values, *counts;
    const char *name;
    long long id;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "LO!O!y:Record", &id, &PyTuple_Type, &values, &PyTuple_Type, &counts, &name)) {
        return -1;
    }
    if (PyTuple_GET_SIZE(values) != 8 || PyTuple_GET_SIZE(counts) != 6 ||
        strlen(name) >= sizeof(record->name)) {
        PyErr_SetString(PyExc_ValueError, "a record has 8 values, 6 counts, and a name of at most 15 bytes");
        return -1;
    }
    *record = (struct bl_record){.id = id};
    memcpy(record->name, name, strlen(name));
    for (Py_ssize_t i = 0; i < 8; i++) {
        if (!take_f64(PyTuple_GET_ITEM(values, i), &record->values[i])) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < 6; i++) {
        if (!take_i32(PyTuple_GET_ITEM(counts, i), &record->counts[i])) {
            return -1;
        }
    }
    return 0;
}

static PyType_Slot record_slots[] = {{Py_tp_init, record_init}, {Py_tp_dealloc, plain_dealloc}, {0, NULL}};
static PyType_Spec record_spec = {"benchlib_capi.Record", sizeof(struct record_object), 0, Py_TPFLAGS_DEFAULT,
                                  record_slots};

static struct bl_record *take_record(PyObject *object)
{
    if (!Py_IS_TYPE(object, record_type)) {
        PyErr_SetString(PyExc_TypeError, "a Record is needed");
        return NULL;
    }
    return &((struct record_object *)object)->record;
}

static PyObject *record_sum(PyObject *self, PyObject *object)
{
    (void)self;
    const struct bl_record *record = take_record(object);
    return record != NULL ? PyFloat_FromDouble(bl_record_sum(record)) : NULL;
}

static PyObject *record_sum_copied(PyObject *self, PyObject *object)
{
    (void)self;
    const struct bl_record *record = take_record(object);
    struct bl_record *copy = record != NULL ? PyMem_Malloc(sizeof(*copy)) : NULL;
    if (copy == NULL) {
        return record != NULL ? PyErr_NoMemory() : NULL;
    }
    *copy = *record;
    double result = bl_record_sum(copy);
    PyMem_Free(copy);
    return PyFloat_FromDouble(result);
}

static Py_ssize_t block_length(PyObject *self)
{
    (void)self;
    return 16;
}

static PyObject *block_item(PyObject *self, Py_ssize_t at)
{
    if (at < 0 || at >= 16) {
        PyErr_SetString(PyExc_IndexError, "a block has 16 words");
        return NULL;
    }
    return PyLong_FromUnsignedLongLong(((struct block_object *)self)->block.words[at]);
}

static PyType_Slot block_slots[] = {
    {Py_sq_length, block_length}, {Py_sq_item, block_item}, {Py_tp_dealloc, plain_dealloc}, {0, NULL}};
static PyType_Spec block_spec = {"benchlib_capi.Block", sizeof(struct block_object), 0, Py_TPFLAGS_DEFAULT,
                                 block_slots};

static PyObject *block_make(PyObject *self, PyObject *object)
{
    (void)self;
    uint64_t seed;
    if (!take_u64(object, &seed)) {
        return NULL;
    }
    struct block_object *made = PyObject_New(struct block_object, block_type);
    if (made != NULL) {
        made->block = bl_block_make(seed);
    }
    return (PyObject *)made;
}

PyMethodDef struct_methods[] = {
    FAST("point_add", point_add, NULL),
    {"point_norm2", point_norm2, METH_O, NULL},
    {"point_norm2_copied", point_norm2_copied, METH_O, NULL},
    {"record_sum", record_sum, METH_O, NULL},
    {"record_sum_copied", record_sum_copied, METH_O, NULL},
    {"block_make", block_make, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int add_type(PyObject *module, const char *name, PyType_Spec *spec, PyTypeObject **type)
{
    PyObject *object = PyType_FromSpec(spec);
    *type = (PyTypeObject *)object;
    if (object == NULL) {
        return -1;
    }
    Py_INCREF(object); /* one for the module, one for us */
    if (PyModule_AddObject(module, name, object) != 0) {
        Py_DECREF(object);
        return -1;
    }
    return 0;
}

int add_struct_types(PyObject *module)
{
    return add_type(module, "Point", &point_spec, &point_type) == 0 &&
                   add_type(module, "Record", &record_spec, &record_type) == 0 &&
                   add_type(module, "Block", &block_spec, &block_type) == 0
               ? 0
               : -1;
}

/*
 * Callbacks. Two of the functions have no pointer that they pass on, so what is called then is kept here, for the thread that
 * has the interpreter's lock. After an exception nothing is called any more, and it is raised in the end.
 */
static _Thread_local PyObject *called;

static int32_t call_i32(int32_t x)
{
    int32_t result = 0;
    PyObject *object = PyLong_FromLong(x);
    PyObject *value = object != NULL ? PyObject_CallOneArg(called, object) : NULL;
    if (value != NULL && !take_i32(value, &result)) {
        result = 0;
    }
    Py_XDECREF(value);
    Py_XDECREF(object);
    return result;
}

static PyObject *callback_once(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int32_t x;
    COUNT("callback_once", 2)
    if (!take_i32(args[1], &x)) {
        return NULL;
    }
    PyObject *outer = called;
    called = args[0];
    int32_t result = bl_callback_once(call_i32, x);
    called = outer;
    return PyErr_Occurred() == NULL ? PyLong_FromLong(result) : NULL;
}

static bool call_more(size_t i, void *user)
{
    PyObject *object = PyLong_FromSize_t(i);
    PyObject *value = object != NULL ? PyObject_CallOneArg(user, object) : NULL;
    bool more = value != NULL && PyObject_IsTrue(value) > 0;
    Py_XDECREF(value);
    Py_XDECREF(object);
    return more;
}

static PyObject *callback_iterate(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    size_t n;
    COUNT("callback_iterate", 2)
    if (!take_size(args[1], &n)) {
        return NULL;
    }
    size_t calls = bl_callback_iterate(call_more, n, args[0]);
    return PyErr_Occurred() == NULL ? PyLong_FromSize_t(calls) : NULL;
}

static double call_f64(double x)
{
    double result = NAN;
    if (PyErr_Occurred() != NULL) {
        return result;
    }
    PyObject *object = PyFloat_FromDouble(x);
    PyObject *value = object != NULL ? PyObject_CallOneArg(called, object) : NULL;
    if (value != NULL && !take_f64(value, &result)) {
        result = NAN;
    }
    Py_XDECREF(value);
    Py_XDECREF(object);
    return result;
}

static PyObject *callback_transform(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Py_buffer view;
    size_t n;
    COUNT("callback_transform", 2)
    if (!take_buffer(args[0], 'd', true, &view, &n)) {
        return NULL;
    }
    PyObject *outer = called;
    called = args[1];
    bl_callback_transform(view.buf, n, call_f64);
    called = outer;
    PyBuffer_Release(&view);
    if (PyErr_Occurred() != NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyMethodDef callback_methods[] = {
    FAST("callback_once", callback_once, "(f, x)"),
    FAST("callback_iterate", callback_iterate, "(f, n): how often it was called"),
    FAST("callback_transform", callback_transform, "(values, f), in place"),
    {NULL, NULL, 0, NULL},
};
