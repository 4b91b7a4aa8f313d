(module
  (memory (export "memory") 1)
  (func (export "_start") (i32.store8 (i32.const 0) (i32.load8_u (i32.const 65536)))))
