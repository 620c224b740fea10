#include "validate/dataset/look.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { SIDE = LOOK_SIDE, LOW = LOOK_FREQUENCIES };

/* basis[x][u] = cos(pi u (2x + 1) / 64), x in the first half. The second half mirrors it: the same for even u, with the
 * other sign for odd u. */
static float basis[SIDE / 2][LOW];
static pthread_once_t basis_once = PTHREAD_ONCE_INIT;

static void make_basis(void)
{
    for (int x = 0; x < SIDE / 2; x++)
        for (int u = 0; u < LOW; u++)
            basis[x][u] = (float)cos(M_PI * u * (2 * x + 1) / (2 * SIDE));
}

/* out[u] = sum over x of in[x] cos(pi u (2x + 1) / 64): even u need the sums of mirrored samples, odd u their
 * differences. */
static void transform(float out[LOW], const float in[SIDE])
{
    float even[LOW] = { 0 }, odd[LOW] = { 0 };
    for (int x = 0; x < SIDE / 2; x++) {
        float sum = in[x] + in[SIDE - 1 - x], difference = in[x] - in[SIDE - 1 - x];
        for (int u = 0; u < LOW; u++) {
            even[u] += sum * basis[x][u];
            odd[u] += difference * basis[x][u];
        }
    }
    for (int u = 0; u < LOW; u += 2) {
        out[u] = even[u];
        out[u + 1] = odd[u + 1];
    }
}

void look_hash(const float *luma, uint64_t look[LOOK_WORDS])
{
    float across[SIDE][LOW], column[SIDE], down[LOW];
    pthread_once(&basis_once, make_basis);
    memset(look, 0, LOOK_WORDS * sizeof *look);
    for (int y = 0; y < SIDE; y++)
        transform(across[y], luma + y * SIDE);
    for (int u = 0; u < LOW; u++) {
        for (int y = 0; y < SIDE; y++)
            column[y] = across[y][u];
        transform(down, column);
        for (int v = 0; v < LOW; v++)
            look[v / 4] |= (uint64_t)(down[v] > 0) << (16 * (v % 4) + u);
    }
    look[0] &= ~UINT64_C(1);
}

int look_distance(const uint64_t a[LOOK_WORDS], const uint64_t b[LOOK_WORDS])
{
    int distance = 0;
    for (int i = 0; i < LOOK_WORDS; i++)
        distance += __builtin_popcountll(a[i] ^ b[i]);
    return distance;
}
