// SPDX-License-Identifier: MIT
//
// benchlib for Python by pybind11, with its own conversions wherever it has one: scalars, classes, array_t, lists as vectors,
// functions as std::function. Bytes and array.array, for which it has none that does not copy, come as `bytes` and `buffer`.
// The interpreter's lock is kept, which is its default.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "suites/ffi/benchlib.h"

namespace py = pybind11;

namespace {

const char *text_of(const py::bytes &bytes)
{
    char *text = nullptr;
    if (PyBytes_AsStringAndSize(bytes.ptr(), &text, nullptr) != 0) {
        throw py::error_already_set();
    }
    return text;
}

// The items of a buffer, where they are.
template <typename T> class items {
  public:
    explicit items(const py::buffer &buffer, bool writable = false) : info(buffer.request(writable))
    {
        if (info.format != py::format_descriptor<T>::format() || info.ndim != 1 ||
            (info.strides[0] != info.itemsize && info.size > 1)) {
            throw py::type_error("an array of one dimension and of another type is needed");
        }
    }
    T *data() const
    {
        return static_cast<T *>(info.ptr);
    }
    size_t size() const
    {
        return static_cast<size_t>(info.size);
    }

  private:
    py::buffer_info info;
};

void same(size_t a, size_t b)
{
    if (a != b) {
        throw py::value_error("the arrays' lengths do not fit");
    }
}

void scalars(py::module_ &m)
{
    m.def("noop", &bl_noop);
    m.def("return_int", &bl_return_int);
    m.def("return_int64", &bl_return_int64);
    m.def("return_bool", &bl_return_bool);
    m.def("return_double", &bl_return_double);
    m.def("add_i32", &bl_add_i32);
    m.def("add_i64", &bl_add_i64);
    m.def("add_u32", &bl_add_u32);
    m.def("add_u64", &bl_add_u64);
    m.def("add_f32", &bl_add_f32);
    m.def("add_f64", &bl_add_f64);
    m.def("mul_f64", &bl_mul_f64);
    m.def("mul_i32", &bl_mul_i32);
    m.def("mul_i64", &bl_mul_i64);
    m.def("add_i64_checked", [](int64_t a, int64_t b) {
        int64_t sum = 0;
        bool fits = bl_add_i64_checked(a, b, &sum);
        return std::make_pair(fits, sum);
    });
    m.def("add_i32_checked", [](int32_t a, int32_t b) {
        int32_t sum = 0;
        bool fits = bl_add_i32_checked(a, b, &sum);
        return std::make_pair(fits, sum);
    });
    m.def("and_", &bl_and);
    m.def("not_", &bl_not);
    m.def("xor_u64", &bl_xor_u64);
    m.def("args_8i", &bl_args_8i);
    m.def("args_12mixed", &bl_args_12mixed);
    m.def("target", &bl_target);
#define TARGET(ten, one) m.def("target_" #ten #one, &bl_target_##ten##one);
    BL_TARGETS(TARGET)
#undef TARGET
}

void strings(py::module_ &m)
{
    m.def("str_length", [](const py::bytes &text) { return bl_str_length(text_of(text)); });
    m.def("str_length_copied", [](const std::string &text) { return bl_str_length(text.c_str()); });
    m.def("str_length_utf8", [](const py::bytes &text) { return bl_str_length_utf8(text_of(text)); });
    m.def("str_length_utf8_copied", [](const std::string &text) { return bl_str_length_utf8(text.c_str()); });
    m.def("str_identity",
          [](const py::bytes &text) { return reinterpret_cast<uintptr_t>(bl_str_identity(text_of(text))); });
    m.def("str_identity_copied",
          [](const std::string &text) { return std::string(bl_str_identity(text.c_str())); });
    m.def("str_concat", [](const py::bytes &a, const py::bytes &b) {
        char *both = bl_str_concat(text_of(a), text_of(b));
        if (both == nullptr) {
            throw std::bad_alloc();
        }
        PyObject *result = PyUnicode_FromString(both);
        bl_free(both);
        if (result == nullptr) {
            throw py::error_already_set();
        }
        return py::reinterpret_steal<py::str>(result);
    });
    m.def("bytes_count_nul", [](const py::buffer &bytes) {
        items<uint8_t> all(bytes);
        return bl_bytes_count_nul(all.data(), all.size());
    });
    m.def("bytes_count_nul_copied", [](const std::string &bytes) {
        return bl_bytes_count_nul(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    });
}

void enough(size_t held, size_t n, size_t stride)
{
    if (n != 0 && (held == 0 || (stride != 0 && n - 1 > (held - 1) / stride))) {
        throw py::value_error("the array is too short");
    }
}

// Three matrices of n rows.
void square(size_t a, size_t b, size_t c, size_t n)
{
    if (n > UINT32_MAX) {
        throw py::value_error("no such matrix");
    }
    same(a, n * n);
    same(b, n * n);
    same(c, n * n);
}

std::vector<double> copy_of(const items<double> &values)
{
    return {values.data(), values.data() + values.size()};
}

void arrays(py::module_ &m)
{
    m.def("array_sum", [](const py::buffer &buffer) {
        items<double> values(buffer);
        return bl_array_sum(values.data(), values.size());
    });
    m.def("array_sum_copied", [](const py::buffer &buffer) {
        std::vector<double> copy = copy_of(items<double>(buffer));
        return bl_array_sum(copy.data(), copy.size());
    });
    m.def("array_sum_list",
          [](const std::vector<double> &values) { return bl_array_sum(values.data(), values.size()); });
    m.def("array_sum_numpy", [](const py::array_t<double, py::array::c_style> &values) {
        return bl_array_sum(values.data(), static_cast<size_t>(values.size()));
    });
    m.def("array_scale", [](const py::buffer &buffer, double by) {
        items<double> values(buffer, true);
        bl_array_scale(values.data(), values.size(), by);
    });
    m.def("array_scale_copied", [](const py::buffer &buffer, double by) {
        items<double> values(buffer, true);
        std::vector<double> copy = copy_of(values);
        bl_array_scale(copy.data(), copy.size(), by);
        std::copy(copy.begin(), copy.end(), values.data());
    });
    m.def("array_sum_strided", [](const py::buffer &buffer, size_t n, size_t stride) {
        items<double> values(buffer);
        enough(values.size(), n, stride);
        return bl_array_sum_strided(values.data(), n, stride);
    });
    m.def("array_sum_strided_copied", [](const py::buffer &buffer, size_t n, size_t stride) {
        std::vector<double> copy = copy_of(items<double>(buffer));
        enough(copy.size(), n, stride);
        return bl_array_sum_strided(copy.data(), n, stride);
    });
    m.def("array_fill_i32", [](const py::buffer &buffer, int32_t with) {
        items<int32_t> values(buffer, true);
        bl_array_fill_i32(values.data(), values.size(), with);
    });
    m.def("array_fill_i32_copied", [](const py::buffer &buffer, int32_t with) {
        items<int32_t> values(buffer, true);
        std::vector<int32_t> filled(values.size());
        bl_array_fill_i32(filled.data(), filled.size(), with);
        std::copy(filled.begin(), filled.end(), values.data());
    });
    m.def("matmul", [](const py::buffer &first, const py::buffer &second, const py::buffer &result, size_t n) {
        items<double> a(first), b(second), c(result, true);
        square(a.size(), b.size(), c.size(), n);
        bl_matmul(a.data(), b.data(), c.data(), n);
    });
    m.def("matmul_copied",
          [](const py::buffer &first, const py::buffer &second, const py::buffer &result, size_t n) {
              items<double> a(first), b(second), c(result, true);
              square(a.size(), b.size(), c.size(), n);
              std::vector<double> left = copy_of(a), right = copy_of(b), product(c.size());
              bl_matmul(left.data(), right.data(), product.data(), n);
              std::copy(product.begin(), product.end(), c.data());
          });
    m.def("dot", [](const py::buffer &first, const py::buffer &second) {
        items<double> a(first), b(second);
        same(a.size(), b.size());
        return bl_dot(a.data(), b.data(), a.size());
    });
    m.def("dot_copied", [](const py::buffer &first, const py::buffer &second) {
        std::vector<double> a = copy_of(items<double>(first)), b = copy_of(items<double>(second));
        same(a.size(), b.size());
        return bl_dot(a.data(), b.data(), a.size());
    });
    m.def("vector_add", [](const py::buffer &first, const py::buffer &second, const py::buffer &result) {
        items<double> a(first), b(second), c(result, true);
        same(a.size(), b.size());
        same(a.size(), c.size());
        bl_vector_add(a.data(), b.data(), c.data(), a.size());
    });
    m.def("vector_add_copied", [](const py::buffer &first, const py::buffer &second, const py::buffer &result) {
        items<double> a(first), b(second), c(result, true);
        same(a.size(), b.size());
        same(a.size(), c.size());
        std::vector<double> left = copy_of(a), right = copy_of(b), sum(a.size());
        bl_vector_add(left.data(), right.data(), sum.data(), sum.size());
        std::copy(sum.begin(), sum.end(), c.data());
    });
    m.def("norm", [](const py::buffer &buffer) {
        items<double> values(buffer);
        return bl_norm(values.data(), values.size());
    });
    m.def("norm_copied", [](const py::buffer &buffer) {
        std::vector<double> copy = copy_of(items<double>(buffer));
        return bl_norm(copy.data(), copy.size());
    });
    m.def("pairs", [](const py::buffer &buffer) {
        items<double> values(buffer);
        return bl_pairs(values.data(), values.size());
    });
    m.def("pairs_copied", [](const py::buffer &buffer) {
        std::vector<double> copy = copy_of(items<double>(buffer));
        return bl_pairs(copy.data(), copy.size());
    });
    m.def("alloc", [](size_t size) { return reinterpret_cast<uintptr_t>(bl_alloc(size)); });
    m.def("alloc_aligned", [](size_t alignment, size_t size) {
        return reinterpret_cast<uintptr_t>(bl_alloc_aligned(alignment, size));
    });
    m.def("free", [](uintptr_t memory) { bl_free(reinterpret_cast<void *>(memory)); });
}

bl_record make_record(int64_t id, const std::array<double, 8> &values, const std::array<int32_t, 6> &counts,
                      const py::bytes &name)
{
    bl_record record{};
    const char *text = text_of(name);
    if (std::strlen(text) >= sizeof(record.name)) {
        throw py::value_error("a record's name has at most 15 bytes");
    }
    record.id = id;
    std::copy(values.begin(), values.end(), record.values);
    std::copy(counts.begin(), counts.end(), record.counts);
    std::strcpy(record.name, text);
    return record;
}

void structs(py::module_ &m)
{
    py::class_<bl_point>(m, "Point")
        .def(py::init([](double x, double y) {
            return bl_point{x, y};
        }))
        .def_readwrite("x", &bl_point::x)
        .def_readwrite("y", &bl_point::y);
    py::class_<bl_record>(m, "Record").def(py::init(&make_record));
    py::class_<bl_block>(m, "Block")
        .def("__len__", [](const bl_block &) { return 16; })
        .def("__getitem__", [](const bl_block &block, size_t at) {
            if (at >= 16) {
                throw py::index_error("a block has 16 words");
            }
            return block.words[at];
        });
    m.def("point_add", &bl_point_add);
    // By reference: a pointer could be None.
    m.def("point_norm2", [](const bl_point &point) { return bl_point_norm2(&point); });
    m.def("point_norm2_copied", [](const bl_point &point) {
        auto copy = std::make_unique<bl_point>(point);
        return bl_point_norm2(copy.get());
    });
    m.def("record_sum", [](const bl_record &record) { return bl_record_sum(&record); });
    m.def("record_sum_copied", [](const bl_record &record) {
        auto copy = std::make_unique<bl_record>(record);
        return bl_record_sum(copy.get());
    });
    m.def("block_make", &bl_block_make);
}

// What is called by functions that pass on no pointer. No exception may go through C's frames: the first one is kept, and goes
// on from here.
template <typename F> struct guarded {
    const F *f;
    std::exception_ptr thrown;
    guarded *outer;
    static thread_local guarded *now;

    explicit guarded(const F &function) : f(&function), outer(now)
    {
        now = this;
    }
    ~guarded()
    {
        now = outer;
    }
    void done() const
    {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }
    template <typename R, typename A> R call(A argument, R otherwise) noexcept
    {
        if (thrown) {
            return otherwise;
        }
        try {
            return (*f)(argument);
        } catch (...) {
            thrown = std::current_exception();
            return otherwise;
        }
    }
};
template <typename F> thread_local guarded<F> *guarded<F>::now = nullptr;

using of_i32 = std::function<int32_t(int32_t)>;
using of_size = std::function<bool(size_t)>;
using of_f64 = std::function<double(double)>;

void callbacks(py::module_ &m)
{
    m.def("callback_once", [](const of_i32 &f, int32_t x) {
        guarded<of_i32> call(f);
        int32_t result = bl_callback_once([](int32_t y) { return guarded<of_i32>::now->call(y, 0); }, x);
        call.done();
        return result;
    });
    m.def("callback_iterate", [](const of_size &f, size_t n) {
        guarded<of_size> call(f);
        size_t calls = bl_callback_iterate(
            [](size_t i, void *user) { return static_cast<guarded<of_size> *>(user)->call(i, false); }, n,
            &call);
        call.done();
        return calls;
    });
    m.def("callback_transform", [](const py::buffer &buffer, const of_f64 &f) {
        items<double> values(buffer, true);
        guarded<of_f64> call(f);
        bl_callback_transform(values.data(), values.size(),
                              [](double x) { return guarded<of_f64>::now->call(x, std::nan("")); });
        call.done();
    });
}

} // namespace

PYBIND11_MODULE(benchlib_pybind11, m)
{
    m.doc() = "benchlib by pybind11";
    scalars(m);
    strings(m);
    arrays(m);
    structs(m);
    callbacks(m);
}
