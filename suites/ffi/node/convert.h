/* SPDX-License-Identifier: MIT */
/* From JavaScript's values to C's and back: `to_` gives a status, and what it is not fails; `of_` makes a value. */
#ifndef TARE_SUITES_FFI_NODE_CONVERT_H
#define TARE_SUITES_FFI_NODE_CONVERT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <node_api.h>

/* Throws, unless something was thrown already, and returns what the function returns then. */
static inline napi_value wrong(napi_env env)
{
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) {
        napi_throw_type_error(env, NULL, "an argument is not what benchlib takes here");
    }
    return NULL;
}

#define TRY(call)                                                                                              \
    do {                                                                                                       \
        if ((call) != napi_ok) {                                                                               \
            return wrong(env);                                                                                 \
        }                                                                                                      \
    } while (0)

/* What is not given is undefined, and no number then. */
#define ARGS(n)                                                                                                \
    napi_value a[(n) > 0 ? (n) : 1];                                                                           \
    size_t given = (n);                                                                                        \
    TRY(napi_get_cb_info(env, info, &given, a, NULL, NULL))

/* What creates a value, in the forms of one with a type each. */
static inline napi_value of_i32(napi_env env, int32_t value)
{
    napi_value made = NULL;
    napi_create_int32(env, value, &made);
    return made;
}

static inline napi_value of_u32(napi_env env, uint32_t value)
{
    napi_value made = NULL;
    napi_create_uint32(env, value, &made);
    return made;
}

static inline napi_value of_i64(napi_env env, int64_t value)
{
    napi_value made = NULL;
    napi_create_bigint_int64(env, value, &made);
    return made;
}

static inline napi_value of_u64(napi_env env, uint64_t value)
{
    napi_value made = NULL;
    napi_create_bigint_uint64(env, value, &made);
    return made;
}

static inline napi_value of_size(napi_env env, size_t value)
{
    napi_value made = NULL;
    napi_create_double(env, (double)value, &made);
    return made;
}

static inline napi_value of_f64(napi_env env, double value)
{
    napi_value made = NULL;
    napi_create_double(env, value, &made);
    return made;
}

static inline napi_value of_bool(napi_env env, bool value)
{
    napi_value made = NULL;
    napi_get_boolean(env, value, &made);
    return made;
}

static inline napi_status to_i32(napi_env env, napi_value value, int32_t *out)
{
    return napi_get_value_int32(env, value, out);
}

static inline napi_status to_u32(napi_env env, napi_value value, uint32_t *out)
{
    return napi_get_value_uint32(env, value, out);
}

static inline napi_status to_i64(napi_env env, napi_value value, int64_t *out)
{
    bool lossless;
    return napi_get_value_bigint_int64(env, value, out, &lossless);
}

static inline napi_status to_u64(napi_env env, napi_value value, uint64_t *out)
{
    bool lossless;
    return napi_get_value_bigint_uint64(env, value, out, &lossless);
}

static inline napi_status to_f64(napi_env env, napi_value value, double *out)
{
    return napi_get_value_double(env, value, out);
}

static inline napi_status to_f32(napi_env env, napi_value value, float *out)
{
    double wide;
    napi_status status = napi_get_value_double(env, value, &wide);
    *out = status == napi_ok ? (float)wide : 0;
    return status;
}

static inline napi_status to_bool(napi_env env, napi_value value, bool *out)
{
    return napi_get_value_bool(env, value, out);
}

/* A number that is a size; above what a size can be, the greatest. */
static inline napi_status to_size(napi_env env, napi_value value, size_t *out)
{
    double number;
    napi_status status = napi_get_value_double(env, value, &number);
    if (status != napi_ok || !(number >= 0)) {
        return napi_invalid_arg;
    }
    *out = number >= 18446744073709551615.0 ? SIZE_MAX : (size_t)number;
    return napi_ok;
}

/* A typed array of that type: where its elements lie. */
static inline napi_status to_array(napi_env env, napi_value value, napi_typedarray_type wanted, void **data,
                                   size_t *n)
{
    napi_typedarray_type type;
    napi_status status = napi_get_typedarray_info(env, value, &type, n, data, NULL, NULL);
    return status != napi_ok ? status : type == wanted ? napi_ok : napi_invalid_arg;
}

static inline napi_status to_doubles(napi_env env, napi_value value, double **data, size_t *n)
{
    void *memory = NULL;
    napi_status status = to_array(env, value, napi_float64_array, &memory, n);
    *data = memory;
    return status;
}

/* Text in a Buffer, which has to end with NUL. */
static inline napi_status to_text(napi_env env, napi_value value, const char **text)
{
    void *data;
    size_t size;
    napi_status status = napi_get_buffer_info(env, value, &data, &size);
    if (status != napi_ok || size == 0 || ((const char *)data)[size - 1] != '\0') {
        return napi_invalid_arg;
    }
    *text = data;
    return napi_ok;
}

/* A string, in new memory; to be freed. */
static inline napi_status to_new_text(napi_env env, napi_value value, char **text)
{
    size_t size;
    napi_status status = napi_get_value_string_utf8(env, value, NULL, 0, &size);
    *text = status == napi_ok ? malloc(size + 1) : NULL;
    return *text == NULL ? napi_invalid_arg : napi_get_value_string_utf8(env, value, *text, size + 1, &size);
}

#endif
