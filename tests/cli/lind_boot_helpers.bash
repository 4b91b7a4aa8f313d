# SPDX-License-Identifier: MIT
# What the tests of lind-boot share.

boot_setup() {
    command -v lind-boot >/dev/null || skip "lind-boot was not built"
    command -v wasm2c >/dev/null || skip "no wasm2c: package wabt"
    command -v wat2wasm >/dev/null || skip "no wat2wasm: package wabt"
    command -v cc >/dev/null || skip "no cc: package gcc"
    export LIND_CACHE=$BATS_TEST_TMPDIR/cache
}

# wat NAME: NAME.wasm from the text on standard input.
wat() {
    cat >"$1.wat"
    wat2wasm "$1.wat" -o "$1.wasm"
}

# A program that prints "hello" and ends with exit code $1.
hello() {
    wat "${2:-hello}" <<END
(module
  (import "wasi_snapshot_preview1" "fd_write" (func \$write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func \$exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\\10\\00\\00\\00\\06\\00\\00\\00hello\\n")
  (func (export "_start")
    i32.const 1 i32.const 8 i32.const 1 i32.const 4 call \$write drop
    i32.const $1 call \$exit))
END
}

entries() {
    find "$LIND_CACHE" -name '*.so' | wc -l
}
