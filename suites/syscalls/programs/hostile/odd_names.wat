(module
  (memory (export "memory") 1)
  (func $f)
  (export "*/ int main(void) { return 1; } /*" (func $f))
  (export "\"; system(\"true\"); //" (func $f))
  (export "a\0ab\0d\0a#include </etc/passwd>" (func $f))
  (export "??/" (func $f))
  (export "" (func $f))
  (export "_start" (func $f)))
