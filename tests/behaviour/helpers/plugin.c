/* SPDX-License-Identifier: MIT */
/*
 * A library that tests load and unload. It comes back, also as a copy under another name, so two of it
 * declare the same timers; the test itself declares one of them, too.
 */
#include <tare/tare.h>

TARE_MODULE("plugin");
TARE_TIMER(work);
TARE_TIMER(shared);

__attribute__((visibility("default"))) void plugin_work(unsigned times);
void plugin_work(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        TARE_SCOPE(work);
        TARE_SCOPE(shared);
    }
}
