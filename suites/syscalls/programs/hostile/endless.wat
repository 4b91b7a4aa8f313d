;; Says that it runs, and does so without end.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\10\00\00\00\08\00\00\00running\n")
  (func (export "_start")
    i32.const 1 i32.const 8 i32.const 1 i32.const 4 call $write drop
    (loop $again (br $again))))
