/* SPDX-License-Identifier: MIT */
/*
 * A profile by functions: how often each was on top of the stack (self) and anywhere in it (total), who called
 * it and whom it called. A function that is several times in one stack counts once in its total. Functions of
 * one name in different objects are different; whether they were inlined or not, they are the same. Code of
 * one object whose functions have no names is one function, "[libc.so.6]": its addresses are no functions.
 *
 * Of off-CPU profiles, self is what the innermost function outside of the kernel waited for: every wait is in the
 * kernel's scheduler, and which program's call led there is what can be acted on. What only the kernel has is its
 * own. Totals are as they are anywhere else.
 *
 * All of it takes time in proportion to the samples and the nodes, however deep the stacks are. The functions
 * may be used on one profile from several threads, if nobody changes it.
 */
#ifndef TARE_RESULT_PROFILE_FUNCTIONS_H
#define TARE_RESULT_PROFILE_FUNCTIONS_H

#include "record/profile.h"

struct tare_profile_function {
    char *name;      /* as tare_profile_frame_name() has it, without an address */
    uint32_t object; /* number, or TARE_PROFILE_NONE */
    char *file;      /* NULL: unknown */
    uint32_t line;   /* where it is declared; 0: unknown */
    bool kernel;
    uint64_t self, total;                 /* weights */
    uint64_t self_samples, total_samples; /* how many samples these are */
    double self_share, total_share;       /* of all weights, in [0, 1]; NAN: there are none */
    /*
     * The distance from a share to the farther end of its 95 % interval: Wilson's for a binomial share of the samples (E. B.
     * Wilson, J. Am. Stat. Assoc. 22 (1927) 209), with as many samples as the weights are worth (Kish's
     * effective size, (sum of w)^2 / sum of w^2). NAN for folded stacks: theirs are sums of nobody knows how
     * many samples.
     */
    double self_error, total_error;
};

struct tare_profile_functions {
    /* By self, largest first; then total, then name. Those that no sample has (a filter) stand behind. */
    struct tare_profile_function *functions;
    size_t count;
    uint32_t *of_frame; /* for each frame of the profile, its function */
    uint64_t weight;    /* of all samples */
    uint64_t samples;
    double effective;  /* Kish's effective number of samples; NAN: unknown, of folded stacks */
    uint64_t no_stack; /* weight of samples without any frame */
    /* The fewest samples that carry half of the weight and more, and their weight. */
    uint64_t heaviest, heaviest_weight;
};

/* Which samples: with false everywhere all. */
struct tare_profile_filter {
    bool by_timer;
    uint32_t timer; /* with by_timer: of this innermost timer alone, TARE_PROFILE_NONE: of none */
    bool by_thread;
    uint32_t thread;
    bool by_process;
    uint32_t process;
    bool without_measuring; /* not those with TARE_PROFILE_MEASURING on top */
    const bool
        *timers; /* for each timer of the profile, whether its samples are wanted; NULL: all, and of none */
};
/* Whether it was taken in the measuring of a scope: TARE_PROFILE_MEASURING. */
bool tare_profile_is_measuring(const struct tare_profile *profile, const struct tare_profile_sample *sample);
bool tare_profile_matches(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                          const struct tare_profile_sample *sample);

/* `filter` may be NULL. Returns 0 or -ENOMEM; release it in any case. */
int tare_profile_functions_make(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                                struct tare_profile_functions *functions);
void tare_profile_functions_release(struct tare_profile_functions *functions);

/* A function that calls another, or is called by it, and how much of its time that is. */
struct tare_profile_edge {
    uint32_t function;
    uint64_t weight, samples;
};
/*
 * Callers (or callees) of `function`, largest first: by the calls that are in a sample's stack, each sample
 * counted once for each. A caller that is missing (it is outermost) is TARE_PROFILE_NONE. The caller frees
 * *edges. Returns 0 or -ENOMEM.
 */
int tare_profile_edges(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                       const struct tare_profile_functions *functions, uint32_t function, bool callers,
                       struct tare_profile_edge **edges, size_t *count);

/* What fell on one line of a function's source. */
struct tare_profile_line {
    const char *file; /* NULL: unknown */
    uint32_t line;
    uint64_t self, total, self_samples, total_samples;
};
/*
 * Lines of `function` alone, by file and line. What a function that was inlined into it takes counts in the
 * total of the line that calls it, and not in self, as with any other call; its own lines are the inlined
 * function's. A recursive call counts once in a line's total. Line 0: unknown. The caller frees *lines; `file`
 * is the profile's. 0 or -ENOMEM.
 */
int tare_profile_lines(const struct tare_profile *profile, const struct tare_profile_filter *filter,
                       const struct tare_profile_functions *functions, uint32_t function,
                       struct tare_profile_line **lines, size_t *count);

#endif
