/* SPDX-License-Identifier: MIT */
/* Rasterises by edge functions (Pineda 1988): a pixel is inside if it is on the same side of all three edges. */
#include "renderer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tare/gfx.h>

bool renderer_init(struct renderer *renderer, unsigned width, unsigned height)
{
    size_t pixels = (size_t)width * height;
    *renderer = (struct renderer){.width = width, .height = height};
    renderer->colour = calloc(pixels, sizeof(*renderer->colour));
    renderer->depth = calloc(pixels, sizeof(*renderer->depth));
    renderer->bytes = pixels * (sizeof(*renderer->colour) + sizeof(*renderer->depth));
    return renderer->colour != NULL && renderer->depth != NULL;
}

void renderer_free(struct renderer *renderer)
{
    free(renderer->colour);
    free(renderer->depth);
}

bool texture_init(struct texture *texture, unsigned size)
{
    texture->size = size;
    texture->texels = calloc((size_t)size * size, sizeof(*texture->texels));
    return texture->texels != NULL;
}

void texture_free(struct texture *texture)
{
    free(texture->texels);
}

void texture_upload(struct texture *texture, const uint32_t *texels)
{
    size_t bytes = (size_t)texture->size * texture->size * sizeof(*texels);
    memcpy(texture->texels, texels, bytes);
    tare_gfx_upload(bytes);
}

void pass_begin(struct renderer *renderer, bool clear, uint32_t colour)
{
    size_t pixels = (size_t)renderer->width * renderer->height;
    tare_gfx_render_pass(1);
    for (size_t i = 0; clear && i < pixels; i++) {
        renderer->colour[i] = colour;
        renderer->depth[i] = INFINITY;
    }
}

void set_pipeline(struct renderer *renderer, enum pipeline pipeline)
{
    if (!renderer->has_pipeline || renderer->pipeline != pipeline) {
        tare_gfx_pipeline_switch(1);
        renderer->pipeline = pipeline;
        renderer->has_pipeline = true;
    }
}

void bind_texture(struct renderer *renderer, const struct texture *texture)
{
    if (renderer->bound != texture) {
        tare_gfx_bind_group_change(1);
        renderer->bound = texture;
    }
}

struct point {
    float x, y, z, u, v; /* on the screen; z, u and v as they are */
};

static float edge(const struct point *a, const struct point *b, float x, float y)
{
    return (b->x - a->x) * (y - a->y) - (b->y - a->y) * (x - a->x);
}

static uint32_t scaled(uint32_t colour, uint32_t by)
{
    uint32_t result = 0xff000000u;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        result |= ((colour >> shift & 0xff) * (by >> shift & 0xff) / 255) << shift;
    }
    return result;
}

static uint32_t half_of_each(uint32_t a, uint32_t b)
{
    return ((a >> 1) & 0x7f7f7f7fu) + ((b >> 1) & 0x7f7f7f7fu);
}

static uint32_t shade(const struct renderer *renderer, uint32_t tint, float u, float v, uint32_t behind)
{
    const struct texture *texture = renderer->bound;
    if (renderer->pipeline == PIPELINE_FLAT || texture == NULL) {
        return tint;
    }
    unsigned mask = texture->size - 1;
    unsigned x = (unsigned)(int)floorf(u * (float)texture->size) & mask;
    unsigned y = (unsigned)(int)floorf(v * (float)texture->size) & mask;
    uint32_t colour = scaled(texture->texels[y * texture->size + x], tint);
    return renderer->pipeline == PIPELINE_BLENDED ? half_of_each(colour, behind) : colour;
}

static int clamp(float value, unsigned limit)
{
    return value < 0 ? 0 : value > (float)limit ? (int)limit : (int)value;
}

static void triangle(struct renderer *renderer, const struct point p[3], uint32_t tint)
{
    float area = edge(&p[0], &p[1], p[2].x, p[2].y);
    if (!(fabsf(area) > 1e-6f)) {
        return;
    }
    int left = clamp(fminf(p[0].x, fminf(p[1].x, p[2].x)), renderer->width);
    int right = clamp(fmaxf(p[0].x, fmaxf(p[1].x, p[2].x)) + 1, renderer->width);
    int top = clamp(fminf(p[0].y, fminf(p[1].y, p[2].y)), renderer->height);
    int bottom = clamp(fmaxf(p[0].y, fmaxf(p[1].y, p[2].y)) + 1, renderer->height);
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            float px = (float)x + 0.5f, py = (float)y + 0.5f;
            float a = edge(&p[1], &p[2], px, py) / area;
            float b = edge(&p[2], &p[0], px, py) / area;
            float c = 1 - a - b;
            if (a < 0 || b < 0 || c < 0) {
                continue;
            }
            /* What is linear on the screen is 1/z, u/z and v/z. */
            float w = a / p[0].z + b / p[1].z + c / p[2].z, z = 1 / w;
            size_t at = (size_t)y * renderer->width + (size_t)x;
            if (z >= renderer->depth[at]) {
                continue;
            }
            float u = (a * p[0].u / p[0].z + b * p[1].u / p[1].z + c * p[2].u / p[2].z) * z;
            float v = (a * p[0].v / p[0].z + b * p[1].v / p[1].z + c * p[2].v / p[2].z) * z;
            renderer->colour[at] = shade(renderer, tint, u, v, renderer->colour[at]);
            if (renderer->pipeline != PIPELINE_BLENDED) {
                renderer->depth[at] = z;
            }
        }
    }
}

void draw(struct renderer *renderer, const struct vertex *vertices, size_t count, uint32_t tint)
{
    const float near = 0.1f;
    float scale = (float)renderer->height;
    tare_gfx_draw(1);
    for (size_t i = 0; i + 2 < count; i += 3) {
        struct point points[3];
        bool in_front = true;
        for (size_t k = 0; k < 3; k++) {
            const struct vertex *from = &vertices[i + k];
            in_front = in_front && from->z > near;
            points[k] = (struct point){
                .x = (float)renderer->width / 2 + from->x / from->z * scale,
                .y = (float)renderer->height / 2 - from->y / from->z * scale,
                .z = from->z,
                .u = from->u,
                .v = from->v,
            };
        }
        if (in_front) {
            triangle(renderer, points, tint);
        }
    }
}
