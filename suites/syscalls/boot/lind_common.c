/* SPDX-License-Identifier: MIT */
/* The trampoline: all that is common to imports, whatever they ask for; and the imports of `lind`. */
#include "suites/syscalls/boot/lind_common.h"

#include <errno.h>
#include <string.h>

#include <tare/tare.h>

#include "suites/syscalls/boot/boot_internal.h"
#include "suites/syscalls/boot/threei.h"
#include "suites/syscalls/boot/wasi.h"

TARE_MODULE("lind_common");
TARE_TIMER_NAMED(make_syscall, "add_to_linker::make-syscall");

int64_t lind_common_call(struct boot_cage *cage, uint32_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                         uint64_t a4, uint64_t a5, uint64_t a6)
{
    uint32_t id = cage->id;
    struct lind_request request = {
        .number = number, .caller = id, .args = {a1, a2, a3, a4, a5, a6}, .from = {id, id, id, id, id, id}};
    return threei_make_syscall(&request);
}

static uint32_t number_of(uint64_t argument)
{
    return argument < LIND_CALLS_MAX ? (uint32_t)argument : LIND_CALLS_MAX;
}

static uint64_t import_make_syscall(struct boot_cage *cage, const uint64_t *args)
{
    int64_t result =
        lind_common_call(cage, number_of(args[0]), args[1], args[2], args[3], args[4], args[5], args[6]);
    if (args[0] == LIND_EXIT &&
        (result >= 0 || result == -ENOSYS)) { /* nobody before rawposix wanted it otherwise */
        cage->ended = true;
        cage->exit_code = (int)args[1];
    }
    return (uint64_t)result;
}

static uint64_t import_cage_id(struct boot_cage *cage, const uint64_t *args)
{
    (void)args;
    return cage->id;
}

static uint32_t cage_of(const struct boot_cage *cage, uint64_t argument)
{
    return argument == 0 ? cage->id : argument < LIND_CAGES_MAX ? (uint32_t)argument : UINT32_MAX;
}

/* Another cage, or this one, on which it may act, and which does not go meanwhile; NULL: it may not. To be put if *held. */
static struct cage *act_on(const struct boot_cage *cage, uint32_t id, bool *held)
{
    struct cage *other = cage_borrow(id, held);
    if (other != NULL && !threei_may_act(cage->id, id)) {
        if (*held) {
            cage_put(other);
        }
        other = NULL;
    }
    return other;
}

static uint64_t import_make_syscall_for(struct boot_cage *cage, const uint64_t *args)
{
    uint32_t id = cage_of(cage, args[0]);
    bool held = false;
    struct cage *other = act_on(cage, id, &held);
    if (other == NULL) {
        return (uint64_t)-EPERM;
    }
    struct lind_request request = {.number = number_of(args[1]), .caller = id};
    for (size_t i = 0; i < LIND_ARGUMENTS; i++) {
        request.args[i] = args[2 + i];
        request.from[i] = id;
    }
    int64_t result = threei_make_syscall_behind(&request, cage);
    if (held) {
        cage_put(other);
    }
    return (uint64_t)result;
}

static uint64_t import_copy_data(struct boot_cage *cage, const uint64_t *args)
{
    return (uint64_t)threei_copy_data_between_cages(cage->id, cage_of(cage, args[0]), args[1],
                                                    cage_of(cage, args[2]), args[3], args[4]);
}

static uint64_t import_register_handler(struct boot_cage *cage, const uint64_t *args)
{
    uint32_t id = cage_of(cage, args[0]);
    bool held = false;
    struct cage *other = id == cage->id || cage->handle == NULL ? NULL : act_on(cage, id, &held);
    if (other == NULL) {
        return (uint64_t)-EPERM;
    }
    int64_t result =
        args[2] > 1 ? -EINVAL
                    : threei_register_handler(id, number_of(args[1]), boot_grate_answer, cage, args[2] == 1);
    if (held) {
        cage_put(other);
    }
    return (uint64_t)result;
}

static const struct lind_import imports[] = {
    {"lind", "make_syscall", "IIIIIII:I", import_make_syscall},
    {"lind", "cage_id", ":I", import_cage_id},
    {"lind", "make_syscall_for", "IIIIIIII:I", import_make_syscall_for},
    {"lind", "copy_data", "IIIII:I", import_copy_data},
    {"lind", "register_handler", "III:I", import_register_handler},
};

enum { OWN = sizeof(imports) / sizeof(imports[0]) };

size_t lind_common_count(void)
{
    return OWN + wasi_import_count;
}

const struct lind_import *lind_common_get(size_t number)
{
    return number < OWN ? &imports[number] : &wasi_imports[number - OWN];
}

int lind_common_find(const char *module, const char *name)
{
    for (size_t i = 0; i < lind_common_count(); i++) {
        const struct lind_import *import = lind_common_get(i);
        if (strcmp(import->name, name) == 0 && strcmp(import->module, module) == 0) {
            return (int)i;
        }
    }
    return -ENOENT;
}

uint64_t lind_common_import(void *cage, uint32_t number, const uint64_t *args)
{
    struct boot_cage *self = cage;
    uint64_t result;
    runtime_check_stack();
    {
        TARE_SCOPE(make_syscall);
        result = lind_common_get(number)->answer(self, args);
    }
    if (__builtin_expect(self->ended, 0)) {
        runtime_end(RUNTIME_EXIT); /* here, where no scope is open */
    }
    return result;
}
