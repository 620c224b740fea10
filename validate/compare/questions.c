/* What a comparison asks, in words, and how the values of each question are put together. */
#include "validate/compare/measures.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "validate/checks/text.h"

/* %s in `asks`: first the level that the policy gives (fraction or threshold), then the width of the ring. */
struct question {
    const char *kind;
    bool counted, median;
    const char *question, *measure, *of, *asks;
};

static const struct question questions[] = {
    { "sis.size", false, true, "Does it need more of a picture?", "of the picture, median change", "pairs",
      "For each picture that both models answer right, we take the smallest part found that makes a model %s sure, "
      "once "
      "for each model, and subtract." },
    { "border.share", false, false, "Does the border count less?", "times the area, mean change", "pairs",
      "Of the deciding pixels of each picture, at %s sure, we count those in the ring %s wide along the edge and "
      "divide "
      "their share by the ring\u2019s share of the area: 1 is an even spread." },
    { "subset.sufficiency", true, false, "Does a small part do less well?", "of the answers that stay", "pairs",
      "We show each model only its own best %s of the pixels of pictures that both answer right, and count the answers "
      "that stay." },
    { "mask.only", true, false, "Does the shape of the part give less away?", "of the answers that stay", "pairs",
      "We paint the best %s of the pixels of each model white, so that only their places are left, and count the right "
      "answers that stay." },
    { "shuffled.values", true, false, "Do the same colours in other places do less well?", "of the answers that stay",
      "pairs",
      "We deal the colours of the best %s of the pixels of each model out anew among them, and count the right answers "
      "that stay." },
    { "dilation", true, false, "Does the answer hold better when more is shown?", "of the answers that are lost",
      "pairs",
      "We add to the deciding pixels of each model, at %s sure, their eight neighbours, and count the right answers "
      "that "
      "are lost." },
    { "rubbish", false, false, "Is it less sure of pictures without an object?", "of the certainty, mean change",
      "pictures",
      "From each picture of the sample we make one of noise, one of its own pixels shuffled and one of its mean "
      "colour, "
      "and take how sure each model is of whatever it answers, on average." },
    { "accuracy", true, false, "Is it more often right?", "of the pictures", "pictures",
      "We count the right answers of both models on the same whole pictures." },
    { "calibration", false, false, "Is its certainty more honest?", "Brier score, mean change", "pictures",
      "For each picture we add, over all classes, the squared distance of the model\u2019s certainty from the truth "
      "(Brier score: 0 when it is sure and right, 2 when it is sure and wrong), and subtract." },
};
enum { N_QUESTIONS = sizeof questions / sizeof *questions };

static const struct question *find(const char *kind)
{
    int i = 0;

    while (i < N_QUESTIONS - 1 && strcmp(questions[i].kind, kind) != 0)
        i++;
    return &questions[i];
}

bool measure_is_counted(const char *kind)
{
    return find(kind)->counted;
}

bool measure_is_median(const char *kind)
{
    return find(kind)->median;
}

/* `pattern` with its %s, in their order, replaced by one or two words. */
static char *fill_in(const char *pattern, const char *first, const char *second)
{
    const char *words[] = { first, second }, *gap;
    char *text = mem_string("");

    for (int i = 0; i < 2 && (gap = strstr(pattern, "%s")); i++) {
        char *longer = mem_format("%s%.*s%s", text, (int)(gap - pattern), pattern, words[i]);
        free(text);
        text = longer;
        pattern = gap + 2;
    }
    char *whole = mem_format("%s%s", text, pattern);
    free(text);
    return whole;
}

void measure_words(const struct policy_check *p, struct check *out)
{
    const struct question *q = find(p->type->kind);
    char *level = text_level(p->type->takes & TAKES_THRESHOLD ? p->threshold : p->fraction);
    char *width = p->width == 1 ? mem_string("one pixel") : mem_format("%d pixels", p->width);

    out->kind = mem_string(p->type->kind);
    out->question = mem_string(q->question);
    out->measure = mem_string(q->measure);
    out->of = q->of;
    out->asks = fill_in(q->asks, level, width);
    out->unit = p->type->unit == UNIT_SHARE ? UNIT_POINTS : UNIT_NUMBER;
    free(width);
    free(level);
}
