(module
  (memory (export "memory") 1)
  (type $other (func (param i64) (result i64)))
  (table funcref (elem $plain))
  (func $plain)
  (func (export "_start") (i64.store (i32.const 0) (call_indirect (type $other) (i64.const 1) (i32.const 0)))))
