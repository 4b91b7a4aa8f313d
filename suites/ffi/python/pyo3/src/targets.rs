// SPDX-License-Identifier: MIT
//! The 100 targets. Names cannot be put together by macro_rules!, so all of them are written down.
use crate::add_all;
use pyo3::prelude::*;

macro_rules! targets {
    ($($name:ident $function:ident)*) => {
        extern "C" {
            $(fn $function(x: i32) -> i32;)*
        }
        $(#[pyfunction]
        fn $name(x: i32) -> i32 {
            unsafe { $function(x) }
        })*
        pub fn add(module: &PyModule) -> PyResult<()> {
            add_all!(module, $($name)*);
            Ok(())
        }
    };
}

targets! {
    target_00 bl_target_00 target_01 bl_target_01 target_02 bl_target_02 target_03 bl_target_03 target_04 bl_target_04
    target_05 bl_target_05 target_06 bl_target_06 target_07 bl_target_07 target_08 bl_target_08 target_09 bl_target_09
    target_10 bl_target_10 target_11 bl_target_11 target_12 bl_target_12 target_13 bl_target_13 target_14 bl_target_14
    target_15 bl_target_15 target_16 bl_target_16 target_17 bl_target_17 target_18 bl_target_18 target_19 bl_target_19
    target_20 bl_target_20 target_21 bl_target_21 target_22 bl_target_22 target_23 bl_target_23 target_24 bl_target_24
    target_25 bl_target_25 target_26 bl_target_26 target_27 bl_target_27 target_28 bl_target_28 target_29 bl_target_29
    target_30 bl_target_30 target_31 bl_target_31 target_32 bl_target_32 target_33 bl_target_33 target_34 bl_target_34
    target_35 bl_target_35 target_36 bl_target_36 target_37 bl_target_37 target_38 bl_target_38 target_39 bl_target_39
    target_40 bl_target_40 target_41 bl_target_41 target_42 bl_target_42 target_43 bl_target_43 target_44 bl_target_44
    target_45 bl_target_45 target_46 bl_target_46 target_47 bl_target_47 target_48 bl_target_48 target_49 bl_target_49
    target_50 bl_target_50 target_51 bl_target_51 target_52 bl_target_52 target_53 bl_target_53 target_54 bl_target_54
    target_55 bl_target_55 target_56 bl_target_56 target_57 bl_target_57 target_58 bl_target_58 target_59 bl_target_59
    target_60 bl_target_60 target_61 bl_target_61 target_62 bl_target_62 target_63 bl_target_63 target_64 bl_target_64
    target_65 bl_target_65 target_66 bl_target_66 target_67 bl_target_67 target_68 bl_target_68 target_69 bl_target_69
    target_70 bl_target_70 target_71 bl_target_71 target_72 bl_target_72 target_73 bl_target_73 target_74 bl_target_74
    target_75 bl_target_75 target_76 bl_target_76 target_77 bl_target_77 target_78 bl_target_78 target_79 bl_target_79
    target_80 bl_target_80 target_81 bl_target_81 target_82 bl_target_82 target_83 bl_target_83 target_84 bl_target_84
    target_85 bl_target_85 target_86 bl_target_86 target_87 bl_target_87 target_88 bl_target_88 target_89 bl_target_89
    target_90 bl_target_90 target_91 bl_target_91 target_92 bl_target_92 target_93 bl_target_93 target_94 bl_target_94
    target_95 bl_target_95 target_96 bl_target_96 target_97 bl_target_97 target_98 bl_target_98 target_99 bl_target_99
}
