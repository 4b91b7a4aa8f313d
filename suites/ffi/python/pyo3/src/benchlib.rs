// SPDX-License-Identifier: MIT
//! benchlib.h, for Rust. That it fits is seen by the results, which are compared with those of all other sides.
#![allow(non_camel_case_types)]
use std::ffi::c_void;
use std::os::raw::c_char;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bl_point {
    pub x: f64,
    pub y: f64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct bl_record {
    pub id: i64,
    pub values: [f64; 8],
    pub counts: [i32; 6],
    pub name: [u8; 16],
}

#[repr(C)]
pub struct bl_block {
    pub words: [u64; 16],
}

#[link(name = "benchlib")]
extern "C" {
    pub fn bl_noop();
    pub fn bl_return_int() -> i32;
    pub fn bl_return_int64() -> i64;
    pub fn bl_return_bool() -> bool;
    pub fn bl_return_double() -> f64;
    pub fn bl_add_i32(a: i32, b: i32) -> i32;
    pub fn bl_add_i64(a: i64, b: i64) -> i64;
    pub fn bl_add_u32(a: u32, b: u32) -> u32;
    pub fn bl_add_u64(a: u64, b: u64) -> u64;
    pub fn bl_add_f32(a: f32, b: f32) -> f32;
    pub fn bl_add_f64(a: f64, b: f64) -> f64;
    pub fn bl_mul_f64(a: f64, b: f64) -> f64;
    pub fn bl_mul_i32(a: i32, b: i32) -> i32;
    pub fn bl_mul_i64(a: i64, b: i64) -> i64;
    pub fn bl_add_i64_checked(a: i64, b: i64, sum: *mut i64) -> bool;
    pub fn bl_add_i32_checked(a: i32, b: i32, sum: *mut i32) -> bool;
    pub fn bl_and(a: bool, b: bool) -> bool;
    pub fn bl_not(a: bool) -> bool;
    pub fn bl_xor_u64(a: u64, b: u64) -> u64;
    pub fn bl_str_length(text: *const c_char) -> usize;
    pub fn bl_str_length_utf8(text: *const c_char) -> usize;
    pub fn bl_str_identity(text: *const c_char) -> *const c_char;
    pub fn bl_str_concat(a: *const c_char, b: *const c_char) -> *mut c_char;
    pub fn bl_bytes_count_nul(bytes: *const u8, size: usize) -> usize;
    pub fn bl_array_sum(values: *const f64, n: usize) -> f64;
    pub fn bl_array_scale(values: *mut f64, n: usize, by: f64);
    pub fn bl_array_sum_strided(values: *const f64, n: usize, stride: usize) -> f64;
    pub fn bl_array_fill_i32(values: *mut i32, n: usize, with: i32);
    pub fn bl_point_add(a: bl_point, b: bl_point) -> bl_point;
    pub fn bl_point_norm2(point: *const bl_point) -> f64;
    pub fn bl_record_sum(record: *const bl_record) -> f64;
    pub fn bl_block_make(seed: u64) -> bl_block;
    pub fn bl_callback_once(f: extern "C" fn(i32) -> i32, x: i32) -> i32;
    pub fn bl_callback_iterate(f: extern "C" fn(usize, *mut c_void) -> bool, n: usize, user: *mut c_void) -> usize;
    pub fn bl_callback_transform(values: *mut f64, n: usize, f: extern "C" fn(f64) -> f64);
    pub fn bl_alloc(size: usize) -> *mut c_void;
    pub fn bl_alloc_aligned(alignment: usize, size: usize) -> *mut c_void;
    pub fn bl_free(memory: *mut c_void);
    pub fn bl_matmul(a: *const f64, b: *const f64, c: *mut f64, n: usize);
    pub fn bl_dot(a: *const f64, b: *const f64, n: usize) -> f64;
    pub fn bl_vector_add(a: *const f64, b: *const f64, c: *mut f64, n: usize);
    pub fn bl_norm(a: *const f64, n: usize) -> f64;
    pub fn bl_pairs(a: *const f64, n: usize) -> f64;
    pub fn bl_args_8i(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32) -> i64;
    pub fn bl_args_12mixed(
        a: i32, b: f64, c: i32, d: f64, e: i32, f: f64, g: i32, h: f64, i: i32, j: f64, k: i32, l: f64,
    ) -> f64;
    pub fn bl_target(number: i32, x: i32) -> i32;
}
