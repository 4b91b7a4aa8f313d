/* SPDX-License-Identifier: MIT */
/*
 * A renderer in software: triangles with depth and textures, drawn into memory. Each call that a graphics
 * library would be asked for is counted where it is made, by tare/gfx.h.
 */
#ifndef EXAMPLE_RENDERER_H
#define EXAMPLE_RENDERER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vertex {
    float x, y, z; /* in front of the camera, which looks along +z from the origin */
    float u, v;
};

enum pipeline { PIPELINE_FLAT, PIPELINE_TEXTURED, PIPELINE_BLENDED };

struct texture {
    uint32_t *texels; /* 0xAARRGGBB, size x size */
    unsigned size;    /* a power of two */
};

struct renderer {
    unsigned width, height;
    uint32_t *colour;
    float *depth;
    size_t bytes; /* of both */
    enum pipeline pipeline;
    bool has_pipeline;
    const struct texture *bound;
};

bool renderer_init(struct renderer *renderer, unsigned width, unsigned height);
void renderer_free(struct renderer *renderer);

/* `size` is a power of two. */
bool texture_init(struct texture *texture, unsigned size);
void texture_free(struct texture *texture);
void texture_upload(struct texture *texture, const uint32_t *texels);

void pass_begin(struct renderer *renderer, bool clear, uint32_t colour);
void set_pipeline(struct renderer *renderer, enum pipeline pipeline);
void bind_texture(struct renderer *renderer, const struct texture *texture);

/* Triangles of three vertices each. A triangle that reaches behind the camera is left out. */
void draw(struct renderer *renderer, const struct vertex *vertices, size_t count, uint32_t tint);

#endif
