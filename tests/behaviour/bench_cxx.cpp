/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks in C++: an exception that leaves a body is a failure of that benchmark, tare_require() runs
 * destructors, and values of any type are kept.
 */
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <tare/bench.h>

extern "C" {
#include "harness/lines.h"
}
#include "tests/behaviour/behaviour.h"

#include <pthread.h>
#include <sys/wait.h>

static int destroyed;

struct noted {
    ~noted()
    {
        destroyed++;
    }
};

namespace inside {
struct pair {
    double a;
    float b;
};

TARE_BENCH(keeps_all_types)
{
    std::string text = "text";
    std::vector<int> numbers(3, 5);
    pair two = {1, 2};
    double real = 1.5;
    bool truth = true;
    volatile int changing = 3;
    volatile double changing_real = 0.5;
    volatile pair changing_two = {1, 2};
    volatile int changing_all[2] = {1, 2};
    TARE_EACH(b)
    {
        tare_forget(real);
        tare_forget(two);
        tare_forget(truth);
        tare_keep(text);
        tare_keep(numbers);
        tare_keep(numbers.size());
        tare_keep(two);
        tare_keep(real * 2);
        tare_keep(2.5f);
        tare_keep(changing);
        tare_keep(changing_real);
        tare_keep(changing_two);
        tare_keep(changing_all);
        tare_forget(changing);
        tare_keep(1.5L);
        tare_keep(truth);
        tare_keep("literal");
        tare_keep(nullptr);
        tare_keep(std::string("temporary"));
        tare_keep([&numbers] { return numbers[0]; });
        tare_clobber();
    }
    tare_require(text == "text" && numbers[2] == 5 && two.a == 1 && two.b == 2 && real == 1.5 && truth);
    tare_require(changing == 3 && changing_real == 0.5);
    tare_bytes(b, static_cast<double>(text.size()));
}
} // namespace inside

TARE_BENCH(throws)
{
    noted here;
    std::vector<int> none;
    TARE_EACH_WITH(b, none.clear())
    {
        tare_keep(none.at(b->arg[0] != 0 ? 1 : 0));
    }
}
TARE_BENCH_ARGS(throws, 1);

TARE_BENCH(throws_a_number)
{
    noted here;
    TARE_EACH(b)
    {
        throw 5;
    }
}

TARE_BENCH(requires_too_much)
{
    noted here;
    std::vector<std::string> many(10, "a string that is long enough to be allocated");
    tare_require(many.size() < 5);
    TARE_EACH(b)
    {
    }
}

extern "C" void require_in_c(int x);

TARE_BENCH(requires_in_c)
{
    int x = 0;
    TARE_EACH(b)
    {
        require_in_c(x++);
    }
}

TARE_BENCH(ends_its_thread)
{
    noted here;
    TARE_EACH(b)
    {
        pthread_exit(nullptr);
    }
}

/* By a process of its own, whose answer is read here. */
static std::string job(const std::string &drive, int *status)
{
    int fds[2];
    std::string said;
    char part[4096];
    MUST(pipe(fds) == 0);
    fflush(stdout);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        setenv("TARE_BENCH_DRIVE", ("fd=" + std::to_string(fds[1]) + " " + drive).c_str(), 1);
        char name[] = "bench";
        char *argv[] = {name, nullptr};
        int code = tare_bench_main(1, argv);
        _exit(code == 1 && destroyed == 0 ? 99 : code);
    }
    close(fds[1]);
    for (ssize_t n; (n = read(fds[0], part, sizeof(part))) > 0;) {
        said.append(part, static_cast<size_t>(n));
    }
    close(fds[0]);
    MUST(waitpid(pid, status, 0) == pid);
    return said;
}

static void check_failure(int number, const char *words, int code = 1)
{
    int status;
    std::string said = job("job=block samples=2 iterations=10 case=" + std::to_string(number), &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code); /* 99: a destructor did not run */
    if (said.find(words) == std::string::npos) {
        note_failure(__FILE__, __LINE__, said.c_str());
    }
    CHECK(said.find("\nend\n") == std::string::npos);
}

int main()
{
    int status;
    begin_case("values of any type are kept, and stay as they are");
    std::string said = job("job=block samples=2 iterations=10 case=0", &status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(said.find("\nbytes 4") != std::string::npos && said.find("\nend\n") != std::string::npos);

    begin_case("an exception is a failure that says what");
    check_failure(1, "failed exception: vector");
    begin_case("also one that is no std::exception");
    check_failure(2, "failed exception: an exception that is no std::exception");
    begin_case("tare_require() runs destructors");
    check_failure(3, "failed tare_require(many.size() < 5) in ");
    begin_case("a failure in C does not jump over a body in C++: it is reported, and the process ends");
    check_failure(4, "failed tare_require(x < 3 && \"in C\") in ");
    begin_case("pthread_exit() is no exception of the benchmark, and is reported");
    check_failure(5, "failed it ends its thread");
    return finish();
}
