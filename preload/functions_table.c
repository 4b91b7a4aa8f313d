/* SPDX-License-Identifier: MIT */
/*
 * From the table that `tare run` made to timers of this process: which of its modules are loaded here and
 * where, a timer for each function that was chosen, and, where functions have room for a call at their
 * beginning, that call. Modules that are not loaded yet are looked for again when an address comes that
 * nobody knows, which is how dlopen shows itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/functions_kernels.h"
#include "preload/functions_parts.h"

/* A module of the table that is in this process. */
struct loaded {
    uintptr_t base; /* to be added to addresses as linked */
    uintptr_t start, end;
    bool is_loaded; /* the last to be set */
    struct tare__module module;
    tare_timer *timers; /* of its chosen functions, in their order */
    uint32_t *timer_of; /* function - first -> index in timers + 1, or 0 */
};

static struct tare_functions_header *table; /* NULL: no table, and nothing is timed */
static const struct tare_functions_module *modules;
static const struct tare_functions_entry *entries;
static const char *strings;
static struct loaded *loaded;
static uint32_t waiting; /* modules that are not loaded */
static bool is_starting; /* the program's own constructors and main are still to come */
static pthread_mutex_t attaching = PTHREAD_MUTEX_INITIALIZER;

static tare_timer *kernel_timers;

void functions__bind(tare_timer *timers)
{
    kernel_timers = timers;
}

/* The kernel that an address lies in is the last one that begins before it. */
static tare_timer *kernel_timer_at(uintptr_t address)
{
    static const struct functions_kernel *const lists[] = {
        functions__kernel_list_cyg,
#if FUNCTIONS_CAN_RETURN
        functions__kernel_list_mcount,
        functions__kernel_list_fentry,
        functions__kernel_list_pads,
#endif
    };
    const struct functions_kernel *found = NULL;
    for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
        for (size_t i = 0; i < FUNCTIONS_KERNELS; i++) {
            const struct functions_kernel *one = &lists[list][i];
            if (one->address <= address && (found == NULL || one->address > found->address)) {
                found = one;
            }
        }
    }
    return found != NULL && kernel_timers != NULL ? &kernel_timers[found->timer] : NULL;
}

static void *take_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

/* The function that an address as linked lies in; NULL: none. */
static const struct tare_functions_entry *entry_at(const struct tare_functions_module *module, uint64_t address)
{
    uint32_t low = module->first, high = module->first + module->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entries[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == module->first) {
        return NULL;
    }
    const struct tare_functions_entry *entry = &entries[low - 1];
    return address - entry->address <= entry->size ? entry : NULL; /* a call may be the last instruction */
}

/* Timers for what was chosen in a module that was found. They stay, also when the module goes. */
static bool make_timers(const struct tare_functions_module *module, struct loaded *here)
{
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < module->count; i++) {
        chosen += entries[module->first + i].chosen;
    }
    here->module.name = strings + module->name;
    here->timers = take_memory(chosen * sizeof(*here->timers));
    here->timer_of = take_memory(module->count * sizeof(*here->timer_of));
    tare_timer **list = take_memory(chosen * sizeof(tare_timer *));
    if (here->timers == NULL || here->timer_of == NULL || list == NULL) {
        return false;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < module->count; i++) {
        const struct tare_functions_entry *entry = &entries[module->first + i];
        if (entry->chosen) {
            here->timers[at] = (tare_timer){
                &tare__never,          TARE_ABI,    UINT32_MAX, strings + entry->name, &here->module,
                strings + entry->file, entry->line, 1};
            list[at] = &here->timers[at];
            here->timer_of[i] = ++at;
        }
    }
    tare__enroll(list, list + at);
    munmap(list, chosen * sizeof(tare_timer *) + 1);
    return true;
}

#if FUNCTIONS_CAN_RETURN

enum { CALL_BYTES = 5, STUB_BYTES = 14, NEAR = 1 << 30, STEP = 1 << 21, PAD_MAX = 32 };

/* Bytes of the instruction if it does nothing, else 0. gcc leaves single bytes, clang the longest there are. */
static size_t nop_length(const unsigned char *code, const unsigned char *end)
{
    const unsigned char *at = code;
    while (at < end && (*at == 0x66 || *at == 0x2e)) {
        at++;
    }
    if (at < end && *at == 0x90) {
        return (size_t)(at + 1 - code);
    }
    if (end - at < 3 || at[0] != 0x0f || at[1] != 0x1f || (at[2] & 0x38) != 0) {
        return 0;
    }
    static const size_t displacement[] = {0, 1, 4};
    unsigned mode = at[2] >> 6, has_index = (at[2] & 7) == 4;
    size_t length = mode == 3 ? 0 : (size_t)(at - code) + 3 + has_index + displacement[mode];
    return length <= (size_t)(end - code) ? length : 0;
}

/* How many bytes whole instructions take that do nothing, and have room for a call; 0: there is none. */
static size_t pad_length(const unsigned char *code, const unsigned char *end)
{
    size_t length = 0;
    while (length < CALL_BYTES) {
        size_t one = nop_length(code + length, end);
        if (one == 0) {
            return 0;
        }
        length += one;
    }
    return length;
}

/* A jump to __fentry__, as near to `address` as a call reaches. */
static unsigned char *make_stub(uintptr_t address)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (intptr_t away = STEP; away < NEAR; away += STEP) {
        for (int side = 0; side < 2; side++) {
            uintptr_t where = (side == 0 ? address - (uintptr_t)away : address + (uintptr_t)away) & ~(page - 1);
            void *memory = mmap((void *)where, page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (memory != (void *)where) {
                if (memory != MAP_FAILED) {
                    munmap(memory, page); /* an old kernel takes the address for a hint */
                }
                continue;
            }
            static const unsigned char jump[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *0(%rip) */
            uintptr_t target = (uintptr_t)__fentry__;
            memcpy(memory, jump, sizeof(jump));
            memcpy((unsigned char *)memory + sizeof(jump), &target, sizeof(target));
            if (mprotect(memory, page, PROT_READ | PROT_EXEC) != 0) {
                munmap(memory, page);
                return NULL;
            }
            return memory;
        }
    }
    return NULL;
}

/* How many functions. */
struct patched {
    uint32_t patched, unpatchable, in_use;
};

/* Whether no other thread can be at any instruction of this process. */
static bool is_alone(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3; /* `.`, `..` of it, and one thread */
}

static bool is_one_word(const unsigned char *code, size_t length)
{
    return (uintptr_t)code % 8 + length <= 8;
}

/*
 * Makes the pads at these addresses calls, where `wanted` says so. All of their code becomes writable for the
 * while, and stays executable: another thread may be in it. Then only what can be changed in one store is,
 * from one instruction to one: a thread that was between two would go on amid the call. `alone`: there is none.
 */
static int patch(const uintptr_t *pads, size_t count, bool (*wanted)(const void *data, uintptr_t pad),
                 const void *data, bool alone, struct patched *done)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), low = UINTPTR_MAX, high = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted(data, pads[i])) {
            low = pads[i] < low ? pads[i] : low;
            high = pads[i] + CALL_BYTES > high ? pads[i] + CALL_BYTES : high;
        }
    }
    if (high == 0) {
        return 0;
    }
    low &= ~(page - 1);
    high = (high + page - 1) & ~(page - 1);
    unsigned char *stub = make_stub(low);
    if (stub == NULL || high - low > NEAR) {
        return ENOMEM;
    }
    if (mprotect((void *)low, high - low, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
        return errno;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned char *code = (unsigned char *)pads[i];
        if (!wanted(data, pads[i])) {
            continue;
        }
        size_t length =
            pad_length(code, code + PAD_MAX < (unsigned char *)high ? code + PAD_MAX : (unsigned char *)high);
        if (length == 0) {
            done->unpatchable++;
            continue;
        }
        unsigned char call[PAD_MAX];
        int32_t offset = (int32_t)(stub - (code + CALL_BYTES));
        memset(call, 0x90, sizeof(call)); /* the rest of an instruction is none */
        call[0] = 0xe8;
        memcpy(call + 1, &offset, sizeof(offset));
        if (!alone && (nop_length(code, code + length) != length || !is_one_word(code, length))) {
            done->in_use++;
            continue;
        }
        if (is_one_word(code, length)) {
            uint64_t *where = (uint64_t *)((uintptr_t)code & ~(uintptr_t)7), word = *where;
            memcpy((unsigned char *)&word + (uintptr_t)code % 8, call, length);
            __atomic_store_n(where, word, __ATOMIC_RELEASE);
        } else {
            memcpy(code, call, length);
        }
        done->patched++;
    }
    return mprotect((void *)low, high - low, PROT_READ | PROT_EXEC) != 0 ? errno : 0;
}

static bool is_chosen(const void *data, uintptr_t pad)
{
    const struct loaded *here = data;
    const struct tare_functions_module *module = &modules[here - loaded];
    if (pad < here->start || pad + CALL_BYTES > here->end) {
        return false;
    }
    const struct tare_functions_entry *entry = entry_at(module, pad - here->base);
    return entry != NULL && entry->chosen;
}

static bool is_any(const void *data, uintptr_t pad)
{
    (void)data;
    (void)pad;
    return true;
}

/* Of this library itself, for the calibration. */
extern FUNCTIONS_HIDDEN const uintptr_t __start___patchable_function_entries[];
extern FUNCTIONS_HIDDEN const uintptr_t __stop___patchable_function_entries[];

static int patch_kernels(void)
{
    struct patched done = {0};
    size_t count = (size_t)(__stop___patchable_function_entries - __start___patchable_function_entries);
    int error = patch(__start___patchable_function_entries, count, is_any, NULL, true,
                      &done); /* nobody calls them yet */
    return error != 0 ? error : done.unpatchable != 0 ? ENOEXEC : 0;
}

/*
 * Threads that the constructors of its libraries started are not in the program's code when we start; those of
 * a library may be in it.
 */
static int patch_module(const struct tare_functions_module *module, struct loaded *here, bool is_program)
{
    const uintptr_t *pads = (const uintptr_t *)(here->base + module->pads_address);
    size_t count = module->pads_size / sizeof(*pads);
    if ((uintptr_t)pads < here->start || module->pads_size > here->end - (uintptr_t)pads) {
        return ENOEXEC;
    }
    struct patched done = {0};
    int error = patch(pads, count, is_chosen, here, (is_program && is_starting) || is_alone(), &done);
    __atomic_fetch_add(&table->patched, done.patched, __ATOMIC_RELAXED);
    __atomic_fetch_add(&table->unpatchable, done.unpatchable, __ATOMIC_RELAXED);
    __atomic_fetch_add(&table->in_use, done.in_use, __ATOMIC_RELAXED);
    return error;
}

#endif

/* dl_iterate_phdr: the modules of the table that are loaded and not attached yet. */
static int attach_object(struct dl_phdr_info *object, size_t size, void *data)
{
    (void)size;
    (void)data;
    const char *path =
        object->dlpi_name != NULL && object->dlpi_name[0] != '\0' ? object->dlpi_name : "/proc/self/exe";
    struct stat st;
    if (stat(path, &st) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < table->module_count; i++) {
        struct loaded *here = &loaded[i];
        if (here->is_loaded || modules[i].device != st.st_dev || modules[i].inode != st.st_ino) {
            continue;
        }
        here->base = object->dlpi_addr;
        here->start = UINTPTR_MAX;
        for (int k = 0; k < object->dlpi_phnum; k++) {
            const ElfW(Phdr) *segment = &object->dlpi_phdr[k];
            if (segment->p_type == PT_LOAD && segment->p_memsz != 0) {
                uintptr_t start = object->dlpi_addr + segment->p_vaddr;
                here->start = start < here->start ? start : here->start;
                here->end = start + segment->p_memsz > here->end ? start + segment->p_memsz : here->end;
            }
        }
        int error = make_timers(&modules[i], here) ? 0 : ENOMEM;
#if FUNCTIONS_CAN_RETURN
        if (error == 0 && modules[i].style == TARE_HOOK_PADS) {
            error = patch_module(&modules[i], here, object->dlpi_name == NULL || object->dlpi_name[0] == '\0');
        }
#endif
        if (error != 0) {
            __atomic_store_n(&table->error, error, __ATOMIC_RELAXED);
        } else {
            __atomic_fetch_add(&table->attached, 1, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&here->is_loaded, true, __ATOMIC_RELEASE);
        __atomic_fetch_sub(&waiting, 1, __ATOMIC_RELAXED);
        return 0;
    }
    return 0;
}

static const struct loaded *find_loaded(uintptr_t address)
{
    for (uint32_t i = 0; i < table->module_count; i++) {
        if (__atomic_load_n(&loaded[i].is_loaded, __ATOMIC_ACQUIRE) && address >= loaded[i].start &&
            address < loaded[i].end) {
            return &loaded[i];
        }
    }
    return NULL;
}

void functions__lost(void)
{
    if (table != NULL) {
        __atomic_fetch_add(&table->lost, 1, __ATOMIC_RELAXED);
    }
}

/*
 * gcc aligns the stack of a function that has arguments there, or alloca, by way of a register that holds the
 * arguments' place: r10, or r13 where that is not free. Above the frame pointer then lies a copy of the return
 * address, for debuggers, which is not returned to.
 */
static uintptr_t copies(const unsigned char *code, size_t size)
{
    static const unsigned char branch_target[] = {0xf3, 0x0f, 0x1e, 0xfa};
    static const unsigned char by_r10[] = {0x4c, 0x8d, 0x54, 0x24, 0x08};             /* lea 8(%rsp), %r10 */
    static const unsigned char by_r13[] = {0x41, 0x55, 0x4c, 0x8d, 0x6c, 0x24, 0x10}; /* push; lea 16(%rsp) */
    if (size >= sizeof(branch_target) && memcmp(code, branch_target, sizeof(branch_target)) == 0) {
        code += sizeof(branch_target);
        size -= sizeof(branch_target);
    }
    if (size >= sizeof(by_r10) && memcmp(code, by_r10, sizeof(by_r10)) == 0) {
        return FUNCTIONS_COPY_R10;
    }
    return size >= sizeof(by_r13) && memcmp(code, by_r13, sizeof(by_r13)) == 0 ? FUNCTIONS_COPY_R13 : 0;
}

uintptr_t functions__what_is_at(uintptr_t address, bool *unsure)
{
    if (address - (uintptr_t)__start_tare_kernels < (uintptr_t)(__stop_tare_kernels - __start_tare_kernels)) {
        *unsure = kernel_timers == NULL;
        return (uintptr_t)kernel_timer_at(address);
    }
    if (table == NULL) {
        *unsure = true; /* before our constructor */
        return 0;
    }
    const struct loaded *here = find_loaded(address);
    if (here == NULL && __atomic_load_n(&waiting, __ATOMIC_RELAXED) != 0) {
        if (pthread_mutex_trylock(&attaching) != 0) {
            *unsure = true;
            return 0;
        }
        dl_iterate_phdr(attach_object, NULL);
        pthread_mutex_unlock(&attaching);
        here = find_loaded(address);
    }
    if (here == NULL) {
        return 0;
    }
    const struct tare_functions_module *module = &modules[here - loaded];
    const struct tare_functions_entry *entry = entry_at(module, address - here->base);
    uint32_t index =
        entry != NULL && here->timer_of != NULL ? here->timer_of[entry - entries - module->first] : 0;
    if (index == 0) {
        return 0;
    }
    uintptr_t timer = (uintptr_t)&here->timers[index - 1];
    return module->style == TARE_HOOK_MCOUNT
               ? timer | copies((const unsigned char *)(here->base + entry->address),
                                address - here->base - entry->address)
               : timer;
}

/* Who starts us may be wrong, but not hostile: it is the one who runs the program. */
static bool table_open(const char *path)
{
    struct stat st;
    void *memory = MAP_FAILED;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) { /* opening a device or a pipe may do something */
        return false;
    }
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size > (off_t)sizeof(struct tare_functions_header)) {
        memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (memory == MAP_FAILED) {
        return false;
    }
    struct tare_functions_header *header = memory;
    uint64_t need = sizeof(*header) + (uint64_t)header->module_count * sizeof(*modules) +
                    (uint64_t)header->function_count * sizeof(*entries);
    if (header->magic != TARE_FUNCTIONS_MAGIC || header->size != (uint64_t)st.st_size ||
        header->strings_offset != need || need >= header->size ||
        ((const char *)memory)[header->size - 1] != '\0' || header->style >= TARE_HOOK_STYLES) {
        munmap(memory, (size_t)st.st_size);
        return false;
    }
    modules = (const struct tare_functions_module *)(header + 1);
    entries = (const struct tare_functions_entry *)(modules + header->module_count);
    strings = (const char *)memory + header->strings_offset;
    loaded = take_memory(header->module_count * sizeof(*loaded));
    if (loaded == NULL || !functions__know_init(header->function_count)) {
        munmap(memory, (size_t)st.st_size);
        return false;
    }
    waiting = header->module_count;
    __atomic_store_n(&table, header, __ATOMIC_RELEASE);
    return true;
}

/* Costs are those of the table's own style: a program is built in one, as a rule. */
static int calibrate(uint32_t style)
{
    switch (style) {
#if FUNCTIONS_CAN_RETURN
    case TARE_HOOK_MCOUNT:
        return tare__calibrate_as(&functions__kernels_mcount);
    case TARE_HOOK_FENTRY:
        return tare__calibrate_as(&functions__kernels_fentry);
    case TARE_HOOK_PADS: {
        int error = patch_kernels();
        return error != 0 ? -error : tare__calibrate_as(&functions__kernels_pads);
    }
#endif
    default:
        return tare__calibrate_as(&functions__kernels_cyg);
    }
}

/* Behind libtare's own, before the program's: of a library that comes before us, constructors are not timed. */
__attribute__((constructor(103))) static void begin(void)
{
    int saved = errno;
    const char *path = getauxval(AT_SECURE) == 0 ? getenv(TARE_FUNCTIONS_VARIABLE) : NULL;
    if (path != NULL && table_open(path)) {
        functions__init_threads();
#if FUNCTIONS_CAN_RETURN
        functions__init_unwind();
#endif
        pthread_mutex_lock(&attaching);
        int error = calibrate(table->style);
        if (error == 0) {
            is_starting = true;
            dl_iterate_phdr(attach_object, NULL);
            is_starting = false;
        } else {
            __atomic_store_n(&table->error, -error, __ATOMIC_RELAXED);
        }
        pthread_mutex_unlock(&attaching);
    }
    errno = saved;
}
