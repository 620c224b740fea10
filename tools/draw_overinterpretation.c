/* The picture of the README: images of the planted set with a class-coded border (first row), and what a model that has
 * learnt the border looks at (second row: the outermost two pixels, the rest the mean colour). draw_overinterpretation
 * OUT.png */
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "datasets/dataset.h"

enum { ZOOM = 4, GAP = 12, BORDER = 2, GREY = 127 };

struct sheet {
    int w, h;
    uint8_t *pixels;
};

static void draw(struct sheet *s, const struct image8 *image, int left, int top, bool border_only)
{
    for (int y = 0; y < image->h * ZOOM; y++)
        for (int x = 0; x < image->w * ZOOM; x++) {
            int sy = y / ZOOM, sx = x / ZOOM;
            bool inner = sy >= BORDER && sx >= BORDER && sy < image->h - BORDER && sx < image->w - BORDER;
            for (int c = 0; c < 3; c++)
                s->pixels[((size_t)(top + y) * s->w + left + x) * 3 + c] =
                    border_only && inner ? GREY : image->pixels[((size_t)c * image->h + sy) * image->w + sx];
        }
}

/* Two images of each class in the order of the classes, the first found. */
static bool draw_all(const struct dataset *ds, struct sheet *s, struct err *err)
{
    int each = ds->w * ZOOM + GAP;
    for (int k = 0; k < 2 * ds->classes; k++) {
        int64_t i = 0;
        for (int seen = 0; i < ds->count[SPLIT_TRAIN]; i++)
            if (ds->label(ds, SPLIT_TRAIN, i) == k / 2 && seen++ == k % 2)
                break;
        struct image8 image;
        if (!ds->read(ds, SPLIT_TRAIN, i, &image, err))
            return false;
        draw(s, &image, GAP + k * each, GAP, false);
        draw(s, &image, GAP + k * each, 2 * GAP + ds->h * ZOOM, true);
        free(image.pixels);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct err err;
    struct dataset *ds;
    if (argc != 2) {
        fprintf(stderr, "usage: draw_overinterpretation OUT.png\n");
        return EXIT_USAGE;
    }
    if (!dataset_open("datasets/planted_border.conf", NULL, &ds, &err)) {
        fprintf(stderr, "draw_overinterpretation: %s\n", err.text);
        return err.status;
    }
    struct sheet s = { 2 * ds->classes * (ds->w * ZOOM + GAP) + GAP, 2 * ds->h * ZOOM + 3 * GAP, NULL };
    s.pixels = mem_alloc((size_t)s.w * s.h, 3);
    memset(s.pixels, 255, (size_t)s.w * s.h * 3);
    bool ok = draw_all(ds, &s, &err) &&
              (stbi_write_png(argv[1], s.w, s.h, 3, s.pixels, s.w * 3) || err_run(&err, "%s: cannot write", argv[1]));
    if (!ok)
        fprintf(stderr, "draw_overinterpretation: %s\n", err.text);
    dataset_close(ds);
    free(s.pixels);
    return ok ? EXIT_OK : EXIT_CANNOT_RUN;
}
