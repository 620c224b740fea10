#include "validate/dataset/look.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { SIDE = LOOK_SIDE, LOW = LOOK_FREQUENCIES };

enum { HALF = SIDE / 2, EVERY_OTHER = LOW / 2 };

/* cos(pi u (2x + 1) / 64) of the first 16 samples x; the other 16 mirror it, with the other sign where u is odd. */
static float even_basis[HALF][EVERY_OTHER], odd_basis[HALF][EVERY_OTHER]; /* of u = 0, 2, ... and u = 1, 3, ... */
static pthread_once_t basis_once = PTHREAD_ONCE_INIT;

static void make_basis(void)
{
    for (int x = 0; x < HALF; x++)
        for (int k = 0; k < EVERY_OTHER; k++) {
            even_basis[x][k] = (float)cos(M_PI * (2 * k) * (2 * x + 1) / (2 * SIDE));
            odd_basis[x][k] = (float)cos(M_PI * (2 * k + 1) * (2 * x + 1) / (2 * SIDE));
        }
}

/* out[u] = sum over x of in[x] cos(pi u (2x + 1) / 64): even u need the sums of mirrored samples, odd u their
 * differences. */
static void transform(float out[LOW], const float in[SIDE])
{
    float even[EVERY_OTHER] = { 0 }, odd[EVERY_OTHER] = { 0 };
    for (int x = 0; x < HALF; x++) {
        float sum = in[x] + in[SIDE - 1 - x], difference = in[x] - in[SIDE - 1 - x];
        for (int k = 0; k < EVERY_OTHER; k++)
            even[k] += sum * even_basis[x][k];
        for (int k = 0; k < EVERY_OTHER; k++)
            odd[k] += difference * odd_basis[x][k];
    }
    for (int k = 0; k < EVERY_OTHER; k++) {
        out[2 * k] = even[k];
        out[2 * k + 1] = odd[k];
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
