;; A grate that comes and goes 100,000 times before it answers anything, and traps if it may not.
(module
  (import "lind" "register_handler" (func $register (param i64 i64 i64) (result i64)))
  (import "lind" "make_syscall_for" (func $for (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (func (export "lind_setup") (param i64) (result i64) (local i32)
    i32.const 100000 local.set 1
    loop $again
      local.get 0 i64.const 39 i64.const 1 call $register i64.const 0 i64.ne if unreachable end
      local.get 0 i64.const 39 i64.const 0 call $register i64.const 0 i64.ne if unreachable end
      local.get 1 i32.const 1 i32.sub local.tee 1 br_if $again
    end
    local.get 0 i64.const 39 i64.const 1 call $register)
  (func (export "lind_handle") (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    local.get 1 local.get 0 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7 call $for))
