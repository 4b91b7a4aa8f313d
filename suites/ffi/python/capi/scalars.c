/* SPDX-License-Identifier: MIT */
/* Nothing, one value of each kind, arithmetic, logic, and many arguments. */
#include "capi.h"

static PyObject *noop(PyObject *self, PyObject *none)
{
    (void)self;
    (void)none;
    bl_noop();
    Py_RETURN_NONE;
}

#define RETURNS(name, make)                                                                                    \
    static PyObject *name(PyObject *self, PyObject *none)                                                      \
    {                                                                                                          \
        (void)self;                                                                                            \
        (void)none;                                                                                            \
        return make(bl_##name());                                                                              \
    }
RETURNS(return_int, PyLong_FromLong)
RETURNS(return_int64, PyLong_FromLongLong)
RETURNS(return_bool, PyBool_FromLong)
RETURNS(return_double, PyFloat_FromDouble)

#define TAKES_TWO(name, call, type, take, make)                                                                \
    static PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t count)                             \
    {                                                                                                          \
        (void)self;                                                                                            \
        type a, b;                                                                                             \
        COUNT(#name, 2)                                                                                        \
        return take(args[0], &a) && take(args[1], &b) ? make(call(a, b)) : NULL;                               \
    }
TAKES_TWO(add_i32, bl_add_i32, int32_t, take_i32, PyLong_FromLong)
TAKES_TWO(add_i64, bl_add_i64, int64_t, take_i64, PyLong_FromLongLong)
TAKES_TWO(add_u32, bl_add_u32, uint32_t, take_u32, PyLong_FromUnsignedLong)
TAKES_TWO(add_u64, bl_add_u64, uint64_t, take_u64, PyLong_FromUnsignedLongLong)
TAKES_TWO(add_f32, bl_add_f32, float, take_f32, PyFloat_FromDouble)
TAKES_TWO(add_f64, bl_add_f64, double, take_f64, PyFloat_FromDouble)
TAKES_TWO(mul_f64, bl_mul_f64, double, take_f64, PyFloat_FromDouble)
TAKES_TWO(mul_i32, bl_mul_i32, int32_t, take_i32, PyLong_FromLong)
TAKES_TWO(mul_i64, bl_mul_i64, int64_t, take_i64, PyLong_FromLongLong)
TAKES_TWO(and_, bl_and, bool, take_bool, PyBool_FromLong)
TAKES_TWO(xor_u64, bl_xor_u64, uint64_t, take_u64, PyLong_FromUnsignedLongLong)
TAKES_TWO(target, bl_target, int32_t, take_i32, PyLong_FromLong)

static PyObject *not_(PyObject *self, PyObject *object)
{
    (void)self;
    bool a;
    return take_bool(object, &a) ? PyBool_FromLong(bl_not(a)) : NULL;
}

/* Takes the number, which is NULL where there was no memory for it. */
static PyObject *pair_of(bool fits, PyObject *number)
{
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL || number == NULL) {
        Py_XDECREF(pair);
        Py_XDECREF(number);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, PyBool_FromLong(fits));
    PyTuple_SET_ITEM(pair, 1, number);
    return pair;
}

static PyObject *add_i32_checked(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int32_t a, b, sum = 0;
    COUNT("add_i32_checked", 2)
    if (!take_i32(args[0], &a) || !take_i32(args[1], &b)) {
        return NULL;
    }
    bool fits = bl_add_i32_checked(a, b, &sum);
    return pair_of(fits, PyLong_FromLong(sum));
}

static PyObject *add_i64_checked(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int64_t a, b, sum = 0;
    COUNT("add_i64_checked", 2)
    if (!take_i64(args[0], &a) || !take_i64(args[1], &b)) {
        return NULL;
    }
    bool fits = bl_add_i64_checked(a, b, &sum);
    return pair_of(fits, PyLong_FromLongLong(sum));
}

static PyObject *args_8i(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int32_t v[8];
    COUNT("args_8i", 8)
    for (int i = 0; i < 8; i++) {
        if (!take_i32(args[i], &v[i])) {
            return NULL;
        }
    }
    return PyLong_FromLongLong(bl_args_8i(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]));
}

static PyObject *args_12mixed(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int32_t i[6];
    double d[6];
    COUNT("args_12mixed", 12)
    for (int k = 0; k < 6; k++) {
        if (!take_i32(args[2 * k], &i[k]) || !take_f64(args[2 * k + 1], &d[k])) {
            return NULL;
        }
    }
    return PyFloat_FromDouble(
        bl_args_12mixed(i[0], d[0], i[1], d[1], i[2], d[2], i[3], d[3], i[4], d[4], i[5], d[5]));
}

PyMethodDef scalar_methods[] = {
    {"noop", noop, METH_NOARGS, NULL},
    {"return_int", return_int, METH_NOARGS, NULL},
    {"return_int64", return_int64, METH_NOARGS, NULL},
    {"return_bool", return_bool, METH_NOARGS, NULL},
    {"return_double", return_double, METH_NOARGS, NULL},
    FAST("add_i32", add_i32, "integers wrap"),
    FAST("add_i64", add_i64, NULL),
    FAST("add_u32", add_u32, NULL),
    FAST("add_u64", add_u64, NULL),
    FAST("add_f32", add_f32, NULL),
    FAST("add_f64", add_f64, NULL),
    FAST("mul_f64", mul_f64, NULL),
    FAST("mul_i32", mul_i32, NULL),
    FAST("mul_i64", mul_i64, NULL),
    FAST("add_i32_checked", add_i32_checked, "(it fits, the sum or 0)"),
    FAST("add_i64_checked", add_i64_checked, NULL),
    FAST("and_", and_, NULL),
    {"not_", not_, METH_O, NULL},
    FAST("xor_u64", xor_u64, NULL),
    FAST("args_8i", args_8i, NULL),
    FAST("args_12mixed", args_12mixed, NULL),
    FAST("target", target, "(number, x): -1 if there is no such target"),
    {NULL, NULL, 0, NULL},
};

#define TARGET(ten, one)                                                                                       \
    static PyObject *target_##ten##one(PyObject *self, PyObject *object)                                       \
    {                                                                                                          \
        (void)self;                                                                                            \
        int32_t x;                                                                                             \
        return take_i32(object, &x) ? PyLong_FromLong(bl_target_##ten##one(x)) : NULL;                         \
    }
BL_TARGETS(TARGET)
#define TARGET_METHOD(ten, one) {"target_" #ten #one, target_##ten##one, METH_O, NULL},
PyMethodDef target_methods[] = {BL_TARGETS(TARGET_METHOD){NULL, NULL, 0, NULL}};
