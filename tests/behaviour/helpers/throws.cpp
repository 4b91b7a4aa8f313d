/* SPDX-License-Identifier: MIT */
// For the tests of libtare-profile.so: exceptions through many frames, in several threads, for half a second of the
// processor's time, each caught where it should be. Exit code 0: all were.
#include <ctime>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

struct counted {
    explicit counted(int &count) : count_(count)
    {
        ++count_;
    }
    ~counted()
    {
        --count_;
    }
    int &count_;
};

__attribute__((noinline)) int descend(int depth, int &open)
{
    counted here(open);
    if (depth == 0) {
        throw std::runtime_error("bottom");
    }
    return descend(depth - 1, open) + 1;
}

bool catches(int depth)
{
    int open = 0;
    try {
        descend(depth, open);
    } catch (const std::runtime_error &error) {
        return open == 0 && std::string(error.what()) == "bottom";
    }
    return false;
}

double cpu_seconds()
{
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void work(bool *well)
{
    double until = cpu_seconds() + 0.25;
    *well = true;
    do {
        for (int depth = 0; depth < 30; depth++) {
            *well = *well && catches(depth);
        }
    } while (cpu_seconds() < until);
}

} // namespace

int main()
{
    bool well[2] = {false, false};
    std::thread other(work, &well[0]);
    work(&well[1]);
    other.join();
    return well[0] && well[1] ? 0 : 1;
}
