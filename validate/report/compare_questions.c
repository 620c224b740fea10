/* What is said of each kind of question that two models can be compared by. */
#include "validate/report/compare_words.h"

#include <stddef.h>
#include <string.h>

static const struct question_words questions[] = {
    { .kind = "sis.size",
      .ways = "It rose in {r} pairs and fell in {f}.",
      .found =
          "On the typical (median) picture {A} needs {a} of the pixels and {B} needs {b}; the median change is {c}",
      .better = "decides on larger parts",
      .worse = "decides on smaller parts",
      .open = "the size of its parts",
      .heading = { "It needs more of a picture", "It needs no less of a picture", "It needs less of a picture",
                   "How much it needs: undecided" },
      .means_better =
          "{B} rests on more of the picture than {A} before it is as sure, beside what hides the rest here. That a "
          "person would see the object in it is not said.",
      .means_worse =
          "{B} is as sure as {A} when it is shown less of the picture: it overinterprets more, unless it has "
          "merely learnt to see past hidden pixels, as input dropout teaches.",
      .act =
          "Ask again with another baseline in the policy (\"black\"): where that turns the answer round, it is about "
          "what hides pixels. Look at the pictures whose parts shrank most." },
    { .kind = "border.share",
      .ways = "It rose in {r} pairs and fell in {f}.",
      .found = "The border ring holds {a} its share of the deciding pixels of {A} and {b} of those of {B}; the mean "
               "change is {c}",
      .better = "decides less by the border",
      .worse = "decides more by the border",
      .open = "the border's weight",
      .heading = { "The border decides less", "The border decides no more", "The border decides more",
                   "The border: undecided" },
      .means_better = "{B} relies less than {A} on pixels that rarely show the object.",
      .means_worse = "{B} relies more than {A} on pixels that rarely show the object.",
      .act = "Ask validate dataset whether the border tells the label, and remove what tells it." },
    { .kind = "subset.sufficiency",
      .ways = "{r} answers stay with {B} alone, {f} with {A} alone.",
      .found = "Of the answers of {A} {a} stay and of those of {B} {b} stay: {c}",
      .better = "keeps fewer answers on a small part",
      .worse = "keeps more answers on a small part",
      .open = "what a small part does",
      .heading = { "A small part does less well", "A small part does no better", "A small part does better",
                   "A small part: undecided" },
      .means_better = "{B} is less content with scattered pixels than {A}.",
      .means_worse = "{B} is more content with scattered pixels than {A}.",
      .act = "Train with input dropout, and compare again." },
    { .kind = "mask.only",
      .ways = "{r} answers stay with {B} alone, {f} with {A} alone.",
      .found = "With the best pixels painted white, of the answers of {A} {a} stay and of those of {B} {b} stay: {c}",
      .better = "answers less by the places of pixels alone",
      .worse = "answers more by the places of pixels alone",
      .open = "the weight of mere places",
      .heading = { "Places alone say less", "Places alone say no more", "Places alone say more",
                   "Places alone: undecided" },
      .means_better = "Where pixels are hidden tells {B} less of the answer than {A}.",
      .means_worse =
          "Where pixels are hidden tells {B} more of the answer than {A}: part of what it reads is the mask.",
      .act = "Train with pixels hidden at random, so that hidden pixels become ordinary." },
    { .kind = "shuffled.values",
      .ways = "{r} answers stay with {B} alone, {f} with {A} alone.",
      .found = "With their colours mixed up, of the answers of {A} {a} stay and of those of {B} {b} stay: {c}",
      .better = "keeps fewer answers when colours are mixed up",
      .worse = "keeps more answers when colours are mixed up",
      .open = "what mixed-up colours do",
      .heading = { "Mixed-up colours do less well", "Mixed-up colours do no better", "Mixed-up colours do better",
                   "Mixed-up colours: undecided" },
      .means_better = "{B} needs the colours in their places more than {A}.",
      .means_worse = "{B} is more content than {A} with the right colours in any place.",
      .act = "Train with changes of colour, and compare again." },
    { .kind = "dilation",
      .ways = "{r} answers are lost with {B} alone, {f} with {A} alone.",
      .found =
          "With the neighbours of the deciding pixels shown too, {a} of the answers of {A} are lost and {b} of those "
          "of {B}: {c}",
      .better = "loses fewer answers when more is shown",
      .worse = "loses more answers when more is shown",
      .open = "what more of the picture does",
      .heading = { "More to see, less is lost", "More to see, no more is lost", "More to see, more is lost",
                   "More to see: undecided" },
      .means_better = "What decides for {B} holds better beside its surroundings than what decides for {A}.",
      .means_worse = "What decides for {B} is the pattern of single pixels, more than for {A}.",
      .act = "Train with input dropout in blocks, and compare again." },
    { .kind = "rubbish",
      .ways = "It rose in {r} pairs and fell in {f}.",
      .found = "On pictures of nothing {A} is {a} sure on the mean and {B} is {b} sure: {c}",
      .better = "is less sure of pictures of nothing",
      .worse = "is surer of pictures of nothing",
      .open = "how sure it is of nothing",
      .heading = { "Less sure of nothing", "No surer of nothing", "Surer of nothing", "Sure of nothing: undecided" },
      .means_better = "{B} tells pictures without an object from pictures with one better than {A}.",
      .means_worse = "{B} gives surer answers than {A} where there is nothing to answer.",
      .act = "Do not read its probabilities as evidence without a check of what it is fed." },
    { .kind = "accuracy",
      .ways = "{r} pictures are right with {B} alone, {f} with {A} alone.",
      .found = "{A} is right on {a} of the pictures and {B} on {b}: {c}",
      .better = "is more often right",
      .worse = "is less often right",
      .open = "how often it is right",
      .heading = { "More often right", "Right no less often", "Less often right", "How often right: undecided" },
      .means_better = "{B} is the more accurate model.",
      .means_worse = "{B} is the less accurate model.",
      .act = "Find out on which classes it lost its answers, or fix a wider margin before the next run." },
    { .kind = "calibration",
      .ways = "It rose in {r} pairs and fell in {f}.",
      .found =
          "Brier's score (0: sure and right, 2: sure and wrong) is {a} for {A} and {b} for {B}: a mean change of {c}",
      .better = "says better how sure it may be",
      .worse = "says worse how sure it may be",
      .open = "how well it knows its errors",
      .heading = { "It says better how sure it may be", "It says no worse how sure it may be",
                   "It says worse how sure it may be", "How sure it may be: undecided" },
      .means_better = "The probabilities of {B} fit what is right better than those of {A}.",
      .means_worse = "The probabilities of {B} fit what is right less well than those of {A}.",
      .act = "Calibrate it on pictures that it was not trained on." },
};

static const struct question_words any = {
    .kind = "",
    .ways = "It rose in {r} pairs and fell in {f}.",
    .found = "{a} for {A} and {b} for {B}: a change of {c}",
    .better = "does better",
    .worse = "does worse",
    .open = "another question",
    .heading = { "It does better", "It does no worse", "It does worse", "Undecided" },
    .means_better = "{B} does better here than {A}.",
    .means_worse = "{B} does worse here than {A}.",
    .act = "Look at what changed between the two models.",
};

const struct question_words *compare_question(const char *kind)
{
    for (size_t i = 0; kind && i < sizeof questions / sizeof *questions; i++)
        if (strcmp(questions[i].kind, kind) == 0)
            return &questions[i];
    return &any;
}
