/* SPDX-License-Identifier: MIT */
/*
 * Finding the functions behind us, once, when we are loaded: dlsym takes the dynamic linker's lock, which a
 * signal handler or the child of a threaded program's fork must not wait for, so nothing is left to look up
 * later. The stand-ins of next.h are for calls that come before this constructor: libtare's own, other
 * libraries' constructors, the dynamic linker's mallocs.
 */
#include "preload/next.h"

#include <dlfcn.h>
#include <link.h>

uintptr_t next__tare_start;
uintptr_t next__tare_size = UINTPTR_MAX;

extern const struct next_entry *__start_tare_libc_next[] NEXT_HIDDEN;
extern const struct next_entry *__stop_tare_libc_next[] NEXT_HIDDEN;

bool next__resolve(const struct next_entry *entry)
{
    int saved = errno;
    void *found = NULL;
    if (entry->version != NULL) {
        found = dlvsym(RTLD_NEXT, entry->symbol, entry->version);
    }
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, entry->symbol);
    }
    if (found != NULL) {
        __atomic_store_n(entry->pointer, found, __ATOMIC_RELAXED);
    } else {
        dlerror(); /* or the program would find our failure in its next dlerror() */
    }
    errno = saved;
    return found != NULL;
}

/* dl_iterate_phdr: finds the code that the address in `data` lies in, and ends there. */
static int find_code(struct dl_phdr_info *object, size_t size, void *data)
{
    uintptr_t address = *(const uintptr_t *)data;
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0 &&
            address - start < segment->p_memsz) {
            next__tare_start = start;
            next__tare_size = segment->p_memsz;
            return 1;
        }
    }
    return 0;
}

/* Last of our constructors: what they call is not the program. */
__attribute__((constructor(103))) static void resolve_all(void)
{
    int saved = errno;
    for (const struct next_entry **entry = __start_tare_libc_next; entry < __stop_tare_libc_next; entry++) {
        next__resolve(*entry);
    }
    /* Not &tare__begin, which an executable that is not position-independent may answer with its own stub. */
    uintptr_t address = (uintptr_t)dlsym(RTLD_NEXT, "tare__begin");
    if (address == 0 || dl_iterate_phdr(find_code, &address) == 0) {
        dlerror();
        next__tare_size = 0; /* libtare is not a library of its own here: nothing to tell apart */
    }
    errno = saved;
}
