/* SPDX-License-Identifier: MIT */
/*
 * In C++ a scope ends with its block, too: by return, with the expression inside, by an exception, that
 * passes through it or is thrown in it and caught around it, and by the end of a lambda; a class template has
 * its own timer, whatever it is made of.
 */
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/behaviour/behaviour.h"

TARE_MODULE("test");
TARE_TIMER(block);
TARE_TIMER(callee);
TARE_TIMER_NAMED(method, "box<T>::get");

static int called(int value)
{
    TARE_SCOPE(callee);
    if (value < 0) {
        throw std::runtime_error("negative");
    }
    return value + 1;
}

static int pass_through(int value)
{
    TARE_SCOPE(block);
    return called(value);
}

template <typename T> struct box {
    T value;
    T get() const
    {
        TARE_SCOPE(method);
        return value;
    }
};

static void check_exceptions()
{
    int caught = 0;
    tare_reset("*");
    for (int i = 0; i < 100; i++) {
        try {
            pass_through(i % 2 == 0 ? -1 : i);
        } catch (const std::runtime_error &) {
            caught++;
        }
    }
    CHECK_EQ(caught, 50);
    CHECK_EQ(stats_of("test::block").calls, 100);
    CHECK_EQ(stats_of("test::block").outermost, 100);
    CHECK_EQ(stats_of("test::callee").calls, 100);
    CHECK_EQ(stats_of("test::block").scopes_within, 100);
}

static void check_caught_within()
{
    tare_reset("*");
    for (int i = 0; i < 100; i++) {
        TARE_SCOPE(block);
        try {
            TARE_SCOPE(callee);
            throw i;
        } catch (int) {
            TARE_SCOPE(callee);
        }
    }
    CHECK_EQ(stats_of("test::block").calls, 100);
    CHECK_EQ(stats_of("test::callee").calls, 200);
    CHECK_EQ(stats_of("test::callee").outermost, 200);
}

static void check_lambdas_and_templates()
{
    tare_reset("*");
    auto lambda = [](int value) {
        TARE_SCOPE(block);
        return value;
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
        threads.emplace_back([&] {
            box<int> whole{1};
            box<double> real{1.0};
            for (int i = 0; i < 1000; i++) {
                lambda(i);
                whole.get();
                real.get();
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK_EQ(stats_of("test::block").calls, 4000);
    CHECK_EQ(stats_of("test::box<T>::get").calls, 8000);
}

static void check_snippet()
{
    tare_reset("*");
    for (int i = 0; i < 10; i++) {
        tare_span span = TARE_BEGIN(block);
        TARE_BYTES(span, 5);
        if (i % 2 == 0) {
            TARE_DROP(span);
        }
        TARE_END(span);
    }
    CHECK_EQ(stats_of("test::block").calls, 5);
    CHECK_EQ(stats_of("test::block").bytes, 25);
}

int main()
{
    MUST(tare_enable("*") == 3);
    begin_case("an exception that passes through a scope ends it");
    check_exceptions();
    begin_case("an exception that is caught in a scope does not");
    check_caught_within();
    begin_case("lambdas and templates");
    check_lambdas_and_templates();
    begin_case("snippets");
    check_snippet();
    return finish();
}
