/* Darknet itself against our front end: shapes, counts, and the exact equivalents in the stock text. */
#include "darknet-ext/dn.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "darknet-ext/weights.h"

#define NET "[net]\nbatch=4\nheight=8\nwidth=8\nchannels=3\n"
#define HEAD "[avgpool]\n[connected]\noutput=5\nactivation=linear\n[softmax]\n"

static struct net_cfg *parsed(const char *text)
{
    struct net_cfg *cfg;
    struct err err;
    cr_assert(cfg_parse("t.cfg", text, &cfg, &err), "%s\n%s", err.text, text);
    return cfg;
}

static struct dn_network *opened(const struct net_cfg *cfg, int batch)
{
    struct dn_network *dn;
    struct err err;
    cr_assert(dn_open(cfg, batch, &dn, &err), "%s", err.text);
    return dn;
}

static float *random_floats(int64_t n, uint32_t item, float scale)
{
    float *x = mem_alloc((size_t)n, sizeof *x);
    struct rng r = rng_stream(1, RNG_TEST, 0, item);
    for (int64_t i = 0; i < n; i++)
        x[i] = scale * rng_normal(&r);
    return x;
}

/* Every number small, variances positive. */
static float *random_values(const struct net_cfg *cfg)
{
    float *values = random_floats(cfg->stored, 7, 0.3f);
    for (int i = 0; i < cfg->n; i++) {
        struct weights_layout at = weights_layout(cfg, i);
        for (int k = 0; at.variance >= 0 && k < at.outputs; k++)
            values[at.variance + k] = 0.5f + fabsf(values[at.variance + k]);
    }
    return values;
}

static void assert_near(const float *a, const float *b, int64_t n, double tolerance, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert(fabs((double)a[i] - (double)b[i]) <= tolerance * (1 + fabs((double)b[i])),
                  "%s: number %d: %.9g, wanted %.9g", what, (int)i, (double)a[i], (double)b[i]);
}

Test(dn, darknet_gives_every_layer_of_our_networks_the_same_shape)
{
    glob_t files;
    cr_assert_eq(glob("cfg/*.cfg", 0, NULL, &files), 0);
    cr_assert_geq(files.gl_pathc, 12u);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct net_cfg *cfg;
        struct err err;
        cr_assert(cfg_read(files.gl_pathv[i], &cfg, &err), "%s", err.text);
        cr_expect(dn_check(cfg, &err), "%s", err.text);
        cfg_free(cfg);
    }
    globfree(&files);
}

/* A random chain of layers on a small image; some are refused, and then there is nothing to compare. */
static char *random_network(uint32_t number)
{
    struct rng r = rng_stream(3, RNG_TEST, 0, number);
    char *text = mem_format("[net]\nbatch=2\nheight=%u\nwidth=%u\nchannels=%d\n", 1 + rng_below(&r, 24),
                            1 + rng_below(&r, 24), rng_below(&r, 2) ? 3 : 1);
    for (uint32_t i = 0, n = 1 + rng_below(&r, 6); i < n; i++) {
        uint32_t size = 1 + rng_below(&r, 5), stride = 1 + rng_below(&r, 3), padding = rng_below(&r, 4);
        char *layer = rng_below(&r, 3) == 0 ? mem_format("[maxpool]\nsize=%u\nstride=%u\n%s%.0u\n", size, stride,
                                                         padding ? "padding=" : "#", padding)
                      : rng_below(&r, 4) == 0 && i > 1 ? mem_format("[shortcut]\nfrom=%u\n", rng_below(&r, i))
                      : rng_below(&r, 6) == 0 && i > 1
                          ? mem_format("[route]\nlayers=%u,%d\n", rng_below(&r, i), -1)
                          : mem_format("[convolutional]\nbatch_normalize=%u\nfilters=%u\nsize=%u\nstride=%u\npadding=%"
                                       "u\nactivation=relu\n",
                                       rng_below(&r, 2), 1 + rng_below(&r, 9), size, stride, padding);
        char *longer = mem_format("%s%s", text, layer);
        free(layer);
        free(text);
        text = longer;
    }
    char *whole = mem_format("%s" HEAD, text);
    free(text);
    return whole;
}

/* Shapes agree, and every layer runs both ways. */
static void run_both_ways(const struct net_cfg *cfg, const char *why)
{
    struct dn_network *dn;
    struct err err;
    cr_assert(dn_open(cfg, 2, &dn, &err), "%s\n%s", err.text, why);
    int64_t inputs = 2 * (int64_t)cfg->c * cfg->h * cfg->w;
    float *values = random_values(cfg), *x = random_floats(inputs, 1, 1), *dz = random_floats(2 * cfg->classes, 2, 1);
    dn_set_parameters(dn, values);
    dn_forward(dn, x, false);
    dn_backward(dn, dz, x);
    dn_get_gradients(dn, values);
    dn_close(dn);
    free(values), free(x), free(dz);
}

Test(dn, darknet_gives_random_networks_the_same_shapes)
{
    int compared = 0;
    for (uint32_t i = 0; i < 400; i++) {
        struct net_cfg *cfg;
        struct err err;
        char *text = random_network(i);
        if (cfg_parse("random.cfg", text, &cfg, &err)) {
            run_both_ways(cfg, text);
            compared++;
            cfg_free(cfg);
        }
        free(text);
    }
    cr_assert_geq(compared, 100);
}

/* Darknet's own classifiers, without the keys that we refuse because they augment. */
static char *without_augmentation(const char *text)
{
    static const char *const refused[] = { "angle", "hue", "saturation", "exposure", "aspect", "max_crop", "min_crop" };
    char *out = mem_string(text);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (char *at = out; (at = strstr(at, refused[i])); at++)
            if (at == out || at[-1] == '\n')
                *at = '#';
    return out;
}

Test(dn, darknets_own_classifiers_have_the_same_shapes)
{
    static const char *const names[] = { "cifar", "darknet", "tiny", "resnet18", "resnext50", "densenet201" };
    for (int i = 0; i < 6; i++) {
        char *path = mem_format("/usr/share/darknet/cfg/%s.cfg", names[i]), *text;
        size_t n;
        struct err err;
        if (!file_read(path, 1 << 20, &text, &n, &err))
            cr_skip_test("Darknet's cfgs are not installed");
        char *ours = without_augmentation(text);
        struct net_cfg *cfg = parsed(ours);
        cr_expect(dn_check(cfg, &err), "%s: %s", path, err.text);
        cfg_free(cfg);
        free(ours);
        free(text);
        free(path);
    }
}

/* logits of a network given as text, on x[batch]; free() them */
static float *logits_of(const char *text, const float *values, const float *x, int batch, bool train)
{
    struct net_cfg *cfg = parsed(text);
    struct dn_network *dn = opened(cfg, batch);
    dn_set_parameters(dn, values);
    dn_forward(dn, x, train);
    float *z = mem_alloc((size_t)batch * (size_t)cfg->classes, sizeof *z);
    memcpy(z, dn_logits(dn), (size_t)batch * (size_t)cfg->classes * sizeof *z);
    dn_close(dn);
    cfg_free(cfg);
    return z;
}

#define CONV "[convolutional]\nbatch_normalize=1\nfilters=6\nsize=3\nstride=1\npad=1\nactivation=leaky\n"

Test(dn, normalize_is_exact_before_a_convolution_that_pads_with_zeros)
{
    static const float mean[3] = { 0.1f, 0.5f, 0.9f }, std[3] = { 0.3f, 0.2f, 0.1f };
    struct net_cfg *cfg = parsed(NET CONV HEAD);
    float *values = random_values(cfg), *x = random_floats(2 * 192, 1, 1),
          *by_hand = mem_alloc(2 * 192, sizeof *by_hand);
    for (int i = 0; i < 2 * 192; i++)
        by_hand[i] = (x[i] - mean[i / 64 % 3]) / std[i / 64 % 3];
    float *z = logits_of(NET "[normalize]\nmean=.1,.5,.9\nstd=.3,.2,.1\n[input_dropout]\nprobability=.5\n" CONV HEAD,
                         values, x, 2, false);
    float *wanted = logits_of(NET CONV HEAD, values, by_hand, 2, false);
    assert_near(z, wanted, 2 * 5, 1e-5, "logits");
    cr_assert(fabsf(wanted[0] - wanted[5]) > 1e-3f, "the two images must differ");
    free(z), free(wanted), free(values), free(x), free(by_hand);
    cfg_free(cfg);
}

Test(dn, a_1x1_convolution_with_stride_and_padding_takes_the_right_pixels)
{
    struct net_cfg *cfg =
        parsed(NET "[convolutional]\nfilters=3\nsize=1\nstride=2\ngroups=3\nactivation=linear\n" HEAD);
    float *values = random_values(cfg), *x = random_floats(192, 1, 1);
    struct dn_network *dn = opened(cfg, 1);
    dn_set_parameters(dn, values);
    dn_forward(dn, x, false);
    const float *y = dn_output(dn, 0); /* biases[3], then weights[3] in the file */
    for (int i = 0; i < 3 * 16; i++) {
        int c = i / 16, row = i / 4 % 4 * 2, column = i % 4 * 2;
        float wanted = values[c] + values[3 + c] * x[c * 64 + row * 8 + column];
        assert_near(&y[i], &wanted, 1, 1e-6, "output");
    }
    dn_close(dn);
    cfg_free(cfg);
    free(values), free(x);
}

Test(dn, a_batchnorm_section_normalises_by_the_running_statistics)
{
    struct net_cfg *cfg = parsed(NET "[batchnorm]\n" HEAD);
    float *values = random_values(cfg), *x = random_floats(192, 1, 1);
    struct dn_network *dn = opened(cfg, 1);
    dn_set_parameters(dn, values);
    dn_forward(dn, x, false);
    for (int i = 0; i < 192; i++) { /* scales[3], mean[3], variance[3] in the file; Darknet adds 1e-6 to the root */
        int c = i / 64;
        float wanted = values[c] * (x[i] - values[3 + c]) / (sqrtf(values[6 + c]) + 1e-6f);
        assert_near(dn_output(dn, 0) + i, &wanted, 1, 1e-5, "output");
    }
    dn_close(dn);
    cfg_free(cfg);
    free(values), free(x);
}

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* scalar = dz . logits, whose gradient by x and by every parameter dn_backward gives */
static double scalar_of(struct dn_network *dn, const float *values, const float *x, const float *dz, int64_t n,
                        bool train)
{
    dn_set_parameters(dn, values);
    dn_forward(dn, x, train);
    return dot(dz, dn_logits(dn), n);
}

/* Central difference along a random direction, against the gradient's component. */
static void check_direction(struct dn_network *dn, const float *values, const float *x, const float *dz, int64_t n,
                            bool train, const float *gradient, int64_t size, bool of_x)
{
    const float h = 1e-2f;
    float *direction = random_floats(size, 40 + of_x, 0.05f), *plus = mem_alloc((size_t)size, 4),
          *minus = mem_alloc((size_t)size, 4);
    const float *at = of_x ? x : values;
    for (int64_t i = 0; i < size; i++) {
        if (gradient[i] == 0)
            direction[i] = 0; /* statistics */
        plus[i] = at[i] + h * direction[i];
        minus[i] = at[i] - h * direction[i];
    }
    double up = scalar_of(dn, of_x ? values : plus, of_x ? plus : x, dz, n, train);
    double down = scalar_of(dn, of_x ? values : minus, of_x ? minus : x, dz, n, train);
    double wanted = (up - down) / (2 * (double)h), got = dot(gradient, direction, size);
    cr_assert(fabs(wanted) > 1e-3, "the gradient is zero");
    cr_assert(fabs(got - wanted) <= 0.01 * fabs(wanted), "%s: %g, wanted %g", of_x ? "pixels" : "parameters", got,
              wanted);
    free(direction), free(plus), free(minus);
}

static void check_gradients(const char *text, int batch, bool train)
{
    struct net_cfg *cfg = parsed(text);
    struct dn_network *dn = opened(cfg, batch);
    int64_t inputs = (int64_t)batch * cfg->c * cfg->h * cfg->w, n = (int64_t)batch * cfg->classes;
    float *values = random_values(cfg), *x = random_floats(inputs, 2, 1), *dz = random_floats(n, 3, 1);
    float *dx = mem_alloc((size_t)inputs, 4), *dv = mem_alloc((size_t)cfg->stored, 4);
    for (int twice = 0; twice < 2; twice++) { /* nothing may be left over from the first time */
        scalar_of(dn, values, x, dz, n, train);
        dn_backward(dn, dz, dx);
        dn_backward(dn, dz, dx);
    }
    dn_get_gradients(dn, dv);
    check_direction(dn, values, x, dz, n, train, dx, inputs, true);
    check_direction(dn, values, x, dz, n, train, dv, cfg->stored, false);
    dn_close(dn);
    cfg_free(cfg);
    free(values), free(x), free(dz), free(dx), free(dv);
}

Test(dn, gradients_agree_with_central_differences)
{
    check_gradients(
        NET
        "[convolutional]\nfilters=6\nsize=3\nstride=1\npad=1\nactivation=logistic\n[convolutional]\nfilters=4\nsize=1\n"
        "stride=2\nactivation=tanh\n[maxpool]\nsize=2\nstride=2\n" HEAD,
        3, false);
}

Test(dn, gradients_through_batch_statistics_agree_with_central_differences)
{
    check_gradients(
        "[net]\nbatch=4\nheight=8\nwidth=8\nchannels=3\n[batchnorm]\n[convolutional]\nbatch_normalize=1\nfilters="
        "6\nsize=3\n"
        "stride=2\npad=1\nactivation=logistic\n[connected]\noutput=7\nbatch_normalize=1\nactivation=tanh\n" HEAD,
        8, true);
}

static void check_layer(const char *text, int i)
{
    struct net_cfg *cfg = parsed(text);
    struct dn_network *dn;
    struct err err;
    cr_assert(dn_open_layer(cfg, i, 2, &dn, &err), "%s", err.text);
    const struct layer_cfg *l = &cfg->layers[i];
    int64_t inputs = 2 * (int64_t)l->c * l->h * l->w, outputs = 2 * (int64_t)l->out_c * l->out_h * l->out_w;
    float *x = random_floats(inputs, 1, 1), *dy = random_floats(outputs, 2, 1), *dx = mem_alloc((size_t)inputs, 4);
    for (int twice = 0; twice < 2; twice++) { /* nothing may be left over from the first time */
        dn_forward(dn, x, true);
        dn_backward(dn, dy, dx);
    }
    /* linear layers: dy . y(x) = dx . x */
    double through = dot(dy, dn_output(dn, 0), outputs), back = dot(dx, x, inputs);
    cr_assert(fabs(through) > 1e-3);
    cr_assert(fabs(through - back) <= 1e-4 * fabs(through), "%s: %g, wanted %g", l->type, back, through);
    dn_close(dn);
    cfg_free(cfg);
    free(x), free(dy), free(dx);
}

Test(dn, layers_left_to_darknet_run_alone_with_their_gradient)
{
    check_layer(NET CONV "[upsample]\nstride=3\nscale=.7\n" HEAD, 1);
    check_layer(NET "[convolutional]\nfilters=8\nsize=3\nactivation=relu\n[maxpool]\nsize=3\nstride=1\npadding=0\n["
                    "reorg]\nstride=2\n" HEAD,
                2);
    check_layer(NET "[convolutional]\nfilters=8\nsize=3\nactivation=relu\n[reorg]\nstride=2\nreverse=1\n" HEAD, 1);
}

Test(dn, upsample_repeats_each_pixel)
{
    struct net_cfg *cfg = parsed(NET "[upsample]\nstride=2\nscale=.5\n" HEAD);
    struct dn_network *dn = opened(cfg, 1);
    float *x = random_floats(192, 1, 1);
    dn_forward(dn, x, false);
    for (int i = 0; i < 3 * 256; i++) {
        float wanted = 0.5f * x[i / 256 * 64 + i / 16 % 16 / 2 * 8 + i % 16 / 2];
        assert_near(dn_output(dn, 0) + i, &wanted, 1, 0, "output");
    }
    dn_close(dn);
    cfg_free(cfg);
    free(x);
}

Test(dn, loading_the_library_leaves_denormals_on)
{
    struct net_cfg *cfg = parsed(NET HEAD);
    dn_close(opened(cfg, 1));
    cfg_free(cfg);
    volatile float tiny = 1e-40f;
    cr_assert(tiny * 0.5f > 0);
}

Test(dn, parsing_is_silent_and_stderr_comes_back)
{
    struct net_cfg *cfg = parsed(NET HEAD);
    FILE *log = tmpfile();
    int saved = dup(2);
    dup2(fileno(log), 2);
    dn_close(opened(cfg, 1));
    off_t silent = lseek(2, 0, SEEK_CUR);
    ssize_t written = write(2, "after", 5);
    off_t after = lseek(fileno(log), 0, SEEK_END);
    dup2(saved, 2);
    cr_assert_eq(silent, 0);
    cr_assert_eq(written, 5);
    cr_assert_eq(after, 5);
    fclose(log);
    cfg_free(cfg);
}

Test(dn, a_missing_library_is_named)
{
    struct net_cfg *cfg = parsed(NET HEAD);
    struct err err;
    setenv("MARGINALIA_DARKNET", "/nonexistent/libdarknet.so", 1);
    cr_assert_not(dn_check(cfg, &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    cr_assert(strstr(err.text, "/nonexistent/libdarknet.so") && strstr(err.text, "install the package darknet"), "%s",
              err.text);
    setenv("MARGINALIA_DARKNET", "libm.so.6", 1);
    cr_assert_not(dn_check(cfg, &err));
    cr_assert(strstr(err.text, "has no parse_network_cfg"), "%s", err.text);
    cfg_free(cfg);
}

/* Whether a library whose path contains the name is loaded. */
static bool loaded(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1000];
    bool found = false;
    cr_assert(maps);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, name))
            found = true;
    fclose(maps);
    return found;
}

Test(dn, the_library_comes_without_its_windows_and_cameras)
{
    struct net_cfg *cfg = parsed(NET HEAD);
    struct err err;
    cr_assert_not(loaded("libdarknet"));
    cr_assert(dn_check(cfg, &err), "%s", err.text);
    cr_assert(loaded("libdarknet"));
    cr_assert_not(loaded("libopencv"));
    cfg_free(cfg);
}

Test(dn, where_memory_cannot_be_had_for_a_copy_the_library_itself_is_opened)
{
    struct net_cfg *cfg = parsed(NET HEAD);
    struct err err;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 10000, 10000 }), 0); /* enough for the text of the network */
    cr_assert(dn_check(cfg, &err), "%s", err.text);
    cr_assert(loaded("libdarknet"));
    cr_assert_not(loaded("memfd:libdarknet"));
    cfg_free(cfg);
}
