/* SPDX-License-Identifier: MIT */
/*
 * A scene drawn in software, and everything that tare can say of it while it runs:
 *
 *     ./frames --seconds 60 &           # 60 frames a second of turning cubes
 *     tare top frames                   # frames, draw calls, uploads, memory, latency
 *     kill -USR1 %1                     # one slow frame, on demand
 *     ./frames --frames 100 --png x.png
 *
 * The part "gpu" of its frames is never told, as there is none: it is shown as unknown, not as 0.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tare/frame.h>
#include <tare/gfx.h>
#include <tare/latency.h>
#include <tare/memory.h>

#include "renderer.h"
#ifdef EXAMPLE_PNG
#include <png.h>
#endif

TARE_MODULE("frames");
TARE_FRAMES(scene, 1024, "update", "raster", "present", "gpu");
enum { PART_UPDATE, PART_RASTER, PART_PRESENT };
TARE_MEMORY_REGION(framebuffer);
TARE_MEMORY_REGION(textures);
TARE_LATENCY_STAGE(update);
TARE_LATENCY_STAGE(raster);
TARE_TIMER(turn_cubes);

enum { CUBES = 12, CUBE_VERTICES = 36, TEXTURE_SIZE = 64 };

struct options {
    unsigned width, height;
    unsigned long frames; /* 0: until the time is up */
    double seconds;       /* 0: for ever */
    double fps;           /* 0: as fast as possible */
    double slow_ms;       /* how much longer a slow frame takes */
    unsigned long slow_every;
    const char *png;
};

struct scene {
    struct renderer renderer;
    struct texture checks, noise;
    struct vertex cubes[CUBES][CUBE_VERTICES];
    uint32_t *window; /* what was presented last */
    uint32_t noise_texels[TEXTURE_SIZE * TEXTURE_SIZE];
    uint32_t random;
};

static volatile sig_atomic_t asked_for_slow, stopped;

static void ask_for_slow(int signal)
{
    (void)signal;
    asked_for_slow = 1;
}

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_until(double time_s)
{
    double left = time_s - now_s();
    while (left > 0 && !stopped) {
        struct timespec wait = {(time_t)left, (long)((left - floor(left)) * 1e9)};
        nanosleep(&wait, NULL);
        left = time_s - now_s();
    }
}

/* The corners of a face: two triangles. */
static const float face_u[6] = {0, 1, 1, 0, 1, 0}, face_v[6] = {0, 0, 1, 0, 1, 1};

static void turn_cubes(struct scene *scene, double time_s)
{
    TARE_SCOPE(turn_cubes);
    for (int cube = 0; cube < CUBES; cube++) {
        float angle = (float)time_s * (0.5f + 0.1f * (float)cube);
        float s = sinf(angle), c = cosf(angle);
        float at_x = (float)(cube % 4) * 1.6f - 2.4f, at_y = (float)(cube / 4) * 1.4f - 1.4f;
        for (int i = 0; i < CUBE_VERTICES; i++) {
            int face = i / 6, side = face % 3;
            float p[3];
            p[side] = face < 3 ? -0.5f : 0.5f;
            p[(side + 1) % 3] = face_u[i % 6] - 0.5f;
            p[(side + 2) % 3] = face_v[i % 6] - 0.5f;
            float x = p[0] * c - p[2] * s, z = p[0] * s + p[2] * c;
            float y = p[1] * c - z * s;
            z = p[1] * s + z * c;
            scene->cubes[cube][i] = (struct vertex){x + at_x, y + at_y, z + 5, face_u[i % 6], face_v[i % 6]};
        }
    }
}

/* xorshift32 (Marsaglia 2003) */
static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void update(struct scene *scene, double time_s)
{
    turn_cubes(scene, time_s);
    for (size_t i = 0; i < TEXTURE_SIZE * TEXTURE_SIZE; i++) {
        scene->noise_texels[i] = 0xff000000u | random_next(&scene->random);
    }
    texture_upload(&scene->noise, scene->noise_texels);
}

static void raster(struct scene *scene)
{
    static const uint32_t tints[] = {0xffe69f00, 0xff56b4e9, 0xff009e73, 0xffcc79a7};
    struct renderer *renderer = &scene->renderer;
    pass_begin(renderer, true, 0xff202830);
    for (int cube = 0; cube < CUBES; cube++) {
        set_pipeline(renderer, cube % 3 == 0 ? PIPELINE_FLAT : PIPELINE_TEXTURED);
        bind_texture(renderer, cube % 3 == 2 ? &scene->noise : &scene->checks);
        draw(renderer, scene->cubes[cube], CUBE_VERTICES, tints[cube % 4]);
    }
    static const struct vertex pane[6] = {{-3, -2, 3.9f, 0, 0}, {3, -2, 3.9f, 4, 0}, {3, 0, 3.9f, 4, 1},
                                          {-3, -2, 3.9f, 0, 0}, {3, 0, 3.9f, 4, 1},  {-3, 0, 3.9f, 0, 1}};
    pass_begin(renderer, false, 0);
    set_pipeline(renderer, PIPELINE_BLENDED);
    bind_texture(renderer, &scene->checks);
    draw(renderer, pane, 6, 0xff8090ff);
}

static void present(struct scene *scene)
{
    memcpy(scene->window, scene->renderer.colour,
           (size_t)scene->renderer.width * scene->renderer.height * sizeof(*scene->window));
}

static void work_for(double seconds)
{
    for (double until = now_s() + seconds; now_s() < until;) {
    }
}

static void one_frame(struct scene *scene, const struct options *options, unsigned long number, double time_s)
{
    tare_frame_begin(scene);
    tare_latency way = tare_latency_input(); /* what this picture answers is the time that it shows */
    {
        TARE_FRAME_PART(scene, PART_UPDATE);
        update(scene, time_s);
        if (asked_for_slow ||
            (options->slow_every != 0 && number % options->slow_every == options->slow_every - 1)) {
            asked_for_slow = 0;
            work_for(options->slow_ms / 1e3);
        }
    }
    tare_latency_stage(&way, update);
    {
        TARE_FRAME_PART(scene, PART_RASTER);
        raster(scene);
    }
    tare_latency_stage(&way, raster);
    {
        TARE_FRAME_PART(scene, PART_PRESENT);
        present(scene);
    }
    tare_latency_present(&way);
    tare_frame_end(scene);
}

static void run(struct scene *scene, const struct options *options)
{
    double start_s = now_s(), due_s = start_s, period_s = options->fps > 0 ? 1 / options->fps : 0;
    tare_frame_slow_ns(scene, 25000000);
    for (unsigned long number = 0; !stopped && (options->frames == 0 || number < options->frames); number++) {
        double time_s = now_s() - start_s;
        if (options->seconds > 0 && time_s >= options->seconds) {
            break;
        }
        one_frame(scene, options, number, time_s);
        if (period_s > 0) {
            due_s += period_s;
            double late_s = now_s() - due_s;
            if (late_s >= period_s) { /* these pictures were never shown */
                double missed = floor(late_s / period_s);
                tare_frame_dropped(scene, (uint64_t)missed);
                tare_latency_stalled((uint64_t)(late_s * 1e9));
                due_s += missed * period_s;
            }
            wait_until(due_s);
        }
    }
}

static bool scene_init(struct scene *scene, const struct options *options)
{
    memset(scene, 0, sizeof(*scene));
    scene->random = 2463534242u;
    size_t pixels = (size_t)options->width * options->height;
    scene->window = calloc(pixels, sizeof(*scene->window));
    if (!renderer_init(&scene->renderer, options->width, options->height) || scene->window == NULL ||
        !texture_init(&scene->checks, TEXTURE_SIZE) || !texture_init(&scene->noise, TEXTURE_SIZE)) {
        return false;
    }
    uint32_t texels[TEXTURE_SIZE * TEXTURE_SIZE];
    for (size_t i = 0; i < TEXTURE_SIZE * TEXTURE_SIZE; i++) {
        texels[i] = (i / TEXTURE_SIZE / 8 + i % TEXTURE_SIZE / 8) % 2 != 0 ? 0xffffffff : 0xff808080;
    }
    texture_upload(&scene->checks, texels);
    double framebuffer = (double)(scene->renderer.bytes + pixels * sizeof(*scene->window));
    tare_memory_configured(framebuffer, framebuffer);
    tare_memory_committed(framebuffer, framebuffer);
    tare_memory_committed(textures, 2 * sizeof(texels));
    tare_gfx_gpu_timing(0, 0);
    return true;
}

static void scene_free(struct scene *scene)
{
    renderer_free(&scene->renderer);
    texture_free(&scene->checks);
    texture_free(&scene->noise);
    free(scene->window);
}

static bool write_png(const struct scene *scene, const char *name)
{
#ifdef EXAMPLE_PNG
    png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_BGRA};
    image.width = scene->renderer.width;
    image.height = scene->renderer.height;
    if (png_image_write_to_file(&image, name, 0, scene->window, 0, NULL) == 0) {
        fprintf(stderr, "frames: cannot write '%s': %s\n", name, image.message);
        return false;
    }
    return true;
#else
    (void)scene;
    fprintf(stderr, "frames: cannot write '%s': built without libpng\n", name);
    return false;
#endif
}

static bool read_number(const char *text, double least, double most, double *number)
{
    char *end;
    errno = 0;
    *number = strtod(text, &end);
    return errno == 0 && end != text && *end == '\0' && *number >= least && *number <= most;
}

static const char usage[] = "frames [--frames N] [--seconds S] [--fps N, 0: no limit] [--slow-every N] "
                            "[--slow-ms MS] [--png FILE]";

static bool read_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.width = 480, .height = 270, .fps = 60, .slow_ms = 60};
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        double number = 0;
        bool fine = true;
        if (strcmp(name, "--frames") == 0) {
            fine = read_number(value, 1, 1e12, &number);
            options->frames = (unsigned long)number;
        } else if (strcmp(name, "--seconds") == 0) {
            fine = read_number(value, 0, 1e9, &options->seconds);
        } else if (strcmp(name, "--fps") == 0) {
            fine = read_number(value, 0, 1e5, &options->fps);
        } else if (strcmp(name, "--slow-every") == 0) {
            fine = read_number(value, 1, 1e12, &number);
            options->slow_every = (unsigned long)number;
        } else if (strcmp(name, "--slow-ms") == 0) {
            fine = read_number(value, 0, 1e6, &options->slow_ms);
        } else if (strcmp(name, "--png") == 0) {
            fine = *value != '\0';
            options->png = value;
        } else {
            fine = false;
        }
        if (!fine) {
            fprintf(stderr, "frames: '%s%s%s' is not understood: %s\n", name, *value != '\0' ? " " : "", value,
                    usage);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    static struct scene scene;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("usage: %s\n", usage);
        return 0;
    }
    if (!read_options(&options, argc, argv)) {
        return 2;
    }
    signal(SIGUSR1, ask_for_slow);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    if (!scene_init(&scene, &options)) {
        fputs("frames: out of memory\n", stderr);
        return 1;
    }
    run(&scene, &options);
    bool written = options.png == NULL || write_png(&scene, options.png);
    scene_free(&scene);
    return written ? 0 : 1;
}
