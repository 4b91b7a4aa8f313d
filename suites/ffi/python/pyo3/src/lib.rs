// SPDX-License-Identifier: MIT
//! benchlib for Python by PyO3, with its own conversions wherever it has one: scalars, classes, buffers, lists as vectors.
//! Bytes, which C needs with a NUL at the end, are asked for it by CPython's own function. The interpreter's lock is kept.
use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::{PyIndexError, PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::AsPyPointer;
use std::cell::RefCell;
use std::ffi::{c_void, CStr, CString};
use std::os::raw::c_char;

mod benchlib;
mod targets;

use benchlib::*;

/// The bytes, where they are, with the NUL behind them.
fn text_of(bytes: &PyBytes) -> PyResult<*const c_char> {
    let mut text: *mut c_char = std::ptr::null_mut();
    let fine = unsafe { pyo3::ffi::PyBytes_AsStringAndSize(bytes.as_ptr(), &mut text, std::ptr::null_mut()) };
    if fine == 0 {
        Ok(text)
    } else {
        Err(PyErr::fetch(bytes.py()))
    }
}

/// The items of an object with the buffer protocol, where they are. None: there is none, and array.array's memory is then
/// something that is not aligned, which PyO3 refuses.
struct Items<T: Element>(Option<PyBuffer<T>>);

impl<'a, T: Element> FromPyObject<'a> for Items<T> {
    fn extract(object: &'a PyAny) -> PyResult<Self> {
        match PyBuffer::get(object) {
            Ok(buffer) if buffer.is_c_contiguous() => Ok(Items(Some(buffer))),
            Ok(_) => Err(PyTypeError::new_err("a contiguous array is needed")),
            Err(_) if object.len().map_or(false, |n| n == 0) => Ok(Items(None)),
            Err(error) => Err(error),
        }
    }
}

impl<T: Element> Items<T> {
    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |buffer| buffer.item_count())
    }

    fn at(&self) -> *const T {
        self.0.as_ref().map_or(std::ptr::NonNull::dangling().as_ptr(), |buffer| buffer.buf_ptr() as *const T)
    }

    fn at_mut(&self) -> PyResult<*mut T> {
        if self.0.as_ref().map_or(false, |buffer| buffer.readonly()) {
            return Err(PyTypeError::new_err("a writable array is needed"));
        }
        Ok(self.at() as *mut T)
    }

    fn to_vec(&self, py: Python<'_>) -> PyResult<Vec<T>> {
        self.0.as_ref().map_or(Ok(Vec::new()), |buffer| buffer.to_vec(py))
    }

    fn copy_from(&self, py: Python<'_>, values: &[T]) -> PyResult<()> {
        self.0.as_ref().map_or(Ok(()), |buffer| buffer.copy_from_slice(py, values))
    }
}

fn same(a: usize, b: usize) -> PyResult<()> {
    if a == b {
        Ok(())
    } else {
        Err(PyValueError::new_err("the arrays' lengths do not fit"))
    }
}

// Nothing, one value of each kind, arithmetic, logic, many arguments.

#[pyfunction]
fn noop() {
    unsafe { bl_noop() }
}

#[pyfunction]
fn return_int() -> i32 {
    unsafe { bl_return_int() }
}

#[pyfunction]
fn return_int64() -> i64 {
    unsafe { bl_return_int64() }
}

#[pyfunction]
fn return_bool() -> bool {
    unsafe { bl_return_bool() }
}

#[pyfunction]
fn return_double() -> f64 {
    unsafe { bl_return_double() }
}

#[pyfunction]
fn add_i32(a: i32, b: i32) -> i32 {
    unsafe { bl_add_i32(a, b) }
}

#[pyfunction]
fn add_i64(a: i64, b: i64) -> i64 {
    unsafe { bl_add_i64(a, b) }
}

#[pyfunction]
fn add_u32(a: u32, b: u32) -> u32 {
    unsafe { bl_add_u32(a, b) }
}

#[pyfunction]
fn add_u64(a: u64, b: u64) -> u64 {
    unsafe { bl_add_u64(a, b) }
}

#[pyfunction]
fn add_f32(a: f32, b: f32) -> f32 {
    unsafe { bl_add_f32(a, b) }
}

#[pyfunction]
fn add_f64(a: f64, b: f64) -> f64 {
    unsafe { bl_add_f64(a, b) }
}

#[pyfunction]
fn mul_f64(a: f64, b: f64) -> f64 {
    unsafe { bl_mul_f64(a, b) }
}

#[pyfunction]
fn mul_i32(a: i32, b: i32) -> i32 {
    unsafe { bl_mul_i32(a, b) }
}

#[pyfunction]
fn mul_i64(a: i64, b: i64) -> i64 {
    unsafe { bl_mul_i64(a, b) }
}

#[pyfunction]
fn add_i32_checked(a: i32, b: i32) -> (bool, i32) {
    let mut sum = 0;
    let fits = unsafe { bl_add_i32_checked(a, b, &mut sum) };
    (fits, sum)
}

#[pyfunction]
fn add_i64_checked(a: i64, b: i64) -> (bool, i64) {
    let mut sum = 0;
    let fits = unsafe { bl_add_i64_checked(a, b, &mut sum) };
    (fits, sum)
}

#[pyfunction]
fn and_(a: bool, b: bool) -> bool {
    unsafe { bl_and(a, b) }
}

#[pyfunction]
fn not_(a: bool) -> bool {
    unsafe { bl_not(a) }
}

#[pyfunction]
fn xor_u64(a: u64, b: u64) -> u64 {
    unsafe { bl_xor_u64(a, b) }
}

#[pyfunction]
#[allow(clippy::too_many_arguments)]
fn args_8i(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32) -> i64 {
    unsafe { bl_args_8i(a, b, c, d, e, f, g, h) }
}

#[pyfunction]
#[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
fn args_12mixed(
    a: i32, b: f64, c: i32, d: f64, e: i32, f: f64, g: i32, h: f64, i: i32, j: f64, k: i32, l: f64,
) -> f64 {
    unsafe { bl_args_12mixed(a, b, c, d, e, f, g, h, i, j, k, l) }
}

#[pyfunction]
fn target(number: i32, x: i32) -> i32 {
    unsafe { bl_target(number, x) }
}

// Strings and bytes.

#[pyfunction]
fn str_length(text: &PyBytes) -> PyResult<usize> {
    Ok(unsafe { bl_str_length(text_of(text)?) })
}

#[pyfunction]
fn str_length_copied(text: &str) -> PyResult<usize> {
    let copy = CString::new(text)?;
    Ok(unsafe { bl_str_length(copy.as_ptr()) })
}

#[pyfunction]
fn str_length_utf8(text: &PyBytes) -> PyResult<usize> {
    Ok(unsafe { bl_str_length_utf8(text_of(text)?) })
}

#[pyfunction]
fn str_length_utf8_copied(text: &str) -> PyResult<usize> {
    let copy = CString::new(text)?;
    Ok(unsafe { bl_str_length_utf8(copy.as_ptr()) })
}

/// The address: a pointer is what is returned, and Python has no type for it.
#[pyfunction]
fn str_identity(text: &PyBytes) -> PyResult<usize> {
    Ok(unsafe { bl_str_identity(text_of(text)?) } as usize)
}

#[pyfunction]
fn str_identity_copied(text: &str) -> PyResult<String> {
    let copy = CString::new(text)?;
    let same = unsafe { CStr::from_ptr(bl_str_identity(copy.as_ptr())) };
    Ok(same.to_str()?.to_owned())
}

#[pyfunction]
fn str_concat(py: Python<'_>, a: &PyBytes, b: &PyBytes) -> PyResult<PyObject> {
    let both = unsafe { bl_str_concat(text_of(a)?, text_of(b)?) };
    if both.is_null() {
        return Err(PyMemoryError::new_err("not enough memory"));
    }
    let result = unsafe { CStr::from_ptr(both) }.to_str().map(|text| text.to_object(py));
    unsafe { bl_free(both as *mut c_void) };
    Ok(result?)
}

#[pyfunction]
fn bytes_count_nul(bytes: &[u8]) -> usize {
    unsafe { bl_bytes_count_nul(bytes.as_ptr(), bytes.len()) }
}

#[pyfunction]
fn bytes_count_nul_copied(bytes: &[u8]) -> usize {
    let copy = bytes.to_vec();
    unsafe { bl_bytes_count_nul(copy.as_ptr(), copy.len()) }
}

// Arrays.

#[pyfunction]
fn array_sum(values: Items<f64>) -> f64 {
    unsafe { bl_array_sum(values.at(), values.len()) }
}

#[pyfunction]
fn array_sum_copied(py: Python<'_>, values: Items<f64>) -> PyResult<f64> {
    let copy = values.to_vec(py)?;
    Ok(unsafe { bl_array_sum(copy.as_ptr(), copy.len()) })
}

#[pyfunction]
fn array_sum_list(values: Vec<f64>) -> f64 {
    unsafe { bl_array_sum(values.as_ptr(), values.len()) }
}

#[pyfunction]
fn array_scale(values: Items<f64>, by: f64) -> PyResult<()> {
    unsafe { bl_array_scale(values.at_mut()?, values.len(), by) };
    Ok(())
}

#[pyfunction]
fn array_scale_copied(py: Python<'_>, values: Items<f64>, by: f64) -> PyResult<()> {
    let mut copy = values.to_vec(py)?;
    unsafe { bl_array_scale(copy.as_mut_ptr(), copy.len(), by) };
    values.copy_from(py, &copy)
}

fn enough(held: usize, n: usize, stride: usize) -> PyResult<()> {
    if n != 0 && (held == 0 || (stride != 0 && n - 1 > (held - 1) / stride)) {
        return Err(PyValueError::new_err("the array is too short"));
    }
    Ok(())
}

#[pyfunction]
fn array_sum_strided(values: Items<f64>, n: usize, stride: usize) -> PyResult<f64> {
    enough(values.len(), n, stride)?;
    Ok(unsafe { bl_array_sum_strided(values.at(), n, stride) })
}

#[pyfunction]
fn array_sum_strided_copied(py: Python<'_>, values: Items<f64>, n: usize, stride: usize) -> PyResult<f64> {
    let copy = values.to_vec(py)?;
    enough(copy.len(), n, stride)?;
    Ok(unsafe { bl_array_sum_strided(copy.as_ptr(), n, stride) })
}

#[pyfunction]
fn array_fill_i32(values: Items<i32>, with: i32) -> PyResult<()> {
    unsafe { bl_array_fill_i32(values.at_mut()?, values.len(), with) };
    Ok(())
}

#[pyfunction]
fn array_fill_i32_copied(py: Python<'_>, values: Items<i32>, with: i32) -> PyResult<()> {
    let mut filled = vec![0; values.len()];
    unsafe { bl_array_fill_i32(filled.as_mut_ptr(), filled.len(), with) };
    values.copy_from(py, &filled)
}

/// Three matrices of n rows.
fn square(a: &Items<f64>, b: &Items<f64>, c: &Items<f64>, n: usize) -> PyResult<()> {
    let wanted = n.checked_mul(n).ok_or_else(|| PyValueError::new_err("no such matrix"))?;
    same(a.len(), wanted)?;
    same(b.len(), wanted)?;
    same(c.len(), wanted)
}

#[pyfunction]
fn matmul(a: Items<f64>, b: Items<f64>, c: Items<f64>, n: usize) -> PyResult<()> {
    square(&a, &b, &c, n)?;
    unsafe { bl_matmul(a.at(), b.at(), c.at_mut()?, n) };
    Ok(())
}

#[pyfunction]
fn matmul_copied(py: Python<'_>, a: Items<f64>, b: Items<f64>, c: Items<f64>, n: usize) -> PyResult<()> {
    square(&a, &b, &c, n)?;
    let (left, right) = (a.to_vec(py)?, b.to_vec(py)?);
    let mut product = vec![0.0; left.len()];
    unsafe { bl_matmul(left.as_ptr(), right.as_ptr(), product.as_mut_ptr(), n) };
    c.copy_from(py, &product)
}

#[pyfunction]
fn dot(a: Items<f64>, b: Items<f64>) -> PyResult<f64> {
    same(a.len(), b.len())?;
    Ok(unsafe { bl_dot(a.at(), b.at(), a.len()) })
}

#[pyfunction]
fn dot_copied(py: Python<'_>, a: Items<f64>, b: Items<f64>) -> PyResult<f64> {
    same(a.len(), b.len())?;
    let (left, right) = (a.to_vec(py)?, b.to_vec(py)?);
    Ok(unsafe { bl_dot(left.as_ptr(), right.as_ptr(), left.len()) })
}

#[pyfunction]
fn vector_add(a: Items<f64>, b: Items<f64>, c: Items<f64>) -> PyResult<()> {
    same(a.len(), b.len())?;
    same(a.len(), c.len())?;
    unsafe { bl_vector_add(a.at(), b.at(), c.at_mut()?, a.len()) };
    Ok(())
}

#[pyfunction]
fn vector_add_copied(py: Python<'_>, a: Items<f64>, b: Items<f64>, c: Items<f64>) -> PyResult<()> {
    same(a.len(), b.len())?;
    same(a.len(), c.len())?;
    let (left, right) = (a.to_vec(py)?, b.to_vec(py)?);
    let mut sum = vec![0.0; left.len()];
    unsafe { bl_vector_add(left.as_ptr(), right.as_ptr(), sum.as_mut_ptr(), sum.len()) };
    c.copy_from(py, &sum)
}

#[pyfunction]
fn norm(values: Items<f64>) -> f64 {
    unsafe { bl_norm(values.at(), values.len()) }
}

#[pyfunction]
fn norm_copied(py: Python<'_>, values: Items<f64>) -> PyResult<f64> {
    let copy = values.to_vec(py)?;
    Ok(unsafe { bl_norm(copy.as_ptr(), copy.len()) })
}

#[pyfunction]
fn pairs(values: Items<f64>) -> f64 {
    unsafe { bl_pairs(values.at(), values.len()) }
}

#[pyfunction]
fn pairs_copied(py: Python<'_>, values: Items<f64>) -> PyResult<f64> {
    let copy = values.to_vec(py)?;
    Ok(unsafe { bl_pairs(copy.as_ptr(), copy.len()) })
}

// Memory.

#[pyfunction]
fn alloc(size: usize) -> usize {
    unsafe { bl_alloc(size) as usize }
}

#[pyfunction]
fn alloc_aligned(alignment: usize, size: usize) -> usize {
    unsafe { bl_alloc_aligned(alignment, size) as usize }
}

#[pyfunction]
fn free(memory: usize) {
    unsafe { bl_free(memory as *mut c_void) }
}

// Structs, as classes that have the C struct in them.

#[pyclass]
struct Point {
    inner: bl_point,
}

#[pymethods]
impl Point {
    #[new]
    fn new(x: f64, y: f64) -> Self {
        Point { inner: bl_point { x, y } }
    }

    #[getter]
    fn x(&self) -> f64 {
        self.inner.x
    }

    #[getter]
    fn y(&self) -> f64 {
        self.inner.y
    }
}

#[pyclass]
struct Record {
    inner: bl_record,
}

#[pymethods]
impl Record {
    #[new]
    fn new(id: i64, values: [f64; 8], counts: [i32; 6], name: &[u8]) -> PyResult<Self> {
        let mut inner = bl_record { id, values, counts, name: [0; 16] };
        if name.len() >= inner.name.len() || name.contains(&0) {
            return Err(PyValueError::new_err("a record's name has at most 15 bytes, and no NUL"));
        }
        inner.name[..name.len()].copy_from_slice(name);
        Ok(Record { inner })
    }
}

#[pyclass]
struct Block {
    inner: bl_block,
}

#[pymethods]
impl Block {
    fn __len__(&self) -> usize {
        self.inner.words.len()
    }

    fn __getitem__(&self, at: usize) -> PyResult<u64> {
        self.inner.words.get(at).copied().ok_or_else(|| PyIndexError::new_err("a block has 16 words"))
    }
}

#[pyfunction]
fn point_add(a: &Point, b: &Point) -> Point {
    Point { inner: unsafe { bl_point_add(a.inner, b.inner) } }
}

#[pyfunction]
fn point_norm2(point: &Point) -> f64 {
    unsafe { bl_point_norm2(&point.inner) }
}

#[pyfunction]
fn point_norm2_copied(point: &Point) -> f64 {
    let copy = Box::new(point.inner);
    unsafe { bl_point_norm2(&*copy) }
}

#[pyfunction]
fn record_sum(record: &Record) -> f64 {
    unsafe { bl_record_sum(&record.inner) }
}

#[pyfunction]
fn record_sum_copied(record: &Record) -> f64 {
    let copy = Box::new(record.inner);
    unsafe { bl_record_sum(&*copy) }
}

#[pyfunction]
fn block_make(seed: u64) -> Block {
    Block { inner: unsafe { bl_block_make(seed) } }
}

// Callbacks. Two of the functions have no pointer that they pass on, so what is called then is kept here. After an exception
// nothing is called any more, and it is raised in the end.

struct Called {
    function: PyObject,
    error: Option<PyErr>,
}

impl Called {
    fn call<R: for<'a> FromPyObject<'a>>(&mut self, py: Python<'_>, argument: impl ToPyObject, otherwise: R) -> R {
        if self.error.is_some() {
            return otherwise;
        }
        match self.function.call1(py, (argument.to_object(py),)).and_then(|result| result.extract::<R>(py)) {
            Ok(result) => result,
            Err(error) => {
                self.error = Some(error);
                otherwise
            }
        }
    }
}

thread_local! {
    static CALLED: RefCell<Vec<*mut Called>> = RefCell::new(Vec::new());
}

/// Does `work` with `called` as the innermost function.
fn with_called<R>(called: &mut Called, work: impl FnOnce() -> R) -> R {
    CALLED.with(|all| all.borrow_mut().push(called));
    let result = work();
    CALLED.with(|all| all.borrow_mut().pop());
    result
}

fn innermost<'a>() -> &'a mut Called {
    // Only functions that with_called() has begun to work for call this.
    CALLED.with(|all| unsafe { &mut **all.borrow().last().expect("nothing is called") })
}

fn raised(called: Called) -> PyResult<()> {
    called.error.map_or(Ok(()), Err)
}

extern "C" fn call_i32(x: i32) -> i32 {
    let py = unsafe { Python::assume_gil_acquired() };
    innermost().call(py, x, 0)
}

extern "C" fn call_f64(x: f64) -> f64 {
    let py = unsafe { Python::assume_gil_acquired() };
    innermost().call(py, x, f64::NAN)
}

extern "C" fn call_more(i: usize, user: *mut c_void) -> bool {
    let py = unsafe { Python::assume_gil_acquired() };
    unsafe { &mut *(user as *mut Called) }.call(py, i, false)
}

#[pyfunction]
fn callback_once(f: PyObject, x: i32) -> PyResult<i32> {
    let mut called = Called { function: f, error: None };
    let result = with_called(&mut called, || unsafe { bl_callback_once(call_i32, x) });
    raised(called)?;
    Ok(result)
}

#[pyfunction]
fn callback_iterate(f: PyObject, n: usize) -> PyResult<usize> {
    let mut called = Called { function: f, error: None };
    let calls = unsafe { bl_callback_iterate(call_more, n, &mut called as *mut Called as *mut c_void) };
    raised(called)?;
    Ok(calls)
}

#[pyfunction]
fn callback_transform(values: Items<f64>, f: PyObject) -> PyResult<()> {
    let at = values.at_mut()?;
    let mut called = Called { function: f, error: None };
    with_called(&mut called, || unsafe { bl_callback_transform(at, values.len(), call_f64) });
    raised(called)
}

macro_rules! add_all {
    ($module:ident, $($name:ident)*) => {
        $($module.add_function(wrap_pyfunction!($name, $module)?)?;)*
    };
}
pub(crate) use add_all;

#[pymodule]
fn benchlib_pyo3(_py: Python<'_>, module: &PyModule) -> PyResult<()> {
    add_all!(module, noop return_int return_int64 return_bool return_double
        add_i32 add_i64 add_u32 add_u64 add_f32 add_f64 mul_f64 mul_i32 mul_i64 add_i32_checked
        add_i64_checked and_ not_ xor_u64 args_8i args_12mixed target
        str_length str_length_copied str_length_utf8 str_length_utf8_copied str_identity str_identity_copied str_concat
        bytes_count_nul bytes_count_nul_copied
        array_sum array_sum_copied array_sum_list array_scale array_scale_copied
        array_sum_strided array_sum_strided_copied array_fill_i32 array_fill_i32_copied
        matmul matmul_copied dot dot_copied vector_add vector_add_copied norm norm_copied pairs pairs_copied
        alloc alloc_aligned free
        point_add point_norm2 point_norm2_copied record_sum record_sum_copied block_make
        callback_once callback_iterate callback_transform);
    module.add_class::<Point>()?;
    module.add_class::<Record>()?;
    module.add_class::<Block>()?;
    targets::add(module)
}
