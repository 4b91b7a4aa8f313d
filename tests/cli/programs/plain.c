/* SPDX-License-Identifier: MIT */
/*
 * A program that nobody instrumented. Without arguments it writes 10 lines; with one it says "ready" and waits.
 */
#include <string.h>
#include <unistd.h>

static int put(const char *text)
{
    return write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : 1;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        int failed = put("ready\n");
        pause();
        return failed;
    }
    for (int i = 0; i < 10; i++) {
        if (put("line\n") != 0) {
            return 1;
        }
    }
    return 0;
}
