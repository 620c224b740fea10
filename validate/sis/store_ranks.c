/* Records from rank 0 to all ranks, as they stand in the journal. */
#include "validate/sis/store_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/ranks.h"

/* Rank 0's bytes, of which nobody else knows the number: free() them. */
static void *receive(void *bytes, uint64_t *n)
{
    ranks_broadcast(n, sizeof *n);
    if (ranks_number() != 0)
        bytes = mem_alloc(*n + 1, 1);
    ranks_broadcast(bytes, *n);
    return bytes;
}

static void broadcast_identity(struct sis_identity *identity)
{
    json_t *root = ranks_number() == 0 ? store_identity_json(identity) : NULL;
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    uint64_t n = text ? strlen(text) : 0;
    struct err err;

    text = receive(text, &n);
    json_decref(root);
    if (ranks_number() != 0) {
        root = json_loadb(text, n, 0, NULL);
        bool ok = store_identity_parse(root, "rank 0", identity, &err);
        assert(ok);
        json_decref(root);
    }
    free(text);
}

static void broadcast_record(struct sis_record *r)
{
    size_t size = 0;
    unsigned char *bytes = ranks_number() == 0 ? store_record_pack(r, &size) : NULL;
    uint64_t n = size;

    bytes = receive(bytes, &n);
    if (ranks_number() != 0) {
        bool ok = store_record_unpack(bytes, n, r);
        assert(ok);
    }
    free(bytes);
}

void sis_records_broadcast(struct sis_records *r)
{
    int64_t n = r->n;

    if (ranks_size() == 1)
        return;
    ranks_broadcast(&n, sizeof n);
    if (ranks_number() != 0)
        *r = (struct sis_records){ .n = n, .record = mem_alloc((size_t)n + 1, sizeof *r->record) };
    broadcast_identity(&r->identity);
    for (int64_t i = 0; i < n; i++)
        broadcast_record(&r->record[i]);
}
