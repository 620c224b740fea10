#include "darknet-ext/activation.h"
#include <math.h>

/* SELU's constants: Klambauer et al. 2017, equation 14, in the digits Darknet uses. */
static const float selu_scale = 1.0507f, selu_alpha = 1.6732f;

static float forward(enum activation a, float x)
{
    switch (a) {
    case ACTIVATION_LINEAR: return x;
    case ACTIVATION_RELU: return x < 0 ? 0 : x;
    case ACTIVATION_LEAKY: return x > 0 ? x : 0.1f * x;
    case ACTIVATION_LOGISTIC: return 1.0f / (1.0f + expf(-x));
    case ACTIVATION_TANH: return tanhf(x);
    case ACTIVATION_ELU: return x >= 0 ? x : expm1f(x);
    case ACTIVATION_SELU: return selu_scale * (x >= 0 ? x : selu_alpha * expm1f(x));
    case ACTIVATION_RELIE: return x > 0 ? x : 0.01f * x;
    case ACTIVATION_RAMP: return (x > 0 ? x : 0) + 0.1f * x;
    case ACTIVATION_PLSE: return x < -4 ? 0.01f * (x + 4) : x > 4 ? 0.01f * (x - 4) + 1 : 0.125f * x + 0.5f;
    case ACTIVATION_STAIR: {
        float n = floorf(x);
        return fmodf(n, 2) == 0 ? floorf(x / 2) : x - n + floorf(x / 2);
    }
    case ACTIVATION_HARDTAN: return x < -1 ? -1 : x > 1 ? 1 : x;
    case ACTIVATION_LHTAN: return x < 0 ? 0.001f * x : x > 1 ? 0.001f * (x - 1) + 1 : x;
    case ACTIVATION_LOGGY: return 2.0f / (1.0f + expf(-x)) - 1;
    }
    return NAN;
}

static float derivative(enum activation a, float y)
{
    switch (a) {
    case ACTIVATION_LINEAR: return 1;
    case ACTIVATION_RELU: return y > 0;
    case ACTIVATION_LEAKY: return y > 0 ? 1 : 0.1f;
    case ACTIVATION_LOGISTIC: return (1 - y) * y;
    case ACTIVATION_TANH: return 1 - y * y;
    case ACTIVATION_ELU: return y >= 0 ? 1 : y + 1;
    case ACTIVATION_SELU: return y >= 0 ? selu_scale : y + selu_scale * selu_alpha;
    case ACTIVATION_RELIE: return y > 0 ? 1 : 0.01f;
    case ACTIVATION_RAMP: return (y > 0) + 0.1f;
    case ACTIVATION_PLSE: return y < 0 || y > 1 ? 0.01f : 0.125f;
    case ACTIVATION_STAIR: return floorf(y) == y ? 0 : 1;
    case ACTIVATION_HARDTAN: return y > -1 && y < 1;
    case ACTIVATION_LHTAN: return y > 0 && y < 1 ? 1 : 0.001f;
    case ACTIVATION_LOGGY: return 0.5f * (1 - y * y);
    }
    return NAN;
}

void activation_forward(enum activation a, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = forward(a, x[i]);
}

void activation_backward(enum activation a, float *d, const float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        d[i] *= derivative(a, out[i]);
}
