// SPDX-License-Identifier: MIT
//
// For functions_are_timed.sh, like functions.c: exceptions, which leave functions by way of cleanups.
#include <cstdio>
#include <stdexcept>

#define APART __attribute__((noinline))

namespace {
volatile int seen;

struct cleaned {
    APART ~cleaned();
};
cleaned::~cleaned()
{
    seen = seen + 1;
}

APART int leaf(int x)
{
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

APART void throws(int x)
{
    leaf(x);
    if (x >= 0) {
        throw std::runtime_error("thrown");
    }
    seen = seen + 1;
}

APART int passes(int x)
{
    cleaned one;
    throws(x);
    return leaf(x);
}

APART int catches(int x)
{
    try {
        passes(x);
    } catch (const std::runtime_error &) {
        return leaf(x);
    }
    return -1;
}

APART int throws_on(int x)
{
    try {
        passes(x);
    } catch (const std::exception &) {
        leaf(x);
        throw;
    }
    return -1;
}

APART int catches_again(int x)
{
    int result = -1;
    try {
        throws_on(x);
    } catch (...) {
        result = leaf(x);
    }
    return result + leaf(x);
}
} // namespace

int main()
{
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        sum += catches(i);
    }
    for (int i = 0; i < 100; i++) {
        sum += catches_again(i);
    }
    if (sum != 3 * 5050 || seen != 200) {
        std::printf("wrong: %d, %d\n", sum, (int)seen);
        return 1;
    }
    return 0;
}
