/* SPDX-License-Identifier: MIT */
/*
 * What is loaded, where its code is, and the tables that its call frame information was made into.
 *
 * The list is looked at when the process starts, behind each dlopen and dlclose, and where a handler found
 * an address that is in nothing known: then when the next thread is made. A new list takes the place of the old
 * one in one store. The old one is given back once no handler can be reading
 * it (profile__readers); tables never are, but an object that is loaded again finds the one that it had.
 *
 * dlopen finds libraries on behalf of who calls it: the RUNPATH of that object counts. Where it would, we
 * hand the call on as if we had not been there, and look at the list later.
 */
#include "preload/profile.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__aarch64__)
#define MACHINE CFI_AARCH64
#else
#define MACHINE CFI_X86_64
#endif

/* A table where its object is, or was, loaded. */
struct placed {
    struct placed *next;
    struct cfi_table table;
};

/* The table of one object, whatever address it is loaded at. */
struct known {
    struct known *next;
    struct placed *placed;
    uint64_t identity; /* of its contents */
    struct cfi_table table;
};

/* A list that a handler may still be reading, and the entries in front of it. */
struct retired {
    struct retired *next;
    size_t size;
};

/* One mapping of code. */
struct entry {
    struct profile_module module;
    uint64_t identity;
};

static const struct profile_modules none;
const struct profile_modules *profile__modules = &none;

static struct known *known_tables;
uint32_t profile__readers;

static struct entry *entries; /* of the current list */
static uint32_t entry_count;
static struct retired *current, *retired; /* the memory of this list, and of earlier ones */
static uint64_t seen_adds, seen_subs;
static uint32_t busy;

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static uint64_t fold(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* ---- tables ---- */

/*
 * Room for as many rows as there can be (each takes a byte of instructions at least) costs nothing until it
 * is used; what was not is given back, and the rest can only be read from then on.
 */
static struct known *make_table(const uint8_t *bytes, size_t size, uint64_t header, uint64_t base)
{
    size_t rows = size < UINT32_MAX ? size : UINT32_MAX;
    size_t rows_size = whole_pages(rows * sizeof(struct cfi_row));
    size_t own_size = whole_pages(sizeof(struct known) + CFI_RULES * sizeof(struct cfi_rule));
    size_t buckets_size = whole_pages(CFI_BUCKETS * sizeof(uint32_t));
    struct known *known = map(own_size);
    uint8_t *row_memory = map(rows_size);
    uint32_t *buckets = map(buckets_size);
    if (known != NULL && row_memory != NULL && buckets != NULL) {
        struct cfi_room room = {.row_max = (uint32_t)rows, .buckets = buckets};
        known->table.rows = (struct cfi_row *)(void *)row_memory;
        known->table.rules = (struct cfi_rule *)(void *)(known + 1);
        cfi_parse(bytes, size, (uint64_t)(uintptr_t)bytes, header, base, MACHINE, &room, &known->table);
    }
    if (known == NULL || row_memory == NULL || buckets == NULL || known->table.row_count == 0) {
        if (known != NULL) {
            munmap(known, own_size);
        }
        if (row_memory != NULL) {
            munmap(row_memory, rows_size);
        }
        known = NULL;
    } else {
        struct cfi_table *table = &known->table;
        size_t used = whole_pages(table->row_count * sizeof(struct cfi_row));
        if (used < rows_size) {
            munmap(row_memory + used, rows_size - used);
        }
        mprotect(row_memory, used, PROT_READ);
        uint32_t count = cfi_index_size(table);
        uint32_t *index = map(whole_pages(count * sizeof(*index)));
        if (index != NULL) {
            cfi_index_make(table, index, count);
            mprotect(index, whole_pages(count * sizeof(*index)), PROT_READ);
        }
        table->base = 0; /* of an object: where it is loaded is the module's */
    }
    if (buckets != NULL) {
        munmap(buckets, buckets_size);
    }
    return known;
}

/* A table for this place: the object's own one, with its base. */
static const struct cfi_table *place_table(struct known *known, uint64_t base)
{
    static struct placed *free_ones;
    static size_t free_count;
    struct placed *placed = known->placed;
    while (placed != NULL && placed->table.base != base) {
        placed = placed->next;
    }
    if (placed != NULL) {
        return &placed->table;
    }
    if (free_count == 0) {
        size_t size = whole_pages(sizeof(*free_ones));
        free_ones = map(size);
        free_count = free_ones != NULL ? size / sizeof(*free_ones) : 0;
    }
    if (free_count == 0) {
        return NULL;
    }
    free_count--;
    placed = free_ones++;
    *placed = (struct placed){.next = known->placed, .table = known->table};
    placed->table.base = base;
    known->placed = placed;
    return &placed->table;
}

static const struct cfi_table *table_for(const struct dl_phdr_info *object, uint64_t header, uint64_t identity)
{
    struct known *known = known_tables;
    uint64_t base = object->dlpi_addr;
    while (known != NULL && known->identity != identity) {
        known = known->next;
    }
    for (int i = 0; known == NULL && i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uint64_t start = base + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) != 0 &&
            header - start < segment->p_filesz) {
            known = make_table((const uint8_t *)(uintptr_t)start, segment->p_filesz, header, base);
            if (known != NULL) {
                known->identity = identity;
                known->next = known_tables;
                known_tables = known;
            }
            break;
        }
    }
    return known == NULL ? NULL : place_table(known, base);
}

/* ---- objects ---- */

static const uint8_t *find_build_id(const struct dl_phdr_info *object, uint32_t *size)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_NOTE) {
            continue;
        }
        const uint8_t *at = (const uint8_t *)(uintptr_t)(object->dlpi_addr + segment->p_vaddr);
        uint64_t left = segment->p_memsz;
        while (left >= sizeof(ElfW(Nhdr))) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof(note));
            uint64_t name = ((uint64_t)note.n_namesz + 3) / 4 * 4, data = ((uint64_t)note.n_descsz + 3) / 4 * 4;
            if (name + data > left - sizeof(note)) {
                break;
            }
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
                memcmp(at + sizeof(note), "GNU", 4) == 0 && note.n_descsz > 0) {
                *size = note.n_descsz < 20 ? note.n_descsz : 20;
                return at + sizeof(note) + name;
            }
            at += sizeof(note) + name + data;
            left -= sizeof(note) + name + data;
        }
    }
    *size = 0;
    return NULL;
}

/* What tells an object from others: its search table has every function's address in it. */
static uint64_t identify(const struct dl_phdr_info *object, uint64_t *header)
{
    uint32_t size;
    const uint8_t *id = find_build_id(object, &size);
    uint64_t hash = (uint64_t)object->dlpi_phnum;
    *header = 0;
    for (uint32_t i = 0; i < size; i++) {
        hash = fold(hash, id[i]);
    }
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        hash = fold(hash, segment->p_vaddr);
        hash = fold(hash, segment->p_memsz);
        if (segment->p_type == PT_GNU_EH_FRAME && segment->p_memsz >= 4) {
            *header = object->dlpi_addr + segment->p_vaddr;
            const uint32_t *words = (const uint32_t *)(uintptr_t)*header;
            for (uint64_t word = 0; size == 0 && word < segment->p_memsz / 4; word++) {
                hash = fold(hash, words[word]);
            }
        }
    }
    return hash;
}

static void announce_module(const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
    uint64_t number;
    struct tare_samples_slot *slot = profile__claim_patiently(TARE_SAMPLES_MODULE, &number);
    if (slot == NULL) {
        return;
    }
    char path[4096];
    const char *name = object->dlpi_name;
    if (name[0] == '\0') {
        ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
        path[length > 0 ? length : 0] = '\0';
        name = path;
    } else if (strncmp(name, "linux-vdso", strlen("linux-vdso")) == 0) {
        name = "[vdso]";
    }
    const uint8_t *id = find_build_id(object, &slot->module.build_id_size);
    memset(slot->module.build_id, 0, sizeof(slot->module.build_id));
    if (id != NULL) {
        memcpy(slot->module.build_id, id, slot->module.build_id_size);
    }
    slot->module.address = object->dlpi_addr + segment->p_vaddr;
    slot->module.size = segment->p_memsz;
    slot->module.offset = segment->p_offset;
    slot->count = profile__put_text(slot, slot->module.path, name);
    profile__publish(slot, number);
}

struct walk {
    bool looked; /* the counters have been compared */
    uint32_t count;
    struct entry *entries; /* NULL: only to be counted */
    uint32_t room;
};

static const struct entry *find_entry(uint64_t start, uint64_t end, uint64_t identity)
{
    for (uint32_t i = 0; i < entry_count; i++) {
        if (entries[i].module.start == start && entries[i].module.end == end &&
            entries[i].identity == identity) {
            return &entries[i];
        }
    }
    return NULL;
}

static int walk_object(struct dl_phdr_info *object, size_t size, void *data)
{
    struct walk *walk = data;
    uint64_t header = 0, identity = 0;
    (void)size;
    if (!walk->looked && entry_count != 0 && object->dlpi_adds == seen_adds && object->dlpi_subs == seen_subs) {
        return 1; /* nothing has come or gone */
    }
    walk->looked = true;
    if (walk->entries != NULL) {
        identity = identify(object, &header);
        seen_adds = object->dlpi_adds;
        seen_subs = object->dlpi_subs;
    }
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_X) == 0 || segment->p_memsz == 0) {
            continue;
        }
        uint32_t number = walk->count++;
        if (walk->entries == NULL || number >= walk->room) {
            continue;
        }
        struct entry *entry = &walk->entries[number];
        entry->module.start = object->dlpi_addr + segment->p_vaddr;
        entry->module.end = entry->module.start + segment->p_memsz;
        entry->identity = identity;
        const struct entry *before = find_entry(entry->module.start, entry->module.end, identity);
        if (before != NULL) {
            entry->module.table = before->module.table;
            continue;
        }
        entry->module.table = header != 0 ? table_for(object, header, identity) : NULL;
        announce_module(object, segment);
    }
    return 0;
}

static void sort(struct profile_modules *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        struct profile_module module = list->modules[i];
        uint32_t to = i;
        for (; to > 0 && list->modules[to - 1].start > module.start; to--) {
            list->modules[to] = list->modules[to - 1];
        }
        list->modules[to] = module;
    }
}

/*
 * The list behind `first` is no longer to be found. Handlers count themselves before they look for one and after
 * they are done with it; so where there are none now, none has it. Where there are, it is left for another time.
 */
static void retire(struct retired *first)
{
    if (first != NULL) {
        first->next = retired;
        retired = first;
    }
    if (__atomic_load_n(&profile__readers, __ATOMIC_SEQ_CST) == 0) {
        while (retired != NULL) {
            struct retired *one = retired;
            retired = one->next; /* first: a fork may come between the two */
            munmap(one, one->size);
        }
    }
}

static void build_list(uint32_t count)
{
    uint32_t room = count + 8; /* some may come between the two walks; more are found the next time */
    size_t entries_size = room * sizeof(struct entry);
    size_t size = sizeof(struct retired) + entries_size + sizeof(struct profile_modules) +
                  room * sizeof(struct profile_module);
    struct retired *memory = map(size);
    if (memory == NULL) {
        return;
    }
    memory->size = size;
    struct walk walk = {.looked = true, .entries = (struct entry *)(memory + 1), .room = room};
    dl_iterate_phdr(walk_object, &walk);
    struct profile_modules *list = (void *)((char *)walk.entries + entries_size);
    list->count = walk.count < room ? walk.count : room;
    uint64_t own = (uint64_t)(uintptr_t)&profile__modules_refresh;
    for (uint32_t i = 0; i < list->count; i++) {
        list->modules[i] = walk.entries[i].module;
        if (own >= list->modules[i].start && own < list->modules[i].end) {
            list->own_start = list->modules[i].start;
            list->own_end = list->modules[i].end;
        }
    }
    sort(list);
    entries = walk.entries;
    entry_count = list->count;
    struct retired *before = current;
    current = memory;
    __atomic_store_n(&profile__modules, list, __ATOMIC_SEQ_CST); /* pairs with the handlers' load */
    retire(before);
}

void profile__modules_refresh(void)
{
    int saved = errno;
    uint32_t idle = 0;
    /* Who comes second leaves it to the first, or to the next safe point. */
    if (__atomic_compare_exchange_n(&busy, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        struct walk walk = {.count = 0};
        STORE(profile.stale, false);
        if (dl_iterate_phdr(walk_object, &walk) == 0) {
            build_list(walk.count);
        }
        __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    }
    errno = saved;
}

/*
 * A fork while another thread walks the list of what is loaded would leave the dynamic linker's lock locked in the
 * child, for ever. So it waits for that; but not for long, should the other one wait for who forks.
 */
static PROFILE_TLS bool holds_for_fork;

void profile__modules_before_fork(void)
{
    enum { TRIES_MS = 20 };
    int saved = errno;
    for (int i = 0; i < TRIES_MS && !holds_for_fork && !LOAD(profile.sandboxed); i++) {
        uint32_t idle = 0;
        holds_for_fork =
            __atomic_compare_exchange_n(&busy, &idle, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
        if (!holds_for_fork) {
            syscall(SYS_nanosleep, &(struct timespec){0, 1000000}, NULL);
        }
    }
    errno = saved;
}

void profile__modules_behind_fork(void)
{
    if (holds_for_fork) {
        holds_for_fork = false;
        __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    }
}

/* Another thread may have been at it, and is not here. */
void profile__modules_in_child(void)
{
    if (busy != 0 && !holds_for_fork) {
        entry_count = 0; /* what is there may be half of one list and half of another */
    }
    busy = 0;
    holds_for_fork = false;
    profile.forked = true;
    /* Who held the dynamic linker's lock in the parent is not here to give it back. */
    STORE(profile.stale, false);
    STORE(profile__readers, 0);
}

/* ---- dlopen ---- */

NEXT_OF(NULL, void *, dlopen, (const char *file, int mode), (file, mode));
NEXT_OF(NULL, void *, dlmopen, (Lmid_t list, const char *file, int mode), (list, file, mode));
NEXT_OF(NULL, int, dlclose, (void *handle), (handle));

struct search {
    uint64_t caller;
    bool matters;
};

static int look_for_paths(struct dl_phdr_info *object, size_t size, void *data)
{
    struct search *search = data;
    const ElfW(Dyn) *dynamic = NULL;
    bool calls = false;
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uint64_t start = object->dlpi_addr + segment->p_vaddr;
        calls = calls || (segment->p_type == PT_LOAD && search->caller - start < segment->p_memsz);
        if (segment->p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *)(uintptr_t)start;
        }
    }
    /* A RUNPATH is its object's own, but an RPATH is also that of what the object has loaded. */
    for (; dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++) {
        search->matters =
            search->matters || dynamic->d_tag == DT_RPATH || (calls && dynamic->d_tag == DT_RUNPATH);
    }
    return search->matters;
}

/* Whether it matters to dlopen who calls it. Apart, as nothing of it may stand in the way of a tail call. */
static __attribute__((noinline)) bool caller_matters(const char *file, const void *caller)
{
    if (file == NULL || strchr(file, '$') != NULL) {
        return true;
    }
    struct search search = {.caller = (uint64_t)(uintptr_t)caller};
    if (strchr(file, '/') == NULL) {
        dl_iterate_phdr(look_for_paths, &search);
    }
    return search.matters;
}

/*
 * The first call in each is in the tail: it returns to our caller, and looks as if it came from there. This
 * file is compiled so that it does, in every profile.
 */
void *dlopen(const char *file, int mode)
{
    if (!LOAD(profile.active) || caller_matters(file, __builtin_return_address(0))) {
        STORE(profile.stale, true);
        return NEXT(dlopen)(file, mode);
    }
    void *handle = NEXT(dlopen)(file, mode);
    profile__modules_refresh();
    return handle;
}

void *dlmopen(Lmid_t list, const char *file, int mode)
{
    if (!LOAD(profile.active) || caller_matters(file, __builtin_return_address(0))) {
        STORE(profile.stale, true);
        return NEXT(dlmopen)(list, file, mode);
    }
    void *handle = NEXT(dlmopen)(list, file, mode);
    profile__modules_refresh();
    return handle;
}

int dlclose(void *handle)
{
    int result = NEXT(dlclose)(handle);
    if (LOAD(profile.active)) {
        profile__modules_refresh();
    }
    return result;
}
