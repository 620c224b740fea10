/* Any bytes as the header of a JPEG. */
#include <stdlib.h>
#include "datasets/jpeg_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jpeg_facts facts;
    bool jpeg = jpeg_facts_read(data, size, &facts);
    if (facts.quality < 0 || facts.quality > 100 || jpeg != (facts.encoder != 0))
        abort();
    return 0;
}
