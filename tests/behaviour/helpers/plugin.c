/* SPDX-License-Identifier: MIT */
/*
 * A library that tests load and unload. It comes back, also as a copy under another name, so two of it
 * declare the same timers; the test itself declares one of them, too.
 */
#include <tare/tare.h>

TARE_MODULE("plugin");
TARE_TIMER(work);
TARE_TIMER(shared);
TARE_COUNTER(calls_total);

__attribute__((visibility("default"))) void plugin_work(unsigned times);
void plugin_work(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        TARE_SCOPE(work);
        TARE_SCOPE(shared);
        TARE_ADD(calls_total, 1);
    }
}

__attribute__((visibility("default"))) int plugin_call(void (*function)(void));
int plugin_call(void (*function)(void))
{
    function();
    return 1;
}
