/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: whatever bytes stand where a WebAssembly module should be. What is accepted has names that can do no harm in
 * the C code that is made of it, and types as text; and that code has nothing of the bytes in it but such names.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "suites/syscalls/boot/module.h"
#include "suites/syscalls/boot/module_compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room, const char *allowed)
{
    size_t length = strnlen(text, room);
    if (length == room || strspn(text, allowed) != length) {
        abort();
    }
}

static void check_names(const struct module *module)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$:@-+";
    static const char type[] = "iIfF?:";
    for (size_t i = 0; i < module->import_count; i++) {
        check_text(module->imports[i].module, sizeof(module->imports[i].module), name);
        check_text(module->imports[i].name, sizeof(module->imports[i].name), name);
        check_text(module->imports[i].type, sizeof(module->imports[i].type), type);
    }
    for (size_t i = 0; i < module->export_count; i++) {
        check_text(module->exports[i].name, sizeof(module->exports[i].name), name);
        check_text(module->exports[i].type, sizeof(module->exports[i].type), type);
        if (strchr(module->exports[i].type, ':') == NULL) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct module module;
    char error[MODULE_ERROR_BYTES];
    int result = module_parse(data, size, &module, error);
    if ((result != 0 && result != -EBADMSG && result != -ENOTSUP) || (result == 0) != (error[0] == '\0') ||
        strnlen(error, sizeof(error)) == sizeof(error) || strchr(error, '\n') != NULL) {
        abort();
    }
    if (result == 0) {
        check_names(&module);
        if (module.memory_max_pages < module.memory_pages) {
            abort();
        }
        int *numbers = calloc(module.import_count + 1, sizeof(*numbers));
        char *glue = numbers == NULL ? NULL : compile_glue(&module, numbers);
        if (glue == NULL) {
            abort();
        }
        free(glue);
        free(numbers);
    }
    module_release(&module);
    return 0;
}
