-- SPDX-License-Identifier: MIT
-- benchlib.h, as LuaJIT's parser takes it; returns what loads the library: itself, and the 100 targets by number.
local ffi = require("ffi")

ffi.cdef([[
void bl_noop(void);
int32_t bl_return_int(void);
int64_t bl_return_int64(void);
bool bl_return_bool(void);
double bl_return_double(void);
int32_t bl_add_i32(int32_t a, int32_t b);
int64_t bl_add_i64(int64_t a, int64_t b);
uint32_t bl_add_u32(uint32_t a, uint32_t b);
uint64_t bl_add_u64(uint64_t a, uint64_t b);
float bl_add_f32(float a, float b);
double bl_add_f64(double a, double b);
double bl_mul_f64(double a, double b);
int32_t bl_mul_i32(int32_t a, int32_t b);
int64_t bl_mul_i64(int64_t a, int64_t b);
bool bl_add_i32_checked(int32_t a, int32_t b, int32_t *sum);
bool bl_add_i64_checked(int64_t a, int64_t b, int64_t *sum);
bool bl_and(bool a, bool b);
bool bl_not(bool a);
uint64_t bl_xor_u64(uint64_t a, uint64_t b);
size_t bl_str_length(const char *text);
size_t bl_str_length_utf8(const char *text);
const char *bl_str_identity(const char *text);
char *bl_str_concat(const char *a, const char *b);
size_t bl_bytes_count_nul(const uint8_t *bytes, size_t size);
double bl_array_sum(const double *values, size_t n);
void bl_array_scale(double *values, size_t n, double by);
double bl_array_sum_strided(const double *values, size_t n, size_t stride);
void bl_array_fill_i32(int32_t *values, size_t n, int32_t with);
struct bl_point { double x, y; };
struct bl_record { int64_t id; double values[8]; int32_t counts[6]; char name[16]; };
struct bl_block { uint64_t words[16]; };
struct bl_point bl_point_add(struct bl_point a, struct bl_point b);
double bl_point_norm2(const struct bl_point *point);
double bl_record_sum(const struct bl_record *record);
struct bl_block bl_block_make(uint64_t seed);
int32_t bl_callback_once(int32_t (*f)(int32_t), int32_t x);
size_t bl_callback_iterate(bool (*f)(size_t i, void *user), size_t n, void *user);
void bl_callback_transform(double *values, size_t n, double (*f)(double));
void *bl_alloc(size_t size);
void *bl_alloc_aligned(size_t alignment, size_t size);
void bl_free(void *memory);
void bl_matmul(const double *a, const double *b, double *c, size_t n);
double bl_dot(const double *a, const double *b, size_t n);
void bl_vector_add(const double *a, const double *b, double *c, size_t n);
double bl_norm(const double *a, size_t n);
double bl_pairs(const double *a, size_t n);
int64_t bl_args_8i(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f, int32_t g, int32_t h);
double bl_args_12mixed(int32_t a, double b, int32_t c, double d, int32_t e, double f, int32_t g, double h, int32_t i, double j,
                       int32_t k, double l);
int32_t bl_target(int32_t number, int32_t x);
]])
for number = 0, 99 do
    ffi.cdef(("int32_t bl_target_%02d(int32_t x);"):format(number))
end

return function(folder)
    local lib = ffi.load(folder .. "../libbenchlib.so")
    local targets = {}
    for number = 0, 99 do
        targets[number] = lib[("bl_target_%02d"):format(number)]
    end
    return lib, targets
end
