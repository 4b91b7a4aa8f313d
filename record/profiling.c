/* SPDX-License-Identifier: MIT */
/*
 * Which way of taking stacks is the best that this machine and this binary allow. The order is by what is lost:
 *
 *     lbr       as far as the processor's own record of calls reaches
 *     fp        whole stacks if all code on them keeps frame pointers; the kernel walks them
 *     dwarf     whole stacks of any program with unwind tables; a copy of the stack goes out with each sample
 *     built-in  the same stacks without perf; no kernel frames, no other events than time
 *
 * A program that keeps frame pointers, but whose libraries do not, is unwound by dwarf: stacks that begin
 * within such a library (memcpy, malloc) lose the caller that matters, and hot code calls libc.
 * docs/profiling.md has the table for the reader.
 */
#include "record/profiling.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/binary.h"
#include "record/elf.h"
#include "record/perf_child.h"

enum { SCRIPTS_MAX = 4 }; /* scripts whose interpreter is a script; the kernel follows as many */

static const char *const mode_names[TARE_MODES] = {
    [TARE_MODE_FP] = "fp",
    [TARE_MODE_DWARF] = "dwarf",
    [TARE_MODE_LBR] = "lbr",
    [TARE_MODE_BUILT_IN] = "built-in",
};

/* What is known of what is to be profiled. */
struct subject {
    const char *name; /* as it was asked for; of a process, "process 123" */
    char process[32];
    char *path;        /* of the program that runs: of a script, its interpreter */
    bool script;       /* then `name` is one */
    char *no_built_in; /* why libtare-profile.so cannot be loaded into it; NULL: it can */
    bool judged;
    struct tare_binary binary; /* if it was judged */
    char unknown[256];         /* why it was not */
};

struct chooser {
    const struct tare_profiling_request *request;
    const struct tare_perf *perf;
    struct subject subject;
    struct tare_profiling_choice *choice;
    char *message;
    size_t message_size;
};

const char *tare_profiling_mode_name(enum tare_profiling_mode mode)
{
    return mode < TARE_MODES ? mode_names[mode] : "auto";
}

bool tare_profiling_mode_parse(const char *text, enum tare_profiling_mode *mode)
{
    for (unsigned i = 0; i <= TARE_MODES; i++) {
        if (strcmp(text, tare_profiling_mode_name((enum tare_profiling_mode)i)) == 0) {
            *mode = (enum tare_profiling_mode)i;
            return true;
        }
    }
    return false;
}

__attribute__((format(printf, 3, 4))) static int refuse(const struct chooser *chooser, int error,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(chooser->message, chooser->message_size, format, arguments);
    va_end(arguments);
    return error;
}

/* NULL without memory. */
__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
    char *line;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    return length < 0 ? NULL : line;
}

/* The second word of "#!/usr/bin/env PROGRAM" in the script: what env starts. NULL: none. */
static char *started_by_env(const char *script)
{
    char line[256], program[256];
    int fd = open(script, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (n <= 0) {
        return NULL;
    }
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *path = NULL;
    bool found = sscanf(line, "#! %*s -S %255s", program) == 1 || sscanf(line, "#! %*s %255s", program) == 1;
    return found && tare_find_program(program, &path) == 0 ? path : NULL;
}

/* Follows #! to the program that will run. Returns 0 or -errno with the message set. */
static int find_subject(struct chooser *chooser, struct tare_elf_info *info)
{
    struct subject *subject = &chooser->subject;
    const struct tare_profiling_request *request = chooser->request;
    char why[256];
    int result;
    if (request->argv != NULL) {
        subject->name = request->argv[0];
        result = tare_find_program(request->argv[0], &subject->path);
    } else {
        snprintf(subject->process, sizeof(subject->process), "process %d", (int)request->pid);
        subject->name = subject->process;
        struct stat st;
        result = asprintf(&subject->path, "/proc/%d/exe", (int)request->pid) < 0 ? -ENOMEM
                 : stat(subject->path, &st) == 0                                 ? 0
                 : errno == EACCES || errno == EPERM                             ? -EPERM
                 : kill(request->pid, 0) != 0 && errno == ESRCH                  ? -ESRCH
                                                                                 : 0;
    }
    if (result != 0) {
        return refuse(chooser, result, "cannot %s '%s': %s", request->argv != NULL ? "run" : "profile",
                      subject->name,
                      result == -EPERM ? "it is another user's, or has rights of its own" : strerror(-result));
    }
    for (int i = 0; i < SCRIPTS_MAX; i++) {
        tare_elf_info_release(info);
        if (tare_elf_inspect(subject->path, info, why, sizeof(why)) != 0 || !info->is_script ||
            info->interpreter == NULL) {
            break;
        }
        const char *slash = strrchr(info->interpreter, '/');
        bool env = strcmp(slash != NULL ? slash + 1 : info->interpreter, "env") == 0;
        char *next = env ? started_by_env(subject->path) : NULL;
        next = next != NULL ? next : strdup(info->interpreter);
        if (next == NULL) {
            return refuse(chooser, -ENOMEM, "out of memory");
        }
        free(subject->path);
        subject->path = next;
        subject->script = true;
    }
    return 0;
}

/* It gets more rights than we have when it starts. */
static bool has_rights(const struct tare_elf_info *info)
{
    return info->is_elf && ((info->is_setuid && info->owner_uid != getuid()) ||
                            (info->is_setgid && info->owner_gid != getgid()) || info->has_capabilities);
}

/* The kernel closes perf's events when such a program starts, and nothing is loaded into it. */
static int check_rights(const struct chooser *chooser, const struct tare_elf_info *info)
{
    if (chooser->request->argv == NULL || geteuid() == 0 || !has_rights(info) ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) { /* then it gets none */
        return 0;
    }
    return refuse(
        chooser, -ENOTSUP,
        "'%s' cannot be profiled: it runs with rights of its own (%s), and only root may watch it then",
        chooser->subject.name,
        info->is_setuid   ? "set-user-ID"
        : info->is_setgid ? "set-group-ID"
                          : "capabilities");
}

/* Why libtare-profile.so cannot be loaded into it. Returns 0 or -ENOMEM. */
static int judge_preload(struct chooser *chooser, const struct tare_elf_info *info)
{
    struct subject *subject = &chooser->subject;
    const char *library = chooser->request->library;
    const char *why = NULL;
    if (chooser->request->argv == NULL) {
        why = "it runs already, and the built-in sampler is loaded when a program starts";
    } else if (library == NULL) {
        why = "this tare has no libtare-profile.so";
    } else if (strpbrk(library, " :") != NULL) {
        why = "tare is installed in a folder with a space or a colon in its name, where LD_PRELOAD is split";
    } else if (info->is_elf && info->is_static) {
        why = "it is statically linked, and nothing can be loaded into it";
    } else if (has_rights(info)) {
        why = "it runs with rights of its own, and the dynamic linker ignores LD_PRELOAD";
    } else if (info->is_elf && info->interpreter != NULL && strstr(info->interpreter, "ld-musl") != NULL) {
        why = "it uses musl, and libtare-profile.so is for glibc";
    } else if (info->is_elf && !info->native) {
        why = "it is not for this machine's processor, or not of its width";
    }
    subject->no_built_in = why != NULL ? strdup(why) : NULL;
    return why == NULL || subject->no_built_in != NULL ? 0 : -ENOMEM;
}

/* Reads the machine code and tables of the program and its libraries, where that decides. */
static void judge(struct subject *subject)
{
    subject->judged = tare_binary_read(subject->path, NULL, &subject->binary, subject->unknown,
                                       sizeof(subject->unknown)) == 0;
    if (!subject->judged) {
        tare_binary_release(&subject->binary);
    }
}

static const struct tare_profiling_answer *answer_of(const struct subject *subject,
                                                     enum tare_profiling_mode mode)
{
    return &subject->binary.profiling[mode]; /* the first modes are the same */
}

static bool by_time(const char *event)
{
    return event == NULL || strcmp(event, "cpu-clock") == 0 || strcmp(event, "task-clock") == 0;
}

/* Sets what was chosen; reason and caution (NULL: none) are taken over. Returns 0 or -ENOMEM. */
static int choose(struct chooser *chooser, enum tare_profiling_mode mode, char *reason, char *caution)
{
    const struct tare_profiling_request *request = chooser->request;
    struct tare_profiling_choice *choice = chooser->choice;
    const char *event = request->event;
    if (mode == TARE_MODE_BUILT_IN) {
        event = request->off_cpu ? "wall-clock" : "cpu-clock";
    } else if (request->off_cpu) {
        event = "off-cpu";
    } else if (event == NULL) {
        event = chooser->perf->no_cycles == NULL ? "cycles" : "cpu-clock";
    }
    const struct subject *subject = &chooser->subject;
    choice->dwarf_works = !subject->judged || answer_of(subject, TARE_MODE_DWARF)->works >= TARE_WORKS_PARTLY;
    choice->built_in_works = subject->judged && subject->no_built_in == NULL && by_time(request->event) &&
                             !request->off_cpu &&
                             answer_of(subject, TARE_MODE_BUILT_IN)->works >= TARE_WORKS_PARTLY;
    choice->mode = mode;
    choice->reason = reason;
    choice->caution = caution;
    choice->event = strdup(event);
    return reason != NULL && choice->event != NULL ? 0 : refuse(chooser, -ENOMEM, "out of memory");
}

/* Whose stacks these are, where that is not what was asked for. NULL: it is, or no memory. */
static char *other_subject(const struct subject *subject)
{
    return subject->script ? text("stacks are those of '%s', as long as it runs the script: the script's "
                                  "functions are not in "
                                  "them",
                                  subject->path)
                           : NULL;
}

/* Why frame pointers would not do. NULL without memory. */
static char *no_frames(const struct subject *subject)
{
    const struct tare_binary *binary = &subject->binary;
    char share[TARE_SHARE_TEXT];
    if (binary->frames.kept != TARE_KEPT_NO && binary->frames.kept != TARE_KEPT_MIXED) {
        return text("%s", answer_of(subject, TARE_MODE_FP)->why);
    }
    tare_frame_pointers_share(&binary->frames, share);
    return subject->script
               ? text(
                     "%s of the functions of '%s' keep the frame pointer, so stacks are found by unwind tables",
                     share, subject->path)
               : text("%s of its functions keep the frame pointer, so stacks are found by unwind tables",
                      share);
}

static char *built_in_caution(const struct chooser *chooser)
{
    const struct subject *subject = &chooser->subject;
    if (chooser->request->off_cpu) {
        return text("samples are by wall-clock time: waiting and running are shown together");
    }
    if (subject->judged && answer_of(subject, TARE_MODE_BUILT_IN)->works != TARE_WORKS_YES &&
        answer_of(subject, TARE_MODE_BUILT_IN)->works != TARE_WORKS_UNKNOWN) {
        return text("stacks have gaps: %s", answer_of(subject, TARE_MODE_BUILT_IN)->why);
    }
    return other_subject(subject);
}

/* What would do in the place of a mode that cannot work. */
static const char *instead(const struct chooser *chooser)
{
    bool perf = chooser->perf->missing == NULL, built_in = chooser->subject.no_built_in == NULL;
    return perf && built_in ? "--mode dwarf or --mode built-in would"
           : perf           ? "--mode dwarf would"
           : built_in       ? "--mode built-in would"
                            : "no other mode would, either";
}

static int take_built_in(struct chooser *chooser, char *reason)
{
    return choose(chooser, TARE_MODE_BUILT_IN, reason, built_in_caution(chooser));
}

static int force_built_in(struct chooser *chooser)
{
    const struct subject *subject = &chooser->subject;
    if (subject->no_built_in != NULL) {
        return refuse(chooser, -ENOTSUP, "--mode built-in cannot profile '%s': %s; %s", subject->name,
                      subject->no_built_in, instead(chooser));
    }
    if (!by_time(chooser->request->event)) {
        return refuse(chooser, -ENOTSUP,
                      "--mode built-in knows no event '%s': it samples by time; use --mode fp or dwarf",
                      chooser->request->event);
    }
    return take_built_in(chooser, text("asked for"));
}

/*
 * perf says at length what is wrong with an event, in the midst of the program's output: so it is asked before.
 */
static int check_event(const struct chooser *chooser)
{
    const char *event = chooser->request->event;
    const struct tare_perf *perf = chooser->perf;
    char text[64], words[160];
    if (event != NULL && strcmp(event, "cycles") == 0 && perf->no_cycles != NULL) {
        return refuse(chooser, -ENOTSUP,
                      "--event cycles cannot be had: %s; without --event, cpu-clock is taken", perf->no_cycles);
    }
    if (event == NULL || perf->path == NULL) {
        return 0;
    }
    char *const argv[] = {
        perf->path,     (char[]){"record"},       (char[]){"-q"}, (char[]){"-o"},   (char[]){"/dev/null"},
        (char[]){"-e"}, (char *)(uintptr_t)event, (char[]){"--"}, (char[]){"true"}, NULL};
    int code = tare__perf_ask(argv, text, sizeof(text), words, sizeof(words));
    return code == 0
               ? 0
               : refuse(chooser, -ENOTSUP, "--event %s cannot be had: %s; 'perf list' names those that can",
                        event, words[0] != '\0' ? words : "perf refuses it");
}

static const char *are(enum tare_works works)
{
    return works == TARE_WORKS_NO ? "are" : "may be";
}

/* A mode of perf. */
static int force_perf(struct chooser *chooser, enum tare_profiling_mode mode)
{
    const struct tare_perf *perf = chooser->perf;
    struct subject *subject = &chooser->subject;
    const char *name = mode_names[mode];
    if (perf->missing != NULL) {
        return refuse(chooser, -ENOTSUP, "--mode %s cannot work: %s; %s", name, perf->missing,
                      instead(chooser));
    }
    if (chooser->request->by_timer) {
        return refuse(chooser, -ENOTSUP,
                      "--by-timer needs the built-in sampler, which looks at scopes: leave out --mode %s",
                      name);
    }
    if (chooser->request->off_cpu && perf->no_off_cpu != NULL) {
        return refuse(chooser, -ENOTSUP, "--off-cpu cannot work with --mode %s: %s; %s", name, perf->no_off_cpu,
                      subject->no_built_in == NULL ? "--mode built-in samples by wall-clock time"
                                                   : "nor can the built-in sampler be used");
    }
    if (mode == TARE_MODE_LBR && perf->no_lbr != NULL) {
        return refuse(chooser, -ENOTSUP, "--mode lbr cannot work: %s; %s", perf->no_lbr, instead(chooser));
    }
    int unknown = check_event(chooser);
    if (unknown != 0) {
        return unknown;
    }
    judge(subject);
    char *caution = other_subject(subject);
    if (subject->judged && mode != TARE_MODE_LBR && answer_of(subject, mode)->works <= TARE_WORKS_PARTLY &&
        (mode == TARE_MODE_DWARF || answer_of(subject, mode)->works != TARE_WORKS_UNKNOWN)) {
        enum tare_profiling_mode other = mode == TARE_MODE_FP ? TARE_MODE_DWARF : TARE_MODE_FP;
        bool better = answer_of(subject, other)->works >= TARE_WORKS_PARTLY &&
                      answer_of(subject, other)->works > answer_of(subject, mode)->works;
        free(caution);
        caution = text("callers %s missing or wrong: %s%s%s", are(answer_of(subject, mode)->works),
                       answer_of(subject, mode)->why, better ? "; better: --mode " : "",
                       better ? mode_names[other] : "");
    }
    return choose(chooser, mode, text("asked for"), caution);
}

/* perf can be used: by which stacks? */
static int choose_stacks(struct chooser *chooser)
{
    const struct tare_perf *perf = chooser->perf;
    const struct tare_profiling_request *request = chooser->request;
    struct subject *subject = &chooser->subject;
    int unknown = check_event(chooser);
    if (unknown != 0) {
        return unknown;
    }
    bool cycles = request->event == NULL || strcmp(request->event, "cycles") == 0;
    if (perf->no_lbr == NULL && perf->no_cycles == NULL && cycles && !request->off_cpu) {
        return choose(chooser, TARE_MODE_LBR, text("the processor notes the last branches"),
                      other_subject(subject));
    }
    judge(subject);
    if (!subject->judged) {
        return choose(chooser, TARE_MODE_DWARF,
                      text("its code could not be judged (%s), and dwarf works for most", subject->unknown),
                      NULL);
    }
    const struct tare_profiling_answer *fp = answer_of(subject, TARE_MODE_FP);
    const struct tare_profiling_answer *dwarf = answer_of(subject, TARE_MODE_DWARF);
    if (fp->works == TARE_WORKS_YES) {
        return choose(chooser, TARE_MODE_FP, strdup(fp->why), other_subject(subject));
    }
    if (dwarf->works != TARE_WORKS_NO) {
        char *caution = dwarf->works == TARE_WORKS_PARTLY    ? text("stacks have gaps: %s", dwarf->why)
                        : dwarf->works == TARE_WORKS_UNKNOWN ? text("callers may be missing: %s", dwarf->why)
                                                             : other_subject(subject);
        return choose(chooser, TARE_MODE_DWARF, no_frames(subject), caution);
    }
    if (fp->works == TARE_WORKS_NO && subject->no_built_in == NULL && by_time(request->event) &&
        answer_of(subject, TARE_MODE_BUILT_IN)->works > TARE_WORKS_NO) {
        return take_built_in(chooser, text("%s, and %s", fp->why, dwarf->why));
    }
    return choose(chooser, TARE_MODE_FP, text("%s", dwarf->why),
                  text("callers %s missing or wrong: %s", are(fp->works), fp->why));
}

static int choose_auto(struct chooser *chooser)
{
    const struct tare_perf *perf = chooser->perf;
    const struct tare_profiling_request *request = chooser->request;
    struct subject *subject = &chooser->subject;
    if (request->by_timer) {
        return subject->no_built_in != NULL
                   ? refuse(chooser, -ENOTSUP, "--by-timer needs the built-in sampler: %s",
                            subject->no_built_in)
                   : take_built_in(chooser, text("only it sees which timer is open"));
    }
    const char *without_perf = perf->missing != NULL                          ? perf->missing
                               : request->off_cpu && perf->no_off_cpu != NULL ? perf->no_off_cpu
                                                                              : NULL;
    if (without_perf == NULL) {
        return choose_stacks(chooser);
    }
    if (subject->no_built_in != NULL) {
        return request->argv == NULL
                   ? refuse(chooser, -ENOTSUP, "only perf can profile a process that runs: %s", without_perf)
                   : refuse(chooser, -ENOTSUP, "'%s' cannot be profiled here: %s; and without perf, %s",
                            subject->name, without_perf, subject->no_built_in);
    }
    if (!by_time(request->event)) {
        return refuse(chooser, -ENOTSUP, "--event %s needs perf: %s", request->event, without_perf);
    }
    judge(subject);
    return take_built_in(chooser, text("%s", without_perf));
}

int tare_profiling_choose(const struct tare_profiling_request *request, const struct tare_perf *perf,
                          struct tare_profiling_choice *choice, char *message, size_t message_size)
{
    struct chooser chooser = {
        .request = request, .perf = perf, .choice = choice, .message = message, .message_size = message_size};
    struct tare_elf_info info = {0};
    *choice = (struct tare_profiling_choice){.mode = TARE_MODE_AUTO};
    int result = find_subject(&chooser, &info);
    if (result == 0) {
        result = check_rights(&chooser, &info);
    }
    if (result == 0 && judge_preload(&chooser, &info) != 0) {
        result = refuse(&chooser, -ENOMEM, "out of memory");
    }
    if (result != 0) {
        goto out;
    }
    if (request->mode == TARE_MODE_AUTO) {
        result = choose_auto(&chooser);
    } else if (request->mode == TARE_MODE_BUILT_IN) {
        result = force_built_in(&chooser);
    } else {
        result = force_perf(&chooser, request->mode);
    }
out:
    if (result != 0) {
        tare_profiling_choice_release(choice);
    }
    if (chooser.subject.judged) {
        tare_binary_release(&chooser.subject.binary);
    }
    tare_elf_info_release(&info);
    free(chooser.subject.path);
    free(chooser.subject.no_built_in);
    return result;
}

void tare_profiling_choice_release(struct tare_profiling_choice *choice)
{
    free(choice->reason);
    free(choice->caution);
    free(choice->event);
    *choice = (struct tare_profiling_choice){.mode = TARE_MODE_AUTO};
}

void tare_profiling_outcome_release(struct tare_profiling_outcome *outcome)
{
    for (char **note = outcome->notes; note != NULL && *note != NULL; note++) {
        free(*note);
    }
    free(outcome->notes);
    *outcome = (struct tare_profiling_outcome){0};
}
