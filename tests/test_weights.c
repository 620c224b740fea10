#include "darknet-ext/weights.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "darknet-ext/model.h"

static const char text[] =
    "[net]\nbatch=1\nheight=6\nwidth=6\nchannels=3\n"
    "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nactivation=relu\n[batchnorm]\n[avgpool]\n"
    "[connected]\nbatch_normalize=1\noutput=10\nactivation=linear\n[softmax]\n";
enum { STORED = 4 * 4 + 4 * 27 + 3 * 4 + 40 + 4 * 10, BYTES = 20 + 4 * STORED };

static char directory[] = "/tmp/weights-test-XXXXXX";
static struct net_cfg *cfg;
static float values[STORED];
static char *path;

static void set_up(void)
{
    struct err err;
    struct rng r = rng_stream(1, RNG_TEST, 0, 0);
    cr_assert(mkdtemp(directory));
    path = file_join(directory, "x.weights");
    cr_assert(cfg_parse("t.cfg", text, &cfg, &err), "%s", err.text);
    cr_assert_eq(cfg->stored, STORED);
    for (int i = 0; i < STORED; i++)
        values[i] = fabsf(rng_normal(&r));
    cr_assert(weights_write(path, cfg, values, 123456789012345, &err), "%s", err.text);
}

static void tear_down(void)
{
    static const char *const endings[] = { "weights", "cfg", "data", "names", "list" };
    for (int i = 0; i < 5; i++) {
        char *file = mem_format("%s/x.%s", directory, endings[i]);
        remove(file);
        free(file);
    }
    rmdir(directory);
    cfg_free(cfg);
    free(path);
}

TestSuite(weights, .init = set_up, .fini = tear_down);

/* Reading must fail, naming the file and `fragment`. */
static void assert_refused(const struct net_cfg *with, const char *file, const char *fragment)
{
    float *out = mem_alloc((size_t)with->stored, sizeof *out);
    uint64_t seen;
    struct err err = { 0 };
    cr_expect_not(weights_read(file, with, out, &seen, &err), "accepted; wanted '%s'", fragment);
    cr_expect(strstr(err.text, file) && strstr(err.text, fragment), "wanted '%s'\n   got %s", fragment, err.text);
    cr_expect(err.status == EXIT_USAGE || err.status == EXIT_CANNOT_RUN);
    free(out);
}

static char *read_back(void)
{
    char *bytes;
    size_t n;
    struct err err;
    cr_assert(file_read(path, 1 << 20, &bytes, &n, &err), "%s", err.text);
    cr_assert_eq(n, (size_t)BYTES);
    return bytes;
}

/* Overwrites n bytes of the file at an offset. */
static void patch(long offset, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0 && pwrite(fd, bytes, n, offset) == (ssize_t)n);
    close(fd);
}

Test(weights, what_was_written_is_read_back)
{
    float out[STORED];
    uint64_t seen;
    struct err err;
    cr_assert(weights_read(path, cfg, out, &seen, &err), "%s", err.text);
    cr_assert(memcmp(out, values, sizeof out) == 0);
    cr_assert_eq(seen, 123456789012345u);
}

Test(weights, the_file_is_what_darknet_itself_writes)
{
    struct net_cfg *plain;
    struct err err;
    cr_assert(
        cfg_parse(
            "t.cfg",
            "[net]\nbatch=1\nheight=6\nwidth=6\nchannels=3\n[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\n"
            "activation=relu\n[avgpool]\n[connected]\nbatch_normalize=1\noutput=10\nactivation=linear\n[softmax]\n",
            &plain, &err),
        "%s", err.text);
    struct weights_layout conv = weights_layout(plain, 0), full = weights_layout(plain, 2);
    cr_assert(conv.biases == 0 && conv.scales == 4 && conv.mean == 8 && conv.variance == 12 && conv.weights == 16);
    cr_assert(full.biases == 124 && full.weights == 134 && full.scales == 174 && full.mean == 184
              && full.variance == 194);
    cr_assert_eq(plain->stored, 204);
    cfg_free(plain);
    struct weights_layout norm = weights_layout(cfg, 1);
    cr_assert(norm.biases == -1 && norm.weights == -1 && norm.scales == 124 && norm.mean == 128
              && norm.variance == 132);
}

Test(weights, a_file_cut_in_half_is_refused)
{
    cr_assert_eq(truncate(path, BYTES / 2 + 1), 0);
    assert_refused(cfg, path, "truncated, or of another cfg");
}

Test(weights, a_file_of_10_bytes_and_an_empty_file_are_refused)
{
    cr_assert_eq(truncate(path, 10), 0);
    assert_refused(cfg, path, "only 10 bytes");
    cr_assert_eq(truncate(path, 0), 0);
    assert_refused(cfg, path, "only 0 bytes");
}

Test(weights, a_missing_file_a_directory_and_a_fifo_are_refused)
{
    assert_refused(cfg, "/nonexistent.weights", "cannot open");
    assert_refused(cfg, directory, "not a regular file");
    char *fifo = file_join(directory, "x.cfg");
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    assert_refused(cfg, fifo, "not a regular file");
    free(fifo);
}

Test(weights, extra_bytes_are_refused)
{
    patch(BYTES, "more", 4);
    assert_refused(cfg, path, "with something appended");
    patch(BYTES + 4, "!", 1);
    assert_refused(cfg, path, "with something appended");
}

Test(weights, a_backbone_is_recognised)
{
    cr_assert_eq(truncate(path, 20 + 4 * (124 + 12)), 0);
    assert_refused(cfg, path, "ends after layer 1 [batchnorm]");
}

Test(weights, another_number_of_classes_is_recognised)
{
    struct net_cfg *hundred;
    struct err err;
    char other[sizeof text + 1];
    const char *ten = strstr(text, "output=10");
    snprintf(other, sizeof other, "%.*soutput=100%s", (int)(ten - text), text, ten + 9);
    cr_assert(cfg_parse("t.cfg", other, &hundred, &err), "%s", err.text);
    assert_refused(hundred, path, "fits the same network with 10 classes instead of 100");
    cfg_free(hundred);
}

Test(weights, another_cfg_is_refused)
{
    struct net_cfg *wider;
    struct err err;
    char other[sizeof text];
    memcpy(other, text, sizeof text);
    memcpy(strstr(other, "filters=4"), "filters=8", 9);
    cr_assert(cfg_parse("wider.cfg", other, &wider, &err), "%s", err.text);
    assert_refused(wider, path, "wider.cfg needs");
    cfg_free(wider);
}

Test(weights, nan_and_infinity_are_refused_with_their_layer)
{
    float bad = NAN;
    patch(20 + 4 * (STORED - 35), &bad, 4);
    assert_refused(cfg, path, "layer 3 [connected] is nan");
    bad = -INFINITY;
    patch(20 + 4 * 5, &bad, 4);
    assert_refused(cfg, path, "number 5 of layer 0 [convolutional] is -inf");
}

Test(weights, a_negative_variance_is_refused)
{
    float bad = -0.5f;
    patch(20 + 4 * 13, &bad, 4);
    assert_refused(cfg, path, "variance 1 of layer 0 [convolutional] is -0.5");
}

Test(weights, garbage_is_refused)
{
    char *bytes = read_back();
    struct rng r = rng_stream(2, RNG_TEST, 0, 0);
    for (int i = 0; i < BYTES; i++)
        bytes[i] = (char)rng_u32(&r);
    patch(0, bytes, BYTES);
    assert_refused(cfg, path, "header says version");
    free(bytes);
}

Test(weights, an_old_header_with_four_bytes_of_seen_is_read)
{
    static const int32_t header[4] = { 0, 1, 0, 4321 };
    char *bytes = read_back();
    float out[STORED];
    uint64_t seen;
    struct err err;
    patch(0, header, 16);
    patch(16, bytes + 20, 4 * STORED);
    assert_refused(cfg, path, "bytes, but");
    cr_assert_eq(truncate(path, BYTES - 4), 0);
    cr_assert(weights_read(path, cfg, out, &seen, &err), "%s", err.text);
    cr_assert(memcmp(out, values, sizeof out) == 0);
    cr_assert_eq(seen, 4321u);
    free(bytes);
}

Test(weights, a_header_of_the_future_is_refused)
{
    static const int32_t zero = 0, one = 1, minor = 1002; /* 1002: Darknet transposes the weights of such files */
    patch(0, &one, 4);
    assert_refused(cfg, path, "version 1.2.0");
    patch(0, &zero, 4);
    patch(4, &minor, 4);
    assert_refused(cfg, path, "version 0.1002.0");
}

Test(weights, a_full_disk_and_a_missing_directory_are_reported)
{
    struct err err;
    cr_assert_not(weights_write("/nonexistent/x.weights", cfg, values, 0, &err));
    cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    if (access("/dev/full", W_OK) == 0) {
        cr_assert_not(weights_write("/dev/full", cfg, values, 0, &err));
        cr_assert_eq(err.status, EXIT_CANNOT_RUN);
    }
}

/* --- stock Darknet's own program on exported networks --- */

#define EXPORTED(channels, mean, std)                                                                                  \
    "[net]\nbatch=4\nheight=12\nwidth=12\nchannels=" channels "\n[normalize]\nmean=" mean "\nstd=" std "\n"            \
    "[input_dropout]\nprobability=.2\n[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=1\npad="           \
    "1\nactivation=relu\n"                                                                                             \
    "[convolutional]\nbatch_normalize=1\nfilters=16\nsize=3\nstride=2\npad=1\nactivation=linear\n[shortcut]\nfrom=-"   \
    "2\n"                                                                                                              \
    "activation=relu\n[convolutional]\nfilters=12\nsize=1\nstride=2\nactivation=leaky\n[batchnorm]\n[dropout]"         \
    "\nprobability=.3\n"                                                                                               \
    "[route]\nlayers=-1,-2\n[avgpool]\n[connected]\noutput=6\nactivation=linear\n[softmax]\n"
static const char coloured[] = EXPORTED("3", ".49,.48,.45", ".25,.24,.26"), grey[] = EXPORTED("1", ".4", ".2");
static char *const names[] = { "disc", "square", "two words", "ring", "cross", "ba\nrs" };
enum { SIDE = 12, AREA = SIDE * SIDE, IMAGES = 100, CLASSES = 6 };

/* Any smooth numbers that keep the logits moderate. */
static float *plausible_values(const struct net_cfg *net)
{
    float *v = mem_alloc((size_t)net->stored, sizeof *v);
    struct rng r = rng_stream(5, RNG_TEST, 0, 0);
    for (int64_t i = 0; i < net->stored; i++)
        v[i] = 0.2f * rng_normal(&r);
    for (int i = 0; i < net->n; i++) {
        struct weights_layout at = weights_layout(net, i);
        for (int k = 0; at.variance >= 0 && k < at.outputs; k++) {
            v[at.scales + k] += 1;
            v[at.variance + k] = 0.3f + fabsf(v[at.variance + k]);
        }
    }
    return v;
}

/* Random images as binary PPM (grey ones with three equal bytes) in the directory, their paths in x.list; fills
 * x[IMAGES,c,SIDE,SIDE]. */
static void write_images(float *x, int c)
{
    struct rng r = rng_stream(6, RNG_TEST, 0, 0);
    struct err err;
    char *list = mem_string("");
    for (int i = 0; i < IMAGES; i++, x += c * AREA) {
        char *file = mem_format("%s/%d.ppm", directory, i);
        unsigned char bytes[16 + 3 * AREA];
        int n = snprintf((char *)bytes, 16, "P6\n%d %d\n255\n", SIDE, SIDE);
        for (int k = 0; k < 3 * AREA; k++) {
            unsigned char *b = &bytes[n + k];
            *b = c == 1 && k % 3 ? b[-1] : (unsigned char)rng_below(&r, 256);
            if (k % 3 < c)
                x[k % 3 * AREA + k / 3] = (float)*b / 255;
        }
        cr_assert(file_write(file, bytes, (size_t)n + 3 * AREA, &err), "%s", err.text);
        char *longer = mem_format("%s%s\n", list, file);
        free(list), free(file);
        list = longer;
    }
    char *file = file_join(directory, "x.list");
    cr_assert(file_write(file, list, strlen(list), &err), "%s", err.text);
    free(file), free(list);
}

static void remove_images(void)
{
    for (int i = 0; i < IMAGES; i++) {
        char *file = mem_format("%s/%d.ppm", directory, i);
        remove(file);
        free(file);
    }
}

/* What `darknet classifier COMMAND x.data x.cfg x.weights INPUT` prints on stdout; free() it. */
static char *run_darknet(const char *command, const char *input)
{
    char *out = file_join(directory, "x.out"), *data = mem_format("%s/x.data", directory), *printed;
    char *net = mem_format("%s/x.cfg", directory);
    size_t n;
    struct err err;
    pid_t child = fork();
    if (child == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), null = open("/dev/null", O_WRONLY);
        dup2(fd, 1), dup2(null, 2);
        execlp("darknet", "darknet", "classifier", command, data, net, path, input, (char *)NULL);
        _exit(127);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        cr_skip_test("the program darknet is not installed");
    cr_assert_eq(status, 0);
    cr_assert(file_read(out, 1 << 20, &printed, &n, &err), "%s", err.text);
    remove(out);
    free(out), free(data), free(net);
    return printed;
}

/* Probabilities by the engine: p[IMAGES,CLASSES]. */
static void expected_probabilities(const struct net_cfg *net, const float *v, const float *x, float *p)
{
    struct model_options options = { .threads = 2, .precision = PRECISION_F32 };
    struct evaluation evaluation = { .x = x, .n = IMAGES, .samples = 0 };
    struct model *model;
    struct err err;
    cr_assert(model_open(net, &options, &model, &err), "%s", err.text);
    model_set_parameters(model, v);
    cr_assert(model_logits(model, &evaluation, p, &err), "%s", err.text);
    for (int i = 0; i < IMAGES; i++, p += CLASSES) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++)
            sum += exp(p[k]);
        for (int k = 0; k < CLASSES; k++)
            p[k] = (float)(exp(p[k]) / sum);
    }
    model_close(model);
}

/* Exports the network, writes the images, fills p[IMAGES,CLASSES]. */
static void export_network(const char *network_text, float *p)
{
    struct net_cfg *net;
    struct err err;
    cr_assert(cfg_parse("e.cfg", network_text, &net, &err), "%s", err.text);
    float *v = plausible_values(net), *x = mem_alloc(IMAGES * 3 * AREA, sizeof *x);
    cr_assert(weights_export_stock(directory, "x", net, v, 7, names, &err), "%s", err.text);
    write_images(x, net->c);
    expected_probabilities(net, v, x, p);
    free(v), free(x);
    cfg_free(net);
}

static void assert_stock_agrees(const char *network_text)
{
    float p[IMAGES * CLASSES], spread = 0;
    export_network(network_text, p);
    char *list = file_join(directory, "x.list"), *printed = run_darknet("fout", list), *at = printed;
    for (int i = 0; i < IMAGES; i++) {
        at = strchr(at, '\t'); /* behind the path */
        for (int k = 0; k < CLASSES; k++) {
            cr_assert(at, "image %d", i);
            float got = strtof(at, &at);
            cr_assert(fabsf(got - p[i * CLASSES + k]) <= 1e-5f, "image %d class %d: %.7g, wanted %.7g", i, k,
                      (double)got, (double)p[i * CLASSES + k]);
            spread = fmaxf(spread, fabsf(got - p[k]));
        }
    }
    cr_assert(spread > 0.01f, "all images alike prove nothing");
    free(printed), free(list);
    remove_images();
}

Test(weights, stock_darknet_gives_the_same_probabilities_for_an_exported_network)
{
    assert_stock_agrees(coloured);
}

Test(weights, stock_darknet_gives_the_same_probabilities_for_grey_images)
{
    assert_stock_agrees(grey);
}

Test(weights, the_printed_command_names_the_classes)
{
    float p[IMAGES * CLASSES];
    export_network(coloured, p);
    char *command = weights_export_command(directory, "x");
    cr_assert(strstr(command, "darknet classifier predict ") == command && strstr(command, "x.data ")
              && strstr(command, " IMAGE"));
    char *listed, *names_path = file_join(directory, "x.names");
    size_t n;
    struct err err;
    cr_assert(file_read(names_path, 1000, &listed, &n, &err), "%s", err.text);
    cr_assert_str_eq(listed, "disc\nsquare\ntwo words\nring\ncross\nba rs\n");
    free(listed), free(names_path);
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
        if (p[k] > p[best])
            best = k;
    char *image = file_join(directory, "0.ppm"), *printed = run_darknet("predict", image);
    char *wanted = mem_format("%5.2f%%: %s\n", (double)p[best] * 100, names[best]);
    cr_assert(strncmp(printed, wanted, strlen(wanted)) == 0, "%s\nwanted %s", printed, wanted);
    free(wanted), free(printed), free(image), free(command);
    remove_images();
}

Test(weights, a_directory_with_blanks_cannot_be_exported_to)
{
    struct err err;
    char *blank = mem_format("%s/a b", directory);
    cr_assert_not(weights_export_stock(blank, "x", cfg, values, 0, names, &err));
    cr_assert(strstr(err.text, "drops blanks"), "%s", err.text);
    rmdir(blank);
    free(blank);
}
