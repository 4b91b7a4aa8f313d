/* SPDX-License-Identifier: MIT */
/* record/symbols_rust.h: names that rustc 1.95 made of a small crate, and what is none of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record/symbols_parts.h"
#include "record/symbols_rust.h"

static char text[16384];

static const char *shown(const char *symbol)
{
    size_t length = tare__rust_name(symbol, text, sizeof(text) - 1);
    text[length] = '\0';
    return text;
}

static void names_of_rustc_are_shown(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"_RINvCsdQN5DOooBhR_5krate3cstKb0_Kc27_Ka7_Ko0_EB2_", "krate::cst::<false, '\\'', 7, 0>"},
        {"_RINvCsdQN5DOooBhR_5krate3cstKb1_Kc78_Kan5_Koffffffffffffffffffff_EB2_",
         "krate::cst::<true, 'x', -5, 0xffffffffffffffffffff>"},
        {"_RINvCsdQN5DOooBhR_5krate3sctKRe6865792022796f752220c3a9_EB2_",
         "krate::sct::<\"hey \\\"you\\\" \\xc3\\xa9\">"},
        {"_RINvCsdQN5DOooBhR_5krate3genAdj3_EB2_", "krate::gen::<[f64; 3]>"},
        {"_RINvCsdQN5DOooBhR_5krate3genFEzEB2_", "krate::gen::<fn() -> !>"},
        {"_RINvCsdQN5DOooBhR_5krate3genFG0_RL1_hRL0_hERL1_hEB2_",
         "krate::gen::<for<'a, 'b> fn(&'a u8, &'b u8) -> &'a u8>"},
        {"_RINvCsdQN5DOooBhR_5krate3genFUKCPhOlEuEB2_",
         "krate::gen::<unsafe extern \"C\" fn(*const u8, *mut i32)>"},
        {"_RINvCsdQN5DOooBhR_5krate3genFmEhEB2_", "krate::gen::<fn(u32) -> u8>"},
        {"_RINvCsdQN5DOooBhR_5krate3genINtNtCsgEmfK2I1SDS_4core6option6OptionQShEEB2_",
         "krate::gen::<core::option::Option<&mut [u8]>>"},
        {"_RINvCsdQN5DOooBhR_5krate3genINtNtCslNYArtu3iFV_5alloc5boxed3BoxDNtNtNtNtCsgEmfK2I1SDS_"
         "4core4iter6traits8iterator8Iteratorp4ItemhEL_EEB2_",
         "krate::gen::<alloc::boxed::Box<dyn core::iter::traits::iterator::Iterator<Item = u8>>>"},
        {"_RINvCsdQN5DOooBhR_5krate3genRDNtNtB2_6shapes4AreaEL_EB2_", "krate::gen::<&dyn krate::shapes::Area>"},
        {"_RINvCsdQN5DOooBhR_5krate3genReEB2_", "krate::gen::<&str>"},
        {"_RINvCsdQN5DOooBhR_5krate3genTasEEB2_", "krate::gen::<(i8, i16)>"},
        {"_RINvCsdQN5DOooBhR_5krate3genTyEEB2_", "krate::gen::<(u64,)>"},
        {"_RINvCsdQN5DOooBhR_5krate3genhEB2_", "krate::gen::<u8>"},
        {"_RINvCsdQN5DOooBhR_5krate3genmEB2_", "krate::gen::<u32>"},
        {"_RINvYINtNtNtCsgEmfK2I1SDS_4core3ops5range5RangemENtNtNtNtBa_"
         "4iter6traits8iterator8Iterator3mapmNCNvCsdQN5DOooBhR_5krate3alls1_0EB1z_",
         "<core::ops::range::Range<u32> as core::iter::traits::iterator::Iterator>::map::<u32, "
         "krate::all::{closure#3}>"},
        {"_RNCINvNvNtNtNtNtCsgEmfK2I1SDS_4core4iter6traits8iterator8Iterator8for_each4callmNCNvCsdQN5DOooBhR_"
         "5krate3alls2_0E0B1k_",
         "core::iter::traits::iterator::Iterator::for_each::call::<u32, krate::all::{closure#4}>::{closure#0}"},
        {"_RNCNvCsdQN5DOooBhR_5krate3all0B3_", "krate::all::{closure#0}"},
        {"_RNCNvCsdQN5DOooBhR_5krate3alls0_0B3_", "krate::all::{closure#2}"},
        {"_RINvNtCsgEmfK2I1SDS_4core3mem4dropINtNtCslNYArtu3iFV_5alloc3vec3VecNtNtCsdQN5DOooBhR_"
         "5krate6shapes6HolderEEB17_",
         "core::mem::drop::<alloc::vec::Vec<krate::shapes::Holder>>"},
        {"_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeDNtNtNtNtB4_4iter6traits8iterator8Iteratorp4ItemhEL_"
         "ECsdQN5DOooBhR_5krate",
         "core::ptr::drop_in_place::<dyn core::iter::traits::iterator::Iterator<Item = u8>>"},
        {"_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeINtNtCslNYArtu3iFV_5alloc3vec3VecNtNtCsdQN5DOooBhR_"
         "5krate6shapes6HolderEEB1h_",
         "core::ptr::drop_in_place::<alloc::vec::Vec<krate::shapes::Holder>>"},
        {"_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeINtNtCslNYArtu3iFV_5alloc7raw_"
         "vec6RawVecNtNtCsdQN5DOooBhR_5krate6shapes6HolderEEB1o_",
         "core::ptr::drop_in_place::<alloc::raw_vec::RawVec<krate::shapes::Holder>>"},
        {"_RNvXNtCsdQN5DOooBhR_5krate6shapesINtB2_5PointmENtB2_4Area4area",
         "<krate::shapes::Point<u32> as krate::shapes::Area>::area"},
        {"_RNvXNtCsdQN5DOooBhR_5krate6shapesINtB2_5PointmENtB2_4Area4make",
         "<krate::shapes::Point<u32> as krate::shapes::Area>::make"},
        {"_RNvMs_NtCsdQN5DOooBhR_5krate6shapesINtB4_5PointIBy_cEE3getB6_",
         "<krate::shapes::Point<krate::shapes::Point<char>>>::get"},
        {"_RNvMs_NtCsdQN5DOooBhR_5krate6shapesINtB4_5PointxE3getB6_", "<krate::shapes::Point<i64>>::get"},
        {"_RNvMCsdQN5DOooBhR_5krateINtB2_3ArrKjc_E3lenB2_", "<krate::Arr<12>>::len"},
        {"_RNvNtCsdQN5DOooBhR_5krateu7n_nga1bu8gdel_5qa", "krate::ünï::gödel"},
        {"_RNSNvYNCNvCsdQN5DOooBhR_5krate3alls_0INtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceTRhEE9call_"
         "once6vtableB8_",
         "<krate::all::{closure#1} as core::ops::function::FnOnce<(&u8,)>>::call_once::{shim:vtable#0}"},
        {"_RNvCsfLfy6EI15iL_7___rustc19___rust_alloc_zeroed", "__rustc::__rust_alloc_zeroed"},
        {"_RINvNtCsjrHSEGnQ3l9_3std9panicking11begin_panicReEB4_", "std::panicking::begin_panic::<&str>"},
        {"_RNvNtCsgEmfK2I1SDS_4core9panicking16panic_in_cleanup", "core::panicking::panic_in_cleanup"},
        {"_RNvNtCsgEmfK2I1SDS_4core9panicking18panic_nounwind_fmt", "core::panicking::panic_nounwind_fmt"},
        {"_RNvNtCsgEmfK2I1SDS_4core9panicking30panic_null_pointer_dereference",
         "core::panicking::panic_null_pointer_dereference"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(shown(names[i][0]), names[i][1]);
    }
}

/* By hand, from the grammar of the RFC. */
static void each_part_of_the_grammar_is_shown(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"_RNvC7mycrate3foo", "mycrate::foo"},
        {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
        {"_RNCNvC7mycrate3foo0", "mycrate::foo::{closure#0}"},
        {"_RNCNvC7mycrate3foos_0", "mycrate::foo::{closure#1}"},
        {"_RNvC7mycrate5__rust", "mycrate::_rust"}, /* an underscore ends the number */
        {"_RNvMC1aNtB2_1S1f", "<a::S>::f"},
        {"_RNvXC1aNtB2_1SNtB2_1T1f", "<a::S as a::T>::f"},
        {"_RNvYNtC1a1SNtB4_1T1f", "<a::S as a::T>::f"},
        {"_RINvC1a1fhE", "a::f::<u8>"},
        {"_RINvC1a1fL_E", "a::f::<'_>"},
        {"_RINvC1a1fKj7b_E", "a::f::<123>"},
        {"_RINvC1a1fKan5_E", "a::f::<-5>"},
        {"_RINvC1a1fKb1_E", "a::f::<true>"},
        {"_RINvC1a1fKc61_E", "a::f::<'a'>"},
        {"_RINvC1a1fKpE", "a::f::<_>"},
        {"_RINvC1a1fTEE", "a::f::<()>"},
        {"_RINvC1a1fThEE", "a::f::<(u8,)>"},
        {"_RINvC1a1fAhj3_E", "a::f::<[u8; 3]>"},
        {"_RINvC1a1fSOhE", "a::f::<[*mut u8]>"},
        {"_RINvC1a1fFG_RL0_hEuE", "a::f::<for<'a> fn(&'a u8)>"},
        {"_RINvC1a1fFUK8C_unwindEzE", "a::f::<unsafe extern \"C-unwind\" fn() -> !>"},
        {"_RINvC1a1fDNtB2_1TEL_E", "a::f::<dyn a::T>"},
        {"_RINvC1a1fDNtB2_1Tp4ItemhEL_E", "a::f::<dyn a::T<Item = u8>>"},
        {"_RINvC1a1fDINtB2_1ThEp1BlNtB2_1UEL_E", "a::f::<dyn a::T<u8, B = i32> + a::U>"},
        {"_RINvC1a1fhEC3std", "a::f::<u8>"}, /* the crate that made it */
        {"_RNvC1a1f.llvm.123", "a::f"},
        {"_RNvC1a1f.cold", "a::f.cold"},
        {"_RNvC1au8gdel_5qa", "a::g\xc3\xb6"
                              "del"},
        {"_RNvC1au1_9", "a::punycode{9}"}, /* cut */
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(shown(names[i][0]), names[i][1]);
    }
}

static void what_is_no_such_name_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "_R",
        "_Rx",
        "main",
        "_ZN1a1bE",
        "_RNvC1a",
        "_RNvC9a1f",
        "_RB_",
        "_RINvC1a1fB9_E",
        "_RINvC1a1fL0_E",
        "_RNvC1a1f ",
        "_RNvC1a99999999999999999999f",
        "_RC1a_extra",
        "_RINvC1a1fKb2_E",
        "_RINvC1a1fhE.\tC",
    };
    for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(shown(names[i]), "");
    }
    assert_string_equal(shown(names[sizeof(names) / sizeof(names[0]) - 1]), "a::f::<u8>.?C");
    struct tare__strings strings = {0};
    assert_string_equal(tare__name_shown(&strings, "_RNvC1a1f", false), "a::f");
    assert_string_equal(tare__name_shown(&strings, "_RNvC1a1f", true), "_RNvC1a1f");
    assert_string_equal(tare__name_shown(&strings, "_RNvC1a", false), "_RNvC1a");
    tare__strings_release(&strings);
}

/* Names that are as deep as they are long, and ones that double with each reference back. */
static void names_without_end_are_stopped(void **state)
{
    (void)state;
    static char name[8192];
    size_t used = (size_t)snprintf(name, sizeof(name), "_RINvC1a1f");
    memset(name + used, 'S', 4000);
    snprintf(name + used + 4000, 8, "hE");
    assert_string_equal(shown(name), "");
    used = (size_t)snprintf(name, sizeof(name), "_RINvC1a1fThhE");
    size_t last = 8; /* of the tuple, behind "_R" */
    for (int i = 0; i < 40; i++) {
        static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        char back[8];
        size_t number = last - 1;
        if (number < 62) {
            snprintf(back, sizeof(back), "B%c_", digits[number]);
        } else {
            snprintf(back, sizeof(back), "B%c%c_", digits[number / 62], digits[number % 62]);
        }
        last = used - 2;
        used += (size_t)snprintf(name + used, sizeof(name) - used, "T%s%sE", back, back);
        snprintf(name + used, sizeof(name) - used, "E");
        if (i == 1) { /* so these are names, as long as they are short ones */
            assert_string_equal(shown(name), "a::f::<(u8, u8), ((u8, u8), (u8, u8)), "
                                             "(((u8, u8), (u8, u8)), ((u8, u8), (u8, u8)))>");
        }
    }
    assert_string_equal(shown(name), "");
    char small[4];
    assert_int_equal(tare__rust_name("_RNvC1a1f", small, sizeof(small)), 4);
    assert_int_equal(tare__rust_name("_RNvC1a1f", small, sizeof(small) - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_rustc_are_shown),
        cmocka_unit_test(each_part_of_the_grammar_is_shown),
        cmocka_unit_test(what_is_no_such_name_stays_as_it_is),
        cmocka_unit_test(names_without_end_are_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
