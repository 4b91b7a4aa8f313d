/* SPDX-License-Identifier: MIT */
/*
 * Makes the flame graphs that the browser's tests open, from profiles that are made up here: make_pages FOLDER.
 *
 *     many     10,000 different stacks
 *     kinds    all that there is: kernel, library, inlined calls, timers, JIT, unknown, truncated stacks
 *     before   kinds, with other shares, for comparisons
 *     hostile  names that try to be markup, script, terminal control or too long
 *     deep     one stack of 400 calls
 *     none     no samples
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/profile.h"
#include "view/flame.h"

#define PERIOD_NS 10101010 /* of 99 Hz */

static void must(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "make_pages: cannot %s\n", what);
        exit(1);
    }
}

static struct tare_profile *profile_new(void)
{
    struct tare_profile *profile = tare_profile_new();
    must(profile != NULL, "allocate");
    profile->mode = strdup("dwarf");
    profile->reason = strdup("the program keeps no frame pointers, and has debug information");
    profile->event = strdup("cpu-clock");
    profile->unit = strdup("ns");
    profile->frequency_hz = 99;
    profile->wall_ns = 12.5e9;
    return profile;
}

static uint32_t random_below(uint32_t n)
{
    static uint64_t state = 88172645463325252u; /* xorshift64, Marsaglia 2003 */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 33) % n);
}

static uint32_t call(struct tare_profile *profile, uint32_t node, const struct tare_profile_frame *frame)
{
    uint32_t number = tare_profile_frame(profile, frame);
    uint32_t next = number != TARE_PROFILE_NONE ? tare_profile_node(profile, node, number) : TARE_PROFILE_NONE;
    must(next != TARE_PROFILE_NONE, "add a call");
    return next;
}

static uint32_t plain(struct tare_profile *profile, uint32_t node, uint32_t object, const char *function,
                      const char *file, uint32_t line)
{
    const struct tare_profile_frame frame = {.function = (char *)function,
                                             .object = object,
                                             .file = (char *)file,
                                             .line = line,
                                             .function_line = line};
    return call(profile, node, &frame);
}

static void sample(struct tare_profile *profile, uint32_t node, uint32_t thread, uint32_t timer, unsigned flags,
                   unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        const struct tare_profile_sample made = {.time_ns = NAN,
                                                 .weight = PERIOD_NS,
                                                 .node = node,
                                                 .thread = thread,
                                                 .timer = timer,
                                                 .flags = flags};
        must(tare_profile_add(profile, &made) == 0, "add a sample");
    }
}

#define NONE TARE_PROFILE_NONE

/* A tree of calls with 10,000 leaves of their own; names as long as those of C++ are. */
static struct tare_profile *many(void)
{
    struct tare_profile *profile = profile_new();
    uint32_t program = tare_profile_object(profile, "/usr/bin/many", NULL, TARE_OBJECT_FILE);
    uint32_t library =
        tare_profile_object(profile, "/usr/lib/x86_64-linux-gnu/libmany.so.1", NULL, TARE_OBJECT_FILE);
    uint32_t main_node = plain(profile, NONE, program, "main", "many.cpp", 10);
    for (unsigned stack = 0; stack < 10000; stack++) {
        uint32_t node = main_node;
        char name[160];
        for (unsigned level = 0, rest = stack; level < 12; level++) {
            snprintf(name, sizeof(name),
                     "many::stage%u::Handler<std::vector<int, std::allocator<int>>>::step%u(std::string "
                     "const&, unsigned)",
                     level, level < 4 ? rest % 10 : level * 17 % 11);
            node =
                plain(profile, node, level % 3 == 2 ? library : program, name, "many/stages.cpp", 100 + level);
            rest /= level < 4 ? 10 : 1;
        }
        snprintf(name, sizeof(name), "many::leaf<%u>", stack % 500);
        node = plain(profile, node, program, name, "many/leaf.cpp", 7);
        sample(profile, node, NONE, NONE, 0, 1 + random_below(stack % 10 == 0 ? 40 : 4));
    }
    return profile;
}

static struct tare_profile *kinds(bool before)
{
    struct tare_profile *profile = profile_new();
    uint32_t program = tare_profile_object(profile, "/home/me/server", NULL, TARE_OBJECT_FILE);
    uint32_t libc = tare_profile_object(profile, "/usr/lib/x86_64-linux-gnu/libc.so.6", NULL, TARE_OBJECT_FILE);
    uint32_t kernel = tare_profile_object(profile, "[kernel]", NULL, TARE_OBJECT_KERNEL);
    uint32_t jit = tare_profile_object(profile, "[jit]", NULL, TARE_OBJECT_JIT);
    uint32_t process = tare_profile_process(profile, 4711);
    profile->processes[process].command = strdup("server");
    uint32_t first = tare_profile_thread(profile, process, 4711),
             second = tare_profile_thread(profile, process, 4712);
    profile->threads[first].name = strdup("server");
    profile->threads[second].name = strdup("worker");
    uint32_t parse_timer = tare_profile_timer(profile, "http", "parse");
    uint32_t send_timer = tare_profile_timer(profile, "http", "send");
    profile->by_timer = true;
    profile->lost = 2;

    uint32_t start = plain(profile, NONE, libc, "__libc_start_main", NULL, 0);
    uint32_t main_node = plain(profile, start, program, "main", "server.c", 210);
    uint32_t loop = plain(profile, main_node, program, "serve_forever", "server.c", 150);
    uint32_t parse = plain(profile, loop, program, "parse_request", "parse.c", 40);
    const struct tare_profile_frame inlined = {.function = (char *)"next_token",
                                               .object = program,
                                               .file = (char *)"parse.c",
                                               .line = 22,
                                               .function_line = 18,
                                               .inlined = true};
    uint32_t token = call(profile, parse, &inlined);
    const struct tare_profile_frame nameless = {.object = libc, .address = 0x1234};
    uint32_t unknown = call(profile, parse, &nameless);
    uint32_t compare = plain(profile, token, libc, "__memcmp_avx2_movbe", NULL, 0);
    uint32_t send = plain(profile, loop, program, "send_response", "send.c", 12);
    uint32_t write_node = plain(profile, send, libc, "write", NULL, 0);
    const struct tare_profile_frame in_kernel = {
        .function = (char *)"tcp_sendmsg", .object = kernel, .kernel = true};
    uint32_t tcp = call(profile, write_node, &in_kernel);
    uint32_t thread_start = plain(profile, NONE, libc, "start_thread", NULL, 0);
    uint32_t script = plain(profile, thread_start, jit, "render [page.js:3]", NULL, 0);
    uint32_t lost_stack = plain(profile, NONE, program, "compress_block", "zip.c", 300);
    uint32_t only = plain(profile, loop, program, before ? "log_old_way" : "log_new_way", "log.c", 5);

    sample(profile, main_node, first, NONE, 0, 5);
    sample(profile, parse, first, parse_timer, 0, 80);
    sample(profile, token, first, parse_timer, 0, before ? 240 : 120);
    sample(profile, compare, first, parse_timer, 0, 60);
    sample(profile, unknown, first, parse_timer, 0, 25);
    sample(profile, send, first, send_timer, 0, 30);
    sample(profile, tcp, first, send_timer, 0, before ? 90 : 210);
    sample(profile, write_node, first, send_timer, 0, 20);
    sample(profile, script, second, NONE, 0, 150);
    sample(profile, lost_stack, second, NONE, TARE_SAMPLE_TRUNCATED, 40);
    sample(profile, only, first, NONE, 0, 45);
    sample(profile, NONE, second, NONE, 0, 3);
    return profile;
}

static struct tare_profile *hostile(void)
{
    static char endless[20001];
    static const char *const names[] = {
        "<script>document.title='owned'</script>",
        "</title></svg><script>document.title='owned'</script>",
        "]]><img src=x onerror=\"document.title='owned'\">",
        "-->\" onmouseover=\"document.title='owned'",
        "&lt;&amp;'\"\\u003c\\\\",
        "control\x01\x02\x1b[31m\r\n\t\x7f",
        "not UTF-8 \xff\xfe\xc3\x28 \xed\xa0\x80",
        "\xef\xbf\xbe \xef\xbf\xbf noncharacters",
        "right to left \xe2\x80\xae evil",
        "\xe5\x87\xbd\xe6\x95\xb0\xe5\x90\x8d\xe5\xad\x97 \xf0\x9f\x94\xa5 "
        "\xd1\x84\xd1\x83\xd0\xbd\xd0\xba\xd1\x86\xd0\xb8\xd1\x8f",
        "javascript:alert(1)",
        "__proto__",
        "operator()<a,b>::{lambda(int)#1}[abi:cxx11]",
        "",
        endless,
    };
    memset(endless, 'T', sizeof(endless) - 1);
    memcpy(endless, "std::map<", 9);
    struct tare_profile *profile = profile_new();
    free(profile->reason);
    profile->reason = strdup("because </p><script>document.title='owned'</script> & so on");
    uint32_t object = tare_profile_object(profile, "/tmp/<b>\"evil\"&.so", NULL, TARE_OBJECT_FILE);
    uint32_t node = NONE;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        node = plain(profile, node, object, names[i], "/tmp/]]>\"<x>&.c", (uint32_t)i);
        sample(profile, node, NONE, NONE, 0, 10);
    }
    return profile;
}

static struct tare_profile *deep(void)
{
    struct tare_profile *profile = profile_new();
    uint32_t node = NONE;
    for (unsigned i = 0; i < 400; i++) {
        node = plain(profile, node, NONE, i % 2 == 0 ? "even" : "odd", "deep.c", 3);
    }
    sample(profile, node, NONE, NONE, 0, 100);
    return profile;
}

static void draw(const char *folder, const char *name, const struct tare_profile *profile,
                 struct tare_flame_options options)
{
    for (int html = 0; html <= 1; html++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s.%s", folder, name, html ? "html" : "svg");
        FILE *out = fopen(path, "w");
        must(out != NULL, "create a file");
        options.format = html ? TARE_FLAME_HTML : TARE_FLAME_SVG;
        must(tare_view_flame(profile, &options, out) == 0 && fclose(out) == 0, "draw");
    }
}

int main(int argc, char **argv)
{
    must(argc == 2, "work without the folder's name");
    struct tare_profile *now = kinds(false), *before = kinds(true), *all = many(), *evil = hostile(),
                        *down = deep(), *nothing = profile_new();
    draw(argv[1], "many", all, (struct tare_flame_options){.command = "many --of=them"});
    draw(argv[1], "kinds", now, (struct tare_flame_options){.command = "./server -p 8080"});
    draw(argv[1], "threads", now,
         (struct tare_flame_options){
             .command = "./server -p 8080", .by = TARE_FLAME_BY_THREAD, .inverted = true});
    draw(argv[1], "reverse", now,
         (struct tare_flame_options){.command = "./server", .by = TARE_FLAME_BY_NOTHING, .reverse = true});
    draw(argv[1], "diff", now,
         (struct tare_flame_options){.command = "./server", .by = TARE_FLAME_BY_NOTHING, .before = before});
    draw(argv[1], "hostile", evil,
         (struct tare_flame_options){.command = "<script>document.title='owned'</script>]]>\"'&\xff"});
    draw(argv[1], "deep", down, (struct tare_flame_options){.title = "Deep"});
    draw(argv[1], "none", nothing, (struct tare_flame_options){0});
    tare_profile_free(now);
    tare_profile_free(before);
    tare_profile_free(all);
    tare_profile_free(evil);
    tare_profile_free(down);
    tare_profile_free(nothing);
    return 0;
}
