#include "train/tfevents.h"

#include <assert.h>
#include <string.h>

/* A protocol buffer message under construction. */
struct message {
    uint8_t bytes[TFEVENTS_MAX_SCALARS * (TFEVENTS_MAX_TAG + 16) + 64];
    size_t n;
};

enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

uint32_t crc32c(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void put_little_endian(struct message *m, uint64_t x, int bytes)
{
    assert(m->n + (size_t)bytes <= sizeof m->bytes);
    for (int i = 0; i < bytes; i++)
        m->bytes[m->n++] = (uint8_t)(x >> 8 * i);
}

static void put_varint(struct message *m, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        put_little_endian(m, (x & 0x7f) | 0x80, 1);
    put_little_endian(m, x, 1);
}

static void put_key(struct message *m, int field, enum wire_type type)
{
    put_varint(m, (uint64_t)field << 3 | type);
}

static void put_bytes(struct message *m, int field, const void *data, size_t n)
{
    put_key(m, field, WIRE_BYTES);
    put_varint(m, n);
    assert(m->n + n <= sizeof m->bytes);
    memcpy(m->bytes + m->n, data, n);
    m->n += n;
}

static void put_double(struct message *m, int field, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_key(m, field, WIRE_64BIT);
    put_little_endian(m, bits, 8);
}

static void put_float(struct message *m, int field, float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_key(m, field, WIRE_32BIT);
    put_little_endian(m, bits, 4);
}

/* The mask keeps a CRC of data that itself holds CRCs from being degenerate. */
static uint32_t masked_crc(const void *data, size_t n)
{
    uint32_t crc = crc32c(data, n);

    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_record(FILE *out, const struct message *event)
{
    struct message frame = { .n = 0 };

    put_little_endian(&frame, event->n, 8);
    put_little_endian(&frame, masked_crc(frame.bytes, 8), 4);
    fwrite(frame.bytes, 1, frame.n, out);
    fwrite(event->bytes, 1, event->n, out);
    frame.n = 0;
    put_little_endian(&frame, masked_crc(event->bytes, event->n), 4);
    fwrite(frame.bytes, 1, frame.n, out);
}

void tfevents_put_version(FILE *out, double wall_time)
{
    static const char version[] = "brain.Event:2";
    struct message event = { .n = 0 };

    put_double(&event, 1, wall_time);
    put_bytes(&event, 3, version, sizeof version - 1);
    put_record(out, &event);
}

void tfevents_put_scalars(FILE *out, double wall_time, int64_t step, const struct tfevents_scalar *scalars, int n)
{
    struct message summary = { .n = 0 }, event = { .n = 0 };

    assert(n <= TFEVENTS_MAX_SCALARS);
    for (int i = 0; i < n; i++) {
        struct message value = { .n = 0 };
        assert(strlen(scalars[i].tag) < TFEVENTS_MAX_TAG);
        put_bytes(&value, 1, scalars[i].tag, strlen(scalars[i].tag));
        put_float(&value, 2, scalars[i].value);
        put_bytes(&summary, 1, value.bytes, value.n);
    }
    put_double(&event, 1, wall_time);
    put_key(&event, 2, WIRE_VARINT);
    put_varint(&event, (uint64_t)step);
    put_bytes(&event, 5, summary.bytes, summary.n);
    put_record(out, &event);
}
