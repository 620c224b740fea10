#include "validate/dataset/properties.h"

#include <stdlib.h>

#include "base/mem.h"
#include "validate/report/format.h"

static void read_bytes(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = (double)f->file_bytes;
}

static void read_width(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->w;
}

static void read_height(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->h;
}

static void read_aspect(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->h ? (double)f->w / f->h : 0;
}

static void read_quality(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->jpeg_quality;
}

static void read_encoder(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->encoder;
}

static void read_channels(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->c;
}

static void read_place(const struct picture_facts *f, int64_t image, double *value)
{
    (void)f;
    *value = (double)image;
}

static void read_brightness(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->brightness;
}

static void read_contrast(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->contrast;
}

static void read_sharpness(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->sharpness;
}

static void read_saturation(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    *value = f->saturation;
}

static void read_colour(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    for (int c = 0; c < 3; c++)
        value[c] = f->colour[c];
}

static void read_border(const struct picture_facts *f, int64_t image, double *value)
{
    (void)image;
    for (int c = 0; c < 3; c++)
        value[c] = f->border[c];
}

static char *count_of(double value, const char *before, const char *behind)
{
    char *count = format_count((int64_t)value), *text = mem_format("%s%s%s", before, count, behind);
    free(count);
    return text;
}

static char *write_bytes(const double *value)
{
    return count_of(*value, "", " bytes");
}

static char *write_width(const double *value)
{
    return count_of(*value, "", " pixels wide");
}

static char *write_height(const double *value)
{
    return count_of(*value, "", " pixels high");
}

static char *write_aspect(const double *value)
{
    return mem_format("%.2f : 1", *value);
}

static char *write_quality(const double *value)
{
    return *value > 0 ? count_of(*value, "quality ", "") : mem_string("no JPEG");
}

static char *write_encoder(const double *value)
{
    return *value > 0 ? mem_format("encoder %08x", (unsigned)*value) : mem_string("no JPEG");
}

static char *write_channels(const double *value)
{
    return mem_string(*value < 3 ? "grey" : "colour");
}

static char *write_place(const double *value)
{
    return count_of(*value, "number ", "");
}

static char *write_number(const double *value)
{
    return mem_format("%.3f", *value);
}

static char *write_colour(const double *value)
{
    return mem_format("red %.2f, green %.2f, blue %.2f", value[0], value[1], value[2]);
}

const struct property properties[] = {
    { "size of the file", PROPERTIES_FILE, 1, false, read_bytes, write_bytes },
    { "width", PROPERTIES_FILE, 1, false, read_width, write_width },
    { "height", PROPERTIES_FILE, 1, false, read_height, write_height },
    { "aspect ratio", PROPERTIES_FILE, 1, false, read_aspect, write_aspect },
    { "JPEG quality", PROPERTIES_FILE, 1, false, read_quality, write_quality },
    { "JPEG encoder", PROPERTIES_FILE, 1, true, read_encoder, write_encoder },
    { "grey or colour", PROPERTIES_FILE, 1, true, read_channels, write_channels },
    { "place in the data set", PROPERTIES_FILE, 1, false, read_place, write_place },
    { "brightness", PROPERTIES_PICTURE, 1, false, read_brightness, write_number },
    { "contrast", PROPERTIES_PICTURE, 1, false, read_contrast, write_number },
    { "sharpness", PROPERTIES_PICTURE, 1, false, read_sharpness, write_number },
    { "saturation", PROPERTIES_PICTURE, 1, false, read_saturation, write_number },
    { "mean colour", PROPERTIES_PICTURE, 3, false, read_colour, write_colour },
    { "border colour", PROPERTIES_PICTURE, 3, false, read_border, write_colour },
    { NULL, PROPERTIES_FILE, 0, false, NULL, NULL },
};

bool property_is_place(const struct property *p)
{
    return p->read == read_place;
}

static bool has_files(const struct dataset *data, enum split split)
{
    char *file = data->file ? data->file(data, split, 0) : NULL;
    free(file);
    return file != NULL;
}

bool properties_ordered_by_class(const struct survey *s)
{
    const struct dataset *data = s->data;
    bool *seen = mem_alloc((size_t)data->classes, sizeof *seen), ordered = has_files(data, s->split);
    for (int64_t i = 0; ordered && i < data->count[s->split]; i++) {
        int label = data->label(data, s->split, i);
        ordered = !seen[label] || data->label(data, s->split, i - 1) == label;
        seen[label] = true;
    }
    free(seen);
    return ordered;
}
