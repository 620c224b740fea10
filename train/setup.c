#include "train/setup.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "darknet-ext/weights.h"
#include "train/schedule.h"
#include "train/together.h"

enum { BATCHES_AHEAD = 2 };

/* The cfg's text, or the command line's; a view's default. */
static void settle(char **text, const char *given, const char *preset)
{
    if (given || (!*text && preset)) {
        free(*text);
        *text = mem_string(given ? given : preset);
    }
}

/* Every word that shapes the result stands in resolved.cfg. */
static bool settle_view(const struct train_options *o, struct net_cfg *cfg, struct err *err)
{
    settle(&cfg->view, o->view, NULL);
    settle(&cfg->baseline, o->baseline, cfg->view ? baseline_name(BASELINE_MEAN) : NULL);
    settle(&cfg->mask_order, o->mask_order, cfg->view ? "before" : NULL);
    return cfg->view || (!cfg->baseline && !cfg->mask_order) ||
           err_usage(err, "%s: %s says what a view hides, but there is none; add a view, or remove it", cfg->path,
                     cfg->baseline ? "baseline" : "mask order");
}

/* Member K of an ensemble is a single network with a seed of its own. */
static bool settle_members(const struct train_options *o, struct net_cfg *cfg, struct err *err)
{
    const char *option = o->member ? "--member" : o->jobs ? "--jobs" : o->combine ? "--combine" : NULL;

    if (option && !cfg->members)
        return err_usage(err, "%s: is a single network, and %s is for an ensemble; leave it out, or add [ensemble] "
                         "members=5 at the end", cfg->path, option);
    if (o->member > cfg->members)
        return err_usage(err, "%s: members=%d, so there is no --member %lld; choose one from 1 to %d", cfg->path,
                         cfg->members, o->member, cfg->members);
    if (o->combine)
        cfg->combine = strcmp(o->combine, "probability") == 0 ? COMBINE_PROBABILITY : COMBINE_LOGIT;
    if (o->member) {
        cfg->seed += (uint64_t)o->member - 1;
        cfg->members = 0;
    }
    return true;
}

static bool settle_teacher(const struct train_options *o, struct net_cfg *cfg, struct err *err)
{
    settle(&cfg->teacher, o->teacher, NULL);
    if (o->teacher) {
        free(cfg->teacher_hash);
        cfg->teacher_hash = NULL;
    }
    if (!cfg->teacher)
        return !cfg->distill_given ||
               err_usage(err, "%s: distill_weight=, distill_temperature= and teacher_sha256= tell of a teacher, but "
                         "there is none; add --teacher, or remove them", cfg->path);
    return !(cfg->label_smoothing > 0) || err_usage(err, "%s: label_smoothing=%g and --teacher both soften the labels; "
                                                    "keep one", cfg->path, cfg->label_smoothing);
}

/* Another length: the schedules keep their shape. */
static void set_epochs(struct net_cfg *cfg, long long epochs)
{
    if (cfg->epochs > 0) {
        cfg->warmup = (float)((double)cfg->warmup * (double)epochs / cfg->epochs);
        for (int i = 0; i < cfg->n; i++)
            cfg->layers[i].ramp = (float)((double)cfg->layers[i].ramp * (double)epochs / cfg->epochs);
    }
    cfg->epochs = (int)epochs;
    cfg->max_batches = 0;
}

bool setup_cfg(const struct train_options *o, struct net_cfg **out, struct err *err)
{
    struct net_cfg *cfg;

    if (!cfg_read(o->cfg, &cfg, err))
        return false;
    if (o->seed >= 0) {
        cfg->seed = (uint64_t)o->seed;
        cfg->seed_given = true;
    }
    if (o->epochs > 0)
        set_epochs(cfg, o->epochs);
    if (o->precision)
        snprintf(cfg->precision, sizeof cfg->precision, "%s", o->precision);
    if (settle_view(o, cfg, err) && settle_teacher(o, cfg, err) && settle_members(o, cfg, err)) {
        *out = cfg;
        return true;
    }
    cfg_free(cfg);
    return false;
}

/* The descriptor as the cfg writes it, from here; else from the folder above the cfg's (an installed cfg/ has datasets/
 * beside it). free() it. */
static char *find_descriptor(const struct net_cfg *cfg)
{
    const char *slash = strrchr(cfg->path, '/');

    if (*cfg->dataset == '/' || file_exists(cfg->dataset))
        return mem_string(cfg->dataset);
    char *folder = slash ? mem_format("%.*s/..", (int)(slash - cfg->path), cfg->path) : mem_string("..");
    char *path = file_join(folder, cfg->dataset);
    free(folder);
    if (file_exists(path))
        return path;
    free(path);
    return mem_string(cfg->dataset);
}

static bool check_fit(const struct net_cfg *cfg, const struct dataset *data, struct err *err)
{
    if (data->count[SPLIT_TRAIN] == 0)
        return err_usage(err, "%s: data set %s has no training images; check its directory, or name another with "
                         "--data", cfg->path, data->name);
    if (cfg->c != data->c)
        return err_usage(err, "%s: channels=%d, but data set %s has images of %d; set channels=%d or choose another "
                         "dataset=", cfg->path, cfg->c, data->name, data->c, data->c);
    if (cfg->classes != data->classes)
        return err_usage(err, "%s: the last layer has %d outputs, but data set %s has %d classes; change the layer or "
                         "choose another dataset=", cfg->path, cfg->classes, data->name, data->classes);
    return true;
}

bool setup_data(const struct train_options *o, const struct net_cfg *cfg, struct dataset **out, struct err *err)
{
    if (!cfg->dataset)
        return err_usage(err, "%s: names no data set; add dataset=datasets/NAME.conf to [net]", cfg->path);
    char *descriptor = find_descriptor(cfg);
    bool ok = dataset_open(descriptor, o->data, out, err);
    free(descriptor);
    if (!ok || check_fit(cfg, *out, err))
        return ok;
    dataset_close(*out);
    *out = NULL;
    return false;
}

static struct augment make_augment(const struct net_cfg *cfg, const struct dataset *data)
{
    struct augment a = { .c = cfg->c, .h = cfg->h, .w = cfg->w, .flip = cfg->flip, .crop_pad = cfg->crop_pad,
        .random_resized_crop = cfg->random_resized_crop, .crop_area_min = cfg->crop_area_min,
        .test_resize = cfg->test_resize };

    memcpy(a.pad, data->mean, sizeof a.pad);
    return a;
}

bool setup_view(const struct net_cfg *cfg, const struct dataset *data, struct masked_view **out, struct err *err)
{
    struct augment frame = make_augment(cfg, data);
    struct view_options o = { .text = cfg->view, .data = data, .frame = &frame, .seed = cfg->seed };

    *out = NULL;
    if (!cfg->view)
        return true;
    if (!baseline_parse(cfg->baseline, &o.baseline))
        return err_usage(err, "%s: baseline=%.60s: not accepted; must be one of " BASELINE_WORDS, cfg->path,
                         cfg->baseline);
    if (strcmp(cfg->mask_order, "before") != 0 && strcmp(cfg->mask_order, "after") != 0)
        return err_usage(err, "%s: mask_order=%.60s: not accepted; must be one of " MASK_ORDER_WORDS, cfg->path,
                         cfg->mask_order);
    o.order = strcmp(cfg->mask_order, "before") == 0 ? MASK_BEFORE : MASK_AFTER;
    return view_open(&o, out, err);
}

static bool open_loader(const struct setup *s, enum split split, struct loader **out, struct err *err)
{
    const struct train_options *o = s->options;
    const struct exchange *ranks = s->whole ? NULL : together_exchange();
    struct loader_options options = { .dataset = s->data, .split = split, .augment = make_augment(s->cfg, s->data),
        .training = split == SPLIT_TRAIN, .seed = s->cfg->seed, .batch = s->cfg->batch,
        .threads = s->data->packed ? 1 : (int)o->threads, .ahead = BATCHES_AHEAD,
        .slice = ranks ? ranks->number : 0, .slices = ranks ? ranks->ranks : 0,
        .limit = split == SPLIT_TRAIN ? o->limit_train : o->limit_test, .view = s->view,
        .without = split == SPLIT_TRAIN ? o->without : 0, .parts = split == SPLIT_TRAIN ? o->parts : 0 };

    return loader_open(&options, out, err);
}

struct model_options setup_model_options(const struct train_options *o, const struct net_cfg *cfg)
{
    return (struct model_options){ .threads = (int)o->threads, .training = true, .exchange = together_exchange(),
        .precision = strcmp(cfg->precision, "bf16") == 0 ? PRECISION_BF16 : PRECISION_F32 };
}

int64_t setup_loader_bytes(const struct net_cfg *cfg)
{
    int64_t image = (int64_t)cfg->c * cfg->h * cfg->w * (int64_t)sizeof(float);

    return 2 * (BATCHES_AHEAD + 1) * cfg->batch * image;
}

static bool load_weights(struct setup *s, struct err *err)
{
    const char *path = s->options->weights;
    float *values = mem_alloc((size_t)s->cfg->stored, sizeof *values);
    uint64_t seen;
    bool ok = weights_read(path, s->cfg, values, &seen, err) && file_sha256(path, s->weights_hash, err);

    if (ok)
        model_set_parameters(s->model, values);
    free(values);
    return ok;
}

static bool open_model(struct setup *s, struct err *err)
{
    struct model_options options = setup_model_options(s->options, s->cfg);

    if (!model_open(s->cfg, &options, &s->model, err))
        return false;
    model_initialize(s->model, s->cfg->seed);
    s->fine_tuning = s->options->weights != NULL;
    return !s->fine_tuning || load_weights(s, err);
}

static bool open_test(struct setup *s, struct err *err)
{
    if (!setup_data(s->options, s->cfg, &s->data, err) || !setup_view(s->cfg, s->data, &s->view, err) ||
        (s->data->count[SPLIT_TEST] > 0 && !open_loader(s, SPLIT_TEST, &s->test, err)))
        return false;
    s->images[SPLIT_TEST] = s->test ? loader_images(s->test) : 0;
    return true;
}

/* Beside the student, whose threads are idle while the teacher answers. */
static bool open_teacher(struct setup *s, struct err *err)
{
    if (!s->cfg->teacher)
        return true;
    if (!teacher_open(s->cfg, s->model, (int)s->options->threads, &s->teacher, err) ||
        !teacher_check_data(s->teacher, s->cfg, s->data->name, s->data_hash, err))
        return false;
    free(s->cfg->teacher_hash);
    s->cfg->teacher_hash = mem_string(s->teacher->hash);
    return true;
}

static bool open_data(struct setup *s, struct err *err)
{
    if (!open_test(s, err) || !s->data->hash(s->data, s->data_hash, err) ||
        !open_loader(s, SPLIT_TRAIN, &s->train, err))
        return false;
    s->images[SPLIT_TRAIN] = loader_images(s->train);
    return true;
}

static bool check_length(const struct setup *s, struct err *err)
{
    const struct net_cfg *cfg = s->cfg;
    int batches = loader_batches(s->train);
    struct schedule schedule = schedule_new(cfg, batches);

    if (!together_check_batch(cfg, s->images[SPLIT_TRAIN], err))
        return false;
    if (schedule.total == 0)
        return err_usage(err, "%s: the training has no length; set epochs= or max_batches= in [net], or give --epochs",
                         cfg->path);
    if (cfg->warmup > 0 && !(cfg->warmup * (float)batches < (float)schedule.total))
        return err_usage(err, "%s: warmup=%g epochs is not shorter than the training of %lld batches; lower it, or "
                         "train longer", cfg->path, cfg->warmup, (long long)schedule.total);
    return true;
}

bool setup_open_test(const struct train_options *o, struct setup *s, struct err *err)
{
    *s = (struct setup){ .options = o, .whole = true };
    if (setup_cfg(o, &s->cfg, err) && open_test(s, err))
        return true;
    setup_close(s);
    return false;
}

bool setup_open(const struct train_options *o, struct setup *s, struct err *err)
{
    *s = (struct setup){ .options = o };
    if (setup_cfg(o, &s->cfg, err) && open_data(s, err) && check_length(s, err) && open_model(s, err) &&
        open_teacher(s, err))
        return true;
    setup_close(s);
    return false;
}

void setup_close(struct setup *s)
{
    teacher_close(s->teacher);
    model_close(s->model);
    loader_close(s->test);
    loader_close(s->train);
    view_close(s->view);
    dataset_close(s->data);
    cfg_free(s->cfg);
    *s = (struct setup){ 0 };
}

char *setup_identity(const struct setup *s)
{
    const struct train_options *o = s->options;
    char *cfg = cfg_resolved_text(s->cfg), *view = s->view ? mem_format("masks=%s\n", view_text(s->view)) : NULL;
    char *lines = s->teacher ? teacher_identity(s->teacher) : NULL;
    char *teacher = lines ? mem_format("teacher=%s\n%s", s->teacher->path, lines) : NULL;
    char *without = o->parts ? mem_format("without=%d/%d\n", o->without + 1, o->parts) : NULL;
    char *text = mem_format("data_sha256=%s\nweights_sha256=%s\nlimit_train=%lld\nlimit_test=%lld\nbatches=%lld\n"
                            "tensorboard=%d\n%s%s%s%s\n", s->data_hash, s->fine_tuning ? s->weights_hash : "none",
                            o->limit_train, o->limit_test, o->batches, o->tensorboard, without ? without : "",
                            view ? view : "", teacher ? teacher : "", cfg);

    free(teacher);
    free(lines);
    free(without);
    free(view);
    free(cfg);
    return text;
}

char *setup_host(const struct setup *s)
{
    const struct exchange *ranks = together_exchange();
    char *number = ranks ? mem_format("ranks=%d\n", ranks->ranks) : mem_string("");
    char *text = mem_format("threads=%lld\n%sisa=%s\nengine=%s\n", s->options->threads, number, model_isa(),
                            model_engine_version());

    free(number);
    return text;
}
