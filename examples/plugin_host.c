/* SPDX-License-Identifier: MIT */
/*
 * A program that loads a plug-in, uses it and unloads it, three times. `tare run ./plugin_host ./plugin.so`
 * shows the timers of both: plugin::checksum counts on over all three, as it is the same timer each time.
 * Without an argument the plug-in is looked for where the program's libraries are.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tare/tare.h>

TARE_MODULE("plugin_host");
TARE_TIMER(load);
TARE_TIMER(use);

typedef uint32_t checksum_function(const unsigned char *data, uint32_t size);

static int use_plugin(const char *path, uint32_t *sum)
{
    void *plugin;
    {
        TARE_SCOPE(load);
        plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    void *symbol = plugin != NULL ? dlsym(plugin, "plugin_checksum") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "plugin_host: %s\n", dlerror());
        return -1;
    }
    checksum_function *checksum;
    memcpy(&checksum, &symbol, sizeof(checksum)); /* ISO C has no cast from an object to a function */

    TARE_SCOPE(use); /* from here on: the loading above is not in it */
    static const unsigned char data[] = "what the plug-in is to look at";
    for (int i = 0; i < 10000; i++) {
        *sum += checksum(data, sizeof(data) - 1);
    }
    return dlclose(plugin);
}

int main(int argc, char **argv)
{
    uint32_t sum = 0;
    for (int i = 0; i < 3; i++) {
        if (use_plugin(argc > 1 ? argv[1] : "plugin.so", &sum) != 0) {
            return 1;
        }
    }
    printf("three times loaded, checksums add up to %08" PRIx32 "\n", sum);
    return 0;
}
