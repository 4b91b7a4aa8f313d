/* SPDX-License-Identifier: MIT */
/* A library for functions_are_timed.sh: needed by a program, or loaded by it. */
__attribute__((noinline)) static int within_library(int x)
{
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

int loaded_function(int x);
int loaded_function(int x)
{
    int y = within_library(x);
    __asm__ volatile("" : "+r"(y));
    return y + x;
}
