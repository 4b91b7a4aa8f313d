(module
  (import "lind" "no_such_function" (func $missing (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $missing (i64.const 1)))))
